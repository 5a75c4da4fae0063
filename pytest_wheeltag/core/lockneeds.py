"""Which packages of a lock are to be installed for an interpreter: all that it wants without further extras and groups."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.ledger import Ledger, LockedPackage, Need
from pytest_wheeltag.core.report import AbsentPackage, LockSummary


def compare_with_lock(
    ledger: Ledger, interpreter: Interpreter, installed: Collection[NormalizedName]
) -> LockSummary:
    """Say which lock an environment is judged by, and what that holds and is not installed; the lock's own projects are left out.

    What nobody but an extra, a group or a marker that does not hold asks for is not ``is_needed``; nor is anything
    of a lock that does not tell.
    """
    needed = find_needed(ledger, interpreter)
    held = ledger.packages.keys() - set(ledger.contents.roots)
    absent = (
        AbsentPackage(name, str(ledger.packages[name][0].version or "") or None, is_needed=name in needed)
        for name in sorted(held - set(installed))
    )
    return LockSummary(
        ledger.origin,
        str(ledger.format),
        ledger.contents.format_version,
        ledger.digest,
        ledger.contents.tells_needs,
        tuple(absent),
        tuple(find_misfits(ledger, interpreter)),
    )


def find_wanted(ledger: Ledger, interpreter: Interpreter) -> tuple[LockedPackage, ...]:
    """Give the packages that the lock wants for this interpreter; where it does not tell, all whose markers hold.

    The lock's own projects are left out.
    """
    needed = find_needed(ledger, interpreter)
    markers = _Markers(interpreter, ledger.contents.groups)
    wanted = needed or ledger.packages.keys()
    held = (
        each
        for each in ledger.contents.packages
        if each.name in wanted and each.name not in ledger.contents.roots
    )
    return tuple(each for each in held if markers.admit(each))


def find_needed(ledger: Ledger, interpreter: Interpreter) -> frozenset[NormalizedName]:
    """Name what the lock wants in every environment of this interpreter; nothing where the lock does not tell."""
    if not ledger.contents.tells_needs:
        return frozenset()
    markers = _Markers(interpreter, ledger.contents.groups)
    if ledger.contents.roots:
        return _Walk(ledger, markers).reach(ledger.contents.roots)
    packages = (each for each in ledger.contents.packages if not each.is_optional)
    return frozenset(each.name for each in packages if markers.admit(each))


def find_misfits(ledger: Ledger, interpreter: Interpreter) -> Iterable[str]:
    """Say that a lock was made for other Pythons, which leaves out the files of this one."""
    required = ledger.contents.requires_python
    version = interpreter.markers["python_full_version"].removesuffix("+")
    if required and not SpecifierSet(required).contains(version, prereleases=True):
        yield f"{ledger.origin} is for other Pythons than {version}, whose files it may leave out: `{required}`"


# Hundreds of targets ask the same, and parsing takes longer than deciding.
_parse = lru_cache(maxsize=8192)(Marker)


class _Markers:
    """Decides the markers of a lock for one interpreter, without extras, with the groups that count by themselves."""

    def __init__(self, interpreter: Interpreter, groups: frozenset[str]) -> None:
        self._environment: dict[str, str | frozenset[str]] = {
            **interpreter.markers,
            "extra": "",
            "extras": frozenset[str](),
            "dependency_groups": groups,
        }
        self._known: dict[str, bool] = {"": True}

    def admit(self, package: LockedPackage) -> bool:
        """Tell whether a package may be installed: one of its markers holds, or it has none."""
        return not package.markers or any(map(self.holds, package.markers))

    def holds(self, text: str) -> bool:
        """Tell whether a marker holds; one that cannot be decided asks for nothing."""
        if text not in self._known:
            try:
                self._known[text] = _parse(text).evaluate(self._environment, context="lock_file")
            except (ValueError, RecursionError):
                self._known[text] = False
        return self._known[text]


@dataclass(frozen=True)
class _Walk:
    """Goes from the lock's own projects to all that they lead to."""

    ledger: Ledger
    markers: _Markers
    seen: set[tuple[NormalizedName, str]] = field(default_factory=set)

    def reach(self, roots: Iterable[NormalizedName]) -> frozenset[NormalizedName]:
        """Name everything that is reached."""
        waiting = [(name, "") for name in roots]
        while waiting:
            name, extra = waiting.pop()
            if (name, extra) in self.seen:
                continue
            self.seen.add((name, extra))
            packages = filter(self.markers.admit, self.ledger.packages.get(name, ()))
            for need in (each for package in packages for each in package.needs if each.extra == extra):
                waiting += self._follow(need)
        return frozenset(name for name, _ in self.seen if name in self.ledger.packages)

    def _follow(self, need: Need) -> list[tuple[NormalizedName, str]]:
        if not self.markers.holds(need.marker):
            return []
        return [(need.name, ""), *((need.name, extra) for extra in need.extras)]
