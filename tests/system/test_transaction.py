"""Run by itself: a server of processes that change an environment until they are killed."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from pytest_wheeltag.core.interpreter import Interpreter, interpreter_from_json
from pytest_wheeltag.core.plan import InstallRequest, plan_installation
from pytest_wheeltag.core.target import InstallTarget, target_of
from pytest_wheeltag.errors import EnvironmentStateError, InstallationError
from pytest_wheeltag.system.entries import StoreEntry, Verification, find_suspects
from pytest_wheeltag.system.linker import LinkOptions, Route, install
from pytest_wheeltag.system.links import LinkMode
from pytest_wheeltag.system.store import WantedWheel, WheelStore
from pytest_wheeltag.system.transaction import Transaction, open_transaction, recover
from pytest_wheeltag.system.uninstall import uninstall
from pytest_wheeltag.workshop import WheelSpec, build_wheel

# `WHEELTAG_KILLS=200` for a long look.
KILLS = int(os.environ.get("WHEELTAG_KILLS", "8"))
# Where environments lie in other ways, only every so many-th step is fatal in a short look.
STRIDE = 1 if "WHEELTAG_KILLS" in os.environ else 7

OLD = WheelSpec(
    "foo",
    "1.0",
    files={
        "foo/__init__.py": "old",
        "foo/same.py": "same",
        "foo/was_folder/a.py": "a",
        "foo/was_file": "file",
        "foo/gone/deep/er.txt": "gone",
        "ns/shared.py": "old",
        "single.py": "old",
    },
    data={"scripts/old-tool": "#!python\n", "data/share/foo/old.txt": "old", "headers/foo.h": "h"},
    entry_points={"console_scripts": {"foo": "foo:old", "foo-old": "foo:old"}},
)
NEW = WheelSpec(
    "foo",
    "2.0",
    files={
        "foo/__init__.py": "new",
        "foo/same.py": "same",
        "foo/was_folder": "now a file",
        "foo/was_file/a.py": "now in a folder",
        "foo/fresh/deep/er.txt": "fresh",
        "ns/shared.py": "new",
        "orphan.py": "new",
    },
    data={"scripts/new-tool": "#!python\n", "data/share/foo/new.txt": "new"},
    entry_points={"console_scripts": {"foo": "foo:new"}},
)
OTHER = WheelSpec("other", "1.0", files={"ns/shared.py": "old", "ns/other.py": "", "other.py": ""})
LEAVING = WheelSpec("leaving", "1.0", files={"leaving/a.py": "a", "leaving/b/c.py": "c"})
COMING = WheelSpec("coming", "1.0", files={"coming/a.py": "a", "coming/b/c.py": "c", "ns/shared.py": "third"})


# Every call that changes what is on disk.
_ACTIONS = (
    "rename",
    "replace",
    "unlink",
    "remove",
    "rmdir",
    "mkdir",
    "link",
    "symlink",
    "write",
    "chmod",
    "utime",
)


class Killed(BaseException):
    """The process is dead; nothing may catch this."""


class Mortality:
    """Plays a process that dies at a step, after which nothing changes on disk, or (``full``) a disk full once."""

    def __init__(self, fatal: int, *, full: bool = False) -> None:
        self.fatal = fatal
        self.full = full
        self.steps = 0

    @property
    def struck(self) -> bool:
        """Whether the step came."""
        return self.steps >= self.fatal

    def wrap(self, action: Callable[..., Any]) -> Callable[..., Any]:
        """Give the same action, mortal."""

        def act(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - handed on as they came
            if action is os_open and not arguments[1] & os.O_CREAT:
                return action(*arguments, **options)
            self.steps += 1
            if self.steps == self.fatal and action is os_write:
                # What a signal or a full disk leaves of a long write.
                action(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            if self.steps == self.fatal and self.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self.steps >= self.fatal and not self.full:
                raise Killed
            return action(*arguments, **options)

        return act


os_open, os_write = os.open, os.write


@contextmanager
def mortal(fatal: int, *, full: bool = False) -> Iterator[Mortality]:
    """Let this process die, or the disk be full, at a step; what it raises then ends here."""
    mortality = Mortality(fatal, full=full)
    with pytest.MonkeyPatch.context() as patch:
        for name in (*_ACTIONS, "open"):
            patch.setattr(os, name, mortality.wrap(getattr(os, name)))
        try:
            yield mortality
        except Killed:
            assert not full


Snapshot = dict[str, tuple[str, int, bytes]]


def snapshot(root: Path) -> Snapshot:
    """Give all below a folder: kind, mode, content or where a link leads."""
    return {str(path.relative_to(root)): _describe(path) for path in sorted(root.rglob("*"))}


def _describe(path: Path) -> tuple[str, int, bytes]:
    mode = path.lstat().st_mode & 0o7777
    if path.is_symlink():
        return "link", 0, os.fsencode(path.readlink())
    return ("folder", mode, b"") if path.is_dir() else ("file", mode, path.read_bytes())


@dataclass
class House:
    """An environment that others filled, and a store to change it from."""

    target: InstallTarget
    cache: Path
    entries: dict[str, StoreEntry]

    @property
    def prefix(self) -> Path:
        return Path(self.target.prefix)

    @property
    def library(self) -> Path:
        return Path(self.target.prefix, self.target.purelib)

    def install(self, key: str, transaction: Transaction | None = None) -> None:
        entry = self.entries[key]
        plan = plan_installation(entry.wheel, self.target, InstallRequest(scripts=entry.scripts))
        install(plan, Route(entry.root, self.prefix, transaction), LinkOptions(LinkMode.AUTO))

    def uninstall(self, dist_info: str, transaction: Transaction | None = None) -> None:
        uninstall(self.library / dist_info, self.target, transaction)

    def fill(self) -> None:
        """Make it what others might have left, with bytecode, odd modes and what belongs to nobody."""
        for key in ("foo-1.0", "other-1.0", "leaving-1.0"):
            self.install(key)
        for name in ("foo/__pycache__/same.cpython-311.pyc", "__pycache__/single.cpython-311.pyc"):
            self.write(name)
        for name in ("__pycache__/orphan.cpython-311.pyc", "__pycache__/mine.cpython-311.pyc", "mine.py"):
            self.write(name)
        self.write("foo/single.pyc")
        (self.library / "foo/gone").chmod(0o705)
        (self.library / "leaving/b").chmod(0o750)
        (self.library / "empty").mkdir()

    def write(self, name: str) -> None:
        path = self.library / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"content of {name}")

    def change(self) -> None:
        """Upgrade one, remove one, reinstall one, add one: in one transaction."""
        with open_transaction(self.cache, self.target) as transaction:
            self.uninstall("foo-1.0.dist-info", transaction)
            self.uninstall("leaving-1.0.dist-info", transaction)
            self.install("foo-2.0", transaction)
            self.uninstall("other-1.0.dist-info", transaction)
            self.install("other-1.0", transaction)
            self.install("coming-1.0", transaction)

    def try_to_change(self) -> int | None:
        """Do the same; gives the number of the error that kept it from being done."""
        try:
            self.change()
        except (InstallationError, EnvironmentStateError) as error:
            return error.__cause__.errno if isinstance(error.__cause__, OSError) else 0
        return None


def provide_all(folder: Path) -> Iterator[tuple[str, StoreEntry]]:
    """Bring all wheels into the store, with what they are called here."""
    for spec in (OLD, NEW, OTHER, LEAVING, COMING):
        path = build_wheel(spec, folder / "wheels")
        with path.open("rb") as file:
            yield (
                f"{spec.name}-{spec.version}",
                WheelStore(folder / "cache").add(file, WantedWheel(path.name)),
            )


@pytest.fixture(params=["plain", "lib64", "elsewhere"])
def layout(request: pytest.FixtureRequest, target: InstallTarget, tmp_path: Path) -> InstallTarget:
    """Give an environment whose library folder is one, is spelt in two ways, or lies elsewhere."""
    prefix = Path(target.prefix)
    if request.param == "lib64":
        (prefix / "lib64").symlink_to("lib", target_is_directory=True)
        return replace(target, platlib=target.purelib.replace("lib", "lib64", 1))
    if request.param == "elsewhere":
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (prefix / target.purelib).rmdir()
        (prefix / target.purelib).symlink_to(elsewhere, target_is_directory=True)
    return target


@pytest.fixture
def house(layout: InstallTarget, tmp_path: Path) -> House:
    made = House(layout, tmp_path / "cache", dict(provide_all(tmp_path)))
    made.fill()
    return made


class Stage:
    """The same environment again and again, as it was before and as it is after a change."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.places = [house.prefix, *house.prefix.parent.glob("elsewhere")]
        for place in self.places:
            shutil.copytree(place, self.copy_of(place), symlinks=True)
        self.before = self.look()
        house.change()
        self.after = self.look()
        assert self.after != self.before
        self.reset()

    def copy_of(self, place: Path) -> Path:
        return place.with_name(f"{place.name}-before")

    def reset(self) -> None:
        if self.look() == self.before:
            return
        for place in self.places:
            shutil.rmtree(place)
            shutil.copytree(self.copy_of(place), place, symlinks=True)

    def look(self) -> list[Snapshot]:
        return [snapshot(place) for place in self.places]

    def assert_recovered(self) -> None:
        """Recover, and look whether all is as before, or as after; the store is as it was."""
        told = recover(self.house.cache, self.house.target)
        found = self.look()
        if not told:
            assert found in (self.before, self.after)
        else:
            assert found == self.before
            undone = "what an interrupted installation had begun has been undone"
            assert told == (f"{undone}: `{os.path.realpath(self.house.prefix)}`",)
        assert recover(self.house.cache, self.house.target) == ()

    def assert_store_is_sound(self) -> None:
        assert [find_suspects(entry, Verification.HASH) for entry in self.house.entries.values()] == [()] * 5


