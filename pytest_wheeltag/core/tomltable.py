"""A TOML document of strangers, read strictly and within bounds: what is of another kind than asked for is an error."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_wheeltag.core.text import printable, quoted
from pytest_wheeltag.errors import WheeltagError

Failure = Callable[[str, str], WheeltagError]
"""Makes the error from the file as shown and a clause on what was expected and found."""

_MAX_REASON_CHARACTERS = 200
# What tomllib makes of a megabyte of empty tables takes minutes and hundreds of megabytes; no lock known has half of this.
_MAX_BRACKETS = 200_000
_MAX_SEPARATORS = 500_000
# tomllib keeps every beginning of a dotted key: one of a megabyte takes all memory.
_LONG_KEY = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}"""
)
_KIND_NAMES = {dict: "a table", list: "an array", bool: "a truth value", int: "a number", float: "a number"}


@dataclass(frozen=True)
class TomlTable:
    """A document, or a table of it: ``path`` is the key that leads there, with its dot."""

    origin: str
    values: Mapping[str, Any]
    failure: Failure
    path: str = ""

    @classmethod
    def parse(cls, text: str, origin: str, failure: Failure, *, max_characters: int) -> "TomlTable":
        """Parse a document of at most so many characters, no key of which has 33 parts."""
        if len(text) > max_characters:
            raise failure(origin, f"expected at most {max_characters} characters, found {len(text)}")
        tables, values = text.count("[") + text.count("{"), text.count("=") + text.count(",")
        if tables > _MAX_BRACKETS or values > _MAX_SEPARATORS:
            allowed = f"{_MAX_BRACKETS} brackets and {_MAX_SEPARATORS} signs between values"
            raise failure(origin, f"expected at most {allowed}, found {tables} and {values}")
        if found := _LONG_KEY.search(text):
            raise failure(origin, f"expected keys of at most 32 parts, found {quoted(found[0])}")
        try:
            return cls(origin, tomllib.loads(text), failure)
        # Beside TOMLDecodeError: a number of more digits than int() takes, arrays of thousands of levels.
        except (ValueError, RecursionError) as error:
            problem = f"expected TOML, found a mistake ({cut_text(str(error))})"
            raise failure(origin, problem) from error

    @classmethod
    def decode(cls, data: bytes, origin: str, failure: Failure, *, max_bytes: int) -> "TomlTable":
        """Parse the bytes of a document, which is in UTF-8 whatever the machine's own encoding is."""
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise failure(origin, f"expected UTF-8, found something else at byte {error.start}") from error
        return cls.parse(text, origin, failure, max_characters=max_bytes)

    def error(self, key: str, expected: str, found: str) -> WheeltagError:
        """Give the error that a value is not what it must be."""
        return self.failure(self.origin, f"{expected} in `{self.path}{cut_text(key)}`, found {found}")

    def within(self, values: Mapping[str, Any], key: str) -> "TomlTable":
        """Give a table that is found in this one under a key."""
        return TomlTable(self.origin, values, self.failure, f"{self.path}{cut_text(key)}.")

    def table(self, key: str) -> "TomlTable | None":
        """Give a table in this one, None where there is none."""
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, dict):
            raise self.error(key, "expected a table", describe_kind(value))
        return self.within(value, key)

    def tables(self, key: str) -> Iterator["TomlTable"]:
        """Give the tables of a list one after the other, none where there is no list."""
        for number, value in enumerate(self._list(key, "a list of tables"), 1):
            if not isinstance(value, dict):
                raise self.error(key, "expected a list of tables", f"{describe_kind(value)} in it")
            yield self.within(value, f"{key}[{number}]")

    def text(self, key: str) -> str | None:
        """Give a text, None where there is none."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error(key, "expected a text", describe_kind(value))
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts, an empty one where there is none."""
        values = self._list(key, "a list of texts")
        odd = next((each for each in values if not isinstance(each, str)), None)
        if odd is not None:
            raise self.error(key, "expected a list of texts", f"{describe_kind(odd)} in it")
        return tuple(values)

    def number(self, key: str) -> int | None:
        """Give a whole number from 0 upwards, None where there is none."""
        value = self.values.get(key)
        if value is not None and (type(value) is not int or value < 0):
            raise self.error(key, "expected a whole number from 0 upwards", describe_kind(value))
        return value

    def flag(self, key: str) -> bool:
        """Give a truth value, false where there is none."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "expected a truth value", describe_kind(value))
        return value

    def _list(self, key: str, expected: str) -> list[Any]:
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.error(key, f"expected {expected}", describe_kind(value))
        return value


def describe_kind(value: object) -> str:
    """Name the kind of a value for a message, a text by itself."""
    return quoted(value) if isinstance(value, str) else _KIND_NAMES.get(type(value), "a date or time")


def cut_text(text: str) -> str:
    """Give a stranger's text fit to be shown, with its end left out where it is long."""
    return printable(text[:_MAX_REASON_CHARACTERS])
