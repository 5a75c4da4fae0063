import io
import zipfile

import pytest

from pytest_wheeltag.core.entrypoints import EntryPoint
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import InterpreterError
from pytest_wheeltag.system.stubs import make_stub


def target(platform: str, prefix: str = "C:\\env") -> InstallTarget:
    executable = f"{prefix}\\Scripts\\python.exe"
    folders = ("Lib/site-packages", "Lib/site-packages", "Scripts", "include/site/python3.12")
    return InstallTarget(prefix, executable, (3, 12, 1), *folders, platform=platform)


@pytest.mark.parametrize("platform", ["win-amd64", "win32", "win-arm64"])
def test_a_launcher_is_a_program_with_its_code_behind_it(platform: str) -> None:
    content = make_stub(EntryPoint("foo", "foo", "main"), target(platform))
    assert content.startswith(b"MZ")
    assert b"#!C:\\env\\Scripts\\python.exe\nPK" in content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("__main__.py").startswith(b"import sys\nfrom foo import main\n")
    assert make_stub(EntryPoint("foo", "foo", "main"), target(platform)) == content


def test_without_a_console_another_program_and_interpreter_are_taken() -> None:
    console = make_stub(EntryPoint("foo", "foo", "main"), target("win-amd64"))
    window = make_stub(EntryPoint("foo", "foo", "main", is_gui=True), target("win-amd64"))
    assert b"#!C:\\env\\Scripts\\pythonw.exe\nPK" in window
    assert console.partition(b"#!C:")[0] != window.partition(b"#!C:")[0]


def test_a_path_with_spaces_is_quoted() -> None:
    content = make_stub(EntryPoint("foo", "foo", "main"), target("win-amd64", "C:\\my env"))
    assert b'#!"C:\\my env\\Scripts\\python.exe"\nPK' in content


def test_other_platforms_have_no_such_programs() -> None:
    with pytest.raises(InterpreterError, match=r"no launchers for its platform win-mips"):
        make_stub(EntryPoint("foo", "foo", "main"), target("win-mips"))
