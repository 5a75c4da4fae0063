"""Addresses of files: cut into parts, and made fit to be shown, since they may hold passwords."""

import re
from urllib.parse import SplitResult, urlsplit

from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError

EXPECTED_CHECKOUT = (
    "nothing of a version control system: clone it and take the folder, or take an archive of the revision"
)
EXPECTED_ADDRESS = "an address with the scheme `https`, `http` or `file`"

_SCHEMES = frozenset({"https", "http", "file"})
_SHOWN_CHARACTERS = 200
_ABSOLUTE = r"(?:(?:git|hg|svn|bzr)\+(?:https?|ssh|file|git):/|(?:https?|file):/|[A-Za-z-][A-Za-z0-9+.-]*://)"
_SCHEME = r"(?:(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh|file|git):/*|[A-Za-z-][A-Za-z0-9+.-]*://)"
# Words before the address, then the name that it belongs to: `-e NAME @ ADDRESS`, `NAME[EXTRA]@ADDRESS`.
_BEFORE = re.compile(rf"(?:[^\s:/@]+\s+)*(?:[^\s:/@]*@(?=\s|{_ABSOLUTE})\s*)?", re.IGNORECASE)
# Greedy: an unquoted password may hold slashes and `@`.
_USER = re.compile(rf"^((?:--?[a-z-]+=)?{_SCHEME}?).*@", re.DOTALL | re.IGNORECASE)
# In a text that is no address a question mark may stand between blanks.
_QUERY = re.compile(r"^([^?]*[^?\s]|[^:/?]*[:/][^?]*)\?.*", re.DOTALL)


def split_address(text: str, origin: str, expected: str = EXPECTED_ADDRESS) -> SplitResult:
    """Split the absolute address of a file or folder; raises ``UsageError``, which names ``origin`` and shows no secret."""
    try:
        parts = urlsplit(text.strip())
        is_complete = parts.path.startswith("/") and (parts.scheme == "file" or bool(parts.hostname))
    except ValueError as error:
        raise UsageError(origin, shown_address(text), expected) from error
    if parts.scheme not in _SCHEMES or not is_complete:
        raise UsageError(origin, shown_address(text), expected)
    return parts


def shown_address(text: str) -> str:
    """Take out of a text whatever may be a user, a password or a token, and make it fit to be shown.

    The text need be no address at all, or a broken one: `https:/USER:PASSWORD@HOST` holds a password as well.
    """
    stripped = text.strip()
    before = _BEFORE.match(stripped)
    start = before.end() if before else 0
    without_user = stripped[:start] + _USER.sub(r"\1", stripped[start:])
    return printable(_QUERY.sub(r"\1", without_user)[:_SHOWN_CHARACTERS])
