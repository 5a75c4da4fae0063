"""What of an environment does not fit together, as ``pip check`` tells it."""

from collections.abc import Iterable, Iterator

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.markers import MarkerJudge


def find_broken(
    installed: Iterable[ReleaseMetadata], interpreter: Interpreter, changed: frozenset[NormalizedName]
) -> Iterator[str]:
    """Find requirements that an installation left unmet: those of or on the ``changed`` projects.

    One line each: who requires what, and what is there. Extras do not count, since nobody knows who wants them.
    """
    found = {each.name: each for each in installed}
    judge = MarkerJudge(interpreter)
    for release in found.values():
        for name, specifier in _requirements(release, judge):
            if name not in changed and release.name not in changed:
                continue
            other = found.get(name)
            if other is None:
                yield f"{release.name} {release.version} requires {name}, which is not installed"
            elif not _admits(specifier, other.version):
                bound = f"{name}{specifier}"
                yield f"{release.name} {release.version} requires {bound}, but {name} {other.version} is installed"


def _requirements(
    release: ReleaseMetadata, judge: MarkerJudge
) -> Iterator[tuple[NormalizedName, SpecifierSet]]:
    for dependency in release.requires:
        try:
            holds = judge.holds(dependency.condition)
        except ValueError:
            continue
        if holds:
            yield canonicalize_name(dependency.requirement.name), dependency.requirement.specifier


def _admits(specifier: SpecifierSet, version: Version) -> bool:
    return specifier.contains(version, prereleases=True)
