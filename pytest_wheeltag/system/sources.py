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

from pytest_wheeltag.core.requirements import Demand, parse_constraints_file
from pytest_wheeltag.errors import UnsafeFileError, UsageError
from pytest_wheeltag.system.cache import prepare_cache
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.index import IndexSources, SimpleIndex, Strategy, index_sources
from pytest_wheeltag.system.pages import PagePolicy
from pytest_wheeltag.system.pipconf import PipConfiguration, default_index, read_pip_configuration
from pytest_wheeltag.system.pipfiles import PipPlaces
from pytest_wheeltag.system.run import RunSnapshot, sweep_runs
from pytest_wheeltag.system.transport import LateTransport, Transport
from pytest_wheeltag.system.urls import Url, parse_location, parse_url

_CONSTRAINTS_BYTES = 16 << 20
# `fromisoformat` takes weeks and dates without dashes too, which are not in RFC 3339.
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?P<time>[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?", re.ASCII
)


@dataclass(frozen=True)
class SourceOptions:
    """What the user asked for; what is None or empty is as pip is configured.

    ``find_links`` are addresses or absolute paths; ``exclude_newer`` is in UTC; ``is_alone`` leaves out the sources that pip is configured with.
    """

    cache: Path
    # Not shown: they may hold passwords, and pytest shows what a failing function was called with.
    index_url: str | None = field(default=None, repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = field(default=(), repr=False)
    no_index: bool = False
    strategy: Strategy = Strategy.MERGE
    is_offline: bool = False
    exclude_newer: datetime | None = None
    is_alone: bool = False
    page_policy: PagePolicy = field(default_factory=PagePolicy)


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

    def read_constraints(self) -> tuple[Demand, ...]:
        """Read the constraints that pip is configured with; raises ``UsageError`` for a file that cannot be used."""
        constraints: list[Demand] = []
        for text in self.configuration.constraints:
            try:
                content = read_regular(Path(text).absolute(), _CONSTRAINTS_BYTES, follow=True).decode()
            except (OSError, UnsafeFileError, UnicodeDecodeError) as error:
                setting, expected = "pip's constraint", f"a text file in UTF-8 ({error})"
                raise UsageError(setting, text, expected) from error
            constraints += parse_constraints_file(content, text)
        return tuple(constraints)

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
        return (*told, *self.catalogue.warnings)

    def pip_variables(self) -> dict[str, str]:
        """Give the environment variables by which pip asks the same sources; they hold credentials."""
        configuration = self.configuration
        indexes, links = map(self._known_to_pip, (self.locations.index_urls, self.locations.find_links))
        found = {
            "PIP_INDEX_URL": indexes[0].secret if indexes else "",
            "PIP_EXTRA_INDEX_URL": " ".join(url.secret for url in indexes[1:]),
            "PIP_FIND_LINKS": " ".join(url.secret for url in links),
            "PIP_NO_INDEX": "" if indexes else "1",
            "PIP_CERT": configuration.cert or "",
            "PIP_CLIENT_CERT": configuration.client_cert or "",
            "PIP_PROXY": configuration.proxy.secret if configuration.proxy else "",
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
    that is none, and where pip's configuration cannot be read.
    """
    cache = prepare_cache(options.cache)
    places = pip_places(environ)
    configuration = _override(read_pip_configuration(places, datetime.now(UTC)), options, places)
    locations = replace(
        index_sources(configuration, partial(default_index, cache)),
        strategy=options.strategy,
        policy=options.page_policy,
    )
    snapshot = RunSnapshot(cache, run_id) if run_id else None
    if run_id:
        sweep_runs(cache)
    access = IndexAccess(
        LateTransport(partial(_open_transport, configuration, places)), cache, snapshot, options.is_offline
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


def _override(configuration: PipConfiguration, options: SourceOptions, places: PipPlaces) -> PipConfiguration:
    """Put what the user asked for over what pip is configured with, setting by setting, as pip's options do."""

    def location(text: str) -> Url:
        return parse_location(text, home=places.home, folder=places.folder, setting="find-links")

    if options.is_alone:
        configuration = replace(
            configuration, extra_index_urls=(), find_links=(), no_index=False, constraints=()
        )
    index_url = parse_url(options.index_url, setting="index-url") if options.index_url else None
    is_of_test = options.is_alone and index_url is not None and index_url.is_local
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
        uploaded_prior_to=None if is_of_test else limit,
    )


def _open_transport(configuration: PipConfiguration, places: PipPlaces) -> Transport:
    # Late: urllib3 and certificates are dear, and the first request may never come.
    from pytest_wheeltag.system.pooled import open_transport  # noqa: PLC0415

    urls = (configuration.index_url, *configuration.extra_index_urls, *configuration.find_links)
    user_agent = f"pytest-wheeltag/{version('pytest-wheeltag')}"
    return open_transport(configuration, filter(None, urls), places, user_agent=user_agent)
