import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.plan import InstallPlan, InstallRequest, plan_installation
from pytest_wheeltag.core.target import InstallTarget, target_of
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.system.store import WantedWheel, WheelStore
from pytest_wheeltag.workshop import WheelSpec, build_wheel


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Ask the interpreter that runs the tests what it is."""
    finder = InterpreterFinder(tmp_path_factory.mktemp("interpreters"), this_machine(os.environ))
    return finder.ask(Path(sys.executable))


@pytest.fixture
def target(interpreter: Interpreter, tmp_path: Path) -> InstallTarget:
    """Make the folders of an environment, without an interpreter."""
    found = target_of(interpreter, str(tmp_path / "env"))
    for folder in (*found.libraries, found.scripts, "include"):
        (tmp_path / "env" / folder).mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[WheelSpec], StoreEntry]:
    """Put a small wheel into the store of this test."""

    def store_wheel(spec: WheelSpec) -> StoreEntry:
        path = build_wheel(spec, tmp_path / "wheels")
        with path.open("rb") as file:
            return WheelStore(tmp_path / "cache").add(file, WantedWheel(path.name))

    return store_wheel


@pytest.fixture
def planned(target: InstallTarget) -> Callable[[StoreEntry], InstallPlan]:
    """Plan the installation of an entry into ``target``."""

    def plan(entry: StoreEntry) -> InstallPlan:
        return plan_installation(entry.wheel, target, InstallRequest(scripts=entry.scripts))

    return plan


@pytest.fixture(scope="session")
def is_gone() -> Callable[[int], bool]:
    """Wait until a process has ended, for two seconds, and tell whether it has."""

    def wait(pid: int) -> bool:
        for _ in range(100):
            try:
                os.kill(pid, 0)
                # Where nobody adopts orphans, a dead one stays as a zombie.
                if Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z":
                    return True
            except (ProcessLookupError, FileNotFoundError):
                return True
            time.sleep(0.02)
        return False

    return wait
