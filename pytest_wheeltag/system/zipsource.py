"""The bytes of a wheel's archive, read at any place by any thread."""

import os
from collections.abc import Iterator
from threading import Lock
from typing import BinaryIO

from pytest_wheeltag.core.finding import Finding, refused
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import RefusedWheelError, WheeltagError

THE_ARCHIVE = "the archive"
_DOWNLOAD_AGAIN = "download it again"


class EntryError(WheeltagError):
    """An entry of an archive is not what it must be; ``problem`` is one clause on what was expected and found."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class ZipSource:
    """A seekable binary file that is taken for a wheel, with the name that refusals show.

    Where the system can read at a place (``os.pread``), threads do not wait for each other.
    """

    def __init__(self, file: BinaryIO, filename: str) -> None:
        self.filename = printable(filename)
        self._file = file
        self._lock = Lock()
        self._descriptor = _descriptor(file)
        self.size = file.seek(0, os.SEEK_END)

    def read_at(self, offset: int, size: int) -> bytes:
        """Give ``size`` bytes from ``offset``; raises ``RefusedWheelError`` where the file ends before."""
        is_inside = offset + size <= self.size
        data = self._read(offset, size) if is_inside else b""
        if len(data) != size:
            problem = f"expected {size} bytes at {offset}, found the end of the file after {self.size} bytes"
            raise self.refusal(refused(THE_ARCHIVE, problem, _DOWNLOAD_AGAIN))
        return data

    def peek_at(self, offset: int, size: int) -> bytes:
        """Give at most ``size`` bytes from ``offset``, fewer where the file ends before."""
        return self._read(offset, min(size, max(0, self.size - offset)))

    def _read(self, offset: int, size: int) -> bytes:
        if self._descriptor is not None:
            return os.pread(self._descriptor, size, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def chunks(self, offset: int, size: int, chunk: int) -> Iterator[bytes]:
        """Give ``size`` bytes from ``offset`` in pieces of ``chunk`` bytes."""
        for start in range(offset, offset + size, chunk):
            yield self.read_at(start, min(chunk, offset + size - start))

    def refusal(self, finding: Finding) -> RefusedWheelError:
        """Give the error that refuses this wheel."""
        return RefusedWheelError(self.filename, finding.where, finding.problem, finding.remedy)


def _descriptor(file: BinaryIO) -> int | None:
    """Give the descriptor to read from, None where the file has none or the system no ``pread`` (Windows)."""
    if not hasattr(os, "pread"):
        return None
    try:
        return file.fileno()
    except OSError:  # io.UnsupportedOperation is one
        return None


def describe_stranger(source: ZipSource) -> Finding:
    """Say what a file is that does not end as an archive does."""
    start = source.peek_at(0, 512).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not source.size:
        return refused(THE_ARCHIVE, "expected a zip archive, found an empty file", _DOWNLOAD_AGAIN)
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head", b"<body")):
        problem = "expected a zip archive, the server sent HTML"
        return refused(
            THE_ARCHIVE, problem, "look at its address in a browser: a log-in page or a proxy is likely"
        )
    if not start.startswith(b"pk"):
        return refused(THE_ARCHIVE, "expected a zip archive, found something else", _DOWNLOAD_AGAIN)
    if b"PK\5\6" in source.peek_at(max(0, source.size - 65_557), 65_557):
        problem = "expected nothing after the end of its directory, found more bytes or a comment"
        return refused(THE_ARCHIVE, problem)
    return refused(
        THE_ARCHIVE,
        f"expected a whole zip archive, found only its first {source.size} bytes",
        _DOWNLOAD_AGAIN,
    )
