"""Environment markers, decided for the interpreter that is resolved for and never for our own."""

from collections.abc import Collection
from functools import lru_cache

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import NormalizedName

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.text import quoted


@lru_cache(maxsize=8192)
def _parse(text: str) -> Marker:
    # Parsing takes longer than deciding, and hundreds of targets ask the same.
    return Marker(text)


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
            # Every variable is given: what packaging would find out about our own interpreter never counts.
            return _parse(text).evaluate({**self._environment, "extra": extra})
        except (UndefinedComparison, UndefinedEnvironmentName) as error:
            msg = f"expected a marker that can be decided, found {quoted(text)}"
            raise ValueError(msg) from error
