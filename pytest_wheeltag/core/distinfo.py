"""What the names and files that describe an installed distribution say, parsed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from math import prod

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import InvalidTag, TooManyTagsError, parse_tag
from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.text import printable, quoted
from pytest_wheeltag.errors import WheeltagError

# No honest wheel comes near these (the largest expansion known has 60 tags); a hostile one may claim a billion.
MAX_TAG_LINES = 10_000
MAX_EXPANSION = 10_000
# The largest known have a tenth of it.
_MAX_REQUIREMENTS_CHARACTERS = 1_000_000
_MAX_LINE_CHARACTERS = 2_000

# pip renames what it is about to remove to these; what still bears such a name was left behind.
_LEFTOVER_STARTS = tuple("~-.=%")
_BUILD = re.compile(r"[0-9]{1,18}[A-Za-z0-9_.]{0,80}")
# Nearly all requirements look like this; the rest are left to packaging, which takes ten times as long.
# Possessive throughout, since a hostile line of blanks would take a backtracking pattern hours.
_SPECIFIER = r"(?:~=|==|!=|<=|>=|<|>)\s*+\d++(?:\.\d++)*+\s*+"
_PLAIN_REQUIREMENT = re.compile(
    rf"[A-Za-z0-9]++(?:[._-]++[A-Za-z0-9]++)*+\s*+(?:\[[A-Za-z0-9]++\]\s*+)?+(?:{_SPECIFIER}(?:,\s*+{_SPECIFIER})*+)?+",
    re.ASCII,
)


class DistInfoError(WheeltagError):
    """A file of a dist-info does not say what it must.

    ``where`` is the file, ``problem`` one clause on what was expected and found, fit to be printed.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.where} cannot be used, {self.problem}"


class EntryKind(StrEnum):
    """What describes a distribution in a library folder; the value is how the entry's name ends."""

    DIST_INFO = ".dist-info"
    EGG_INFO = ".egg-info"
    EGG_LINK = ".egg-link"
    EGG = ".egg"


@dataclass(frozen=True)
class LibraryEntry:
    """An entry of a library folder that describes a distribution, as its file name tells it.

    ``name`` and ``version`` are as spelled there, ``version`` empty where the name has none.
    """

    filename: str
    kind: EntryKind
    name: str
    version: str

    @cached_property
    def key(self) -> NormalizedName:
        """The normalised name, fit to be printed: what the distribution is known by in reports and item ids."""
        return canonicalize_name(printable(self.name))

    @property
    def is_leftover(self) -> bool:
        """Whether an installer that was interrupted left it behind, as pip does (``~ad-1.0.dist-info``)."""
        return self.filename.startswith(_LEFTOVER_STARTS)


def parse_library_entry(filename: str) -> LibraryEntry | None:
    """Read an entry's file name (recording installed projects), in any letter case; None for anything else."""
    lower = filename.lower()
    for kind in EntryKind:
        if lower.endswith(kind):
            stem = filename[: -len(kind)]
            name, version = _split_stem(stem, kind)
            return LibraryEntry(filename, kind, name or filename, version)
    return None


def _split_stem(stem: str, kind: EntryKind) -> tuple[str, str]:
    if kind is EntryKind.EGG_LINK:
        return stem, ""
    start = len(stem) - len(stem.lstrip("".join(_LEFTOVER_STARTS)))
    name, _, rest = stem[start:].partition("-")
    if kind is not EntryKind.DIST_INFO:
        return stem[:start] + name, rest.partition("-")[0]
    # Some old tools left the dashes of a name as they were.
    longer, _, version = stem[start:].rpartition("-")
    if "-" in rest and not is_version(rest) and is_version(version):
        name, rest = longer, version
    return stem[:start] + name, rest


def is_version(text: str) -> bool:
    """Tell whether a text, perhaps with the dashes of a version written ``_``, is a version (PEP 440)."""
    return parse_version(text) is not None


def is_same_version(one: str, other: str) -> bool:
    """Tell whether two texts are the same version, by PEP 440 where they are versions at all."""
    if one == other:
        return True
    parsed = parse_version(one)
    return parsed is not None and parsed == parse_version(other)


def parse_version(text: str) -> Version | None:
    """Parse a version (PEP 440), perhaps with its dashes written ``_`` as in file names; None where it is none."""
    if len(text) > _MAX_LINE_CHARACTERS:
        return None
    try:
        return Version(text.replace("_", "-"))
    except InvalidVersion:
        return None
    except ValueError:  # more digits than int() takes
        return None


@dataclass(frozen=True)
class CoreMetadata:
    """The headers of METADATA that say which distribution it is; ``findings`` are clauses about the others."""

    name: str
    version: str
    findings: tuple[str, ...] = ()

    @cached_property
    def key(self) -> NormalizedName:
        """The normalised name."""
        return canonicalize_name(self.name)


def parse_metadata(data: bytes) -> CoreMetadata:
    """Parse METADATA (core metadata); raises ``DistInfoError``."""
    head = head_of(decode(data, "METADATA"))
    name = _only(head, "Name", "METADATA")
    version = _only(head, "Version", "METADATA")
    _check_name(name)
    if parse_version(version) is None:
        raise DistInfoError("METADATA", f"expected a version (PEP 440), found {quoted(version)}")
    return CoreMetadata(name, version, tuple(_check_requirements(head)))


