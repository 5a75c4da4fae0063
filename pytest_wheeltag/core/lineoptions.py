"""The options that a line of a requirements file may hold, spelt in any way that pip takes."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.text import nearest_spelling, printable
from pytest_wheeltag.errors import UsageError


class OptionName(StrEnum):
    """The options by their long names, sorted by what they are about."""

    REQUIREMENT = "--requirement"
    CONSTRAINT = "--constraint"
    EDITABLE = "--editable"
    INDEX_URL = "--index-url"
    EXTRA_INDEX_URL = "--extra-index-url"
    NO_INDEX = "--no-index"
    FIND_LINKS = "--find-links"
    TRUSTED_HOST = "--trusted-host"
    NO_BINARY = "--no-binary"
    ONLY_BINARY = "--only-binary"
    PREFER_BINARY = "--prefer-binary"
    PRE = "--pre"
    ALL_RELEASES = "--all-releases"
    ONLY_FINAL = "--only-final"
    REQUIRE_HASHES = "--require-hashes"
    NO_REQUIRE_HASHES = "--no-require-hashes"
    USE_FEATURE = "--use-feature"
    HASH = "--hash"
    CONFIG_SETTINGS = "--config-settings"

    @property
    def is_flag(self) -> bool:
        """Whether it has no value."""
        return self in _FLAGS

    @property
    def names_projects(self) -> bool:
        """Whether its value names projects: it counts wherever it stands, since pip heeds it while it reads."""
        return self in _NAMING

    @property
    def is_control(self) -> bool:
        """Whether it says which kinds of files or of releases are taken."""
        return self.names_projects or self in {OptionName.PREFER_BINARY, OptionName.PRE}


_FLAGS = frozenset(
    {
        OptionName.NO_INDEX,
        OptionName.PREFER_BINARY,
        OptionName.PRE,
        OptionName.REQUIRE_HASHES,
        OptionName.NO_REQUIRE_HASHES,
    }
)
_NAMING = frozenset(
    {OptionName.NO_BINARY, OptionName.ONLY_BINARY, OptionName.ALL_RELEASES, OptionName.ONLY_FINAL}
)
_LONG = {each.value: each for each in OptionName} | {"--pypi-url": OptionName.INDEX_URL}
_SHORT = {
    "-c": OptionName.CONSTRAINT,
    "-r": OptionName.REQUIREMENT,
    "-e": OptionName.EDITABLE,
    "-i": OptionName.INDEX_URL,
    "-f": OptionName.FIND_LINKS,
    "-C": OptionName.CONFIG_SETTINGS,
}
_UNSAFE = re.compile(r"[^A-Za-z0-9@%+=:,./_-]")
_SHOWN_CHARACTERS = 50


@dataclass(frozen=True)
class LineOption:
    """One option by its long name, with its value, which is empty for a flag and may be a secret."""

    name: OptionName
    value: str = field(default="", repr=False)


def parse_line_options(text: str, origin: str) -> tuple[LineOption, ...]:
    """Parse the options of a line: quoted as in a shell, short, long, or cut where no other begins so.

    Raises ``UsageError``, which names ``origin`` and the nearest known option, and shows no value of an unknown one.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(origin, shown_address(text), "each quotation mark twice") from error
    return tuple(_parse_words(words, origin))


def quote_value(text: str) -> str:
    """Quote a value of an option, of one line, so that a requirements file gives it back as it is."""
    # One by one: together ` #` would begin a comment, and `${NAME}` stand for a variable.
    return _UNSAFE.sub(lambda match: r"\'" if match[0] == "'" else f"'{match[0]}'", text)


def _parse_words(words: Sequence[str], origin: str) -> Iterator[LineOption]:
    rest = iter(words)
    for word in rest:
        name, value = _split(word, origin)
        if name.is_flag:
            if value is not None:
                raise UsageError(origin, name, "no value after this option")
            yield LineOption(name)
            continue
        found = next(rest, "") if value is None else value
        # `--no-binary --pre` is no project named `--pre`.
        if not found or (name.names_projects and found.startswith("-")):
            raise UsageError(origin, name, "a value after this option")
        yield LineOption(name, found)


def _split(word: str, origin: str) -> tuple[OptionName, str | None]:
    """Give an option's long name, and the value where it stands in the same word."""
    if word[:2] in _SHORT:
        return _SHORT[word[:2]], word[2:] or None
    if not word.startswith("-"):
        expected = (
            "nothing but options after the first one (one requirement to a line, spaces in quotation marks)"
        )
        raise UsageError(origin, _cut(shown_address(word)), expected)
    name, separator, value = word.partition("=")
    return _complete(name, origin), value if separator else None


def _complete(name: str, origin: str) -> OptionName:
    """Give the long name that is meant: it may be cut where no other begins so, as with pip."""
    if name in _LONG:
        return _LONG[name]
    begun = [known for known in _LONG if known.startswith(name) and len(name) > len("--")]
    if len(begun) == 1:
        return _LONG[begun[0]]
    expected = f"an option that a requirements file may hold ({nearest_spelling(name, begun or _LONG)})"
    raise UsageError(origin, _cut(shown_address(name)), expected)


def _cut(text: str) -> str:
    return printable(text[:_SHOWN_CHARACTERS])