@pytest.fixture
def stage(house: House) -> Stage:
    return Stage(house)


def fatal_steps(house: House, *, stride: int = 1) -> Iterator[int]:
    """Give every step there may be, or every so many-th; fewer where the environment lies in another way."""
    is_plain = len(house.target.libraries) == 1 and not house.library.is_symlink()
    return count(1, min(STRIDE, stride if is_plain else STRIDE))


def test_killed_at_every_single_step_the_next_call_gives_before_or_after(stage: Stage) -> None:
    outcomes = set()
    for fatal in fatal_steps(stage.house):
        with mortal(fatal) as mortality:
            stage.house.change()
        stage.assert_recovered()
        outcomes.add(stage.look() == stage.after)
        if not mortality.struck:
            break
        stage.reset()
    assert fatal > 100
    assert outcomes == {False, True}
    stage.assert_store_is_sound()


def test_a_full_disk_at_every_single_step_leaves_all_as_before(stage: Stage) -> None:
    for fatal in fatal_steps(stage.house, stride=3):
        with mortal(fatal, full=True) as mortality:
            problem = stage.house.try_to_change()
        found = stage.look()
        if not mortality.struck:
            break
        # What is in the way of nobody may be swept later; where a step was for speed alone nothing is wrong.
        assert (without_garbage(found) == stage.after) if problem is None else (found == stage.before)
        assert problem in {None, errno.ENOSPC}
        stage.reset()
    assert found == stage.after
    stage.assert_store_is_sound()


