"""Where files come from: what the user asked for, over what pip is configured with, opened as one catalogue."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from functools import partial
from importlib.metadata import version
from pathlib import Path

from pytest_wheeltag.core.askedfor import FileOptions
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.cache import prepare_cache
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.index import IndexSources, SimpleIndex, Strategy, index_sources
from pytest_wheeltag.system.pages import PagePolicy
from pytest_wheeltag.system.pipconf import PipConfiguration, default_index, read_pip_configuration
from pytest_wheeltag.system.pipfiles import PipPlaces
from pytest_wheeltag.system.run import RunSnapshot, sweep_runs
from pytest_wheeltag.system.transport import LateTransport, OfflineTransport, Transport
from pytest_wheeltag.system.urls import Url, parse_location, parse_url
from pytest_wheeltag.system.uvconf import UvSettings, overlay_uv

# `fromisoformat` takes weeks and dates without dashes too, which are not in RFC 3339.
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?P<time>[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?", re.ASCII
)


@dataclass(frozen=True)
class SourceOptions:
    """What the user asked for; what is None or empty is as pip is configured.

    ``find_links`` are addresses or absolute paths; ``exclude_newer`` is in UTC; ``is_alone`` leaves out the
    sources that pip is configured with; ``reads_uv`` has uv's environment variables count before pip's settings. ``beside`` is what requirements files say of it.
    ``runs`` is the cache that holds what the run has seen of indexes, where it is another one.
    """

    cache: Path
    # Not shown: they may hold passwords, and pytest shows what a failing function was called with.
    index_url: str | None = field(default=None, repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = field(default=(), repr=False)
    no_index: bool = False
    strategy: Strategy | None = None
    is_offline: bool = False
    exclude_newer: datetime | None = None
    is_alone: bool = False
    page_policy: PagePolicy = field(default_factory=PagePolicy)
    reads_uv: bool = False
    beside: FileOptions = field(default_factory=FileOptions)
    runs: Path | None = None


@dataclass(frozen=True)
class OpenedSources:
    """The catalogue of all sources, how they are asked, and the configuration that came of all settings."""

    catalogue: SimpleIndex
    access: IndexAccess = field(repr=False)
    configuration: PipConfiguration = field(repr=False)
    locations: IndexSources = field(repr=False)

    @property
    def exclude_newer(self) -> datetime | None:
        """The moment (UTC) after which uploads do not count."""
        return self.configuration.uploaded_prior_to

    def describe(self) -> str:
        """Say in one line where files come from; no credentials."""
        listed = [f"`{url}`" for url in (*self.locations.index_urls, *self.locations.find_links)]
        until = f", uploads until {self.exclude_newer:%Y-%m-%d %H:%M} UTC" if self.exclude_newer else ""
        return f"{', '.join(listed) or 'nowhere'}{until}"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said of the sources themselves, one line each."""
        folders = [
            url for url in (*self.locations.index_urls, *self.locations.find_links) if url.scheme == "file"
        ]
        undated = "files in folders bear no upload time and count whatever their age, as with pip"
        told = (f"{undated}: `{folders[0]}`",) if self.exclude_newer and folders else ()
        isolated = "builds are isolated, although pip is configured otherwise: `no-build-isolation`"
        isolation = () if self.configuration.build_isolation else (isolated,)
        return (*told, *isolation, *self.catalogue.warnings)

    def served_at(self, urls: tuple[Url, ...]) -> "OpenedSources":
        """Give the same sources for somebody else, the indexes being served at other addresses on this machine.

        What reaching the true ones takes is nobody else's business: proxies, client certificates, keyrings.
        """
        configuration = replace(
            self.configuration,
            proxy=None,
            client_cert=None,
            keyring_provider="disabled",
            # pip caches what comes from hosts that it trusts, and http is trusted by name alone.
            trusted_hosts=tuple(dict.fromkeys(url.netloc for url in urls if url.scheme == "http")),
        )
        return replace(self, configuration=configuration, locations=replace(self.locations, index_urls=urls))

    def pip_variables(self) -> dict[str, str]:
        """Give the environment variables by which pip asks the same sources; they hold credentials."""
        configuration = self.configuration
        told = dict(configuration.origins)
        indexes, links = map(self._known_to_pip, (self.locations.index_urls, self.locations.find_links))
        found = {
            "PIP_INDEX_URL": indexes[0].secret if indexes else "",
            "PIP_EXTRA_INDEX_URL": " ".join(url.secret for url in indexes[1:]),
            "PIP_FIND_LINKS": " ".join(url.secret for url in links),
            "PIP_NO_INDEX": "" if indexes else "1",
            "PIP_CERT": configuration.cert or "",
            "PIP_CLIENT_CERT": configuration.client_cert or "",
            "PIP_PROXY": configuration.proxy.secret if configuration.proxy else "",
            "PIP_NO_PROXY_ENV": "1" if configuration.no_proxy_env else "",
            "PIP_KEYRING_PROVIDER": configuration.keyring_provider if "keyring-provider" in told else "",
            "PIP_TIMEOUT": f"{configuration.timeout_seconds:g}" if "timeout" in told else "",
            "PIP_RETRIES": str(configuration.retries) if "retries" in told else "",
            "PIP_CONSTRAINT": " ".join(str(Path(path).absolute()) for path in configuration.constraints),
            "PIP_TRUSTED_HOST": " ".join(configuration.trusted_hosts),
            "PIP_UPLOADED_PRIOR_TO": self.exclude_newer.isoformat() if self.exclude_newer else "",
        }
        return {name: value for name, value in found.items() if value}

    def _known_to_pip(self, urls: tuple[Url, ...]) -> tuple[Url, ...]:
        # pip cannot be told to stay offline: it hears of what is on this disk alone.
        return tuple(url for url in urls if not self.access.is_offline or url.scheme == "file")


