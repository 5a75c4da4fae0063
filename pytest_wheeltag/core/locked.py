"""Taking what a lock says, for one interpreter, without any resolution (pylock.toml specification, installation)."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import cast

from packaging.markers import Environment, UndefinedComparison, UndefinedEnvironmentName
from packaging.pylock import Package, PackageSdist, PackageVcs, PackageWheel, PylockSelectError
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import parse_sdist_filename

from pytest_wheeltag.core.candidates import Offer, Screen, parse_wheel_name, screen_release
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.lockentries import (
    DirectEntry,
    Entry,
    direct_reference,
    locked_offer,
    published_file,
    refuse_checkout,
)
from pytest_wheeltag.core.lockfile import one_line
from pytest_wheeltag.core.lockmisfits import describe_misfits
from pytest_wheeltag.core.markers import MarkerJudge
from pytest_wheeltag.core.nearest import describe_miss, describe_nearest
from pytest_wheeltag.core.present import Present, PresentDistribution
from pytest_wheeltag.core.requirements import Demand, Request
from pytest_wheeltag.core.resolution import Choice, Edge, Resolution, Surveyor
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import ResolutionError, UsageError, WheeltagError


def resolve_locked(
    request: Request, screen: Screen, surveyor: Surveyor | None = None, *, present: Present | None = None
) -> Resolution:
    """Give what a request's lock says for the screen's interpreter: nothing else is looked for, and nothing left out.

    Every distribution of it counts as asked for by name, as with pip, and what is ``present`` in its version is
    kept. Of wheels that fit equally well the higher build tag is taken, then the first. What a folder or an
    archive holds, ``surveyor`` finds out. Raises ``ResolutionError`` where the lock was not made for this
    interpreter, or the screen or a constraint does not admit a file of it, ``UsageError`` for what cannot be used,
    ``WheeltagError`` as the surveyor does, ``ValueError`` for a request without a lock.
    """
    lock = request.lock
    if lock is None:
        msg = f"expected a request with a lock, found: `{request}`"
        raise ValueError(msg)
    choices, warnings = _Taking(lock, screen, surveyor).choose()
    edges = tuple(Edge(choice.name, None, _demand(choice, lock)) for choice in choices)
    kept = {choice.name: found for choice in choices if (found := _find_kept(choice, present or Present()))}
    left = tuple(choice for choice in choices if choice.name not in kept)
    resolution = Resolution(left, edges, warnings, tuple(kept.values()))
    _check_constraints(resolution, request.constraints, screen.interpreter)
    return resolution


def _find_kept(choice: Choice, present: Present) -> PresentDistribution | None:
    installed = None if choice.reference else present.find(choice.name)
    pin = SpecifierSet(f"=={choice.version}")
    return installed if installed and pin.contains(installed.version, prereleases=True) else None


def _check_constraints(
    resolution: Resolution, constraints: Iterable[Demand], interpreter: Interpreter
) -> None:
    """Raise ``ResolutionError`` where what a lock says is not what constraints admit: a lock has no other choice."""
    judge = MarkerJudge(interpreter)
    versions = {choice.name: choice.version for choice in resolution.choices}
    versions |= {kept.name: kept.version for kept in resolution.kept}
    for demand in constraints:
        version = versions.get(demand.name)
        if version is None or not judge.holds(str(demand.marker or "")):
            continue
        if not demand.requirement.specifier.contains(version, prereleases=True):
            refusal = f"which a constraint of {demand.origin} does not admit: `{demand.text}`"
            problem = f"the lock says {demand.name} {version}, {refusal}"
            raise ResolutionError(interpreter.label, problem)


def list_names(lock: Lock, interpreter: Interpreter | None) -> tuple[str, ...]:
    """Name what a lock says for an interpreter, or for any where there is none; normalised and sorted."""
    if interpreter is not None:
        with suppress(WheeltagError):
            selected = _Taking(lock, Screen(interpreter), None).select()
            return tuple(sorted(package.name for package, _ in selected))
    return tuple(sorted({package.name for package in lock.pylock.packages}))


class _Taking:
    def __init__(self, lock: Lock, screen: Screen, surveyor: Surveyor | None) -> None:
        self._lock = lock
        self._screen = screen
        self._surveyor = surveyor
        self._warnings: list[str] = []

    def choose(self) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
        """Give a choice for each package, sorted by name, and warnings."""
        selected = sorted(self.select(), key=lambda each: each[0].name)
        choices = tuple(self._choose(package, entry) for package, entry in selected)
        return choices, tuple(self._warnings)

    def select(self) -> list[tuple[Package, Entry]]:
        interpreter, controls = self._screen.interpreter, self._screen.controls
        try:
            return list(
                self._lock.pylock.select(
                    environment=cast("Environment", dict(interpreter.markers)),
                    tags=[Tag(*tag.split("-")) for tag in interpreter.ranking.tags],
                    extras=self._lock.extras,
                    dependency_groups=self._lock.groups,
                    prefer_sdist_predicate=lambda name: not controls.takes_wheels(name),
                )
            )
        except PylockSelectError as error:
            problem = next(describe_misfits(self._lock, interpreter), one_line(error))
            raise ResolutionError(interpreter.label, problem) from error
        except (UndefinedComparison, UndefinedEnvironmentName) as error:
            expected = "markers that can be decided for a lock"
            raise UsageError(self._lock.origin, one_line(error), expected) from error

    def _choose(self, package: Package, entry: Entry) -> Choice:
        if isinstance(entry, PackageVcs):
            raise refuse_checkout(entry, self._lock)
        if isinstance(entry, PackageWheel):
            return self._choose_wheel(package, entry)
        if isinstance(entry, PackageSdist):
            return self._choose_sdist(package, entry)
        return self._choose_direct(package, entry)

    def _choose_wheel(self, package: Package, first: PackageWheel) -> Choice:
        version = parse_wheel_name(first.filename).version
        offer = locked_offer(package, version, self._lock, self._screen.interpreter)
        if offer.best is None:
            raise self._refuse(package, f"no compatible wheel is locked{self._nearest(offer)}")
        if not self._screen.controls.takes_wheels(package.name):
            raise self._refuse(package, "wheels are not taken of it, and no source distribution is locked")
        self._warnings += _describe_equals(offer, first.filename)
        choice = Choice(package.name, version, offer.best, hashes=offer.best.file.hashes)
        return self._admit(package, choice)

    def _choose_sdist(self, package: Package, entry: PackageSdist) -> Choice:
        version = parse_sdist_filename(entry.filename)[1]
        if not self._screen.controls.takes_sources(package.name):
            offer = locked_offer(package, version, self._lock, self._screen.interpreter)
            problem = "no compatible wheel is locked and source distributions are not taken of it"
            raise self._refuse(package, f"{problem}{self._nearest(offer)}")
        source = Source(package.name, version, Material(published_file(entry, self._lock)))
        return self._admit(package, Choice(package.name, version, source, hashes=source.file.hashes))

    def _choose_direct(self, package: Package, entry: DirectEntry) -> Choice:
        reference = direct_reference(entry, self._lock)
        if self._surveyor is None:
            raise UsageError(self._lock.origin, str(reference), "a place where addresses can be looked at")
        found = self._surveyor.survey(reference, package.name)
        if package.version is not None and package.version != found.version:
            problem = (
                f"{package.name} is {found.version} and not {package.version}, as {self._lock.origin} says"
            )
            self._warnings.append(f"{problem}: `{reference}`")
        return Choice(package.name, found.version, found, reference, reference.hashes)

    def _admit(self, package: Package, choice: Choice) -> Choice:
        """Refuse a file that was not asked for like this: no other one is taken instead, nor does pip."""
        prereleases = self._screen.controls.prereleases
        if choice.version.is_prerelease and prereleases.decide(package.name) is False:
            problem = f"only final releases are taken of it, and {choice.version} is locked"
            raise self._refuse(package, problem)
        screen = replace(self._screen, hashes={})
        offer = screen_release(package.name, choice.version, (choice.file,), screen)
        if offer.nearest_miss:
            problem = f"what is locked cannot be taken ({describe_miss(offer.nearest_miss)})"
            raise self._refuse(package, problem)
        return choice

    def _nearest(self, offer: Offer) -> str:
        return describe_nearest(offer.rejections[::-1], self._screen.interpreter)

    def _refuse(self, package: Package, problem: str) -> ResolutionError:
        asked = f"asked for by {self._lock.origin}: `{package.name}`"
        return ResolutionError(self._screen.interpreter.label, f"{problem}, {asked}")


def _demand(choice: Choice, lock: Lock) -> Demand:
    bound = "" if choice.reference else f"=={choice.version}"
    return Demand(Requirement(f"{choice.name}{bound}"), lock.origin, choice.reference, choice.hashes)


def _describe_equals(offer: Offer, first: str) -> Iterator[str]:
    """Say which further wheels are as good, or better only to whoever looks at tags alone."""
    taken = offer.best.file.filename if offer.best else first
    if offer.ties:
        others = ", ".join(tie.file.filename for tie in offer.ties)
        yield f"{offer.name} {offer.version} has locked wheels that fit as well as {taken}: `{others}`"
    elif taken != first:
        problem = f"{taken} is taken for its build tag, where pip takes the first"
        yield f"{offer.name} {offer.version}: {problem}: `{first}`"
