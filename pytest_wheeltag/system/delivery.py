"""Bringing what was chosen into the store, so that it can be installed without asking anybody."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from packaging.utils import NormalizedName

from pytest_wheeltag.core.hashchecking import unverified
from pytest_wheeltag.core.resolution import Choice, Resolution
from pytest_wheeltag.system.artefacts import Artefacts
from pytest_wheeltag.system.entries import StoreEntry

# As many as there are connections; unpacking is bound by the processor, and waits for itself.
_THREADS = 8


@dataclass(frozen=True)
class Delivery:
    """A resolution with the store's entry for each of its choices, ready to be installed."""

    resolution: Resolution = field(default_factory=lambda: Resolution(()))
    entries: Mapping[NormalizedName, StoreEntry] = field(default_factory=dict)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What was chosen, sorted by name."""
        return self.resolution.choices


def deliver(resolution: Resolution, artefacts: Artefacts) -> Delivery:
    """Bring what was chosen into the store, building what must be built; raises as ``Artefacts`` does."""
    chosen = {choice.name: choice for choice in resolution.choices}
    entries = {name: entry for name, each in chosen.items() if (entry := artefacts.recall(each.artefact))}
    wheels = [name for name, each in chosen.items() if name not in entries and not each.is_built]
    if wheels:
        with ThreadPoolExecutor(min(_THREADS, len(wheels)), "wheeltag-store") as pool:
            fetched = pool.map(artefacts.provide, (chosen[name].artefact for name in wheels))
            entries |= zip(wheels, fetched, strict=True)
    # One after the other: compilers use all processors as it is.
    entries |= {
        name: artefacts.provide(each.artefact) for name, each in chosen.items() if name not in entries
    }
    for choice in unverified(resolution.choices):
        artefacts.verify(choice)
    return Delivery(resolution, entries)
