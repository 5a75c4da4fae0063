"""Real backends in real processes, of a few lines each."""

import os
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES
from pytest_wheeltag.core.pyproject import BuildSystem
from pytest_wheeltag.errors import BuildError
from pytest_wheeltag.system.backends import Backend, BuildPlace

SYSTEM = BuildSystem((), "backend", (".",))


def place_in(folder: Path, seconds: float = 60.0) -> BuildPlace:
    log = folder / "build.log"
    return BuildPlace(folder, Path(sys.executable), dict(os.environ), log, "foo 1.0", "cpython3.x", seconds)


def backend(folder: Path, text: str, *, is_editable: bool = False, seconds: float = 60.0) -> Backend:
    """Give a backend of this text, which may use ``write`` and ``os``."""
    code = "import os\ndef write(path, data):\n    with open(path, 'w') as file: file.write(data)\n"
    (folder / "backend.py").write_text(code + textwrap.dedent(text), encoding="utf-8")
    return Backend(SYSTEM, place_in(folder, seconds), is_editable=is_editable)


def building(statements: str, folder: Path) -> Backend:
    hook = "def build_wheel(folder, settings=None, metadata=None):\n"
    return backend(folder, hook + textwrap.indent(textwrap.dedent(statements), "    "))


@pytest.mark.parametrize("is_editable", [False, True])
def test_each_hook_is_asked_for_wheels_of_its_kind(is_editable: bool, tmp_path: Path) -> None:
    kind = "editable" if is_editable else "wheel"
    asked = backend(
        tmp_path,
        f"""
        def get_requires_for_build_{kind}(settings=None):
            return ["tool", str(settings)]
        def prepare_metadata_for_build_{kind}(folder, settings=None):
            os.mkdir(folder + "/foo-1.0.dist-info")
            write(folder + "/foo-1.0.dist-info/METADATA", "Name: " + str(settings))
            return "foo-1.0.dist-info"
        def build_{kind}(folder, settings=None, metadata=None):
            write(folder + "/foo.whl", str(settings))
            return "foo.whl"
        """,
        is_editable=is_editable,
    )
    out = tmp_path / "out"
    out.mkdir()

    assert asked.list_requirements(()) == ("tool", "None")
    assert asked.prepare_metadata((("a", "1"), ("a", "2")), out) == b"Name: {'a': ['1', '2']}"
    path = asked.build((("a", "1"),), out)
    assert path == out / "foo.whl"
    assert path.read_text() == "{'a': '1'}"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("return 'foo.whl'", "its backend made no file that it named: `foo.whl`"),
        (r"return 'foo\x1b.whl'", r"its backend made no file that it named: `foo\x1b.whl`"),
        (r"return 'foo\0.whl'", r"its backend made no file that it named: `foo\x00.whl`"),
        ("os.mkdir(folder + '/foo.whl'); return 'foo.whl'", "its backend made no file that it named: `foo.whl`"),
        ("return ''", "its backend made no file that it named: `.`"),
        ("return None", "its backend gave no usable answer: `backend`"),
        ("os._exit(0)", "its backend gave no answer: `backend`"),
        ("os._exit(3)", "its backend failed: `exit status 3`"),
        ("raise RuntimeError('no compiler')", "its backend failed: `RuntimeError: no compiler`; its whole"),
    ],
)  # fmt: skip
def test_whatever_goes_wrong_is_a_build_error(statement: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        building(statement, tmp_path).build((), tmp_path)

    assert str(caught.value).startswith(f"foo 1.0 cannot be built for cpython3.x, {problem}")


@pytest.mark.parametrize("answer", ["'foo'", "None", "3", "['foo', 3]"])
def test_requirements_are_a_list_of_texts(answer: str, tmp_path: Path) -> None:
    asked = backend(tmp_path, f"def get_requires_for_build_wheel(settings=None): return {answer}")

    with pytest.raises(BuildError, match="gave no usable answer"):
        asked.list_requirements(())


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        ("pass", "its backend made no file that it named: `foo.dist-info/METADATA`"),
        ("os.mkdir(path)", "its backend made no file that it named: `foo.dist-info/METADATA`"),
        ("os.mkdir(path); os.mkdir(path + '/METADATA')", "expected a regular file, found a folder"),
        ("os.mkdir(path); os.mkfifo(path + '/METADATA')", "expected a regular file, found a FIFO"),
        (
            f"os.mkdir(path); write(path + '/METADATA', 'x' * {MAX_METADATA_BYTES + 1})",
            f"expected at most {MAX_METADATA_BYTES} bytes, found {MAX_METADATA_BYTES + 1}",
        ),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="needs FIFOs")
def test_metadata_is_read_within_limits(statements: str, problem: str, tmp_path: Path) -> None:
    asked = backend(
        tmp_path,
        f"""
        def prepare_metadata_for_build_wheel(folder, settings=None):
            path = folder + "/foo.dist-info"
            {statements}
            return "foo.dist-info"
        """,
    )
    with pytest.raises(BuildError) as caught:
        asked.prepare_metadata((), tmp_path)

    assert problem in str(caught.value)


def test_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    asked = backend(tmp_path, "raise ImportError('no')")
    with pytest.raises(BuildError, match="its backend cannot be imported: `backend`"):
        asked.list_requirements(())

    place = replace(place_in(tmp_path), python=tmp_path / "python")
    with pytest.raises(BuildError, match="its python cannot be started, No such file"):
        Backend(SYSTEM, place).list_requirements(())


def test_a_backend_that_knows_no_editable_wheels_is_told_what_to_do(tmp_path: Path) -> None:
    asked = backend(tmp_path, "", is_editable=True)
    with pytest.raises(
        BuildError, match=r"cannot build editable wheels \(PEP 660\); install it without `-e`"
    ):
        asked.build((), tmp_path)


def test_the_end_of_what_it_prints_is_told_and_all_of_it_kept(tmp_path: Path) -> None:
    asked = building(
        r"""
        print("\n".join(map(str, range(100))), "\x1b[31mred")
        os._exit(1)
        """,
        tmp_path,
    )
    with pytest.raises(BuildError, match=r"its backend failed: `99 \\x1b\[31mred`") as caught:
        asked.build((), tmp_path)

    output = caught.value.output
    assert len(output.last_lines) == 30
    assert output.last_lines[-1] == r"99 \x1b[31mred"
    assert Path(output.log).read_text(encoding="utf-8").startswith("0\n1\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_one_that_takes_too_long_ends_with_all_that_it_started(
    tmp_path: Path, is_gone: Callable[[int], bool]
) -> None:
    asked = backend(
        tmp_path,
        """
        import subprocess, sys, time
        def build_wheel(folder, settings=None, metadata=None):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            write("pid", str(child.pid))
            time.sleep(60)
        """,
        seconds=2.0,
    )
    with pytest.raises(BuildError, match="it was not done after 2 seconds"):
        asked.build((), tmp_path)

    assert is_gone(int((tmp_path / "pid").read_text()))
