from pathlib import Path

import pytest

from pytest_wheeltag.system.bytecode import open_bytecode, stems_of
from pytest_wheeltag.system.folders import OpenFolder


def test_modules_are_named_by_their_sources() -> None:
    assert stems_of(["a.py", "b.pyi", "c", "__init__.py", "d.e.py"]) == {"a", "__init__", "d.e"}


@pytest.fixture
def folder(tmp_path: Path) -> OpenFolder:
    (tmp_path / "__pycache__").mkdir()
    return OpenFolder.open(str(tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        "a.cpython-312.pyc",
        "a.cpython-312.opt-1.pyc",
        "a.cpython-313t.opt-2.pyc",
        "a.pypy39.pyc",
        "a.pypy311-pp73.pyc",
        "a.graalpy242-311.pyc",
        "a.cpython-312.pyc.139872",
    ],
)
def test_bytecode_of_any_interpreter_is_found(folder: OpenFolder, name: str) -> None:
    Path(folder.path, "__pycache__", name).touch()
    with open_bytecode(folder, {"a"}) as (cache, names):
        assert Path(cache.path).name == "__pycache__"
        assert names == (name,)


@pytest.mark.parametrize(
    "name", ["b.cpython-312.pyc", "a.py", "a.pyc", "a.other.pyc", "a.cpython-312.pyc.bak"]
)
def test_what_belongs_to_others_is_not(folder: OpenFolder, name: str) -> None:
    Path(folder.path, "__pycache__", name).touch()
    with open_bytecode(folder, {"a"}) as (_, names):
        assert names == ()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "__pycache__").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(NotADirectoryError), open_bytecode(OpenFolder.open(str(tmp_path)), {"a"}):
        pytest.fail("it leads elsewhere")
