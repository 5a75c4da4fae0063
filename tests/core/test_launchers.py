import subprocess
import sys
from pathlib import Path

import pytest

from pytest_wheeltag.core.entrypoints import EntryPoint
from pytest_wheeltag.core.launchers import (
    expand_versioned,
    fill_placeholder,
    has_placeholder,
    is_superseded,
    render_code,
    render_shebang,
)


def test_a_short_path_stands_in_the_first_line() -> None:
    assert render_shebang("/env/bin/python") == b"#!/env/bin/python\n"


@pytest.mark.parametrize(
    "name", ["a b", "long" * 60, "it's here", 'say "hi"', "$HOME `date`", "tab\there", "über"]
)
@pytest.mark.skipif(sys.platform == "win32", reason="shebangs are POSIX's")
def test_any_path_of_an_interpreter_is_started(tmp_path: Path, name: str) -> None:
    python = tmp_path / name / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    script = tmp_path / "script"
    script.write_bytes(render_shebang(str(python)) + b"import sys\nprint(sys.argv[1:])\n")
    script.chmod(0o755)
    done = subprocess.run([script, "x y", "*"], capture_output=True, text=True, check=True)
    assert done.stdout == "['x y', '*']\n"


@pytest.mark.parametrize("size", [126, 127])
def test_a_line_of_127_bytes_is_the_longest_that_every_kernel_takes(size: int) -> None:
    executable = "/" + "x" * (size - 4)
    assert len(render_shebang(executable)) == size
    assert render_shebang(executable).startswith(b"#!/x")
    assert render_shebang(executable + "xx").startswith(b"#!/bin/sh\n")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"#!python\nprint()", True),
        (b"#!python", True),
        (b"#!python -E\r\nprint()", True),
        (b"#!pythonw\n", True),
        (b"#!python3\n", False),
        (b"#!/usr/bin/python\n", False),
        (b"#! python\n", False),
        (b"\n#!python\n", False),
        (b"#!pythonic\n", False),
        (b"\x7fELF\x00\xff", False),
        (b"", False),
    ],
)
def test_only_the_two_words_of_the_specification_wait_for_an_interpreter(
    content: bytes, *, expected: bool
) -> None:
    assert has_placeholder(content) is expected
    filled = fill_placeholder(content, b"#!/env/bin/python\n")
    assert filled.startswith(b"#!/env/bin/python\n") is expected
    assert expected or filled == content


def test_what_follows_the_first_line_stays_as_it_is() -> None:
    content = b"#!python -c\n\xff\xfe#!python\n"
    assert fill_placeholder(content, b"#!/p\n") == b"#!/p\n\xff\xfe#!python\n"


@pytest.mark.parametrize("version", [(3, 8), (3, 9), (3, 14)])
def test_the_code_of_a_launcher_calls_what_the_entry_point_names(
    version: tuple[int, int], tmp_path: Path
) -> None:
    (tmp_path / "module.py").write_text(
        "import sys\nclass Main:\n    def run():\n        print(sys.argv[0])\n        return 3\n"
    )
    code = render_code(EntryPoint("tool", "module", "Main.run"), version)
    script = tmp_path / "tool.exe"
    script.write_bytes(code)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, str(tmp_path / "tool") + "\n")


def test_pip_gets_the_versions_of_the_target() -> None:
    assert expand_versioned("pip", (3, 12, 1)) == ("pip", "pip3", "pip3.12")
    assert expand_versioned("easy_install", (3, 12)) == ("easy_install", "easy_install-3.12")
    assert expand_versioned("pipx", (3, 12)) == ("pipx",)
    names = frozenset({"pip", "easy_install"})
    assert [
        name for name in ("pip3", "pip3.9", "pip", "easy_install-3.9", "pipx") if is_superseded(name, names)
    ] == [
        "pip3",
        "pip3.9",
        "easy_install-3.9",
    ]
    assert not is_superseded("pip3", frozenset({"pip3"}))