def open_sources(
    options: SourceOptions, environ: Mapping[str, str], run_id: str | None = None
) -> OpenedSources:
    """Open the catalogue that the user asked for; nothing is fetched yet.

    With ``run_id`` every page is seen once per run, by all its processes. Raises ``UsageError`` for an address
    that is none, and where pip's configuration or a variable of uv's cannot be read.
    """
    cache = prepare_cache(options.cache)
    places = pip_places(environ)
    settings = _read_settings(options, places)
    configuration = _heed(_override(settings.configuration, options, places), options.beside, places)
    locations = replace(
        _locate(configuration, options, cache),
        strategy=options.strategy or settings.strategy or Strategy.MERGE,
        policy=options.page_policy,
    )
    runs = prepare_cache(options.runs or options.cache)
    snapshot = RunSnapshot(runs, run_id) if run_id else None
    if run_id:
        sweep_runs(runs)
    opening = partial(_open_transport, configuration, locations, places, reads_uv=options.reads_uv)
    is_offline = options.is_offline or (settings.is_offline and not _is_of_test(options))
    transport: Transport = LateTransport(opening)
    access = IndexAccess(
        OfflineTransport(transport) if is_offline else transport, cache, snapshot, is_offline
    )
    return OpenedSources(SimpleIndex(locations, access), access, configuration, locations)


def pip_places(environ: Mapping[str, str]) -> PipPlaces:
    """Describe this machine as pip sees it."""
    home = Path(environ.get("HOME") or Path.home()) if os.name == "posix" else Path.home()
    return PipPlaces(environ, home, Path(sys.prefix), sys.platform)


def parse_moment(text: str, *, setting: str = "--wheeltag-exclude-newer") -> datetime:
    """Parse an RFC 3339 time or a date, which stands for its end, to UTC; raises ``UsageError`` naming ``setting``."""
    try:
        match = _MOMENT.fullmatch(text.strip())
        moment = datetime.fromisoformat(match[0] if match else "")
        if match and not match["time"]:
            moment = datetime.combine(moment, time.max)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        expected = "a date like `2026-11-01` or an RFC 3339 time like `2026-11-01T12:00:00Z`"
        raise UsageError(setting, text, expected) from error


def _read_settings(options: SourceOptions, places: PipPlaces) -> UvSettings:
    now = datetime.now(UTC)
    configuration = read_pip_configuration(places, now)
    return overlay_uv(configuration, places, now) if options.reads_uv else UvSettings(configuration)


def _locate(configuration: PipConfiguration, options: SourceOptions, cache: Path) -> IndexSources:
    sources = index_sources(configuration, partial(default_index, cache))
    if not options.reads_uv:
        return sources
    # With uv the default index is the last to be asked, with pip the first.
    return replace(sources, index_urls=(*sources.index_urls[1:], *sources.index_urls[:1]))


def _is_of_test(options: SourceOptions) -> bool:
    """Whether there is one index alone, and that on this machine: what a test publishes for itself."""
    url = options.index_url if options.is_alone else None
    return url is not None and parse_url(url, setting="index-url").is_local


def _override(configuration: PipConfiguration, options: SourceOptions, places: PipPlaces) -> PipConfiguration:
    """Put what the user asked for over what pip is configured with, setting by setting, as pip's options do."""

    def location(text: str) -> Url:
        return parse_location(text, home=places.home, folder=places.folder, setting="find-links")

    if options.is_alone:
        configuration = replace(
            configuration, extra_index_urls=(), find_links=(), no_index=False, constraints=()
        )
    index_url = parse_url(options.index_url, setting="index-url") if options.index_url else None
    limit = options.exclude_newer or configuration.uploaded_prior_to
    return replace(
        configuration,
        index_url=index_url or configuration.index_url,
        extra_index_urls=tuple(
            parse_url(each, setting="extra-index-url") for each in options.extra_index_urls
        )
        or configuration.extra_index_urls,
        find_links=tuple(map(location, options.find_links)) or configuration.find_links,
        no_index=options.no_index or configuration.no_index,
        # What a test publishes on an index of its own was uploaded just now, and bears no date.
        uploaded_prior_to=None if _is_of_test(options) else limit,
    )


def _heed(configuration: PipConfiguration, beside: FileOptions, places: PipPlaces) -> PipConfiguration:
    """Add what requirements files say: an index URL there takes the place of all indexes, as with pip."""

    def location(text: str) -> Url:
        return parse_location(text, home=places.home, folder=places.folder, setting="find-links")

    extra = tuple(parse_url(each, setting="extra-index-url") for each in beside.extra_index_urls)
    index_url = parse_url(beside.index_url, setting="index-url") if beside.index_url else None
    return replace(
        configuration,
        index_url=index_url or configuration.index_url,
        extra_index_urls=extra if index_url else (*configuration.extra_index_urls, *extra),
        find_links=(*configuration.find_links, *map(location, beside.find_links)),
        trusted_hosts=(*configuration.trusted_hosts, *beside.trusted_hosts),
        no_index=beside.no_index or configuration.no_index,
    )


def _open_transport(
    configuration: PipConfiguration, locations: IndexSources, places: PipPlaces, *, reads_uv: bool
) -> Transport:
    # Late: urllib3 and certificates are dear, and the first request may never come.
    from pytest_wheeltag.system.pooled import TransportOptions, open_transport  # noqa: PLC0415

    urls = (*locations.index_urls, *locations.find_links)
    options = TransportOptions(f"pytest-wheeltag/{version('pytest-wheeltag')}", reads_uv)
    return open_transport(configuration, urls, places, options)
