"""What a wheel is allowed to be, and what it says of itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from packaging.tags import Tag, parse_tag

from pytest_wheeltag.core.distinfo import MAX_EXPANSION, DistInfoError, decode, headers, parse_wheel_file
from pytest_wheeltag.core.finding import Finding, doubtful, noted
from pytest_wheeltag.core.layout import Scheme
from pytest_wheeltag.core.text import quoted

_SUPPORTED = (1, 0)
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})", re.ASCII)
_BUILD = re.compile(r"([0-9]+)(.*)", re.ASCII | re.DOTALL)
_TRUTHS = {"true": True, "false": False}
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class WheelBounds:
    """How large a wheel may be; sizes are in bytes.

    ``max_unpacked_bytes`` None is no bound of its own: whoever unpacks knows how much is free.
    ``max_ratio`` of unpacked to packed size counts above ``min_ratio_bytes`` only: small files of zeros are honest.
    """

    max_unpacked_bytes: int | None = None
    max_ratio: int = 50
    min_ratio_bytes: int = 64 * MEBIBYTE
    max_entries: int = 100_000
    max_directory_bytes: int = 16 * MEBIBYTE
    max_metadata_bytes: int = 8 * MEBIBYTE
    max_entry_points_bytes: int = MEBIBYTE // 4
    max_record_bytes: int = 16 * MEBIBYTE
    max_record_rows: int = 100_000
    max_depth: int = 64
    max_path_bytes: int = 1024


@dataclass(frozen=True)
class WheelPolicy:
    """What is asked of a wheel beyond the specification.

    ``strict`` refuses what is doubtful; ``windows`` and ``folds_case`` tell what the target's file system
    cannot hold apart or at all; ``refuse_pth`` refuses ``.pth`` files in library folders.
    """

    strict: bool = False
    windows: bool = False
    folds_case: bool = False
    refuse_pth: bool = False
    bounds: WheelBounds = field(default_factory=WheelBounds)


class WheelEntry(NamedTuple):
    """A file of a wheel: thousands are made per wheel, hence no dataclass.

    ``path`` is the one in the archive, ``scheme`` and ``relative`` where it belongs; ``size`` and
    ``compressed_size`` are in bytes, ``offset`` is where its data begin in the archive.
    """

    path: str
    scheme: Scheme
    relative: str
    size: int
    is_executable: bool
    compressed_size: int
    offset: int

    @property
    def is_script(self) -> bool:
        """Whether it goes where commands are."""
        return self.scheme is Scheme.SCRIPTS

    @property
    def is_pth(self) -> bool:
        """Whether it acts whenever the environment's python starts (``site``)."""
        return self.scheme.is_library and self.relative.lower().endswith(".pth") and "/" not in self.relative


@dataclass(frozen=True)
class WheelFacts:
    """What WHEEL says (binary distribution format); ``tags`` are as written, ``build`` is None where not given."""

    version: tuple[int, int]
    root_scheme: Scheme
    tags: tuple[str, ...] = ()
    build: str | None = None
    findings: tuple[Finding, ...] = ()


def parse_wheel_facts(data: bytes) -> WheelFacts:
    """Parse WHEEL; raises ``DistInfoError`` for what makes a wheel unusable, lesser things are findings."""
    text = decode(data, "WHEEL")
    version = _parse_version(_only(text, "Wheel-Version"))
    findings = list(_find_version(version))
    purelib = _only(text, "Root-Is-Purelib").lower()
    if purelib not in _TRUTHS:
        raise DistInfoError(
            "WHEEL", f"expected `true` or `false` for Root-Is-Purelib, found {quoted(purelib)}"
        )
    scheme = Scheme.PURELIB if _TRUTHS[purelib] else Scheme.PLATLIB
    try:
        parsed = parse_wheel_file(data)
    except DistInfoError as error:
        return WheelFacts(version, scheme, findings=(*findings, doubtful("WHEEL", error.problem)))
    findings += (doubtful("WHEEL", problem) for problem in parsed.findings)
    return WheelFacts(version, scheme, parsed.tags, parsed.build, tuple(findings))


def _only(text: str, header: str) -> str:
    values = tuple(dict.fromkeys(headers(text, header)))
    if len(values) == 1:
        return values[0]
    found = " and ".join(map(quoted, values[:2])) or "none"
    raise DistInfoError("WHEEL", f"expected one {header}, found {found}")


def _parse_version(text: str) -> tuple[int, int]:
    match = _VERSION.fullmatch(text)
    if match is None:
        raise DistInfoError("WHEEL", f"expected a Wheel-Version like `1.0`, found {quoted(text)}")
    version = int(match[1]), int(match[2])
    if version[0] > _SUPPORTED[0]:
        raise DistInfoError("WHEEL", f"expected Wheel-Version 1.0, found {quoted(text)}")
    return version


def _find_version(version: tuple[int, int]) -> Iterator[Finding]:
    if version != _SUPPORTED:
        yield noted("WHEEL", f"expected Wheel-Version 1.0, found `{version[0]}.{version[1]}`")


def compare_tags(facts: WheelFacts, tags: str, build: tuple[int, str] | tuple[()]) -> Iterator[Finding]:
    """Compare what WHEEL says with the file name's compressed tag set and build tag."""
    stated = {tag for line in facts.tags for tag in parse_tag(line, limit=MAX_EXPANSION)}
    named = parse_tag(tags, limit=MAX_EXPANSION)
    if facts.tags and stated != named:
        problem = f"expected the tags of the file name `{tags}`, found {_compress(stated)}"
        yield doubtful("WHEEL", problem)
    if facts.tags and _parse_build(facts.build) != build:
        shown = "".join(map(str, build)) or "none"
        yield doubtful(
            "WHEEL", f"expected the build tag of the file name ({shown}), found {quoted(facts.build or '')}"
        )


def _compress(tags: set[Tag]) -> str:
    shown = sorted(map(str, tags))
    return quoted(shown[0]) + (f" and {len(shown) - 1} more" if len(shown) > 1 else "")


def _parse_build(text: str | None) -> tuple[int, str] | tuple[()]:
    match = _BUILD.fullmatch(text or "")
    return (int(match[1]), match[2]) if match else ()
