import os
from pathlib import Path

import pytest

from pytest_wheeltag.errors import InterpreterError, UnsafeFileError
from pytest_wheeltag.system.pyvenv import (
    EnvironmentFolder,
    base_of,
    environment_of,
    parse_pyvenv,
    read_environment_folder,
)


def place(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(0o755)
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return place(tmp_path / "opt" / "bin" / "python3.11")


def make(folder: Path, settings: dict[str, object], *, link: Path | None = None) -> Path:
    """Make an environment with a pyvenv.cfg, its python a link, or a copy where there is none."""
    python = folder / "bin" / "python"
    if link is None:
        place(python)
    else:
        python.parent.mkdir(parents=True)
        python.symlink_to(link)
    text = "".join(f"{key} = {value}\n" for key, value in settings.items())
    (folder / "pyvenv.cfg").write_text(text, "utf-8")
    return python


def test_parses_keys_without_regard_to_case_and_values_with_equal_signs() -> None:
    text = "Home = /a=b/bin\r\n# comment\n\ninclude-system-site-packages=TRUE\nbad = /a\0b\n"
    assert parse_pyvenv(text) == {"home": "/a=b/bin", "include-system-site-packages": "TRUE"}


@pytest.mark.parametrize(
    ("value", "inherits"), [("true", True), ("True", True), ("false", False), ("", False)]
)
def test_knows_whether_an_environment_inherits(value: str, inherits: bool) -> None:
    folder = EnvironmentFolder(Path("/v"), {"include-system-site-packages": value})
    assert folder.inherits is inherits
    assert not EnvironmentFolder(Path("/v"), {}).inherits


def test_a_folder_without_pyvenv_cfg_is_none(tmp_path: Path) -> None:
    assert read_environment_folder(tmp_path) is None
    assert read_environment_folder(tmp_path / "none") is None


def test_what_runs_counts_before_what_is_written(tmp_path: Path, base: Path) -> None:
    other = place(tmp_path / "usr" / "bin" / "python3.12")
    settings = {"home": other.parent, "executable": other, "version": "3.12.1"}
    assert base_of(make(tmp_path / "v", settings, link=base)) == base


@pytest.mark.parametrize(
    "settings",
    [
        {"home": "{home}", "executable": "{home}/python3.11", "version": "3.11.7"},
        {"home": "{home}", "version": "3.11.7"},
        {"home": "{home}", "version_info": "3.11.7.final.0", "base-executable": "{home}/python3.11"},
        {"home": "{home}", "implementation": "CPython", "uv": "0.6.7", "version_info": "3.11.7"},
        {"home": "{prefix}", "version": "3.11"},
    ],
    ids=["venv", "venv before 3.11", "virtualenv", "uv", "a prefix as home"],
)
def test_a_copied_python_leads_to_its_base_by_what_is_written(
    tmp_path: Path, base: Path, settings: dict[str, str]
) -> None:
    place(base.with_name("python3.12"))
    filled = {key: value.format(home=base.parent, prefix=base.parents[1]) for key, value in settings.items()}
    assert base_of(make(tmp_path / "v", dict(filled))) == base


def test_a_pypy_is_looked_for_under_its_name(tmp_path: Path, base: Path) -> None:
    pypy = place(base.with_name("pypy3.9"))
    place(base.with_name("python3.9"))
    settings = {"home": base.parent, "implementation": "PyPy", "version_info": "3.9.16.final.0"}
    assert base_of(make(tmp_path / "v", dict(settings))) == pypy


def test_an_environment_of_an_environment_leads_to_the_base(tmp_path: Path, base: Path) -> None:
    inner = make(tmp_path / "inner", {"home": base.parent, "version": "3.11.7"})
    outer = make(tmp_path / "outer", {"home": inner.parent})
    assert base_of(outer) == base


def test_a_link_from_elsewhere_leads_into_the_environment(tmp_path: Path, base: Path) -> None:
    python = make(tmp_path / "v", {"home": base.parent}, link=base)
    (tmp_path / "shortcut").symlink_to(python)
    found = environment_of(tmp_path / "shortcut")
    assert found is not None
    assert found[0].path == tmp_path / "v"
    assert found[1] == python
    assert base_of(tmp_path / "shortcut") == base


def test_a_base_interpreter_is_its_own_base_without_links(tmp_path: Path, base: Path) -> None:
    (tmp_path / "python").symlink_to(base)
    assert environment_of(base) is None
    assert base_of(tmp_path / "python") == base


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"home": "/no/such/folder"},
        {"home": "bin"},
        {"executable": "bin/python"},
        {"executable": "{v}/bin/python"},
        {"base-executable": "{v}/../v/bin/python"},
        {"executable": "{link}/bin/python"},
        {"home": "{v}/bin"},
    ],
)
def test_no_file_of_the_environment_is_ever_its_base(tmp_path: Path, settings: dict[str, str]) -> None:
    """Checking runs nothing: an audit executes no code of the environment that it looks at."""
    (tmp_path / "link").symlink_to(tmp_path / "v")
    filled = {key: value.format(v=tmp_path / "v", link=tmp_path / "link") for key, value in settings.items()}
    python = make(tmp_path / "v", dict(filled))
    with pytest.raises(InterpreterError, match="names no base interpreter that exists outside"):
        base_of(python)


def test_a_link_out_of_the_environment_and_back_is_not_followed(tmp_path: Path) -> None:
    evil = place(tmp_path / "v" / "lib" / "evil")
    (tmp_path / "python3.11").symlink_to(evil)
    python = make(tmp_path / "v", {"executable": tmp_path / "python3.11"})
    with pytest.raises(InterpreterError, match="outside of the environment"):
        base_of(python)


def test_environments_that_name_each_other_are_no_endless_loop(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    python = make(first, {"executable": second / "bin" / "python"})
    make(second, {"executable": first / "bin" / "python"})
    with pytest.raises(InterpreterError, match="in a circle"):
        base_of(python)


def test_a_loop_of_links_is_no_endless_loop(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert environment_of(tmp_path / "a") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_pyvenv_cfg_that_is_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    python = place(tmp_path / "v" / "bin" / "python")
    os.mkfifo(tmp_path / "v" / "pyvenv.cfg")
    with pytest.raises(UnsafeFileError):
        read_environment_folder(tmp_path / "v")
    with pytest.raises(InterpreterError, match="FIFO"):
        base_of(python)


def test_a_pyvenv_cfg_beyond_bounds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").write_bytes(b"home = /usr/bin\n" * 10_000)
    with pytest.raises(UnsafeFileError, match="at most"):
        read_environment_folder(tmp_path)


def test_a_path_with_a_nul_is_a_clear_error() -> None:
    with pytest.raises(InterpreterError, match="NUL") as caught:
        base_of(Path("/usr\0/bin/python"))
    assert "\0" not in str(caught.value)
