"""A workplace for tests that install for real: an index on loopback, a cache and a configuration of its own."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_wheeltag.cli import main
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.folders import OpenFolder
from pytest_wheeltag.system.grounds import find_grounds
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.system.transaction import Transaction
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker

Try = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def running_interpreter(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Ask the interpreter that runs the tests what it is."""
    finder = InterpreterFinder(tmp_path_factory.mktemp("interpreters"), this_machine(os.environ))
    return finder.ask(Path(sys.executable))


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as local:
        yield local


@pytest.fixture
def make_wheel(tmp_path: Path) -> WheelMaker:
    return WheelMaker(tmp_path / "wheels")


@pytest.fixture
def place(tmp_path: Path, index: LocalIndex) -> Workplace:
    """Give a place whose only source is the index, on a machine where pip is not configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environ = {**kept, "HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    return Workplace(SourceOptions(tmp_path / "cache", index_url=index.url), environ)


@pytest.fixture
def make_environment(
    place: Workplace, running_interpreter: Interpreter, tmp_path: Path
) -> Callable[[str], Environment]:
    """Make an empty environment of the running interpreter, in a folder of this name."""
    return lambda name: place.maker.make(tmp_path / name, running_interpreter).complete()


@pytest.fixture
def die_at_work() -> Callable[[InstallTarget], Path]:
    """Leave in an environment what a process does that dies between two steps; give a file that it had taken away."""

    def die(target: InstallTarget) -> Path:
        library = Path(target.prefix, target.purelib)
        taken = library / "taken.py"
        taken.write_text("it is back", encoding="utf-8")
        transaction = Transaction(find_grounds(target))
        transaction.announce({target.purelib: ("new.py",)})
        folder = OpenFolder.open(str(library))
        transaction.take(taken.name, target.purelib, folder)
        folder.close()
        (library / "new.py").touch()
        assert not taken.exists()
        return taken

    return die


@pytest.fixture
def attempt(
    tmp_path: Path, index: LocalIndex, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Try:
    """Run a command in a folder of its own, on a machine where pip knows the index alone."""
    for variable in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    monkeypatch.setenv("WHEELTAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
