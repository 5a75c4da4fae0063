import base64
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.plan import InstallRequest, plan_installation
from pytest_wheeltag.core.target import target_of
from pytest_wheeltag.system.entries import Verification, find_suspects
from pytest_wheeltag.system.linker import Route, install
from pytest_wheeltag.system.store import WantedWheel, WheelStore
from pytest_wheeltag.workshop import WheelSpec, build_wheel

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

SCRIPT = Path(__file__).with_name("survival.py")
# `WHEELTAG_KILLS=200` for a long look.
KILLS = int(os.environ.get("WHEELTAG_KILLS", "40"))
_MOST = 10
LONGEST_SECONDS = 0.06


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    """Three small wheels that take a moment to unpack."""
    bulk = {f"bulk/{number}/{number}.bin": random.Random(number).randbytes(20_000) for number in range(20)}  # noqa: S311 - data
    specs = (
        WheelSpec("bulk", "1.0", files=bulk),
        WheelSpec("tools", "1.0", data={"scripts/a": "#!python\n", "scripts/b": "x", "data/share/t": "y"}),
        WheelSpec(
            "points",
            "1.0",
            entry_points={"console_scripts": {f"p{number}": "points:main" for number in range(5)}},
        ),
    )
    return [build_wheel(spec, tmp_path / "wheels") for spec in specs]


@pytest.fixture
def facts(tmp_path: Path, interpreter: Interpreter, wheels: list[Path]) -> Path:
    """Write down what the worker must know."""
    path = tmp_path / "facts.json"
    hashed = [(str(wheel), digest_of(wheel)) for wheel in wheels]
    path.write_text(json.dumps({"interpreter": interpreter.to_json(), "wheels": hashed}), "utf-8")
    return path


