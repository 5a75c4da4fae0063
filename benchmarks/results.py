"""The figures of one piece of work, as a table, as JSON and as a plot."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.drawing import draw
from benchmarks.pairs import Ratio, Timing, compare
from pytest_wheeltag.reports.terminal import align


@dataclass(frozen=True)
class Results:
    """What was measured of the work ``name``, where, with which versions; the first timing is what others are compared with."""

    name: str
    title: str
    facts: Mapping[str, str]
    timings: tuple[Timing, ...]

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        """All other sides against the first."""
        return compare(self.timings)

    def table(self) -> Iterator[str]:
        """Give the lines of a table: medians with quartiles in milliseconds, ratios with quartiles."""
        yield self.title
        yield from align([["side", "median", "quartiles", "pairs", "ratio", "quartiles"], *self._rows()])
        yield from (f"{name}: {value}" for name, value in self.facts.items())

    def _rows(self) -> Iterator[Sequence[str]]:
        ratios = {ratio.name: ratio for ratio in self.ratios}
        for timing in self.timings:
            low, high = (f"{1000 * each:.1f}" for each in timing.quartiles)
            row = [
                timing.name,
                f"{1000 * timing.median:.1f} ms",
                f"{low} to {high} ms",
                str(len(timing.seconds)),
            ]
            yield [*row, *_cells(ratios.get(timing.name))]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write JSON and a plot into a folder; give their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        data, plot = folder / f"{self.name}.json", folder / f"{self.name}.svg"
        data.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        plot.write_text(draw(self.title, self.timings), encoding="utf-8")
        return data, plot

    def to_json(self) -> dict[str, object]:
        """Give everything as plain JSON values; times in seconds."""
        timings = [
            {**asdict(each), "median": each.median, "quartiles": each.quartiles} for each in self.timings
        ]
        return {
            "work": self.name,
            "title": self.title,
            "facts": dict(self.facts),
            "timings": timings,
            "ratios": [asdict(ratio) for ratio in self.ratios],
        }


def _cells(ratio: Ratio | None) -> Sequence[str]:
    if ratio is None:
        return "1", ""
    low, high = ratio.quartiles
    return f"{ratio.median:.2f}", f"{low:.2f} to {high:.2f}"
