"""What a target would take of a lock of any format: each release that it wants, by itself, whatever the others lack."""

from dataclasses import dataclass

from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen, screen_files
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.foreign import Target
from pytest_wheeltag.core.ledger import Ledger, LockedPackage
from pytest_wheeltag.core.lockneeds import find_misfits, find_wanted
from pytest_wheeltag.core.nearest import describe_nearest
from pytest_wheeltag.core.prospect import Forecast, Prospect
from pytest_wheeltag.core.resolution import Artefact, Choice
from pytest_wheeltag.core.source import Material, Source


def foresee_ledger(ledger: Ledger, target: Target, controls: Controls) -> Forecast:
    """Tell what a target would take of a lock: of what the lock wants there, else of all that it holds for it.

    A lock that was made for other Pythons covers nothing.
    """
    problem = next(iter(find_misfits(ledger, target)), "")
    looking = _Looking(ledger, target, controls)
    packages = sorted(find_wanted(ledger, target), key=lambda each: (each.name, str(each.version)))
    prospects = {each.name: looking.foresee(each) for each in packages}
    if problem:
        prospects = {name: each.refused(problem) for name, each in prospects.items()}
    return Forecast(target, tuple(prospects.values()))


@dataclass(frozen=True)
class _Looking:
    ledger: Ledger
    target: Target
    controls: Controls

    def foresee(self, package: LockedPackage) -> Prospect:
        name, version = package.name, package.version
        if package.direct or version is None:
            where = f"the lock takes it from {package.direct or 'nowhere'}, of which nothing is published"
            return Prospect(name, str(version or ""), None, where, is_direct=True)
        files = self.ledger.release(name, version).files
        # As installers of locks do: of those that tie the first.
        offer = screen_files(name, version, files[::-1], Screen(self.target, controls=self.controls))
        if offer.best and self.controls.takes_wheels(name):
            return self._take(package, version, offer.best)
        nearest = describe_nearest(offer.rejections[::-1], self.target)
        if not offer.sdists or not self.controls.takes_sources(name):
            problem = f"no compatible file is locked in {self.ledger.origin}{nearest}"
            return Prospect(name, str(version), None, problem)
        source = Source(name, version, Material(offer.sdists[-1]))
        return self._take(package, version, source, f"no compatible wheel is locked{nearest}")

    def _take(
        self, package: LockedPackage, version: Version, artefact: Artefact, problem: str = ""
    ) -> Prospect:
        return Prospect(package.name, str(version), Choice(package.name, version, artefact), problem)
