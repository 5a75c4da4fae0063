import csv
import importlib.util
import io
import marshal
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.plan import InstallRequest, plan_installation
from pytest_wheeltag.core.target import target_of
from pytest_wheeltag.errors import InterpreterError, UsageError
from pytest_wheeltag.system.compiler import Bytecode, CompileLimits, Compiler, parse_bytecode
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.environment import EnvironmentMaker
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.workshop import WheelSpec, build_wheel

PYTHON = Path(sys.executable)
TAG = sys.implementation.cache_tag
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the interpreters here are shell scripts")


def write(folder: Path, **contents: str) -> tuple[str, ...]:
    for name, content in contents.items():
        (folder / f"{name}.py").write_text(content, "utf-8")
    return tuple(f"{name}.py" for name in contents)


def test_bytecode_is_all_or_nothing() -> None:
    assert [parse_bytecode(text) for text in ("none", "all")] == [Bytecode.NONE, Bytecode.ALL]
    with pytest.raises(UsageError, match=r"^--wheeltag-bytecode: expected `none` or `all`, found: `some`$"):
        parse_bytecode("some")


def test_it_gives_the_paths_of_bytecode(tmp_path: Path) -> None:
    (tmp_path / "foo" / "bar").mkdir(parents=True)
    top = write(tmp_path, top="x = 1")
    inner = write(tmp_path / "foo" / "bar", inner="x = 1", template="{{ a }} b", old="print 1")

    with Compiler(PYTHON, {}) as compiler:
        made = compiler.compile(tmp_path, [*top, *(f"foo/bar/{name}" for name in inner)])
        again = compiler.compile(tmp_path, top)

    assert made == (f"__pycache__/top.{TAG}.pyc", f"foo/bar/__pycache__/inner.{TAG}.pyc")
    assert again == made[:1]
    assert all((tmp_path / path).is_file() for path in made)
    assert compiler.warnings == []


def test_a_prefix_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (path,) = write(Path(), foo="x = 1")

    with Compiler(PYTHON, {}) as compiler:
        (made,) = compiler.compile(Path(), [path])

    code = marshal.loads(Path(made).read_bytes()[16:])  # noqa: S302 - written a moment ago
    assert code.co_filename == str(tmp_path / "foo.py")


def test_no_process_starts_for_nothing(tmp_path: Path) -> None:
    with Compiler(tmp_path / "none", {}) as compiler:
        assert compiler.compile(tmp_path, []) == ()


def test_variables_of_the_user_do_not_count(tmp_path: Path) -> None:
    environ = {
        "PYTHONOPTIMIZE": "2",
        "PYTHONPYCACHEPREFIX": str(tmp_path / "elsewhere"),
        "PYTHONHOME": str(tmp_path),
        "PYTHONWARNINGS": "error",
        "SOURCE_DATE_EPOCH": "1",
    }
    paths = write(tmp_path, foo="assert 1\nx = '\\d'\n")

    with Compiler(PYTHON, environ) as compiler:
        assert compiler.compile(tmp_path, paths) == (f"__pycache__/foo.{TAG}.pyc",)

    assert (tmp_path / "__pycache__" / f"foo.{TAG}.pyc").read_bytes()[4:8] == bytes(4)


def test_a_file_of_the_store_is_only_read(tmp_path: Path) -> None:
    paths = write(tmp_path, foo="x = 1")
    (tmp_path / "foo.py").chmod(0o444)
    (tmp_path / "__pycache__").mkdir()
    shipped = tmp_path / "shipped"
    shipped.write_bytes(b"shipped")
    bytecode = tmp_path / "__pycache__" / f"foo.{TAG}.pyc"
    os.link(shipped, bytecode)

    with Compiler(PYTHON, {}) as compiler:
        compiler.compile(tmp_path, paths)

    assert shipped.read_bytes() == b"shipped"
    assert bytecode.stat().st_size > len(b"shipped")
    assert bytecode.stat().st_mode & 0o200


