"""Files of text that a user names by path or by address, found and read whole."""

import codecs
import locale
import os
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UnsafeFileError, UsageError
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.urls import Url, parse_location

Fetch = Callable[[Url], bytes]
"""Who gives what lies at an ``http`` or ``https`` address; raises ``WheeltagError``."""

_MAX_BYTES = 16 << 20
_EXPECTED = "the path or address of a file"
_EXPECTED_REMOTE = "an address, or a path beside the file that names it, which lies on another machine"
_EXPECTED_TEXT = "a text file in UTF-8, or one that names its encoding at its top (`# -*- coding: NAME -*-`)"
# The mark of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WITHIN = re.compile(r"(?<!^file)://", re.IGNORECASE)
_CODING = re.compile(rb"#.*?coding[:=]\s*([-\w.]+)", re.ASCII)


@dataclass(frozen=True)
class Document:
    """A file that was read, where it lies, and its place as messages show it."""

    url: Url
    shown: str
    data: bytes

    @property
    def name(self) -> str:
        """The last part of its path."""
        return posixpath.basename(self.url.file_path.as_posix())

    @cached_property
    def text(self) -> str:
        """What it says, in the encoding that it names, UTF-8, or that of this machine; raises ``UsageError``."""
        try:
            return _decode(self.data)
        except (LookupError, ValueError) as error:
            raise UsageError(self.shown, printable(str(error)[:100]), _EXPECTED_TEXT) from error


@dataclass(frozen=True)
class DocumentReader:
    """Finds files by what users write, and reads them; without ``fetch`` only those on this machine.

    Relative paths start from ``folder``, ``~`` is ``home``. Everything raises ``UsageError``, which names the
    ``origin`` and shows no credentials.
    """

    folder: Path
    home: Path
    fetch: Fetch | None = None

    def locate(self, text: str, origin: str, base: Url | None = None) -> Url:
        """Find out where a file lies; ``base`` is the one that names it, from whose place a relative path starts."""
        if base is not None and base.scheme != "file":
            return _join(base, text, origin)
        folder = self.folder if base is None else base.file_path.parent
        try:
            url = parse_location(text, home=self.home, folder=folder, setting=origin)
        except (UsageError, ValueError) as error:
            expected = error.expected if isinstance(error, UsageError) else _EXPECTED
            raise UsageError(origin, shown_address(text), expected) from error
        if url.scheme != "file":
            return url
        # A path with an address in it is an address with a mistake, perhaps with a password.
        if _WITHIN.search(text):
            raise UsageError(origin, shown_address(text), _EXPECTED)
        return replace(url, path=posixpath.normpath(url.path))

    def is_there(self, url: Url) -> bool:
        """Tell whether there is anything at the address of a file."""
        try:
            return url.file_path.exists()
        except (OSError, ValueError):
            return False

    def read(self, url: Url, origin: str) -> Document:
        """Read a file of at most 16 MB, wherever it lies."""
        shown = self.shown(url)
        if url.scheme == "file":
            return Document(url, shown, self._read_path(url, origin))
        if self.fetch is None:
            raise UsageError(
                origin, shown, "the path of a file on this machine, since nothing is fetched here"
            )
        data = self.fetch(url)
        if len(data) > _MAX_BYTES:
            raise UsageError(origin, shown, f"a file of at most {_MAX_BYTES} bytes")
        return Document(url, shown, data)

    def shown(self, url: Url) -> str:
        """Give a file's place for messages: relative to the folder where it lies below it, without credentials."""
        if url.scheme != "file":
            return printable(str(url))
        path = url.file_path
        folder = Path(os.path.normpath(self.folder.absolute()))
        return printable(str(path.relative_to(folder) if path.is_relative_to(folder) else path))

    def _read_path(self, url: Url, origin: str) -> bytes:
        try:
            return read_regular(url.file_path, _MAX_BYTES, follow=True)
        except (OSError, UnsafeFileError, ValueError) as error:
            problem = error.problem if isinstance(error, UnsafeFileError) else _reason(error)
            raise UsageError(origin, self.shown(url), f"a file that can be read ({problem})") from error


def _join(base: Url, text: str, origin: str) -> Url:
    try:
        url = base.join(text)
    except (UsageError, ValueError) as error:
        raise UsageError(origin, shown_address(text), _EXPECTED_REMOTE) from error
    if url.scheme == "file":
        raise UsageError(origin, printable(str(url)), _EXPECTED_REMOTE)
    return url


def _reason(error: OSError | ValueError) -> str:
    return printable((error.strerror if isinstance(error, OSError) else None) or type(error).__name__)


def _decode(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding)
    for line in data.split(b"\n", 2)[:2]:
        if match := _CODING.match(line):
            return data.decode(match[1].decode("ascii"))
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(locale.getencoding())
