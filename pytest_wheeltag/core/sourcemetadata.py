"""What an sdist's PKG-INFO promises about the metadata of every wheel that is built from it."""

import re

from pytest_wheeltag.core.dependencies import ReleaseMetadata, parse_release_metadata
from pytest_wheeltag.core.distinfo import DistInfoError, decode, headers

_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})", re.ASCII)
_FIRST_PROMISE = (2, 2)
# A major version may change what any header means.
_NEXT_MAJOR = (3, 0)
_DECISIVE = frozenset({"name", "version", "requires-dist", "requires-python", "provides-extra"})


def parse_static_metadata(pkg_info: bytes) -> ReleaseMetadata | None:
    """Give what an sdist's PKG-INFO promises to be its wheel's metadata, None where only a build can tell.

    From Metadata-Version 2.2 on, a wheel has what the sdist says but for the headers that ``Dynamic`` names
    (PEP 643). A PKG-INFO that cannot be used promises nothing, which is no error: pip does not look at it.
    """
    try:
        text = decode(pkg_info, "PKG-INFO")
        if not _promises(headers(text, "Metadata-Version"), headers(text, "Dynamic")):
            return None
        return parse_release_metadata(pkg_info)
    except DistInfoError:
        return None


def _promises(versions: tuple[str, ...], dynamic: tuple[str, ...]) -> bool:
    match = _VERSION.fullmatch(versions[0]) if len(versions) == 1 else None
    if match is None or not _FIRST_PROMISE <= (int(match[1]), int(match[2])) < _NEXT_MAJOR:
        return False
    return _DECISIVE.isdisjoint(map(str.lower, dynamic))
