"""What uv is told by environment variables, read over what pip is configured with, where the user asks for it.

Variables alone count: neither `uv.toml` nor `[tool.uv]` in `pyproject.toml` is read, since those belong to projects
whose lock files and sources mean more than indexes. What a variable of uv's does not say stays as pip has it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit

from packaging.utils import InvalidName, canonicalize_name

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.controls import ALL, Controls, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.pipfiles import PipPlaces, PipSetting
from pytest_wheeltag.system.urls import Url, parse_location

_TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})
_FALSE = frozenset({"n", "no", "f", "false", "off", "0"})
_STRATEGIES = {
    "first-index": Strategy.FIRST,
    # Of pip's kind both: all indexes count, they differ in how the version is chosen.
    "unsafe-first-match": Strategy.MERGE,
    "unsafe-best-match": Strategy.MERGE,
}
_PRERELEASES = {"allow": True, "if-necessary": False, "if-necessary-or-explicit": False}
_PROVIDERS = ("disabled", "subprocess")
_INDEX_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_ISO_DURATION = re.compile(
    r"P((?P<weeks>\d+)W)?((?P<days>\d+)D)?(T((?P<hours>\d+)H)?((?P<minutes>\d+)M)?((?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_FRIENDLY_DURATION = re.compile(
    r"((?P<weeks>\d+) ?w(eeks?|k|ks)?,? ?)?((?P<days>\d+) ?d(ays?)?,? ?)?((?P<hours>\d+) ?h(ours?|rs?)?,? ?)?"
    r"((?P<minutes>\d+) ?m(inutes?|ins?)?,? ?)?((?P<seconds>\d+) ?s(econds?|ecs?)?)?( ?ago)?",
    re.ASCII,
)

Found = tuple[PipSetting, ...]


@dataclass(frozen=True)
class UvSettings:
    """What came of uv's variables: a configuration of pip's form, and what pip has no setting for.

    ``strategy`` is None where no variable speaks of it.
    """

    configuration: PipConfiguration = field(repr=False)
    strategy: Strategy | None = None
    is_offline: bool = False


def overlay_uv(configuration: PipConfiguration, places: PipPlaces, now: datetime) -> UvSettings:
    """Put uv's environment variables over what pip is configured with, setting by setting.

    ``now`` counts where a date is given as so long ago. Raises ``UsageError``, which names the variable, for a
    value that uv would refuse, and for one that asks for what we do not do.
    """
    reader = _Reader(places, now)
    changes: dict[str, object] = {}
    origins = dict(configuration.origins)
    for row in _ROWS:
        found = _find(places.environ, row.variables)
        if found:
            changes[row.field] = row.parse(reader, found)
            origins[row.setting] = found[0].origin
    told = {name: found for name, each in _CONTROLS.items() if (found := _find(places.environ, each))}
    origins |= {name: found[0].origin for name, found in told.items()}
    changes["controls"] = _control(configuration.controls, told)
    merged = replace(configuration, **changes, origins=tuple(sorted(origins.items())))  # type: ignore[arg-type]  # by field
    strategy = _find(places.environ, ("UV_INDEX_STRATEGY",))
    offline = _find(places.environ, ("UV_OFFLINE",))
    return UvSettings(
        merged,
        _STRATEGIES[_word(strategy[0], tuple(_STRATEGIES))] if strategy else None,
        bool(offline) and _flag(offline[0]),
    )


@dataclass(frozen=True)
class _Reader:
    places: PipPlaces
    now: datetime

    def index(self, found: Found) -> Url:
        """Of two variables the newer one counts."""
        return self._index(found[0], found[0].text)

    def indexes(self, found: Found) -> tuple[Url, ...]:
        return tuple(self._index(setting, word) for setting in found for word in setting.text.split())

    def links(self, found: Found) -> tuple[Url, ...]:
        words = [word.strip() for word in found[0].text.split(",")]
        return tuple(self._location(found[0], word) for word in words if word)

    def paths(self, found: Found) -> tuple[str, ...]:
        return tuple(str(self.places.folder / word) for word in found[0].text.split())

    def path(self, found: Found) -> str:
        return str(self.places.folder / found[0].text)

    def moment(self, found: Found) -> datetime:
        text = found[0].text.strip()
        try:
            if _TIME.fullmatch(text):
                return datetime.fromisoformat(text).astimezone(UTC)
            if _DATE.fullmatch(text):
                # The end of that day where we are.
                return datetime.combine(datetime.fromisoformat(text), time.max).astimezone(UTC)
            return self.now - _duration(text)
        except (ValueError, OverflowError):
            expected = "an RFC 3339 time, a date, or a duration without months like `7 days` or `P7D`"
            raise _mistake(found[0], expected) from None

    def flag(self, found: Found) -> bool:
        return _flag(found[0])

    def hash_rule(self, found: Found) -> HashRule:
        return HashRule.where(is_required=_flag(found[0]))

    def no_flag(self, found: Found) -> bool:
        return not _flag(found[0])

    def provider(self, found: Found) -> str:
        return _word(found[0], _PROVIDERS)

    def hosts(self, found: Found) -> tuple[str, ...]:
        return tuple(_host(found[0], word) for word in found[0].text.split())

    def seconds(self, found: Found) -> float:
        return float(self.count(found))

    def count(self, found: Found) -> int:
        text = found[0].text.strip()
        if not (text.isascii() and text.isdecimal()):
            raise _mistake(found[0], "a whole number from 0 upwards")
        return int(text)

    def _index(self, setting: PipSetting, word: str) -> Url:
        name, sign, address = word.partition("=")
        if not sign or ":" in name:
            return self._location(setting, word)
        if not _INDEX_NAME.fullmatch(name):
            raise _mistake(setting, "an index whose name holds letters, digits, `-`, `_` and `.` alone")
        return self._with_login(name, self._location(setting, address))

    def _with_login(self, name: str, url: Url) -> Url:
        stem = f"UV_INDEX_{re.sub('[^A-Z0-9]', '_', name.upper())}"
        username, password = (self.places.environ.get(f"{stem}_{part}") for part in ("USERNAME", "PASSWORD"))
        if username is None and password is None:
            return url
        return replace(url, username=username or "", password=password)

    def _location(self, setting: PipSetting, word: str) -> Url:
        if not re.search(r"[:/\\]", word):
            raise _mistake(
                setting, "an address or a path with a slash; names of `uv.toml` are not known here"
            )
        return parse_location(word, home=self.places.home, folder=self.places.folder, setting=setting.origin)


@dataclass(frozen=True)
class _Row:
    """A field of ``PipConfiguration`` with pip's name for it, and the variables that say it, the first first."""

    field: str
    setting: str
    variables: tuple[str, ...]
    parse: Callable[[_Reader, Found], object]


