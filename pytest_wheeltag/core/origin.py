"""Who put a distribution where it is, and from where: INSTALLER and direct_url.json."""

import json
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from pytest_wheeltag.core.distinfo import DistInfoError, decode

# What these install are wheels off an index; whatever else INSTALLER names has ways and tags of its own.
WHEEL_INSTALLERS = frozenset({"pip", "uv", "poetry", "pdm", "pytest-wheeltag"})

# Git's short spelling of ssh URLs, `git@host:path`.
_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>(?!//)[^\s\\@]+)", re.ASCII)
_FILE = "direct_url.json"
_INFORMATION = ("vcs_info", "archive_info", "dir_info")


def parse_installer(data: bytes) -> str:
    """Parse INSTALLER (recording installed projects): its first line that holds anything, else an empty text.

    Raises ``DistInfoError`` where it is not UTF-8.
    """
    return next(filter(None, map(str.strip, decode(data, "INSTALLER").splitlines())), "")


def is_wheel_installer(installer: str) -> bool:
    """Tell whether an installer puts wheels of an index in place; ``Poetry 1.8.3`` is named with its version."""
    words = installer.lower().split()
    return bool(words) and words[0] in WHEEL_INSTALLERS


def parse_direct_url(data: bytes) -> str:
    """Parse direct_url.json (PEP 610) to one line: the URL without credentials, then what was taken from it.

    A checkout is ``git+https://host/path@commit``, an editable one ends in `` (editable)``. Raises
    ``DistInfoError``, which shows nothing of a URL that cannot be read.
    """
    values = _load(data)
    kinds = [kind for kind in _INFORMATION if isinstance(values.get(kind), dict)]
    if len(kinds) != 1:
        raise DistInfoError(
            _FILE, f"expected one of {', '.join(_INFORMATION)}, found {', '.join(kinds) or 'none'}"
        )
    information: dict[str, Any] = values[kinds[0]]
    if kinds[0] == "vcs_info":
        return _checkout(values.get("url"), information)
    url = _without_credentials(values.get("url"))
    return f"{url} (editable)" if information.get("editable") is True else url


def _load(data: bytes) -> dict[str, Any]:
    try:
        values = json.loads(decode(data, _FILE))
    except RecursionError as error:
        raise DistInfoError(_FILE, "expected an object, found one nested too deep") from error
    except json.JSONDecodeError as error:
        raise DistInfoError(_FILE, f"expected JSON, found something else at offset {error.pos}") from error
    except ValueError as error:  # an integer of more digits than int() takes
        raise DistInfoError(_FILE, "expected JSON, found a number that is too long") from error
    if isinstance(values, dict):
        return values
    raise DistInfoError(_FILE, f"expected an object, found a value of the type `{type(values).__name__}`")


def _checkout(url: object, information: dict[str, Any]) -> str:
    system, commit = information.get("vcs"), information.get("commit_id")
    if not isinstance(system, str) or not isinstance(commit, str):
        raise DistInfoError(_FILE, "expected vcs and commit_id as texts, found something else")
    if isinstance(url, str) and (match := _SCP.fullmatch(url)):
        url = f"ssh://{match['host']}/{match['path']}"
    return f"{system}+{_without_credentials(url)}@{commit}"


def _without_credentials(url: object) -> str:
    """Drop whatever of a URL may hold a secret: user and password, query and fragment."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        has_host = bool(parts.hostname) and (parts.port or True)
    except ValueError as error:
        raise DistInfoError(_FILE, "expected a URL, found none") from error
    if not parts.scheme or "\\" in parts.netloc or not (has_host or _is_local(parts)):
        raise DistInfoError(_FILE, "expected a URL, found none")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _is_local(parts: SplitResult) -> bool:
    return parts.scheme.endswith("file") and parts.path.startswith("/")
