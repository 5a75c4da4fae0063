import marshal
import os
import runpy
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import pytest_wheeltag.system
from pytest_wheeltag.system import compiler

SCRIPT = Path(pytest_wheeltag.system.__file__).with_name("compiling.py")


@pytest.fixture(scope="module")
def script() -> Mapping[str, Any]:
    return runpy.run_path(str(SCRIPT), run_name="compiling")


def test_its_greeting_is_the_one_that_is_waited_for(script: Mapping[str, Any]) -> None:
    assert script["HELLO"] == compiler._HELLO  # noqa: SLF001 - it has no other use


def test_its_syntax_is_that_of_python_3_6() -> None:
    compile(SCRIPT.read_text("utf-8"), "compiling.py", "exec", flags=0x400, _feature_version=6)


def test_bytecode_is_checked_by_time_and_size(tmp_path: Path, script: Mapping[str, Any]) -> None:
    source = tmp_path / "foo.py"
    source.write_bytes(b"x = 1\n")
    os.utime(source, (400_000_000, 400_000_000))

    name = script["compile_source"](str(source))

    assert name == f"foo.{sys.implementation.cache_tag}.pyc"
    content = (tmp_path / "__pycache__" / name).read_bytes()
    assert struct.unpack("<III", content[4:16]) == (0, 400_000_000, 6)
    assert marshal.loads(content[16:]).co_filename == str(source)  # noqa: S302 - written a moment ago


def test_whatever_the_variables_say_the_time_counts(
    tmp_path: Path, script: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foo.py").touch()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")

    name = script["compile_source"](str(tmp_path / "foo.py"))

    assert (tmp_path / "__pycache__" / name).read_bytes()[4:8] == bytes(4)


@pytest.mark.parametrize(
    "content", [b"print 1\n", b"\xff\xfe", b"# coding: nonsense\n", b"x = '\0'\n", b"(" * 5000], ids=range(5)
)
def test_what_cannot_be_compiled_is_left_out(
    tmp_path: Path, script: Mapping[str, Any], content: bytes
) -> None:
    (tmp_path / "foo.py").write_bytes(content)

    assert script["compile_source"](str(tmp_path / "foo.py")) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foo.py"]


def test_what_is_no_file_is_left_out(tmp_path: Path, script: Mapping[str, Any]) -> None:
    (tmp_path / "folder.py").mkdir()

    assert script["compile_source"](str(tmp_path / "folder.py")) == ""
    assert script["compile_source"](str(tmp_path / "absent.py")) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_nothing_is_written_through_a_link(tmp_path: Path, script: Mapping[str, Any]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "__pycache__").symlink_to(outside)
    (tmp_path / "foo.py").touch()

    assert script["compile_source"](str(tmp_path / "foo.py")) == ""
    assert list(outside.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there names are text")
def test_it_answers_in_hexadecimal_whatever_the_bytes(tmp_path: Path) -> None:
    paths = [os.fsencode(tmp_path) + name for name in (b"/caf\xe9.py", b"/none.py")]
    Path(os.fsdecode(paths[0])).touch()
    asked = b"".join(path.hex().encode() + b"\n" for path in paths)

    command = [sys.executable, "-I", "-S", "-B", "-c", SCRIPT.read_text("utf-8")]
    done = subprocess.run(command, input=asked, capture_output=True, check=True, timeout=60)

    hello, *answers = done.stdout.splitlines()
    assert hello + b"\n" == compiler._HELLO  # noqa: SLF001 - as above
    tag = (sys.implementation.cache_tag or "").encode()
    assert [bytes.fromhex(answer.decode()) for answer in answers] == [b"caf\xe9." + tag + b".pyc", b""]
