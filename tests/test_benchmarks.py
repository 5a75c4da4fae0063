"""The benchmarks' own arithmetic: nothing is measured here."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a folder beside the package, never installed
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: import_module(f"benchmarks.{name}")


class Worker:
    """A side that notes when its turn is, and took as long as it is told."""

    def __init__(self, name: str, seconds: list[float], turns: list[str]) -> None:
        self.name = name
        self._seconds = iter(seconds)
        self._turns = turns

    def run(self, folder: Path) -> float:
        self._turns.append(folder.name)
        return next(self._seconds)


def test_all_sides_take_turns_in_an_order_that_turns_round(benchmarks: Any, tmp_path: Path) -> None:  # noqa: ANN401 - as above
    turns: list[str] = []
    told: list[str] = []
    sides = [Worker("ours, warm", [1, 2, 3], turns), Worker("uv", [2, 8, 3], turns)]

    timings = benchmarks("pairs").measure(sides, 3, tmp_path, told.append)

    assert turns == ["0-ours-warm", "0-uv", "1-uv", "1-ours-warm", "2-ours-warm", "2-uv"]
    assert told == ["pair 1 of 3", "pair 2 of 3", "pair 3 of 3"]
    assert [(each.name, each.seconds, each.median) for each in timings] == [
        ("ours, warm", (1, 2, 3), 2),
        ("uv", (2, 8, 3), 3),
    ]


def test_others_are_compared_with_the_first_pair_by_pair(benchmarks: Any) -> None:  # noqa: ANN401 - as above
    pairs = benchmarks("pairs")
    ours, uv = pairs.Timing("ours", (1.0, 2.0, 4.0)), pairs.Timing("uv", (3.0, 8.0, 4.0))

    [ratio] = pairs.compare([ours, uv])

    # Of the medians, 4 and 2; of the pairs 3, 4 and 1.
    assert (ratio.name, ratio.reference, ratio.median, ratio.quartiles) == ("uv", "ours", 2, (2, 3.5))
    assert pairs.quartiles([7.0]) == (7.0, 7.0)


def test_figures_are_told_as_a_table_as_json_and_as_a_plot(benchmarks: Any, tmp_path: Path) -> None:  # noqa: ANN401 - as above
    timing = benchmarks("pairs").Timing
    timings = (timing("ours", (0.01, 0.02)), timing("uv <2>", (0.001, 0.001)))
    results = benchmarks("results").Results("work", "some work", {"uv": "1.0"}, timings)

    assert [line.split() for line in results.table()][2:] == [
        ["ours", "15.0", "ms", "12.5", "to", "17.5", "ms", "2", "1"],
        ["uv", "<2>", "1.0", "ms", "1.0", "to", "1.0", "ms", "2", "0.07", "0.06", "to", "0.09"],
        ["uv:", "1.0"],
    ]
    data, plot = results.write(tmp_path / "made")
    assert json.loads(data.read_text("utf-8"))["ratios"][0]["name"] == "uv <2>"
    drawn = ET.parse(plot)  # noqa: S314 - our own
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"some work", "uv <2>", "15.0 ms"} <= set(texts)


def test_what_would_change_the_work_of_a_side_is_left_out_of_its_environment(benchmarks: Any) -> None:  # noqa: ANN401 - as above
    kept = benchmarks("arena").clean({"UV_CACHE_DIR": "a", "PIP_CERT": "b", "PYTHONPATH": "c", "HOME": "d"})

    assert kept == {"HOME": "d"}
