"""The ids of checks among pytest's arguments: taken out before pytest looks for files of that name."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pytest

from pytest_wheeltag.plugin.checks import ROOT, Check

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


def take_selection(config: pytest.Config) -> Selection:
    """Take the ids of checks out of pytest's arguments, in place.

    Ids are relative to the root folder; pytest prints them relative to the working folder, and both are understood.
    """
    root = config.rootpath / ROOT
    taken = {each: _identifier(each, root, config.invocation_params.dir) for each in config.args}
    config.args[:] = [each for each in config.args if taken[each] is None]
    return Selection(tuple(each for each in taken.values() if each is not None))


def _identifier(argument: str, root: Path, folder: Path) -> str | None:
    """Give the id that an argument means, None where it means something else."""
    first, separator, rest = argument.partition(_SEPARATOR)
    is_ours = first == ROOT or (bool(separator) and os.path.abspath(folder / first) == str(root))  # noqa: PTH100 - as text: it is no file
    return f"{ROOT}{separator}{rest}" if is_ours else None


class Selector:
    """Deselects the checks whose ids were not given; a mistaken id is a usage error that names the nearest."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep all tests and the selected checks."""
        nodeids = [item.nodeid for item in items if isinstance(item, Check)]
        if missing := self._selection.missing(nodeids):
            nearest = ", ".join(f"`{each}`" for each in get_close_matches(missing, nodeids, n=1, cutoff=0))
            msg = f"no check has this id, the nearest is {nearest or 'none, since nothing is installed'}: `{missing}`"
            raise pytest.UsageError(msg)
        dropped = [
            item for item in items if isinstance(item, Check) and not self._selection.covers(item.nodeid)
        ]
        if dropped:
            config.hook.pytest_deselected(items=dropped)
            items[:] = [item for item in items if item not in set(dropped)]
