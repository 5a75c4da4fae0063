"""The ids of checks among pytest's arguments: taken out before pytest looks for files of that name."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import pytest

from pytest_wheeltag.plugin.checks import ROOT, CheckItem

_SEPARATOR = "::"


@dataclass(frozen=True)
class Selection:
    """The ids given as arguments, empty for all checks; an id selects itself and all below it."""

    identifiers: tuple[str, ...] = ()

    def covers(self, nodeid: str) -> bool:
        """Tell whether a check is selected."""
        return not self.identifiers or any(_is_within(nodeid, each) for each in self.identifiers)

    def missing(self, nodeids: Iterable[str]) -> str | None:
        """Give the first id that selects none of these."""
        known = tuple(nodeids)
        covered = (each for each in self.identifiers if not any(_is_within(nodeid, each) for nodeid in known))
        return next(covered, None)


def _is_within(nodeid: str, selected: str) -> bool:
    # pytest 9.2 prints the ids of workers' reports with a bracket too many (`a[b]::c]`), to be given back too.
    return selected in {nodeid, f"{nodeid}]"} or nodeid.startswith(selected + _SEPARATOR)


def take_selection(arguments: list[str]) -> Selection:
    """Take the ids of checks out of pytest's arguments, in place."""
    identifiers = tuple(each for each in arguments if each == ROOT or each.startswith(ROOT + _SEPARATOR))
    arguments[:] = [each for each in arguments if each not in identifiers]
    return Selection(identifiers)


class Selector:
    """Deselects the checks whose ids were not given; a mistaken id is a usage error that names the nearest."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep all tests and the selected checks."""
        nodeids = [item.nodeid for item in items if isinstance(item, CheckItem)]
        if missing := self._selection.missing(nodeids):
            nearest = ", ".join(f"`{each}`" for each in get_close_matches(missing, nodeids, n=1, cutoff=0))
            msg = f"no check has this id, the nearest is {nearest or 'none, since nothing is installed'}: `{missing}`"
            raise pytest.UsageError(msg)
        dropped = [
            item for item in items if isinstance(item, CheckItem) and not self._selection.covers(item.nodeid)
        ]
        if dropped:
            config.hook.pytest_deselected(items=dropped)
            items[:] = [item for item in items if item not in set(dropped)]