def read_version(data: bytes) -> str:
    """Read the version off a PKG-INFO, which is laid out as METADATA; raises ``DistInfoError``."""
    return _only(head_of(decode(data, "PKG-INFO")), "Version", "PKG-INFO")


def _only(head: str, header: str, where: str) -> str:
    values = tuple(dict.fromkeys(headers(head, header)))
    if len(values) == 1 and values[0]:
        return values[0]
    found = " and ".join(map(quoted, values[:2])) if any(values) else "none"
    raise DistInfoError(where, f"expected one {header}, found {found}")


def _check_name(name: str) -> None:
    try:
        canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise DistInfoError(
            "METADATA", f"expected the name of a distribution, found {quoted(name)}"
        ) from error


def _check_requirements(head: str) -> Iterator[str]:
    requirements = headers(head, "Requires-Dist")
    characters = sum(map(len, requirements))
    if characters > _MAX_REQUIREMENTS_CHARACTERS:
        yield f"expected at most {_MAX_REQUIREMENTS_CHARACTERS} characters of Requires-Dist in METADATA, found {characters}"
        return
    junk = next((each for each in requirements if not _is_requirement(each)), None)
    if junk is not None:
        yield f"expected a requirement (PEP 508) in each Requires-Dist of METADATA, found {quoted(junk)}"


def _is_requirement(text: str) -> bool:
    if len(text) > _MAX_LINE_CHARACTERS:
        return False
    plain, semicolon, marker = text.partition(";")
    if _PLAIN_REQUIREMENT.fullmatch(plain):
        return not semicolon or _is_marker(marker.strip())
    return _parses_as_requirement(text)


def _parses_as_requirement(text: str) -> bool:
    try:
        Requirement(text)
    except (InvalidRequirement, ValueError, RecursionError):
        return False
    return True


# `extra == "test"` comes thousands of times in a large environment.
@lru_cache(maxsize=4096)
def _is_marker(text: str) -> bool:
    try:
        Marker(text)
    except (InvalidMarker, ValueError, RecursionError):
        return False
    return True


@dataclass(frozen=True)
class WheelFile:
    """What WHEEL says of tags and build, at least one valid tag; ``findings`` are clauses about invalid lines."""

    tags: tuple[str, ...]
    build: str | None = None
    findings: tuple[str, ...] = ()


def parse_wheel_file(data: bytes) -> WheelFile:
    """Parse WHEEL (binary distribution format); raises ``DistInfoError``."""
    head = head_of(decode(data, "WHEEL"))
    lines = headers(head, "Tag")
    _check_bounds(lines)
    tags = tuple(line for line in dict.fromkeys(lines) if _is_tag(line))
    if not tags:
        raise DistInfoError("WHEEL", f"expected a valid Tag, found {quoted(lines[0]) if lines else 'none'}")
    findings = []
    junk = next((line for line in lines if not _is_tag(line)), None)
    if junk is not None:
        findings.append(f"expected a tag in each Tag line of WHEEL, found {quoted(junk)}")
    build = next(iter(headers(head, "Build")), None) or None
    if build is not None and not _BUILD.fullmatch(build):
        findings.append(f"expected a build tag that starts with a digit in WHEEL, found {quoted(build)}")
        build = None
    return WheelFile(tags, build, tuple(findings))


def _check_bounds(lines: tuple[str, ...]) -> None:
    """Refuse what would take minutes to expand, before anything is expanded; a line that is absurd alone counts as junk."""
    if len(lines) > MAX_TAG_LINES:
        raise DistInfoError("WHEEL", f"expected at most {MAX_TAG_LINES} Tag lines, found {len(lines)}")
    counts = (_count_expansion(line) for line in dict.fromkeys(lines) if len(line) <= _MAX_LINE_CHARACTERS)
    if (expansion := sum(count for count in counts if count <= MAX_EXPANSION)) > MAX_EXPANSION:
        raise DistInfoError("WHEEL", f"expected at most {MAX_EXPANSION} tags, found {expansion}")


def _count_expansion(tag: str) -> int:
    return prod(part.count(".") + 1 for part in tag.split("-"))


def _is_tag(text: str) -> bool:
    return len(text) <= _MAX_LINE_CHARACTERS and _parses_as_tag(text)


@lru_cache(maxsize=1024)
def _parses_as_tag(text: str) -> bool:
    try:
        parse_tag(text, limit=MAX_EXPANSION)
    except (InvalidTag, TooManyTagsError):
        return False
    return text.isprintable() and " " not in text


def head_of(text: str) -> str:
    """Give the headers of an e-mail like file: what comes before the first blank line."""
    if text.startswith(("\n", "\r\n")):
        return ""
    blank = [found + 1 for line in ("\n\n", "\n\r\n") if (found := text.find(line)) >= 0]
    return text[: min(blank, default=len(text))]


def headers(text: str, name: str) -> tuple[str, ...]:
    """Give the values of a header before the first blank line, unfolded, in their order."""
    return tuple(_FOLD.sub(" ", value).strip() for value in _header_pattern(name).findall(head_of(text)))


# In e-mail `\r\n` ends a line too.
_FOLD = re.compile(r"\r?\n[ \t]+")


@lru_cache(maxsize=16)
def _header_pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"^{name}[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE | re.IGNORECASE)


def decode(data: bytes, where: str) -> str:
    """Decode UTF-8; raises ``DistInfoError`` that names the first offending byte."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DistInfoError(where, f"expected UTF-8, found another byte at offset {error.start}") from error
