from dataclasses import replace

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.layout import Scheme
from pytest_wheeltag.core.tags import InterpreterFacts, PlatformFacts
from pytest_wheeltag.core.target import InstallTarget, target_of

LINUX = {
    "purelib": "{base}/lib/python{py_version_short}/site-packages",
    "platlib": "{platbase}/lib64/python{py_version_short}/site-packages",
    "scripts": "{base}/bin",
    "data": "{base}",
}
WINDOWS = {
    "purelib": "{base}\\Lib\\site-packages",
    "platlib": "{base}\\Lib\\site-packages",
    "scripts": "{base}\\Scripts",
    "data": "{base}",
}


def make(scheme: dict[str, str], os_name: str, platform: str) -> Interpreter:
    return Interpreter(
        "/usr/bin/python3.12",
        "3.12.1",
        InterpreterFacts("cpython", (3, 12), "312"),
        PlatformFacts("Linux", platform),
        {"os_name": os_name},
        "/usr",
        "venv",
        {"venv": scheme},
        {"py_version_short": "3.12"},
    )


POSIX_TARGET = target_of(make(LINUX, "posix", "linux-x86_64"), "/tmp/env")
WINDOWS_TARGET = target_of(make(WINDOWS, "nt", "win-amd64"), "C:\\my env")


def test_folders_are_relative_to_the_prefix() -> None:
    assert (
        InstallTarget(
            "/tmp/env",
            "/tmp/env/bin/python",
            (3, 12, 1),
            "lib/python3.12/site-packages",
            "lib64/python3.12/site-packages",
            "bin",
            "include/site/python3.12",
            platform="linux-x86_64",
        )
        == POSIX_TARGET
    )
    assert POSIX_TARGET.libraries == ("lib/python3.12/site-packages", "lib64/python3.12/site-packages")
    assert not POSIX_TARGET.is_windows


def test_windows_has_other_folders_and_one_library() -> None:
    assert WINDOWS_TARGET.executable == "C:\\my env\\Scripts\\python.exe"
    assert WINDOWS_TARGET.libraries == ("Lib/site-packages",)
    assert WINDOWS_TARGET.folder(Scheme.SCRIPTS, "foo") == "Scripts"
    assert WINDOWS_TARGET.is_windows


def test_headers_have_a_folder_for_each_distribution() -> None:
    assert POSIX_TARGET.folder(Scheme.HEADERS, "greenlet") == "include/site/python3.12/greenlet"
    assert POSIX_TARGET.folder(Scheme.DATA, "greenlet") == ""


def test_folders_elsewhere_are_an_error() -> None:
    elsewhere = {**LINUX, "scripts": "/usr/local/bin"}
    with pytest.raises(
        ValueError, match=r"expected scheme folders below the prefix `/tmp/env`, found: `/usr/local/bin`"
    ):
        target_of(make(elsewhere, "posix", "linux-x86_64"), "/tmp/env")
    with pytest.raises(ValueError, match=r"/tmp/env-evil"):
        target_of(make({**LINUX, "scripts": "/tmp/env-evil/bin"}, "posix", "linux-x86_64"), "/tmp/env")


@pytest.mark.parametrize(
    "path",
    [
        "pyvenv.cfg",
        "PyVenv.cfg",
        ".wheeltag",
        "bin/python",
        "bin/Python3.12",
        "BIN/python3",
        "bin/pypy3",
        "bin/python.exe",
        "lib/python3.12/site-packages/bar-1.0.dist-info/RECORD",
        "lib/python3.12/site-packages/foo-1.0.DIST-INFO/RECORD",
        "lib64/python3.12/site-packages/bar.egg-info",
    ],
)
def test_what_belongs_to_others_is_forbidden(path: str) -> None:
    assert POSIX_TARGET.forbids(path, "foo-1.0.dist-info")


@pytest.mark.parametrize(
    "path",
    [
        "bin/pythonic",
        "bin/sub/python",
        "share/pyvenv.cfg",
        "lib/python3.12/site-packages/foo-1.0.dist-info/RECORD",
        "lib/python3.12/site-packages/foo/_vendor/bar-1.0.dist-info/RECORD",
        "lib/python3.12/site-packages-evil/bar-1.0.dist-info",
        "foo-1.0.dist-info",
    ],
)
def test_everything_else_is_not(path: str) -> None:
    assert POSIX_TARGET.forbids(path, "foo-1.0.dist-info") == ""


def test_on_windows_the_folder_of_scripts_has_another_name() -> None:
    target = replace(WINDOWS_TARGET)
    assert target.forbids("scripts/PYTHON.EXE", "foo-1.0.dist-info")
    assert not target.forbids("bin/python", "foo-1.0.dist-info")


@pytest.mark.parametrize(
    ("path", "is_forbidden"),
    [
        ("lib/python3.12/os.py", True),
        ("LIB/Python3.12/json/__init__.py", True),
        ("lib/python3.12/site-packages/os.py", False),
        ("lib64/python3.12/site-packages/foo.so", False),
        ("lib/other/os.py", False),
    ],
)
def test_of_an_interpreter_itself_the_standard_library_is_left_alone(path: str, is_forbidden: bool) -> None:
    target = replace(POSIX_TARGET, standard_library="lib/python3.12")

    assert bool(target.forbids(path, "foo-1.0.dist-info")) is is_forbidden
    assert not POSIX_TARGET.forbids(path, "foo-1.0.dist-info")
