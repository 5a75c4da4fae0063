import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.system.installs import (
    Surroundings,
    candidates,
    is_launcher,
    is_shim_folder,
    this_machine,
)

SHIM = b'#!/usr/bin/env bash\nexport PYENV_ROOT="/root/.pyenv"\nexec "/root/.pyenv/libexec/pyenv" exec "$program" "$@"\n'


def place(path: Path, content: bytes = b"\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


@pytest.fixture
def linux(tmp_path: Path) -> Surroundings:
    return Surroundings({}, tmp_path / "home", "linux", tmp_path / "root")


def found(surroundings: Surroundings) -> set[Path]:
    return set(candidates(surroundings))


def on_path(surroundings: Surroundings, *folders: Path) -> Surroundings:
    separator = ";" if surroundings.is_windows else ":"
    return replace(surroundings, environ={**surroundings.environ, "PATH": separator.join(map(str, folders))})


@pytest.mark.parametrize(
    "name",
    [
        "python",
        "python3",
        "python3.13",
        "python3.13t",
        "python3.13d",
        "python3.14td",
        "python3.11-dbg",
        "pypy3.9",
        "graalpy",
    ],
)
def test_finds_what_is_named_like_an_interpreter(linux: Surroundings, tmp_path: Path, name: str) -> None:
    python = place(tmp_path / "bin" / name)
    assert found(on_path(linux, tmp_path / "bin")) == {python}


@pytest.mark.parametrize(
    "name", ["python3-config", "python3.6m", "python2.7", "python2", "pythonw", "pypy", "pip3", "python3.x"]
)
def test_leaves_what_is_named_otherwise(linux: Surroundings, tmp_path: Path, name: str) -> None:
    place(tmp_path / "bin" / name)
    assert found(on_path(linux, tmp_path / "bin")) == set()


def test_a_python_that_is_python_2_is_left(linux: Surroundings, tmp_path: Path) -> None:
    place(tmp_path / "bin" / "python2.7")
    (tmp_path / "bin" / "python").symlink_to("python2.7")
    assert found(on_path(linux, tmp_path / "bin")) == set()


@pytest.mark.parametrize(
    "folder",
    [
        ".pyenv/shims",
        ".pyenv/plugins/pyenv-virtualenv/shims",
        ".asdf/shims",
        ".local/share/mise/shims",
        "AppData/Local/Microsoft/WindowsApps",
    ],
)
def test_shim_folders_are_skipped(linux: Surroundings, tmp_path: Path, folder: str) -> None:
    place(tmp_path / folder / "python3.13")
    assert is_shim_folder(tmp_path / folder)
    assert found(on_path(linux, tmp_path / folder)) == set()


def test_a_shim_in_a_folder_of_another_name_is_known_by_its_text(linux: Surroundings, tmp_path: Path) -> None:
    place(tmp_path / "bin" / "python3.13", SHIM)
    wrapper = place(
        tmp_path / "bin" / "python3.12", b'#!/bin/sh\nexec /root/.pyenv/versions/3.12.1/bin/python "$@"\n'
    )
    assert found(on_path(linux, tmp_path / "bin")) == {wrapper}
    assert is_launcher(wrapper)
    assert not is_launcher(place(tmp_path / "python"))


def test_a_shim_that_is_a_link_to_its_manager_is_known_by_its_real_name(
    linux: Surroundings, tmp_path: Path
) -> None:
    manager = place(tmp_path / "mise" / "mise")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(manager)
    (tmp_path / "bin" / "python").symlink_to(place(tmp_path / "shims" / "python"))
    (tmp_path / "bin" / "python3.9").symlink_to(tmp_path / "none" / "python3.9")
    assert found(on_path(linux, tmp_path / "bin")) == {tmp_path / "bin" / "python3.9"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_fifo_is_never_waited_for(linux: Surroundings, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    os.mkfifo(tmp_path / "bin" / "python3")
    assert found(on_path(linux, tmp_path / "bin")) == {tmp_path / "bin" / "python3"}


def test_entries_of_path_that_are_relative_or_missing_are_skipped(
    linux: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path / "bin" / "python3")
    monkeypatch.chdir(tmp_path)
    assert found(on_path(linux, Path("bin"), Path(), tmp_path / "none")) == set()


@pytest.mark.parametrize(
    ("environ", "install"),
    [
        ({}, "home/.pyenv/versions/3.13.0/bin/python3.13"),
        ({"PYENV_ROOT": "{}/pyenv"}, "pyenv/versions/3.13.0/bin/python"),
        ({"PYENV_ROOT": "{}/pyenv"}, "home/.pyenv/versions/3.8.18/bin/python3.8"),
        ({}, "home/.asdf/installs/python/3.12.1/bin/python3"),
        ({"ASDF_DATA_DIR": "{}/asdf"}, "asdf/installs/python/3.12.1/bin/python3"),
        ({}, "home/.local/share/mise/installs/python/3.13/bin/python"),
        ({"MISE_DATA_DIR": "{}/mise"}, "mise/installs/python/3.13/bin/python"),
        ({"XDG_DATA_HOME": "{}/data"}, "data/mise/installs/python/3.13/bin/python"),
        ({}, "home/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu/bin/python3.13"),
        ({"XDG_DATA_HOME": "{}/data"}, "data/uv/python/cpython-3.14.0+freethreaded-linux/bin/python3.14t"),
        ({"UV_PYTHON_INSTALL_DIR": "{}/uv"}, "uv/pypy-3.10-linux/bin/pypy3.10"),
        ({"UV_PYTHON_INSTALL_DIR": "{}/uv"}, "uv/cpython-3.8/install/bin/python3.8"),
        ({}, "root/usr/bin/python3.11"),
        ({}, "root/usr/local/bin/python3.14"),
        ({}, "root/opt/python3.12/bin/python3.12"),
        ({}, "root/opt/python/cp314-cp314t/bin/python3.14t"),
    ],
)
def test_finds_the_usual_install_folders(
    linux: Surroundings, tmp_path: Path, environ: dict[str, str], install: str
) -> None:
    python = place(tmp_path / install)
    filled = {name: value.format(tmp_path) for name, value in environ.items()}
    assert found(replace(linux, environ=filled)) == {python}


@pytest.mark.parametrize(
    "install",
    [
        "root/Library/Frameworks/Python.framework/Versions/3.13/bin/python3.13",
        "root/Library/Frameworks/Python.framework/Versions/3.12/bin/python3.12-intel64",
        "root/Library/Frameworks/PythonT.framework/Versions/3.13/bin/python3.13t",
        "root/opt/homebrew/opt/python@3.12/bin/python3.12",
        "root/usr/local/bin/python3",
        "root/Library/Developer/CommandLineTools/usr/bin/python3",
        "home/Library/Application Support/uv/python/cpython-3.13.1-macos-aarch64-none/bin/python3.13",
    ],
)
def test_finds_the_folders_of_macos(linux: Surroundings, tmp_path: Path, install: str) -> None:
    python = place(tmp_path / install)
    assert found(replace(linux, system="darwin")) == {python}


def test_the_stub_of_macos_that_would_ask_to_install_xcode_is_left() -> None:
    macos = Surroundings({"PATH": "/usr/bin"}, None, "darwin", Path("/nowhere"))
    assert found(macos) == set()


@pytest.mark.parametrize(
    ("environ", "install"),
    [
        ({"LOCALAPPDATA": "{}/Local"}, "Local/Programs/Python/Python313/python.exe"),
        ({"LOCALAPPDATA": "{}/Local"}, "Local/Programs/Python/Python313/python3.13t.exe"),
        ({}, "home/AppData/Local/Programs/Python/Python312-32/python.exe"),
        ({"PROGRAMFILES": "{}/Program Files"}, "Program Files/Python311/python.exe"),
        ({}, "root/Python310/python.exe"),
        ({}, "home/scoop/apps/python/current/python.exe"),
        ({}, "home/.pyenv/pyenv-win/versions/3.12.1/python.exe"),
        ({"APPDATA": "{}/Roaming"}, "Roaming/uv/python/cpython-3.13.1-windows-x86_64-none/python.exe"),
        ({"PATH": "relative;{}/tools"}, "tools/python.exe"),
    ],
)
def test_finds_the_folders_of_windows(
    linux: Surroundings, tmp_path: Path, environ: dict[str, str], install: str
) -> None:
    python = place(tmp_path / install)
    filled = {name: value.format(tmp_path) for name, value in environ.items()}
    assert found(replace(linux, system="win32", environ=filled)) == {python}


def test_without_a_home_only_the_system_is_searched(linux: Surroundings, tmp_path: Path) -> None:
    python = place(tmp_path / "root" / "usr" / "bin" / "python3")
    place(tmp_path / "home" / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3")
    assert found(replace(linux, home=None)) == {python}


def test_the_order_is_the_running_one_then_path_then_the_rest(linux: Surroundings, tmp_path: Path) -> None:
    system = place(tmp_path / "root" / "usr" / "bin" / "python3.11")
    pyenv = place(tmp_path / "home" / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3.13")
    first, second = place(tmp_path / "b" / "python3"), place(tmp_path / "a" / "python3")
    running = place(tmp_path / "v" / "bin" / "python")
    surroundings = replace(on_path(linux, tmp_path / "b", tmp_path / "a"), running=running)
    assert list(candidates(surroundings)) == [running, first, second, pyenv, system]


def test_a_folder_under_two_names_is_searched_once(linux: Surroundings, tmp_path: Path) -> None:
    python = place(tmp_path / "root" / "usr" / "bin" / "python3")
    (tmp_path / "root" / "bin").symlink_to(tmp_path / "root" / "usr" / "bin")
    again = on_path(linux, tmp_path / "root" / "bin", python.parent)
    assert list(candidates(again)) == [tmp_path / "root" / "bin" / "python3"]


def test_this_machine_takes_its_home_from_the_given_variables() -> None:
    variable = "USERPROFILE" if sys.platform == "win32" else "HOME"
    machine = this_machine({variable: "/some/home"})
    assert machine.home == Path("/some/home")
    assert machine.running == Path(sys.executable)
    assert machine.system == sys.platform
    assert this_machine({}).home is None