def fake(folder: Path, body: str) -> Path:
    """Write an interpreter that greets, then does as it is told; ``$line`` is what it was asked."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\necho 'pytest-wheeltag compiles 1'\nread line\n{body}\n", "utf-8")
    path.chmod(0o755)
    return path


@ON_POSIX
@pytest.mark.parametrize("body", ["kill -9 $$", "exit 0", "echo zz", "printf 6161"], ids=range(4))
def test_a_source_that_ends_the_interpreter_is_left_out_with_a_warning(tmp_path: Path, body: str) -> None:
    hostile = f"hostile_{tmp_path.name}".encode().hex()
    body = f"case $line in *{b'hostile'.hex()}*) {body};; *) echo 61;; esac"
    assert b"hostile".hex() in hostile

    with Compiler(fake(tmp_path, body), {"PATH": os.environ["PATH"]}) as compiler:
        made = compiler.compile(tmp_path, ["a.py", "hostile.py", "b.py"])

    assert made == ("__pycache__/a", "__pycache__/a")
    assert compiler.warnings == ["compiling it ends the interpreter: `hostile.py`"]


@ON_POSIX
def test_what_takes_too_long_is_given_up_with_all_that_it_started(
    tmp_path: Path, is_gone: Callable[[int], bool]
) -> None:
    body = f"echo 61; read line; sleep 60 & echo $! > {tmp_path}/child; wait"
    limits = CompileLimits(0.5, 0.0)
    started = time.monotonic()

    with Compiler(fake(tmp_path, body), {"PATH": os.environ["PATH"]}, limits) as compiler:
        assert compiler.compile(tmp_path, ["a.py", "b.py", "c.py"]) == ("__pycache__/a",)
        assert time.monotonic() - started < 20
        child = int((tmp_path / "child").read_text("utf-8"))
        assert is_gone(child)
        # The next distribution has its own time.
        assert compiler.compile(tmp_path, ["a.py"]) == ("__pycache__/a",)

    assert compiler.warnings == [
        "compiling took more than 0.5 seconds, so sources have no bytecode: `2 of 3`",
    ]


@ON_POSIX
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("#!/bin/sh\necho Hello, what do you want of me?\n", "it does not run the script that compiles"),
        ("#!/bin/sh\nexit 1\n", "it does not run the script that compiles"),
        ("#!/bin/sh\nsleep 60\n", "it takes too long to start"),
        ("#!/none\n", "it does not start (No such file or directory)"),
    ],
    ids=["talks", "ends", "sleeps", "is none"],
)
def test_what_is_no_interpreter_is_refused(tmp_path: Path, script: str, problem: str) -> None:
    python = tmp_path / "python"
    python.write_text(script, "utf-8")
    python.chmod(0o755)

    with (
        Compiler(python, {"PATH": os.environ["PATH"]}, CompileLimits(1.0, 0.0)) as compiler,
        pytest.raises(InterpreterError) as caught,
    ):
        compiler.compile(tmp_path, ["foo.py"])

    assert caught.value.problem == problem


@ON_POSIX
def test_the_process_ends_with_the_block_and_no_descriptor_stays_open(
    tmp_path: Path, is_gone: Callable[[int], bool]
) -> None:
    before = open_descriptors()
    python = fake(tmp_path, f"echo $$ > {tmp_path}/pid; echo; read line; sleep 60")

    with Compiler(python, {"PATH": os.environ["PATH"]}) as compiler:
        assert compiler.compile(tmp_path, ["foo.py"]) == ()

    assert is_gone(int((tmp_path / "pid").read_text("utf-8")))
    assert open_descriptors() <= before


def open_descriptors() -> int:
    def is_open(descriptor: int) -> bool:
        try:
            os.fstat(descriptor)
        except OSError:
            return False
        return True

    return sum(map(is_open, range(256)))


BAR = WheelSpec(
    "bar",
    "1.0",
    files={
        "bar/__init__.py": "x = 1\n",
        "bar/deep/module.py": "def f(a, b=2):\n    return [a, b]\n",
        "bar/old.py": "print 1\n",
        "bar/templates/{{cookiecutter}}.py": "import {{ cookiecutter }} as x\n",
        "bar/empty.py": "",
        "bar/text.txt": "import this\n",
    },
    data={
        "scripts/tool.py": "#!python\nprint(1)\n",
        "scripts/ready.py": "#!/usr/bin/env python\nprint(1)\n",
        "data/share/given.py": "x = 2\n",
        "headers/strange.py": "x = 3\n",
        "platlib/plat_bar.py": "x = 4\n",
    },
    entry_points={"console_scripts": {"bar.py": "bar:main", "baz": "bar:main"}},
)


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not installed here")
def test_what_pip_leaves(
    tmp_path: Path, running_interpreter: Interpreter, stored: Callable[[WheelSpec], StoreEntry]
) -> None:
    """Bytecode, its header and its code, and RECORD's rows are those of pip."""
    maker = EnvironmentMaker(tmp_path / "cache", os.environ)
    theirs = maker.make(tmp_path / "theirs", running_interpreter)
    wheel = build_wheel(BAR, tmp_path)
    options = (
        "--isolated",
        "--no-index",
        "--disable-pip-version-check",
        "--no-warn-script-location",
        "--quiet",
    )
    command = [sys.executable, "-m", "pip", "--python", str(theirs.python), "install", *options, str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    ours = maker.make(tmp_path / "ours", running_interpreter)
    entry = stored(BAR)
    target = target_of(running_interpreter, str(ours.prefix))
    plan = plan_installation(entry.wheel, target, InstallRequest(scripts=entry.scripts, is_requested=True))
    for path in plan.sources:
        (ours.prefix / path).parent.mkdir(parents=True, exist_ok=True)
        (ours.prefix / path).write_bytes((theirs.prefix / path).read_bytes())
        times = (theirs.prefix / path).stat().st_mtime_ns
        os.utime(ours.prefix / path, ns=(times, times))

    with Compiler(ours.python, os.environ) as compiler:
        made = compiler.compile(ours.prefix, plan.sources)

    library = str(target.purelib)
    record = plan.with_unhashed(made).metadata[-1].content
    by_pip = (theirs.prefix / library / "bar-1.0.dist-info" / "RECORD").read_bytes()
    assert rows(record) == rows(by_pip)
    assert compiler.warnings == []
    assert len(made) == 8
    for path in made:
        theirs_read, ours_read = ((root / path).read_bytes() for root in (theirs.prefix, ours.prefix))
        assert theirs_read[:16] == ours_read[:16]
        codes = [marshal.loads(content[16:]) for content in (theirs_read, ours_read)]  # noqa: S302 - just written
        assert codes[0] == codes[1]
        # pip climbs up out of the library to what lies elsewhere.
        compiled = os.path.relpath(codes[0].co_filename, theirs.prefix)
        assert codes[1].co_filename == str(ours.prefix / compiled)


def rows(record: bytes) -> Mapping[str, bool]:
    """Tell for each path whether it has a hash; the launchers name their own environments."""
    text = io.StringIO(record.decode(), newline="")
    return {path: bool(digest) for path, digest, _ in csv.reader(text) if "direct_url.json" not in path}


@pytest.fixture(scope="session")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> tuple[Interpreter, ...]:
    finder = InterpreterFinder(tmp_path_factory.mktemp("found"), this_machine(os.environ))
    return tuple(finder.find_all())


def test_it_works_on_every_interpreter_found(tmp_path: Path, everywhere: tuple[Interpreter, ...]) -> None:
    found = {}
    for number, interpreter in enumerate(everywhere):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths = write(folder, foo="x = 1\n", bad="print 1\n")
        with Compiler(Path(interpreter.executable), os.environ) as compiler:
            (made,) = compiler.compile(folder, paths)
        command = [
            interpreter.executable,
            "-I",
            "-S",
            "-B",
            "-v",
            "-c",
            f"import sys; sys.path.insert(0, {str(folder)!r}); import foo",
        ]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        found[interpreter.executable] = f"{made.rpartition('/')[2]}' matches" in done.stderr.decode() or (
            f"code object from {str(folder / made)!r}" in done.stderr.decode()
        )

    assert found
    assert [executable for executable, is_believed in found.items() if not is_believed] == []
