"""What pip is configured with, read as pip reads it without running pip."""

import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.controls import ALL, Controls, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.requirements import ConfigSettings, parse_config_setting
from pytest_wheeltag.errors import UnsafeFileError, UsageError
from pytest_wheeltag.system.files import publish_text, read_regular
from pytest_wheeltag.system.pipfiles import PipPlaces, PipSetting, read_settings
from pytest_wheeltag.system.urls import Url, parse_location, parse_url

_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})
_PROVIDERS = ("auto", "disabled", "import", "subprocess")
_STRATEGIES = ("only-if-needed", "eager")
_DAYS_AGO = re.compile(r"P(\d+)D", re.ASCII)
_ADDRESS_BYTES = 1000


@dataclass(frozen=True)
class PipConfiguration:
    """pip's settings that decide which file is taken, how it is built and how indexes are asked; times in seconds.

    ``constraints`` and ``build_constraints`` are paths or addresses as written; ``config_settings`` are pairs, a
    name with several values comes several times; ``no_input`` forbids to ask a person, ``no_proxy_env`` to believe
    the environment on proxies and bundles; ``origins`` pairs each setting that is not the default with where it
    came from.
    """

    index_url: Url | None = None
    extra_index_urls: tuple[Url, ...] = ()
    find_links: tuple[Url, ...] = ()
    no_index: bool = False
    constraints: tuple[str, ...] = field(default=(), repr=False)
    build_constraints: tuple[str, ...] = field(default=(), repr=False)
    # A backend may be given secrets.
    config_settings: ConfigSettings = field(default=(), repr=False)
    build_isolation: bool = True
    hash_rule: HashRule = HashRule.IF_GIVEN
    upgrade_strategy: str = "only-if-needed"
    controls: Controls = field(default_factory=Controls)
    uploaded_prior_to: datetime | None = None
    trusted_hosts: tuple[str, ...] = ()
    proxy: Url | None = None
    no_proxy_env: bool = False
    cert: str | None = None
    client_cert: str | None = None
    timeout_seconds: float = 15.0
    retries: int = 5
    keyring_provider: str = "auto"
    no_input: bool = False
    origins: tuple[tuple[str, str], ...] = ()


def read_pip_configuration(places: PipPlaces, now: datetime) -> PipConfiguration:
    """Read pip's configuration files and environment variables.

    ``now`` counts where a date is given as so many days ago. Raises ``UsageError``, which names the file or
    variable, where pip would stop as well.
    """
    layers = read_settings(places)
    settings = {name: setting for layer in layers for name, setting in layer.items()}
    # The older spelling is the same option of pip's.
    if "pypi-url" in settings:
        settings.setdefault("index-url", settings["pypi-url"])
    reader = _Reader(settings, places)
    return PipConfiguration(
        index_url=reader.location("index-url"),
        extra_index_urls=reader.locations("extra-index-url"),
        find_links=reader.locations("find-links"),
        no_index=reader.flag("no-index"),
        constraints=tuple(reader.words("constraint")),
        build_constraints=tuple(reader.words("build-constraint")),
        config_settings=_config_settings(layers),
        # pip takes the value as that of isolation itself: `no-build-isolation = false` turns it off.
        build_isolation=reader.flag("no-build-isolation", default="yes"),
        hash_rule=HashRule.where(is_required=reader.flag("require-hashes")),
        upgrade_strategy=reader.choice("upgrade-strategy", _STRATEGIES),
        controls=_read_controls(reader, layers),
        uploaded_prior_to=reader.moment("uploaded-prior-to", now),
        trusted_hosts=tuple(reader.words("trusted-host")),
        proxy=reader.proxy(),
        no_proxy_env=reader.flag("no-proxy-env"),
        cert=reader.path("cert"),
        client_cert=reader.path("client-cert"),
        timeout_seconds=reader.number("timeout", reader.number("default-timeout", 15.0)),
        retries=int(reader.number("retries", 5)),
        keyring_provider=reader.choice("keyring-provider", _PROVIDERS),
        no_input=reader.flag("no-input"),
        origins=tuple(sorted((name, setting.origin) for name, setting in settings.items())),
    )


