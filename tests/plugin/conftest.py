"""A stage for the plugin's tests: environments, an index on loopback, and pytest run from outside."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack

import pytest

from pytest_wheeltag.system.discovery import InterpreterFinder, labels
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.workshop import LocalIndex, WheelMaker, lay, make_environment
from pytest_wheeltag.workshop.environments import FakeEnvironment
from pytest_wheeltag.workshop.maker import WheelWishes
from pytest_wheeltag.workshop.served import Claims


@dataclass
class Stage:
    """Wheels, environments and an index, and pytest run over them."""

    pytester: pytest.Pytester
    index: LocalIndex
    make_wheel: WheelMaker
    environments: list[FakeEnvironment] = field(default_factory=list)

    def publish(self, name: str, *tags: str, **claims: Unpack[Claims]) -> None:
        """Publish a wheel of version 1.0 for each tag."""
        for tag in tags:
            self.index.add(self.make_wheel(name, tag=tag), **claims)

    def environment(self, *installed: tuple[str, str], version: str = "1.0") -> FakeEnvironment:
        """Make an environment in which each (name, tag) is installed."""
        made = make_environment(self.pytester.path / f"env{len(self.environments)}")
        for name, tag in installed:
            lay(self.make_wheel(name, version, tag=tag), made)
        self.environments.append(made)
        return made

    @property
    def arguments(self) -> list[str]:
        """The options that audit the environments against the index."""
        paths = [f"--wheeltag-env={each.path}" for each in self.environments]
        return ["--wheeltag-check", f"--wheeltag-index-url={self.index.url}", *paths]

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest on the checks alone."""
        return self.pytester.runpytest(*self.arguments, "--wheeltag-only", *arguments)

    def run_apart(self, *arguments: str) -> pytest.RunResult:
        """Run pytest on the checks alone, in a process of its own."""
        return self.pytester.runpytest_subprocess(*self.arguments, "--wheeltag-only", *arguments)

    def report(self, *arguments: str) -> dict[str, Any]:
        """Run, and give the JSON report."""
        path = self.pytester.path / "report.json"
        self.run(f"--wheeltag-json={path}", *arguments)
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return loaded


@pytest.fixture(autouse=True)
def _own_machine(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's pip configuration, cache and pytest options out."""
    for variable in ("PYTEST_ADDOPTS", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("WHEELTAG_CACHE_DIR", str(pytester.path / "cache"))


@pytest.fixture
def stage(pytester: pytest.Pytester, tmp_path: Path) -> Iterator[Stage]:
    with LocalIndex() as index:
        yield Stage(pytester, index, WheelMaker(tmp_path / "wheels"))


@pytest.fixture
def seed(stage: Stage, own_tags: Callable[[], tuple[str, str]]) -> Stage:
    """Stage the seed's case on the running interpreter: an older tag where a better one is published."""
    better, worse = own_tags()
    stage.publish("inferior", worse, better)
    stage.publish("fine", "py3-none-any")
    stage.environment(("inferior", worse), ("fine", "py3-none-any"))
    return stage


@pytest.fixture
def own_tags() -> Callable[[], tuple[str, str]]:
    """Give a better and a worse tag of the running interpreter."""
    import sys  # noqa: PLC0415 - the one fact that is needed of it

    minor = sys.version_info[1]
    return lambda: (f"py3{minor}-none-any", f"py3{minor - 1}-none-any")


@dataclass
class Itinerary:
    """An index, and pytest run over what an installer makes of it."""

    pytester: pytest.Pytester
    index: LocalIndex
    make_wheel: WheelMaker

    def publish(self, name: str, *tags: str, version: str = "1.0", **wishes: Unpack[WheelWishes]) -> None:
        """Publish a wheel for each tag, one for every Python where none is named."""
        for tag in tags or ("py3-none-any",):
            asked: WheelWishes = {**wishes, "tag": tag}
            self.index.add(self.make_wheel(name, version, **asked))

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest on the checks alone, against the index."""
        source = f"--wheeltag-index-url={self.index.url}"
        return self.pytester.runpytest("--wheeltag-check", "--wheeltag-only", source, *arguments)

    def collect(self, *arguments: str) -> list[str]:
        """Give the ids of the checks."""
        result = self.run("--collect-only", "-q", *arguments)
        return [line for line in result.outlines if line.startswith("wheeltag::")]

    def report(self, *arguments: str) -> dict[str, Any]:
        """Run, and give the JSON report."""
        path = self.pytester.path / "report.json"
        self.run(f"--wheeltag-json={path}", *arguments)
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return loaded

    def downloads(self) -> list[str]:
        """List the wheels that were fetched, in order."""
        paths = (request.path for request in self.index.requests if request.method == "GET")
        return [path.rpartition("/")[2] for path in paths if path.startswith("/files/")]

    def environments(self) -> list[Path]:
        """List the environments that are there, wherever they lie."""
        places = (self.pytester.path.parent / "basetemp", self.pytester.path / "cache")
        return sorted(path.parent for place in places for path in place.rglob("pyvenv.cfg"))


@pytest.fixture
def itinerary(pytester: pytest.Pytester, tmp_path: Path) -> Iterator[Itinerary]:
    # Shared by the tests of a process, and emptied only by runs that come so far as to need it.
    shutil.rmtree(pytester.path.parent / "basetemp", ignore_errors=True)
    with LocalIndex() as index:
        yield Itinerary(pytester, index, WheelMaker(tmp_path / "wheels"))


@pytest.fixture(scope="session")
def all_pythons(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Give the labels of the interpreters that environments can be made of."""
    finder = InterpreterFinder(tmp_path_factory.mktemp("finder"), this_machine(os.environ))
    return tuple(label for label in labels(finder.find_all()) if label not in {"cpython3.6", "cpython3.7"})
