"""Paired timing: all sides do the same piece of work in turn, so that drift of the machine falls on each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles
from typing import Protocol

_FEWEST_FOR_QUARTILES = 2


class Side(Protocol):
    """Whoever does the work: ours, in some way, or a peer."""

    @property
    def name(self) -> str:
        """What it is called in tables; the same for two runs."""
        ...

    def run(self, folder: Path) -> float:
        """Do the work in a folder that is not there yet; give the seconds that it took."""
        ...


@dataclass(frozen=True)
class Timing:
    """The seconds that one side took, one figure for each pair, in the order of measuring."""

    name: str
    seconds: tuple[float, ...]

    @cached_property
    def median(self) -> float:
        """The median, in seconds."""
        return median(self.seconds)

    @cached_property
    def quartiles(self) -> tuple[float, float]:
        """The first and the third quartile, in seconds."""
        return quartiles(self.seconds)


@dataclass(frozen=True)
class Ratio:
    """How many times the seconds of ``reference`` another side took; quartiles are those of the single pairs."""

    name: str
    reference: str
    median: float
    quartiles: tuple[float, float]


def quartiles(figures: Sequence[float]) -> tuple[float, float]:
    """Give the first and the third quartile of some figures."""
    if len(figures) < _FEWEST_FOR_QUARTILES:
        return figures[0], figures[0]
    first, _, third = quantiles(figures, n=4, method="inclusive")
    return first, third


def measure(
    sides: Sequence[Side], pairs: int, folder: Path, told: Callable[[str], None]
) -> tuple[Timing, ...]:
    """Let every side do the work once per pair, in an order that turns round each time; nothing is removed."""
    seconds: Mapping[str, list[float]] = {side.name: [] for side in sides}
    for pair in range(pairs):
        ordered = sides if pair % 2 == 0 else sides[::-1]
        for side in ordered:
            place = folder / f"{pair}-{side.name.replace(' ', '-').replace(',', '')}"
            seconds[side.name].append(side.run(place))
        told(f"pair {pair + 1} of {pairs}")
    return tuple(Timing(name, tuple(figures)) for name, figures in seconds.items())


def compare(timings: Sequence[Timing]) -> tuple[Ratio, ...]:
    """Compare every side with the first: the ratio of the medians, and the spread of the pairs' ratios."""
    reference, *others = timings
    return tuple(_compare(other, reference) for other in others)


def _compare(other: Timing, reference: Timing) -> Ratio:
    each = [theirs / ours for theirs, ours in zip(other.seconds, reference.seconds, strict=True)]
    return Ratio(other.name, reference.name, other.median / reference.median, quartiles(each))
