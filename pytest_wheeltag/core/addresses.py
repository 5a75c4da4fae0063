"""Texts that may be addresses and hold passwords, made fit to be shown."""

import re

from pytest_wheeltag.core.text import printable

_SHOWN_CHARACTERS = 200
_ABSOLUTE = r"(?:(?:git|hg|svn|bzr)\+(?:https?|ssh|file|git):/|(?:https?|file):/|[A-Za-z-][A-Za-z0-9+.-]*://)"
_SCHEME = r"(?:(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh|file|git):/*|[A-Za-z-][A-Za-z0-9+.-]*://)"
# Words before the address, then the name that it belongs to: `-e NAME @ ADDRESS`, `NAME[EXTRA]@ADDRESS`.
_BEFORE = re.compile(rf"(?:[^\s:/@]+\s+)*(?:[^\s:/@]*@(?=\s|{_ABSOLUTE})\s*)?", re.IGNORECASE)
# Greedy: an unquoted password may hold slashes and `@`.
_USER = re.compile(rf"^((?:--?[a-z-]+=)?{_SCHEME}?).*@", re.DOTALL | re.IGNORECASE)
# From the first character of an address on: a question mark may stand in any other text.
_QUERY = re.compile(r"^([^:/]*[:/][^?]*)\?.*", re.DOTALL)


def shown_address(text: str) -> str:
    """Take out of a text whatever may be a user, a password or a token, and make it fit to be shown.

    The text need be no address at all, or a broken one: `https:/USER:PASSWORD@HOST` holds a password as well.
    """
    stripped = text.strip()
    before = _BEFORE.match(stripped)
    start = before.end() if before else 0
    without_user = stripped[:start] + _USER.sub(r"\1", stripped[start:])
    return printable(_QUERY.sub(r"\1", without_user)[:_SHOWN_CHARACTERS])
