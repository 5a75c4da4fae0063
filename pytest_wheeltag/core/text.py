"""Text of strangers made fit to be shown."""

from collections.abc import Iterable
from difflib import get_close_matches

# Longer than any honest name, version, tag or URL; a hostile one may be megabytes.
_SHOWN_CHARACTERS = 200


def printable(text: str) -> str:
    r"""Escape what must not reach a terminal or a log: control characters, bidi overrides, half surrogates.

    All that ``str.isprintable`` refuses is written as in a Python literal: ``\x1b``, ``\u202e``, ``\udcff``.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def quoted(text: str) -> str:
    """Give a stranger's text in backticks, escaped, on one line, cut where it is longer than 200 characters."""
    shown = printable(text[:_SHOWN_CHARACTERS])
    return f"`{shown}…`" if len(text) > _SHOWN_CHARACTERS else f"`{shown}`"


def nearest_spelling(name: str, known: Iterable[str]) -> str:
    """Say in one clause which of the known names is spelt most like an unknown one; hostile lengths are left out."""
    names = sorted(each for each in known if len(each) <= _SHOWN_CHARACTERS)
    nearest = get_close_matches(name[:_SHOWN_CHARACTERS], names, n=1, cutoff=0)
    return f"the nearest is {quoted(nearest[0])}" if nearest else "there is none"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