def digest_of(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def open_binary(wheel: Path) -> BinaryIO:
    return wheel.open("rb")


def find_strays(library: Path) -> list[str]:
    """Give the files of installed distributions that are not as their RECORD says."""
    strays = []
    for record in library.glob("*.dist-info/RECORD"):
        with record.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        for name, digest, _ in rows:
            path = library / name
            content = path.read_bytes() if path.is_file() else b"missing"
            found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            if digest not in {"", f"sha256={found}"}:
                strays.append(name)
    return strays


def surroundings() -> dict[str, str]:
    """Give an environment in which the worker finds this package."""
    path = os.pathsep.join(filter(None, (str(SCRIPT.parents[2]), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def run_worker(mode: str, facts: Path, root: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, str(SCRIPT), mode, str(facts), str(root)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings(),
    )


def test_killed_at_any_moment_the_next_call_is_right(
    facts: Path, wheels: list[Path], interpreter: Interpreter, tmp_path: Path
) -> None:
    chance = random.Random(KILLS)  # noqa: S311 - moments, no secret
    worker = run_worker("serve", facts, tmp_path)
    assert worker.stdin
    assert worker.stdout
    left = 0
    with worker:
        # More than asked for where the kills came too late to prove anything.
        for number in range(_MOST * KILLS):
            if number >= KILLS and left:
                break
            worker.stdin.write(f"{number}\n")
            worker.stdin.flush()
            process = int(worker.stdout.readline())
            time.sleep(chance.uniform(0, LONGEST_SECONDS))
            os.kill(process, signal.SIGKILL)
            worker.stdin.write("\n")
            worker.stdin.flush()
            assert worker.stdout.readline() == "dead\n"
            left += len([*tmp_path.glob("cache*/**/.tmp-*"), *tmp_path.glob("envs/**/.tmp-*")])
            assert_all_is_right(tmp_path, wheels, interpreter)
        worker.stdin.close()
    assert left > 0
    for cache in ("cache0", "cache1"):
        WheelStore(tmp_path / cache).sweep()
    assert list(tmp_path.glob("cache*/wheels-v1/*/.tmp-*")) == []


def assert_all_is_right(root: Path, wheels: list[Path], interpreter: Interpreter) -> None:
    """Nothing partial counts as installed, and one more call gives whole entries and a whole environment."""
    for prefix in (root / "envs").glob("*"):
        target = target_of(interpreter, str(prefix))
        assert find_strays(prefix / target.purelib) == []
        shutil.rmtree(prefix)
    for cache in ("cache0", "cache1"):
        warnings: list[str] = []
        store = WheelStore(root / cache, warn=warnings.append)
        target = target_of(interpreter, str(root / "next" / cache))
        Path(target.prefix).mkdir(parents=True)
        for wheel in wheels:
            entry = store.provide(WantedWheel(wheel.name, digest_of(wheel)), partial(open_binary, wheel))
            assert find_suspects(entry, Verification.HASH) == ()
            plan = plan_installation(entry.wheel, target, InstallRequest(scripts=entry.scripts))
            install(plan, Route(entry.root, Path(target.prefix)))
        assert len(list(Path(target.prefix, target.purelib).glob("*.dist-info"))) == len(wheels)
        assert find_strays(Path(target.prefix, target.purelib)) == []
        # An entry that was being taken away may be found without some files; that it never was whole may not.
        assert all("are not as unpacked" in warning or "found none" in warning for warning in warnings), (
            warnings
        )
    shutil.rmtree(root / "next")


def test_a_killed_installation_is_completed_by_the_next_into_the_same_folder(
    facts: Path, wheels: list[Path], interpreter: Interpreter, tmp_path: Path
) -> None:
    store = WheelStore(tmp_path / "cache")
    target = target_of(interpreter, str(tmp_path / "env"))
    library = Path(target.prefix, target.purelib)
    code = (
        "import os, sys; from pathlib import Path; sys.path.insert(0, sys.argv[3]); from survival import *\n"
        "worker = Worker(Path(sys.argv[1])); root = Path(sys.argv[2]); fatal = int(sys.argv[4]); calls = 0\n"
        "link = os.link\n"
        "def die(*arguments, **options):\n"
        "    global calls\n"
        "    calls += 1\n"
        "    if calls == fatal: os.kill(os.getpid(), 9)\n"
        "    link(*arguments, **options)\n"
        "os.link = die\n"
        "worker.install_all(WheelStore(root / 'cache'), root / 'env', LinkMode.HARDLINK)\n"
    )
    for fatal in (1, 5, 21, 23, 25, 27):
        command = [sys.executable, "-c", code, str(facts), str(tmp_path), str(SCRIPT.parent), str(fatal)]
        died = subprocess.run(command, env=surroundings(), check=False)
        assert died.returncode == -signal.SIGKILL
        assert find_strays(library) == []
        counted = len(list(library.glob("*.dist-info")))
        assert counted < len(wheels)
        for wheel in wheels:
            with wheel.open("rb") as file:
                entry = store.add(file, WantedWheel(wheel.name))
            plan = plan_installation(entry.wheel, target, InstallRequest(scripts=entry.scripts))
            if not Path(target.prefix, plan.dist_info).exists():
                assert install(plan, Route(entry.root, Path(target.prefix))).warnings == ()
        assert find_strays(library) == []
        assert [path.name for path in library.iterdir() if path.name.startswith(".")] == []
        shutil.rmtree(target.prefix)


def test_many_threads_of_many_processes_unpack_each_wheel_once(
    facts: Path, wheels: list[Path], interpreter: Interpreter, tmp_path: Path
) -> None:
    crowds = [run_worker("crowd", facts, tmp_path) for _ in range(3)]
    for crowd in crowds:
        output, complaints = crowd.communicate(timeout=60)
        assert complaints == ""
        assert json.loads(output) == {"done": 8, "warnings": []}
    fetched = (tmp_path / "fetched.log").read_text("utf-8").splitlines()
    assert sorted(fetched) == sorted(wheel.name for wheel in wheels)
    prefixes = list((tmp_path / "envs").iterdir())
    assert len(prefixes) == 24
    for prefix in prefixes:
        library = prefix / target_of(interpreter, str(prefix)).purelib
        assert len(list(library.glob("*.dist-info"))) == len(wheels)
        assert find_strays(library) == []
