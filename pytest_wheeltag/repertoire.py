"""The conformance scenarios that there are, those that are chosen of them, and who plays in them."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from importlib import resources
from operator import attrgetter
from pathlib import Path

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.scenario import Scenario
from pytest_wheeltag.core.scenariofile import parse_scenario
from pytest_wheeltag.errors import UsageError


def load_scenarios() -> tuple[Scenario, ...]:
    """Read the scenarios that come with the package, sorted by identifier; raises ``UsageError``."""
    files = (
        each for each in resources.files("pytest_wheeltag.scenarios").iterdir() if each.name.endswith(".toml")
    )
    return tuple(
        parse_scenario(each.read_text(encoding="utf-8"), each.name.removesuffix(".toml"))
        for each in sorted(files, key=lambda each: each.name)
    )


def read_scenario_file(path: Path, setting: str = "--scenario-file") -> Scenario:
    """Read a scenario of the user's own, called as its file; raises ``UsageError``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "it is no UTF-8"
        raise UsageError(setting, str(path), f"a scenario in TOML ({problem})") from error
    return parse_scenario(text, path.name.removesuffix(".toml"))


def select_scenarios(
    classes: Collection[str], identifiers: Collection[str], files: Iterable[str] = ()
) -> tuple[Scenario, ...]:
    """Give those of some classes and with some names, all where neither is given; those in ``files`` instead of ours.

    Raises ``UsageError`` for unknown ones.
    """
    scenarios = tuple(read_scenario_file(Path(each)) for each in files) or load_scenarios()
    known = sorted({scenario.class_ for scenario in scenarios})
    for name in classes:
        if name not in known:
            raise UsageError("--class", name, f"one of {', '.join(known)}")
    names = [scenario.identifier for scenario in scenarios]
    for name in identifiers:
        if name not in names:
            nearest = get_close_matches(name, names, 1, 0)[0]
            raise UsageError("--scenario", name, f"a scenario, the nearest is `{nearest}`")
    return tuple(
        each
        for each in scenarios
        if (not classes or each.class_ in classes) and (not identifiers or each.identifier in identifiers)
    )


def pick_neighbours(running: Interpreter, found: Iterable[Interpreter]) -> tuple[Interpreter, ...]:
    """Give the running interpreter with its nearest older one of the same implementation, else the nearest newer."""
    alike = [each for each in found if each.implementation == running.implementation and each.is_final]
    older = [each for each in alike if each.version_info[:2] < running.version_info[:2]]
    newer = [each for each in alike if each.version_info[:2] > running.version_info[:2]]
    by_version = attrgetter("version_info")
    nearest_older, nearest_newer = (
        max(older, key=by_version, default=None),
        min(newer, key=by_version, default=None),
    )
    neighbour = nearest_older or nearest_newer
    return (running, neighbour) if neighbour else (running,)
