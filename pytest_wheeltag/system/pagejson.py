"""JSON pages of the simple repository API (PEP 691, 700, 714, 792), read as they arrive."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.system.listing import Listed, Listing, NotAPageError, PageFacts, shown

MAJOR = 1
_WHITESPACE = " \t\n\r"
# No text at all is not among them.
_AFTER_VALUES = frozenset(" \t\n\r,:]}")
_WHITESPACE_RUN = re.compile(r"[ \t\n\r]+")
_KEPT_CHARACTERS = 1 << 18


def read_json_page(chunks: Iterator[bytes], base: str) -> Listing:
    """Read a JSON page; its links come while it arrives, so that a large one is never held as a whole.

    The links raise ``NotAPageError`` where the text is no JSON, or JSON of another shape, and ``UnlistedError``
    never: a file of another shape is given as such.
    """
    facts = PageFacts(base)
    return Listing(_links(_Reader(chunks), facts), facts)


def _links(reader: "_Reader", facts: PageFacts) -> Iterator[Listed]:
    has_files = False
    for key in reader.members():
        if key == "files" and not has_files:
            has_files = True
            yield from (_listed(entry) for entry in reader.elements(key))
        else:
            _learn(facts, key, reader.value())
    if not has_files:
        raise NotAPageError(expected="a project page with `files`", found="JSON without")


def _learn(facts: PageFacts, key: str, value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    if key == "files":
        raise NotAPageError(expected="one list of files", found="two")
    if key == "meta":
        version = value.get("api-version") if isinstance(value, dict) else None
        check_api_version(str(version if version is not None else "1.0"))
    elif key == "name" and isinstance(value, str):
        facts.name = value
    elif key == "project-status" and isinstance(value, dict):
        facts.status = str(value.get("status", "active"))
        facts.status_reason = str(value.get("reason") or "")


def check_api_version(text: str) -> None:
    """Refuse pages of a later major version (PEP 629)."""
    major = text.partition(".")[0]
    if not major.isdecimal() or int(major) != MAJOR:
        raise NotAPageError(expected="simple repository API version 1", found=shown(text))


def _listed(entry: object) -> Listed:
    if not isinstance(entry, dict):
        return Listed("", "")
    url, filename = entry.get("url"), entry.get("filename")
    if not isinstance(url, str) or not isinstance(filename, str) or not url:
        return Listed("", str(filename))
    return Listed(
        url,
        filename,
        _hashes(entry.get("hashes")),
        _text(entry.get("requires-python")),
        _yanked(entry.get("yanked")),
        _size(entry.get("size")),
        _text(entry.get("upload-time")),
        _metadata(entry.get("core-metadata", entry.get("dist-info-metadata"))),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _yanked(value: object) -> str | None:
    if not value:
        return None
    return value if isinstance(value, str) else ""


def _hashes(value: object) -> Hashes:
    # Anything that is no text is no digest, and found to be none later.
    pairs = value.items() if isinstance(value, dict) else ()
    return tuple((str(name), str(digest)) for name, digest in pairs)


def _metadata(value: object) -> Hashes | None:
    if isinstance(value, dict):
        return _hashes(value)
    return () if value else None


class _Reader:
    """Takes JSON values one by one from chunks of bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._raw_decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._place = 0
        self._gone = 0
        self._is_complete = False

    def members(self) -> Iterator[str]:
        """Give the keys of the object that all of the text is; the value must be taken in between."""
        self._open("{")
        while not self._closes("}"):
            key = self.value()
            self._open(":")
            yield str(key)
            self._separate("}")
        if self._peek():
            raise self._error(expected="the end of the JSON text")

    def elements(self, name: str) -> Iterator[Any]:
        """Give the elements of an array; ``name`` says what it is."""
        if self._peek() != "[":
            raise self._error(expected=f"a list of `{name}`")
        self._place += 1
        while not self._closes("]"):
            yield self.value()
            self._separate("]")

    def value(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Take the value that comes next."""
        self._peek()
        wanted = 1
        while True:
            try:
                value, end = self._raw_decode(self._text, self._place)
            except RecursionError:
                raise self._error(expected="JSON of a sane depth") from None
            except ValueError as error:
                if self._is_complete:
                    place = getattr(error, "pos", self._place)
                    raise self._error(expected="valid JSON", place=place) from None
            else:
                # A number may go on where what arrived ends, or be cut in its exponent: `1.5e+`.
                if self._is_complete or self._text[end : end + 1] in _AFTER_VALUES:
                    self._place = end
                    return value
            self._fill(wanted)
            wanted *= 2

    def _open(self, character: str) -> None:
        if self._peek() != character:
            raise self._error(expected=f"`{character}`")
        self._place += 1

    def _closes(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self._place += 1
        return True

    def _separate(self, end: str) -> None:
        found = self._peek()
        if found == ",":
            self._place += 1
            if self._peek() != end:
                return
        elif found == end:
            return
        raise self._error(expected=f"`,` or `{end}`")

    def _peek(self) -> str:
        while True:
            if self._text[self._place : self._place + 1] in _WHITESPACE:  # as is nothing at all
                match = _WHITESPACE_RUN.match(self._text, self._place)
                self._place = match.end() if match else self._place
            if self._place < len(self._text):
                return self._text[self._place]
            if self._is_complete:
                return ""
            self._fill(1)

    def _fill(self, count: int) -> None:
        # More and more at a time: a value that never ends must not be read again for each chunk.
        if self._place > _KEPT_CHARACTERS:
            self._text = self._text[self._place :]
            self._gone += self._place
            self._place = 0
        parts = [self._text]
        for _ in range(count):
            chunk = next(self._chunks, None)
            self._is_complete = chunk is None
            parts.append(self._decoded(chunk or b""))
            if self._is_complete:
                break
        self._text = "".join(parts)

    def _decoded(self, chunk: bytes) -> str:
        try:
            return self._decode(chunk, self._is_complete)
        except UnicodeDecodeError as error:
            after = self._gone + len(self._text)
            raise NotAPageError(expected="UTF-8", found=f"another byte after offset {after}") from error

    def _error(self, *, expected: str, place: int | None = None) -> NotAPageError:
        at = self._place if place is None else place
        offset = self._gone + at
        found = shown(self._text[at : at + 20])
        return NotAPageError(expected=expected, found=f"{found or 'the end'} at offset {offset}")