def without_garbage(found: list[Snapshot]) -> list[Snapshot]:
    return [
        {path: what for path, what in each.items() if not path.startswith(".wheeltag-replaced-")}
        for each in found
    ]


@pytest.mark.parametrize("done", [0.3, 0.7, 1.0])
def test_killed_at_every_step_of_undoing_it_is_undone_by_the_next(stage: Stage, done: float) -> None:
    with mortal(sys.maxsize) as whole:
        stage.house.change()
    stage.reset()
    # Before the last steps, which remove what is not needed any longer.
    fatal_change = int(whole.steps * 0.6 * done)
    for fatal in fatal_steps(stage.house, stride=2):
        with mortal(fatal_change):
            stage.house.change()
        with mortal(fatal) as mortality:
            recover(stage.house.cache, stage.house.target)
        stage.assert_recovered()
        assert stage.look() == stage.before
        if not mortality.struck:
            break
    assert fatal > 10


@pytest.mark.parametrize("reason", [KeyboardInterrupt(), SystemExit(1), ValueError("a bug")])
def test_whatever_is_raised_undoes_all_of_it(stage: Stage, reason: BaseException) -> None:
    def change_in_part() -> None:
        with open_transaction(stage.house.cache, stage.house.target) as transaction:
            stage.house.uninstall("foo-1.0.dist-info", transaction)
            stage.house.install("foo-2.0", transaction)
            assert stage.look() != stage.before
            raise reason

    with pytest.raises(type(reason)):
        change_in_part()
    assert stage.look() == stage.before


