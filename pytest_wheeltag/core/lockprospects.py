"""What a target would take of a lock: each package that it says for it, by itself, whatever the others lack."""

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.pylock import Package
from packaging.utils import parse_sdist_filename
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, parse_wheel_name
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.foreign import Target
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.lockentries import direct_reference, locked_offer, published_file
from pytest_wheeltag.core.lockfile import one_line
from pytest_wheeltag.core.lockmisfits import applies, describe_other_python, describe_others
from pytest_wheeltag.core.nearest import describe_nearest
from pytest_wheeltag.core.prospect import Forecast, Prospect
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.resolution import Artefact, Choice
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import UsageError

# Of a tree the lock need not say it.
_NO_VERSION = Version("0")


def foresee_locked(lock: Lock, target: Target, controls: Controls) -> Forecast:
    """Tell what a target would take of a lock (pylock.toml specification, installation); nothing is fetched.

    A lock that was made for other interpreters covers nothing. Raises ``UsageError`` for what cannot be used.
    """
    try:
        problem = next(describe_others(lock, target), "")
        packages = [each for each in lock.pylock.packages if applies(each, lock, target)]
    except (UndefinedComparison, UndefinedEnvironmentName) as error:
        raise UsageError(lock.origin, one_line(error), "markers that can be decided for a lock") from error
    looking = _Looking(lock, target, controls)
    prospects = [looking.foresee(each) for each in sorted(packages, key=lambda each: each.name)]
    return Forecast(target, tuple(each.refused(problem) if problem else each for each in prospects))


@dataclass(frozen=True)
class _Looking:
    lock: Lock
    target: Target
    controls: Controls

    def foresee(self, package: Package) -> Prospect:
        problem = next(describe_other_python(package, self.lock, self.target), "")
        if problem:
            return self._none(package, problem)
        if package.directory or package.archive:
            return self._foresee_direct(package)
        if package.vcs:
            return self._none(package, "it is locked to a revision of a repository, which is not looked at")
        return self._foresee_files(package)

    def _foresee_files(self, package: Package) -> Prospect:
        version, nearest = _version(package), ""
        if package.wheels and self.controls.takes_wheels(package.name):
            offer = locked_offer(package, version, self.lock, self.target)
            if offer.best:
                return self._some(package, offer.best)
            nearest = describe_nearest(offer.rejections[::-1], self.target)
        if package.sdist is None or not self.controls.takes_sources(package.name):
            return self._none(package, f"no compatible file is locked{nearest}")
        source = Source(package.name, version, Material(published_file(package.sdist, self.lock)))
        return self._some(package, source, f"no compatible wheel is locked{nearest}")

    def _foresee_direct(self, package: Package) -> Prospect:
        entry = package.directory or package.archive
        assert entry is not None  # noqa: S101 - whoever calls has looked
        reference = direct_reference(entry, self.lock)
        if reference.kind is not ReferenceKind.WHEEL:
            source = Source(package.name, _version(package), Material(reference.file, reference))
            return self._some(package, source, reference=reference)
        wheel = parse_wheel_name(reference.filename)
        rank = self.target.ranking.rank(wheel.tags)
        if rank is None:
            return self._none(package, f"no tag of the wheel that is locked is accepted: `{reference}`")
        return self._some(package, Candidate(reference.file, wheel, rank), reference=reference)

    def _some(
        self, package: Package, artefact: Artefact, problem: str = "", *, reference: Reference | None = None
    ) -> Prospect:
        choice = Choice(package.name, artefact.version, artefact, reference)
        return Prospect(package.name, _shown(artefact.version), choice, problem)

    def _none(self, package: Package, problem: str) -> Prospect:
        return Prospect(package.name, _shown(_version(package)), None, f"{problem}, in {self.lock.origin}")


def _version(package: Package) -> Version:
    if package.version is not None:
        return package.version
    wheels: Sequence[str] = [each.filename for each in package.wheels or ()]
    if wheels:
        return parse_wheel_name(wheels[0]).version
    return parse_sdist_filename(package.sdist.filename)[1] if package.sdist else _NO_VERSION


def _shown(version: Version) -> str:
    return "" if version == _NO_VERSION else str(version)
