"""What an environment holds that an installation meets: what may be kept, what it declares, where it came from."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.distinfo import EntryKind, parse_version
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.verdict import InstalledDistribution, MalformedDistribution
from pytest_wheeltag.errors import MetadataError, UnsafeFileError
from pytest_wheeltag.system.artefacts import read_declared
from pytest_wheeltag.system.files import read_regular

_DIRECT_URL_BYTES = 1 << 20


def read_present(installed: Iterable[InstalledDistribution]) -> tuple[PresentDistribution, ...]:
    """Give what may be kept of what is installed: whatever has a dist-info that can be read, and a version."""
    found = (each for each in installed if not isinstance(each, MalformedDistribution))
    present = (
        (each, parse_version(each.version)) for each in found if each.location.endswith(EntryKind.DIST_INFO)
    )
    return tuple(
        PresentDistribution(canonicalize_name(each.name), version, each.location)
        for each, version in present
        if version is not None
    )


def read_declarations(installed: Iterable[InstalledDistribution]) -> Iterator[ReleaseMetadata]:
    """Give what each installed distribution declares, leaving out those that cannot be read."""
    for each in read_present(installed):
        try:
            yield read_declared(Path(each.location))
        except MetadataError:
            continue


def is_from(installed: InstalledDistribution, direct_url: bytes) -> bool:
    """Tell whether a distribution was installed from the very file that ``direct_url`` (PEP 610) describes."""
    try:
        found = read_regular(Path(installed.location) / "direct_url.json", _DIRECT_URL_BYTES)
        return bool(json.loads(found) == json.loads(direct_url))
    except (OSError, UnsafeFileError, ValueError, RecursionError):
        return False