_ROWS = (
    _Row("index_url", "index-url", ("UV_DEFAULT_INDEX", "UV_INDEX_URL"), _Reader.index),
    _Row("extra_index_urls", "extra-index-url", ("UV_INDEX", "UV_EXTRA_INDEX_URL"), _Reader.indexes),
    _Row("find_links", "find-links", ("UV_FIND_LINKS",), _Reader.links),
    _Row("constraints", "constraint", ("UV_CONSTRAINT",), _Reader.paths),
    _Row("build_constraints", "build-constraint", ("UV_BUILD_CONSTRAINT",), _Reader.paths),
    _Row("build_isolation", "no-build-isolation", ("UV_NO_BUILD_ISOLATION",), _Reader.no_flag),
    _Row("hash_rule", "require-hashes", ("UV_REQUIRE_HASHES",), _Reader.hash_rule),
    _Row("uploaded_prior_to", "uploaded-prior-to", ("UV_EXCLUDE_NEWER",), _Reader.moment),
    _Row("trusted_hosts", "trusted-host", ("UV_INSECURE_HOST",), _Reader.hosts),
    _Row("client_cert", "client-cert", ("SSL_CLIENT_CERT",), _Reader.path),
    _Row(
        "timeout_seconds",
        "timeout",
        ("UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT"),
        _Reader.seconds,
    ),
    _Row("retries", "retries", ("UV_HTTP_RETRIES",), _Reader.count),
    _Row("keyring_provider", "keyring-provider", ("UV_KEYRING_PROVIDER",), _Reader.provider),
)


# Pip's names of the settings that are controls, with the variables that say them.
_CONTROLS = {
    "no-binary": ("UV_NO_BINARY", "UV_NO_BINARY_PACKAGE"),
    "only-binary": ("UV_NO_BUILD", "UV_NO_BUILD_PACKAGE"),
    "pre": ("UV_PRERELEASE",),
}


def _find(environ: Mapping[str, str], variables: tuple[str, ...]) -> Found:
    # An empty value stands for none, as with pip.
    return tuple(PipSetting(environ[name], name) for name in variables if environ.get(name, "").strip())


def _control(known: Controls, told: Mapping[str, Found]) -> Controls:
    """Put what uv is told over pip's controls: one of its lists takes the place of pip's, and names from the other."""
    wheels, early = known.wheels_only, known.prereleases
    included, excluded = (frozenset(_packages(told.get(name, ()))) for name in ("only-binary", "no-binary"))
    wheels = NameControl(
        frozenset() if "only-binary" in told else wheels.included,
        frozenset() if "no-binary" in told else wheels.excluded,
    ).then(NameControl(included, excluded))
    if "pre" in told:
        allows = _PRERELEASES[_word(told["pre"][0], tuple(_PRERELEASES))]
        early = NameControl.of([ALL] if allows else [])
    return replace(known, wheels_only=wheels, prereleases=early)


def _packages(found: Found) -> Iterator[str]:
    for setting in found:
        if setting.origin.endswith("_PACKAGE"):
            yield from (_name(setting, word) for word in setting.text.split())
        elif _flag(setting):
            yield ALL


def _flag(setting: PipSetting) -> bool:
    text = setting.text.strip().lower()
    if text not in _TRUE | _FALSE:
        raise _mistake(setting, "yes or no")
    return text in _TRUE


def _word(setting: PipSetting, allowed: tuple[str, ...]) -> str:
    text = setting.text.strip()
    if text not in allowed:
        raise _mistake(setting, "one of " + ", ".join(f"`{each}`" for each in allowed))
    return text


def _name(setting: PipSetting, word: str) -> str:
    try:
        return canonicalize_name(word, validate=True)
    except InvalidName:
        raise _mistake(setting, "names of packages") from None


def _host(setting: PipSetting, word: str) -> str:
    try:
        host = urlsplit(word).netloc if "://" in word else word
        port = urlsplit(f"//{host}").port
    except ValueError:
        host, port = "", None
    if not host or "@" in host or (":" in host and port is None and not host.endswith("]")):
        raise _mistake(setting, "hosts, hosts with ports or URLs")
    return host


def _duration(text: str) -> timedelta:
    """Give a time span; raises ``ValueError`` for what is none, ``OverflowError`` for one beyond all calendars."""
    match = _ISO_DURATION.fullmatch(text) or _FRIENDLY_DURATION.fullmatch(text)
    parts = {unit: int(count) for unit, count in match.groupdict().items() if count} if match else {}
    if not parts:
        raise ValueError(text)
    return timedelta(**parts)


def _mistake(setting: PipSetting, expected: str) -> UsageError:
    return UsageError(setting.origin, shown_address(setting.text), expected)
