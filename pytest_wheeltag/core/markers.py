"""Environment markers, decided for the interpreter that is resolved for and never for our own."""

import re
from collections.abc import Collection
from functools import lru_cache

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import NormalizedName

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.text import quoted

_WORD = re.compile(r"[a-z_]+", re.ASCII)

Values = tuple[tuple[str, str], ...]
"""Variables of an environment by name."""


@lru_cache(maxsize=8192)
def _parse(text: str) -> tuple[Marker, tuple[str, ...]]:
    """Give a marker, and the words that are its variables or part of its texts."""
    marker = Marker(text)
    return marker, tuple(sorted(set(_WORD.findall(str(marker)))))


@lru_cache(maxsize=32768)
def _evaluate(text: str, values: Values, extra: str) -> bool:
    """Decide a marker by the variables that it speaks of: few of hundreds of targets differ in those."""
    return _parse(text)[0].evaluate({**dict(values), "extra": extra})


class MarkerJudge:
    """Decides markers (dependency specifiers) for one interpreter, each once for every extra.

    They are asked for as text, since the same few texts come thousands of times in a large resolution.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._environment = dict(interpreter.markers)
        self._known: dict[tuple[str, str], bool] = {}

    def holds(self, text: str, extras: Collection[NormalizedName] = ()) -> bool:
        """Tell whether a marker holds with any of the extras, or without one where there are none.

        An empty text always holds. Raises ``ValueError`` where the marker compares what has no order.
        """
        return not text or any(self._holds(text, extra) for extra in extras or ("",))

    def _holds(self, text: str, extra: str) -> bool:
        known = self._known.get((text, extra))
        if known is None:
            known = self._known[text, extra] = self._decide(text, extra)
        return known

    def _decide(self, text: str, extra: str) -> bool:
        try:
            # Every one is given: what packaging would find out about our own interpreter never counts.
            return _evaluate(text, self._values(_parse(text)[1]), extra)
        except (UndefinedComparison, UndefinedEnvironmentName) as error:
            msg = f"expected a marker that can be decided, found {quoted(text)}"
            raise ValueError(msg) from error

    def _values(self, words: tuple[str, ...]) -> Values:
        return tuple((word, self._environment[word]) for word in words if word in self._environment)
