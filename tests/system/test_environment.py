import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.errors import InterpreterError, UsageError
from pytest_wheeltag.system import environment as environment_module
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.environment import (
    MARKER,
    EnvironmentMaker,
    Site,
    choose_home,
    open_environment,
    remove_environment,
    set_aside,
)
from pytest_wheeltag.system.images import EnvironmentImages
from pytest_wheeltag.system.installs import this_machine


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def maker(cache: Path) -> EnvironmentMaker:
    return EnvironmentMaker(cache, os.environ)


def tree(folder: Path) -> Mapping[str, bytes]:
    """Give what is at each path: where a link leads, what a file holds, with the folder's own path taken out."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = b"-> " + os.fsencode(path.readlink())
        else:
            content = b"a folder" if path.is_dir() else path.read_bytes()
            found[name] = content.replace(os.fsencode(folder), b"PREFIX").replace(
                folder.name.encode(), b"NAME"
            )
    return found


@pytest.mark.parametrize("made_before", [0, 2], ids=["by virtualenv", "from an image"])
def test_an_environment_equals_what_virtualenv_makes(
    made_before: int, cache: Path, interpreter: Interpreter, tmp_path: Path
) -> None:
    images = EnvironmentImages()
    maker = EnvironmentMaker(cache, os.environ, images)
    command = [sys.executable, "-m", "virtualenv", "-q", "--no-seed", "--python", interpreter.executable]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("VIRTUALENV_")}
    app_data = ["--app-data", str(tmp_path / "app-data")]
    subprocess.run([*command, *app_data, str(tmp_path / "theirs")], check=True, env=surroundings)
    for number in range(made_before):
        maker.make(tmp_path / f"before-{number}", interpreter)
    made = maker.make(tmp_path / "ours", interpreter)
    made.complete()
    ours, theirs = dict(tree(made.prefix)), tree(tmp_path / "theirs")
    assert ours.pop(MARKER) == b"complete\n"
    assert ours == theirs
    assert (images.find(interpreter, lambda: None) is not None) is bool(made_before)


def test_its_interpreter_runs_in_it(
    maker: EnvironmentMaker, interpreter: Interpreter, tmp_path: Path
) -> None:
    made = maker.make(tmp_path / "with space", interpreter)
    code = "import sys, sysconfig; print(sys.prefix); print(sysconfig.get_path('purelib'))"
    done = subprocess.run([made.python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(made.prefix), str(made.site_packages)]
    assert made.python.parent == made.bin
    assert made.as_existing().libraries == tuple(map(str, made.libraries))


@pytest.mark.parametrize(
    "version", ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "pypy3"]
)
def test_every_interpreter_of_this_machine_gets_one_that_runs(
    maker: EnvironmentMaker, cache: Path, tmp_path: Path, version: str
) -> None:
    finder = InterpreterFinder(cache, this_machine(os.environ))
    name = version if version.startswith("pypy") else f"cpython{version}"
    found = [
        each
        for each in finder.find_all()
        if each.label == name or (each.label.startswith(f"{name}.") and "pypy" in name)
    ]
    if not found:
        pytest.skip(f"no {name} on this machine")
    made = maker.make(tmp_path / "env", found[0])
    code = "import sys; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
    done = subprocess.run([made.python, "-c", code], capture_output=True, text=True, check=True)
    major, minor = found[0].version_info[:2]
    assert done.stdout == f"{made.prefix} {major}.{minor}\n"
    assert done.stderr == ""


def test_defaults_of_virtualenv_do_not_count(interpreter: Interpreter, tmp_path: Path, cache: Path) -> None:
    config = tmp_path / "virtualenv.ini"
    config.write_text("[virtualenv]\nprompt = mine\n")
    surroundings = {
        **os.environ,
        "VIRTUALENV_CONFIG_FILE": str(config),
        "VIRTUALENV_SYSTEM_SITE_PACKAGES": "1",
    }
    made = EnvironmentMaker(cache, surroundings).make(tmp_path / "env", interpreter)
    text = (made.prefix / "pyvenv.cfg").read_text()
    assert "mine" not in text
    assert "include-system-site-packages = false" in text


def test_nothing_is_written_beside_it(
    maker: EnvironmentMaker, interpreter: Interpreter, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").touch()
    maker.make(tmp_path / "env", interpreter)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["env", "pyproject.toml"]


def test_only_a_finished_one_is_believed(
    maker: EnvironmentMaker, interpreter: Interpreter, tmp_path: Path
) -> None:
    prefix = tmp_path / "env"
    assert open_environment(prefix, interpreter) is None
    made = maker.make(prefix, interpreter)
    assert open_environment(prefix, interpreter) is None
    complete = made.complete()
    assert open_environment(prefix, interpreter) == complete


def test_an_unfinished_one_is_thrown_away(
    maker: EnvironmentMaker, interpreter: Interpreter, tmp_path: Path
) -> None:
    made = maker.make(tmp_path / "env", interpreter)
    (made.prefix / "leftover").touch()
    again = maker.make(tmp_path / "env", interpreter)
    assert not (again.prefix / "leftover").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["env"]


def test_nothing_else_is_ever_in_the_way_of_one(
    maker: EnvironmentMaker, interpreter: Interpreter, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("folder")
    complete = maker.make(tmp_path / "complete", interpreter)
    complete.complete()
    for name in ("folder", "file", "link", "complete"):
        with pytest.raises(
            UsageError, match=rf"expected a folder that is absent or empty, found: `.*{name}`$"
        ):
            maker.make(tmp_path / name, interpreter)
    assert (tmp_path / "folder" / "mine").is_file()
    (tmp_path / "empty").mkdir()
    assert maker.make(tmp_path / "empty", interpreter).python.exists()


def test_an_interpreter_that_cannot_be_used_leaves_nothing(
    maker: EnvironmentMaker, interpreter: Interpreter, tmp_path: Path
) -> None:
    absent = replace(interpreter, executable=str(tmp_path / "python3"))
    with pytest.raises(InterpreterError, match=r"virtualenv makes no environment of it"):
        maker.make(tmp_path / "env", absent)
    astray = replace(
        interpreter,
        schemes={
            interpreter.scheme: {**interpreter.schemes[interpreter.scheme], "purelib": "{base}/nowhere"}
        },
    )
    with pytest.raises(
        InterpreterError, match=r"virtualenv made no folder `.*nowhere` that its scheme names"
    ):
        maker.make(tmp_path / "env", astray)
    assert list(tmp_path.iterdir()) == []


def test_removing_leaves_the_files_that_were_linked(
    maker: EnvironmentMaker, interpreter: Interpreter, tmp_path: Path
) -> None:
    stored = tmp_path / "stored"
    stored.write_text("content")
    stored.chmod(0o444)
    before = stored.stat()
    made = maker.make(tmp_path / "env", interpreter)
    made.complete()
    os.link(stored, made.site_packages / "linked")
    remove_environment(made.prefix)
    assert not made.prefix.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["stored"]
    assert (stored.stat().st_mode, stored.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    remove_environment(made.prefix)


def test_only_ours_are_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pyvenv.cfg").touch()
    with pytest.raises(UsageError, match=r"one that pytest-wheeltag made"):
        remove_environment(tmp_path / "mine")
    assert (tmp_path / "mine" / "pyvenv.cfg").is_file()


def test_an_interrupted_removal_is_not_taken_for_complete(
    maker: EnvironmentMaker, interpreter: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = maker.make(tmp_path / "env", interpreter)
    made.complete()

    def die(prefix: Path) -> None:
        raise KeyboardInterrupt(prefix)

    with monkeypatch.context() as patch:
        patch.setattr(environment_module, "set_aside", die)
        with pytest.raises(KeyboardInterrupt):
            remove_environment(made.prefix)
    assert open_environment(made.prefix, interpreter) is None
    assert maker.make(tmp_path / "env", interpreter).python.exists()


def test_setting_aside_is_one_step(tmp_path: Path) -> None:
    (tmp_path / "env" / "x").mkdir(parents=True)
    aside = set_aside(tmp_path / "env")
    assert aside is not None
    assert (aside / "x").is_dir()
    assert aside.parent == tmp_path
    assert set_aside(tmp_path / "env") is None


def test_environments_lie_where_they_are_wanted_if_links_can_be_had(tmp_path: Path) -> None:
    assert choose_home(tmp_path / "absent" / "wanted", tmp_path / "cache") == tmp_path / "absent" / "wanted"


def test_on_another_device_they_lie_beside_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment_module, "_device", lambda path: 1 if "memory" in path.parts else 2)
    homes = {choose_home(tmp_path / "memory" / name, tmp_path / "cache") for name in ("one", "two")}
    assert len(homes) == 2
    assert {home.parent for home in homes} == {tmp_path / "cache" / "environments-v1"}
    assert choose_home(tmp_path / "memory" / "one", tmp_path / "cache") in homes


def test_what_is_done_in_an_unfinished_one_is_never_put_back(
    maker: EnvironmentMaker, interpreter: Interpreter, cache: Path, tmp_path: Path
) -> None:
    made = maker.make(tmp_path / "env", interpreter)
    assert made.recover(cache) == ()
    with made.hold(cache) as site:
        assert site == Site(made)
    with made.complete().hold(cache) as site:
        assert site.transaction is not None
