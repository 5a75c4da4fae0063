"""What an unpacked wheel holds, and the manifest that tells it, written last and checked at each use."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_wheeltag.core.entrypoints import EntryPoint
from pytest_wheeltag.core.paths import components, find_unsafe

# Raised when an older reader would misunderstand; the store's folder name changes with it.
_SCHEMA = 1
_EPOCH_SECONDS = 315_619_200
_SPAN_SECONDS = 1 << 29
_NANOSECONDS = 1_000_000_000
_SHA256 = re.compile(r"[0-9a-f]{64}")

REGULAR_MODE = 0o444
EXECUTABLE_MODE = 0o555


class ManifestError(ValueError):
    """An unpacked wheel is not to be believed: its ``kind`` (manifest, folder) is missing or not as we write it.

    ``found`` is one clause on what is there instead.
    """

    def __init__(self, kind: str, found: str) -> None:
        super().__init__(kind, found)
        self.kind = kind
        self.found = found

    def __str__(self) -> str:
        return f"expected a {self.kind} as we write it, found {self.found}"


@dataclass(frozen=True)
class UnpackedFile:
    """One file of an unpacked wheel, as it must lie on disk.

    ``path`` is the one in the archive; ``size`` is in bytes; ``mode`` holds the permission bits, 0444 or 0555;
    ``sha256`` is the content's digest as RECORD spells it, URL-safe base64 without padding.
    """

    path: str
    size: int
    mtime_ns: int
    mode: int
    sha256: str

    @property
    def is_executable(self) -> bool:
        """Whether it may be run."""
        return self.mode == EXECUTABLE_MODE


@dataclass(frozen=True)
class UnpackedWheel:
    """A wheel as unpacked: which archive it was, what its metadata says, what files it has.

    ``sha256`` is the archive's digest in hexadecimal; ``name`` and ``version`` are as METADATA spells them;
    ``tags`` are WHEEL's; ``dist_info`` and ``data_folders`` are as the archive spells them; ``entry_points`` are the commands that it asks for;
    ``placeholders`` are the paths of shipped scripts whose first line names no interpreter yet; ``pth_files`` those
    of files that run with every start; ``warnings`` are one line each, ``doubts`` those of them for which strict
    wheels are refused.
    """

    filename: str
    sha256: str
    name: str
    version: str
    tags: tuple[str, ...]
    dist_info: str
    is_purelib: bool
    files: tuple[UnpackedFile, ...]
    data_folders: frozenset[str] = frozenset()
    build: str | None = None
    entry_points: tuple[EntryPoint, ...] = ()
    placeholders: tuple[str, ...] = ()
    pth_files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def stamp(digest: bytes) -> int:
    """Give the mtime in nanoseconds that follows from a content's SHA-256: whole seconds of 1980 to 1997.

    Any later write moves it; two contents never share the stamp that bytecode is checked by, and zip files can
    hold it.
    """
    seconds = _EPOCH_SECONDS + int.from_bytes(digest[:8], "big") % _SPAN_SECONDS
    return seconds * _NANOSECONDS


def render_manifest(wheel: UnpackedWheel) -> bytes:
    """Write a manifest: the digest of what follows, then the wheel as JSON; equal wheels give equal bytes."""
    plain = {**vars(wheel), "schema": _SCHEMA}
    plain["data_folders"] = sorted(wheel.data_folders)
    plain["files"] = [list(vars(file).values()) for file in wheel.files]
    plain["entry_points"] = [list(vars(point).values()) for point in wheel.entry_points]
    body = json.dumps(plain, separators=(",", ":"), sort_keys=True).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def parse_manifest(data: bytes) -> UnpackedWheel:
    """Read a manifest back; raises ``ManifestError`` for anything that was not written so."""
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ManifestError("manifest", "other bytes than its digest tells")
    try:
        plain = json.loads(body)
        schema, wheel = plain.pop("schema"), _read_wheel(plain)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ManifestError("manifest", f"other fields ({error})") from error
    if schema != _SCHEMA:
        raise ManifestError("manifest", "one of another version")
    if not _SHA256.fullmatch(wheel.sha256):
        raise ManifestError("manifest", "no SHA-256 of an archive")
    if unsafe := next(find_unsafe(components([file.path for file in wheel.files])), None):
        raise ManifestError("manifest", f"{unsafe.where}, {unsafe.problem}")
    return wheel


def _read_wheel(plain: Mapping[str, Any]) -> UnpackedWheel:
    texts = ("tags", "placeholders", "pth_files", "warnings", "doubts")
    return UnpackedWheel(
        **{
            **plain,
            **{key: tuple(plain[key]) for key in texts},
            "files": tuple(UnpackedFile(*row) for row in plain["files"]),
            "entry_points": tuple(EntryPoint(*row) for row in plain["entry_points"]),
            "data_folders": frozenset(plain["data_folders"]),
        }
    )
