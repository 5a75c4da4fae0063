"""What an environment holds that an installation meets: what may be kept, where it came from, what it breaks."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.changes import Change
from pytest_wheeltag.core.consistency import find_broken
from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.distinfo import EntryKind, parse_version
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.verdict import InstalledDistribution, MalformedDistribution
from pytest_wheeltag.errors import MetadataError, UnsafeFileError
from pytest_wheeltag.system.artefacts import read_declared
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.installed import read_installed

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


def find_same(
    choices: Iterable[Choice], installed: Iterable[InstalledDistribution]
) -> frozenset[NormalizedName]:
    """Find of which projects the very file is installed that was asked for by its address.

    Never a tree's: it may have been edited.
    """
    present = {canonicalize_name(each.name): each for each in installed}
    return frozenset(
        choice.name
        for choice in choices
        if choice.reference and not choice.is_tree and choice.name in present
        if _is_from(present[choice.name], choice.reference.render_direct_url(choice.file.sha256))
    )


def _is_from(installed: InstalledDistribution, direct_url: bytes) -> bool:
    """Tell whether a distribution was installed from the very file that ``direct_url`` (PEP 610) describes."""
    try:
        found = read_regular(Path(installed.location) / "direct_url.json", _DIRECT_URL_BYTES)
        return bool(json.loads(found) == json.loads(direct_url))
    except (OSError, UnsafeFileError, ValueError, RecursionError):
        return False


def find_newly_broken(
    existing: ExistingEnvironment, before: Iterable[InstalledDistribution], change: Change
) -> Iterator[str]:
    """Tell what does not fit together after a change, as pip does, where there is more than what was put in."""
    changed = frozenset(choice.name for choice in change.installed)
    if changed and not {canonicalize_name(each.name) for each in before} <= changed:
        yield from find_broken(_read_declarations(read_installed(existing)), existing.interpreter, changed)


def _read_declarations(installed: Iterable[InstalledDistribution]) -> Iterator[ReleaseMetadata]:
    """Give what each installed distribution declares, leaving out those that cannot be read."""
    for each in read_present(installed):
        try:
            yield read_declared(Path(each.location))
        except MetadataError:
            continue
