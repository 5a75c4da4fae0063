"""RECORD: which files a wheel says it has, and whether it has them."""

import base64
import csv
import re
from collections.abc import Collection, Container, Iterator, Mapping
from typing import NamedTuple

from pytest_wheeltag.core.distinfo import DistInfoError, decode
from pytest_wheeltag.core.finding import Finding, doubtful, noted, refused, several
from pytest_wheeltag.core.paths import describe_unsafe
from pytest_wheeltag.core.text import quoted

# SHA-256 or better (binary distribution format, signed wheel files): what hashlib has on every build.
STRONG_ALGORITHMS = frozenset(
    {"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"}
)
# RECORD cannot hold its own hash, and signatures are made after it.
UNLISTED_NAMES = ("RECORD", "RECORD.jws", "RECORD.p7s")
# What an installer writes itself (recording installed projects): a wheel's own would speak for somebody else.
INSTALLERS_FILES = ("INSTALLER", "REQUESTED", "direct_url.json")
_COLUMNS = 3
_MAX_LINE_CHARACTERS = 8192
_BLANK = ("", "\r")
_HASH = re.compile(r"([A-Za-z0-9_-]{1,32})=([A-Za-z0-9+/_-]{1,512}=*)", re.ASCII)
_SIZE = re.compile(r"[0-9]{1,18}", re.ASCII)


class RecordRow(NamedTuple):
    """A row of RECORD: thousands are made per wheel, hence no dataclass.

    ``algorithm`` is lower-case, ``digest`` URL-safe base64 without padding, both empty where there is no hash;
    ``size`` is in bytes.
    """

    path: str
    algorithm: str = ""
    digest: str = ""
    size: int | None = None

    def describe_mismatch(self, digest: str, size: int) -> str | None:
        """Say how a file differs from its row, None if not at all.

        ``digest`` is by the row's algorithm, URL-safe base64 without padding; a row without hash fits any.
        """
        if self.size is not None and self.size != size:
            return f"expected {self.size} bytes as in RECORD, found {size} in {quoted(self.path)}"
        if self.algorithm and self.digest != digest:
            return f"expected the {self.algorithm} of RECORD, found another in {quoted(self.path)}"
        return None


def encode_digest(digest: bytes) -> str:
    """Write a digest as RECORD has it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def decode_digest(text: str) -> bytes:
    """Read a digest as RECORD has it; raises ``ValueError`` where it is none."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parse_record(data: bytes, max_rows: int) -> tuple[RecordRow, ...]:
    """Parse RECORD (recording installed projects); raises ``DistInfoError`` that names the row.

    Says nothing about whether paths are safe or algorithms strong.
    """
    return tuple(iterate_record(data, max_rows))


def iterate_record(data: bytes, max_rows: int) -> Iterator[RecordRow]:
    """Give the rows of RECORD one by one, as ``parse_record`` parses them."""
    if data.count(b"\n") > max_rows:
        raise DistInfoError("RECORD", f"expected at most {max_rows} lines, found more")
    text, start, number = decode(data, "RECORD"), 0, 0
    # A line is a row: no path of a wheel may have a newline in it, though quoting could hold one.
    while start < len(text):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)]
        number, start = number + 1, start + len(line) + 1
        if line not in _BLANK:
            yield _parse_row(line, number)


def _parse_row(text: str, line: int) -> RecordRow:
    columns = _split(text.removesuffix("\r"), line)
    if len(columns) != _COLUMNS:
        raise DistInfoError(
            "RECORD", f"expected path, hash and size, found {len(columns)} columns in line {line}"
        )
    path, stated, size = columns
    if size and not _SIZE.fullmatch(size):
        raise DistInfoError("RECORD", f"expected a size in bytes, found {quoted(size)} in line {line}")
    if not stated:
        return RecordRow(path, size=int(size) if size else None)
    match = _HASH.fullmatch(stated)
    if match is None:
        raise DistInfoError("RECORD", f"expected `algorithm=digest`, found {quoted(stated)} in line {line}")
    return RecordRow(path, match[1].lower(), match[2].rstrip("="), int(size) if size else None)


def _split(text: str, line: int) -> list[str]:
    if len(text) > _MAX_LINE_CHARACTERS:
        raise DistInfoError(
            "RECORD", f"expected at most {_MAX_LINE_CHARACTERS} characters in line {line}, found more"
        )
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader((text,), strict=True))
    except csv.Error as error:
        problem = f"expected comma-separated values, found a mistake in line {line} ({error})"
        raise DistInfoError("RECORD", problem) from error


def find_unsafe_rows(rows: Collection[RecordRow], safe_paths: Container[str]) -> Iterator[Finding]:
    """Find rows that an archive may not have: unsafe paths, weak hashes, two different ones of one file.

    ``safe_paths`` are those of the archive, which were looked at already.
    """
    seen: dict[str, RecordRow] = {}
    for row in rows:
        if row.path not in safe_paths and (problem := describe_unsafe(row.path)):
            yield refused("RECORD", f"expected paths inside the wheel, found {problem} in {quoted(row.path)}")
        if row.algorithm and row.algorithm not in STRONG_ALGORITHMS:
            yield refused("RECORD", f"expected sha256 or better, found {quoted(row.algorithm)}")
        if seen.setdefault(row.path, row) != row:
            yield refused(
                "RECORD", f"expected one row per file, found two that differ for {quoted(row.path)}"
            )
    if len(seen) < len(rows):
        yield noted("RECORD", f"expected one row per file, found {len(rows) - len(seen)} repeated")


def compare_record(
    rows: Mapping[str, RecordRow], sizes: Mapping[str, int], dist_info: str
) -> Iterator[Finding]:
    """Compare RECORD with what the archive declares, without reading any content.

    ``rows`` and ``sizes`` (bytes) are by path; folders are not listed by anyone.
    """
    exempt = {f"{dist_info}/{name}" for name in UNLISTED_NAMES}
    if unlisted := [path for path in sizes if path not in rows and path not in exempt]:
        yield doubtful("RECORD", f"expected a row for each file, found none for {several(unlisted)}")
    if absent := [path for path in rows if path not in sizes]:
        yield noted("RECORD", f"expected only files of the archive, found {several(absent)}")
    listed = [row for path, row in rows.items() if path in sizes and path not in exempt]
    if unhashed := [row.path for row in listed if not row.algorithm]:
        yield doubtful("RECORD", f"expected a hash for each file, found none for {several(unhashed)}")
    if misfits := [row.path for row in listed if row.size is not None and row.size != sizes[row.path]]:
        yield doubtful("RECORD", f"expected the size of each file, found another for {several(misfits)}")
