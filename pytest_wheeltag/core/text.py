"""Text of strangers made fit to be shown."""

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


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
