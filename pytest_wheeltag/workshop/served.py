"""How a file on disk becomes one that an index serves."""

import hashlib
import io
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import TypedDict

from packaging.utils import canonicalize_name

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.pages import ServedFile

_SDIST_SUFFIXES = (".tar.gz", ".zip")
_METADATA_BYTES = 2**20
# What a damaged archive can raise, seen with the samples of ``faults``.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
)


class Claims(TypedDict, total=False):
    """What an index shall claim of a file, where that is not the truth read from the file.

    ``project`` is the page to list it on; ``yanked`` the reason of a yank, which may be empty; ``hashes`` maps
    algorithm to hexadecimal digest, empty for none; ``metadata`` True serves the wheel's own METADATA beside it
    (PEP 658), bytes serve those; ``size`` in bytes, None to tell none; ``url`` an address elsewhere.
    """

    project: str
    version: str
    filename: str
    yanked: str | None
    requires_python: str | None
    hashes: Mapping[str, str]
    upload_time: str | datetime
    metadata: bool | bytes
    metadata_hashes: Mapping[str, str]
    size: int | None
    url: str


def read_served_file(path: Path, claims: Claims) -> ServedFile:
    """Read a wheel or an sdist once; later changes on disk do not reach the index.

    Raises ``UsageError`` where its own METADATA shall be served but cannot be read.
    """
    content = path.read_bytes()
    filename = claims.get("filename", path.name)
    own = read_core_metadata(filename, content)
    project, version = _split_filename(filename)
    return ServedFile(
        project=canonicalize_name(claims.get("project", project)),
        filename=filename,
        version=claims.get("version", version),
        content=content,
        hashes=tuple(claims.get("hashes", digests(content)).items()),
        requires_python=claims.get("requires_python", _requires_python(own)),
        yanked=claims.get("yanked"),
        upload_time=render_upload_time(claims.get("upload_time", "")),
        size=claims.get("size", len(content)),
        url=claims.get("url", ""),
        **_sidecar(filename, own, claims),
    )


class _Sidecar(TypedDict):
    metadata: bytes | None
    metadata_hashes: tuple[tuple[str, str], ...]


def _sidecar(filename: str, own: bytes | None, claims: Claims) -> _Sidecar:
    wanted = claims.get("metadata", False)
    if wanted is True and own is None:
        setting = "metadata of a served file"
        raise UsageError(setting, filename, "a wheel with a METADATA that can be read, or the bytes to serve")
    served = own if wanted is True else wanted or None
    hashes = claims.get("metadata_hashes", digests(served) if served is not None else {})
    return {"metadata": served, "metadata_hashes": tuple(hashes.items())}


def digests(content: bytes) -> dict[str, str]:
    """Give the hashes that an index claims of its own accord."""
    return {"sha256": hashlib.sha256(content).hexdigest()}


def render_upload_time(moment: str | datetime) -> str:
    """Give a time as PEP 700 spells it; a ``datetime`` without a zone is UTC."""
    if isinstance(moment, str):
        return moment
    aware = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return aware.isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_core_metadata(filename: str, content: bytes) -> bytes | None:
    """Give METADATA of a wheel or PKG-INFO of an sdist; None where it is missing, huge or cannot be read."""
    read = _read_from_wheel if filename.lower().endswith(".whl") else _read_from_sdist
    try:
        return read(content)
    except _UNREADABLE:
        return None


def _read_from_wheel(content: bytes) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            folder, _, name = entry.filename.partition("/")
            if folder.endswith(".dist-info") and name == "METADATA" and entry.file_size < _METADATA_BYTES:
                return archive.read(entry)
    return None


def _read_from_sdist(content: bytes) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for entry in archive:
            if (
                entry.name.count("/") == 1
                and entry.name.endswith("/PKG-INFO")
                and entry.size < _METADATA_BYTES
            ):
                stream = archive.extractfile(entry)
                return stream.read() if stream else None
    return None


def _requires_python(metadata: bytes | None) -> str | None:
    if metadata is None:
        return None
    return HeaderParser().parsestr(metadata.decode("utf-8", "replace"))["Requires-Python"]


def _split_filename(filename: str) -> tuple[str, str]:
    """Give name and version as far as they can be told: hostile names must be servable too."""
    for suffix in _SDIST_SUFFIXES:
        if filename.endswith(suffix):
            name, _, version = filename.removesuffix(suffix).rpartition("-")
            return name, version
    name, _, rest = filename.partition("-")
    return name, rest.partition("-")[0]
