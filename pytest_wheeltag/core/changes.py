"""What becomes of an environment, decided before anything in it is touched."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.resolution import Choice, Resolution
from pytest_wheeltag.core.verdict import InstalledDistribution
from pytest_wheeltag.errors import RemovalError


@dataclass(frozen=True)
class Change:
    """What is put into an environment, what is taken out of it before, and what stays of all that was asked for.

    The first two are in the order of what was asked for, the last is sorted by name.
    """

    installed: tuple[Choice, ...] = ()
    removed: tuple[InstalledDistribution, ...] = ()
    kept: tuple[PresentDistribution, ...] = ()


def plan_change(
    resolution: Resolution,
    installed: Iterable[InstalledDistribution],
    same: Collection[NormalizedName] = (),
) -> Change:
    """Give what makes an environment hold what was chosen, in place of other versions of it.

    ``same`` are the projects of which the very file is installed that was chosen: those stay.
    """
    present = _by_name(installed)
    fresh = tuple(choice for choice in resolution.choices if choice.name not in same)
    removed = tuple(present[choice.name] for choice in fresh if choice.name in present)
    staying = (
        PresentDistribution(each.name, each.version) for each in resolution.choices if each.name in same
    )
    return Change(fresh, removed, tuple(sorted((*resolution.kept, *staying), key=lambda each: each.name)))


def plan_removal(names: Iterable[str], installed: Iterable[InstalledDistribution], prefix: str) -> Change:
    """Give what takes distributions out of the environment ``prefix``, each once, by whatever spelling of its name.

    Raises ``RemovalError`` where one is not installed.
    """
    present = _by_name(installed)
    wanted = tuple(dict.fromkeys(map(canonicalize_name, names)))
    if absent := [name for name in wanted if name not in present]:
        raise RemovalError(absent[0], "it is not installed there", prefix)
    return Change(removed=tuple(present[name] for name in wanted))


def _by_name(installed: Iterable[InstalledDistribution]) -> Mapping[NormalizedName, InstalledDistribution]:
    return {canonicalize_name(each.name): each for each in installed}
