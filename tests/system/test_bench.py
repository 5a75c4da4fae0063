"""One real backend, which tells where it runs."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_wheeltag.core.pyproject import BuildSystem
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.source import Material
from pytest_wheeltag.errors import BuildError
from pytest_wheeltag.system.bench import Bench, Workpiece
from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.keptsources import KeptSources
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.transport import FakeTransport
from pytest_wheeltag.system.workbench import LOGS, ROOM, BuildOptions, Workbench

BACKEND = """
import json, os, sys
def get_requires_for_build_wheel(settings=None):
    print("what I say")
    if os.path.exists("fail"): raise SystemExit(3)
    with open(os.path.join(os.environ["TMPDIR"], "left"), "w"): pass
    return [json.dumps({"cwd": os.getcwd(), "prefix": sys.prefix, **os.environ})]
"""


@dataclass(frozen=True)
class FakeOutfit:
    """An environment that is there."""

    environment: Environment
    requirements: tuple[str, ...] = ()

    @contextmanager
    def open(self) -> Iterator[Environment]:
        yield self.environment


@pytest.fixture
def outfit(make_environment: Callable[[str], Environment]) -> FakeOutfit:
    return FakeOutfit(make_environment("env"))


@pytest.fixture
def bench(outfit: FakeOutfit, tmp_path: Path) -> Bench:
    cache = tmp_path / "cache"
    path = os.pathsep.join((str(outfit.environment.bin), str(tmp_path / "tools")))
    environ = {"PATH": path, "CC": "mycc", "SECRET": "hidden", "MINE": "1", "TMPDIR": "/nowhere"}
    options = BuildOptions(environ, ("MINE",))
    sources = KeptSources(cache, Downloads(FakeTransport({})))
    return Bench(Workbench(cache, WheelStore(cache), sources, options), outfit.environment.interpreter)


@pytest.fixture
def piece(tmp_path: Path) -> Workpiece:
    (tmp_path / "foo").mkdir()
    (tmp_path / "foo" / "setup.py").write_text("")
    (tmp_path / "foo" / "backend.py").write_text(BACKEND)
    reference = Reference((tmp_path / "foo").as_uri(), ReferenceKind.TREE)
    system = BuildSystem((), "backend", (".",))
    return Workpiece(Material(reference.file, reference), "", system, "file:///src/a title?")


def test_a_backend_sees_its_environment_its_folder_and_little_of_ours(
    bench: Bench, piece: Workpiece, outfit: FakeOutfit, tmp_path: Path
) -> None:
    with bench.open(piece, outfit) as backend:
        seen = json.loads(backend.list_requirements(())[0])
        assert Path(seen["TMPDIR"], "left").exists()

    environment = outfit.environment
    assert seen["cwd"] == str(tmp_path / "foo")
    assert seen["prefix"] == seen["VIRTUAL_ENV"] == str(environment.prefix)
    # The environment that was activated is not there twice.
    assert seen["PATH"] == os.pathsep.join((str(environment.bin), str(tmp_path / "tools")))
    assert (seen["CC"], seen["MINE"]) == ("mycc", "1")
    assert "SECRET" not in seen
    assert seen["TMPDIR"] == seen["TEMP"] == seen["TMP"]
    assert dict(bench.environ) == {"CC": "mycc", "MINE": "1", "PATH": str(tmp_path / "tools")}


def test_nothing_stays_of_what_went_well(bench: Bench, piece: Workpiece, outfit: FakeOutfit) -> None:
    with bench.open(piece, outfit) as backend:
        backend.list_requirements(())

    room = bench.workbench.cache / ROOM
    assert [path.name for path in room.iterdir() if path.suffix != ".lock"] == [LOGS]
    assert list((room / LOGS).iterdir()) == []


def test_what_went_wrong_leaves_its_output_under_a_plain_name(
    bench: Bench, piece: Workpiece, outfit: FakeOutfit, tmp_path: Path
) -> None:
    (tmp_path / "foo" / "fail").touch()
    with (
        pytest.raises(BuildError, match="its backend failed: `what I say`"),
        bench.open(piece, outfit) as backend,
    ):
        backend.list_requirements(())

    (log,) = (bench.workbench.cache / ROOM / LOGS).iterdir()
    assert log.read_text().endswith("what I say\n")
    assert log.name.startswith(f"a-title--{bench.interpreter.label}-")
    assert not list((bench.workbench.cache / ROOM).glob(".tmp-*"))