def test_two_at_once_come_one_after_the_other(house: House) -> None:
    def change(key: str, started: Event, other: Event) -> None:
        with open_transaction(house.cache, house.target) as transaction:
            started.set()
            # The first waits, and the other does not come in.
            assert order or not other.wait(0.1)
            house.install(key, transaction)
            order.append(key)

    order: list[str] = []
    events = Event(), Event()
    threads = [
        Thread(target=change, args=("foo-2.0", *events)),
        Thread(target=change, args=("coming-1.0", *reversed(events))),
    ]
    house.uninstall("foo-1.0.dist-info")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(order) == ["coming-1.0", "foo-2.0"]
    assert (house.library / "foo-2.0.dist-info/RECORD").is_file()
    assert (house.library / "coming-1.0.dist-info/RECORD").is_file()


def test_what_is_imported_before_it_is_undone_goes_too(stage: Stage) -> None:
    with mortal(sys.maxsize) as whole:
        stage.house.change()
    stage.reset()
    with mortal(int(whole.steps * 0.6)):
        stage.house.change()
    fresh = stage.house.library / "foo/__pycache__"
    fresh.mkdir(exist_ok=True)
    for name in (
        "__init__.cpython-311.pyc",
        "__init__.cpython-311.opt-1.pyc",
        "__init__.cpython-311.pyc.140",
    ):
        (fresh / name).touch()
    stage.assert_recovered()
    assert stage.look() == stage.before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_really_killed_at_any_moment_the_next_call_gives_before_or_after(
    stage: Stage, interpreter: Interpreter, tmp_path: Path
) -> None:
    facts = tmp_path / "facts.json"
    plain = {"interpreter": interpreter.to_json(), "purelib": stage.house.target.purelib}
    facts.write_text(json.dumps({**plain, "platlib": stage.house.target.platlib}), "utf-8")
    chance = random.Random(KILLS)  # noqa: S311 - moments, no secret
    started = time.monotonic()
    stage.house.change()
    whole_seconds = time.monotonic() - started
    stage.reset()
    command = [sys.executable, __file__, str(facts), str(tmp_path)]
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    environ = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as server:
        assert server.stdin
        assert server.stdout
        for _ in range(KILLS):
            server.stdin.write("\n")
            server.stdin.flush()
            process = int(server.stdout.readline())
            time.sleep(chance.uniform(0, 1.2 * whole_seconds))
            os.kill(process, signal.SIGKILL)
            server.stdin.write("\n")
            server.stdin.flush()
            assert server.stdout.readline() == "dead\n"
            stage.assert_recovered()
            stage.reset()
        server.stdin.close()
    stage.assert_store_is_sound()


def serve(facts: Path, folder: Path) -> None:
    """Fork a process that changes the environment for each line on standard input, telling its number."""
    plain = json.loads(facts.read_text("utf-8"))
    target = target_of(interpreter_from_json(plain["interpreter"]), str(folder / "env"))
    target = replace(target, purelib=plain["purelib"], platlib=plain["platlib"])
    house = House(target, folder / "cache", dict(provide_all(folder)))
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            house.change()
            time.sleep(60)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        os.waitpid(child, 0)
        sys.stdout.write("dead\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]))