def default_index(cache_root: Path) -> Url:
    """Give the index that counts where none is configured, as the installed distlib knows it.

    Loading distlib takes 80 ms, so its answer is kept below ``cache_root`` for the version of distlib.
    """
    kept = cache_root / "index-v1" / f"default-index-{importlib.metadata.version('distlib')}"
    try:
        url = parse_url(read_regular(kept, _ADDRESS_BYTES).decode())
        if url.scheme == "https":
            return url
    except (OSError, UnicodeDecodeError, UnsafeFileError, UsageError):
        pass  # absent or damaged: ask again, at the price of the import
    url = _ask_distlib()
    _keep(kept, str(url))
    return url


def _ask_distlib() -> Url:
    from distlib.index import DEFAULT_INDEX  # noqa: PLC0415 - it takes 80 ms

    return parse_url(urlsplit(DEFAULT_INDEX)._replace(path="/simple/").geturl())


def _keep(path: Path, text: str) -> None:
    try:
        publish_text(path, text)
    except OSError:
        return  # a read-only cache costs the import each time


@dataclass(frozen=True)
class _Reader:
    settings: Mapping[str, PipSetting]
    places: PipPlaces

    def text(self, name: str) -> str | None:
        setting = self.settings.get(name)
        return setting.text.strip() if setting else None

    def words(self, name: str) -> list[str]:
        return (self.text(name) or "").split()

    def flag(self, name: str, default: str = "no") -> bool:
        text = (self.text(name) or default).lower()
        if text not in _TRUE | _FALSE:
            raise self.error(name, "yes or no")
        return text in _TRUE

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        text = self.text(name) or allowed[0]
        if text not in allowed:
            raise self.error(name, "one of " + ", ".join(f"`{each}`" for each in allowed))
        return text

    def number(self, name: str, default: float) -> float:
        text = self.text(name)
        try:
            number = default if text is None else float(text)
        except ValueError:
            raise self.error(name, "a number") from None
        if number < 0:
            raise self.error(name, "a number from 0 upwards")
        return number

    def path(self, name: str) -> str | None:
        text = self.text(name)
        if text is None:
            return None
        expanded = f"{self.places.home}{text[1:]}" if text.startswith("~/") else text
        return str(self.places.folder / expanded)

    def location(self, name: str) -> Url | None:
        text = self.text(name)
        return None if text is None else self._parse(name, text)

    def locations(self, name: str) -> tuple[Url, ...]:
        return tuple(self._parse(name, word) for word in self.words(name))

    def moment(self, name: str, now: datetime) -> datetime | None:
        text = self.text(name)
        if text is None:
            return None
        if days := _DAYS_AGO.fullmatch(text):
            return now - timedelta(days=int(days[1]))
        try:
            # pip reads a date without an offset as local time.
            return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            raise self.error(name, "a date, a date with time, or days ago like `P3D`") from None

    def proxy(self) -> Url | None:
        text = self.text("proxy")
        if text is None:
            return None
        origin = self.settings["proxy"].origin
        return parse_url(text if "://" in text else f"http://{text}", setting=f"proxy from {origin}")

    def error(self, name: str, expected: str) -> UsageError:
        setting = self.settings[name]
        return UsageError(f"pip's {name} from {setting.origin}", shown_address(setting.text), expected)

    def _parse(self, name: str, text: str) -> Url:
        setting = f"pip's {name} from {self.settings[name].origin}"
        return parse_location(text, home=self.places.home, folder=self.places.folder, setting=setting)


def _config_settings(layers: Iterable[Mapping[str, PipSetting]]) -> ConfigSettings:
    # One for each layer, and pip adds them up: the whole text is one pair, spaces and all.
    told = (layer["config-settings"] for layer in layers if "config-settings" in layer)
    return tuple(
        parse_config_setting(each.text, f"pip's config-settings from {each.origin}") for each in told
    )


def _read_controls(reader: _Reader, layers: Iterable[Mapping[str, PipSetting]]) -> Controls:
    wheels = NameControl()
    # pip adds each layer's names to those before, and takes them away from the other option's.
    for name, setting in (item for layer in layers for item in layer.items()):
        if name == "no-binary":
            wheels = wheels.exclude([setting.text])
        elif name == "only-binary":
            wheels = wheels.include([setting.text])
    flags = (reader.flag("prefer-binary"), reader.flag("pre"))
    first, early = (NameControl.of([ALL] if flag else []) for flag in flags)
    return Controls(wheels, first, early)
