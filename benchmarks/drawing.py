"""A plot of timings as SVG: a dot for each figure, a line for the median, on a logarithmic axis."""

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from benchmarks.pairs import Timing

_WIDTH, _ROW, _TOP, _BOTTOM, _LEFT, _RIGHT = 760, 46, 44, 40, 210, 90
_STYLE = (
    "text{font:13px sans-serif;fill:#24292f}.grid{stroke:#d0d7de}"
    ".dot{fill:#0969da;fill-opacity:.35}.median{stroke:#cf222e;stroke-width:2}"
)


def draw(title: str, timings: Sequence[Timing]) -> str:
    """Draw timings, one row for each side, times in milliseconds; gives the text of an SVG file."""
    height = _TOP + _ROW * len(timings) + _BOTTOM
    axis = _Axis([1000 * each for timing in timings for each in timing.seconds])
    body = [
        f'<text x="12" y="22" font-weight="bold">{escape(title)}</text>',
        *_grid(axis, height - _BOTTOM),
        *(line for row, timing in enumerate(timings) for line in _row(axis, timing, row)),
    ]
    start = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
    return "\n".join([start, f"<style>{_STYLE}</style>", *body, "</svg>", ""])


class _Axis:
    """A logarithmic axis over whole decades."""

    def __init__(self, milliseconds: Iterable[float]) -> None:
        logarithms = [math.log10(each) for each in milliseconds]
        self._low = math.floor(min(logarithms))
        self._high = max(math.ceil(max(logarithms)), self._low + 1)

    def place(self, milliseconds: float) -> float:
        share = (math.log10(milliseconds) - self._low) / (self._high - self._low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    @property
    def ticks(self) -> Iterator[float]:
        yield from (10.0**decade for decade in range(self._low, self._high + 1))


def _grid(axis: _Axis, bottom: int) -> Iterator[str]:
    for tick in axis.ticks:
        x = axis.place(tick)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g} ms</text>'


def _row(axis: _Axis, timing: Timing, row: int) -> Iterator[str]:
    y = _TOP + _ROW * row + _ROW // 2
    yield f'<text x="12" y="{y + 4}">{escape(timing.name)}</text>'
    for each in timing.seconds:
        yield f'<circle class="dot" cx="{axis.place(1000 * each):.1f}" cy="{y}" r="4"/>'
    x = axis.place(1000 * timing.median)
    yield f'<line class="median" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 12}" y2="{y + 12}"/>'
    yield f'<text x="{_WIDTH - _RIGHT + 10}" y="{y + 4}">{1000 * timing.median:.1f} ms</text>'
