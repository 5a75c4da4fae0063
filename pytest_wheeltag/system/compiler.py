"""Bytecode for what was just installed, made by the target's own interpreter as pip would leave it."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from pytest_wheeltag.errors import InterpreterError, UsageError
from pytest_wheeltag.system.bytecode import CACHE_FOLDER
from pytest_wheeltag.system.interrogation import probe_environment
from pytest_wheeltag.system.processes import end_group, own_group

_HELLO = b"pytest-wheeltag compiles 1\n"
# A name has at most 255 characters, each of a few bytes in hexadecimal.
_MAX_ANSWER_BYTES = 8192
_GRACE_SECONDS = 1.0

CompilePayload = Callable[[Sequence[str]], Sequence[str]]
"""Compiles sources that were just linked, by their paths relative to the prefix; gives the paths of bytecode."""


class Bytecode(StrEnum):
    """Which bytecode an installation leaves: none, or that of all sources as pip does."""

    NONE = "none"
    ALL = "all"


def parse_bytecode(text: str, *, setting: str = "--wheeltag-bytecode") -> Bytecode:
    """Read which bytecode is wanted; raises ``UsageError``, which names ``setting``, for anything else."""
    try:
        return Bytecode(text)
    except ValueError:
        raise UsageError(setting, text, " or ".join(f"`{each}`" for each in Bytecode)) from None


@dataclass(frozen=True)
class CompileLimits:
    """How long the compiling of one distribution may take: some seconds, and some more for each of its sources."""

    seconds: float = 120.0
    seconds_per_source: float = 1.0

    def seconds_for(self, count: int) -> float:
        """Give the seconds for so many sources."""
        return self.seconds + count * self.seconds_per_source


_DEFAULT_LIMITS = CompileLimits()


class _CompilerEndedError(Exception):
    """The process ended before it answered."""


class _Process:
    """An interpreter that compiles, one source after the other."""

    def __init__(self, python: Path, environ: Mapping[str, str]) -> None:
        self._is_busy = False
        # Nothing of the environment's own code runs, its .pth files included, and no warning is an error.
        command = [str(python), "-I", "-S", "-B", "-W", "ignore", "-c", _script()]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=probe_environment(environ),
                **own_group(),
            )
        except OSError as error:
            raise InterpreterError(str(python), f"it does not start ({error.strerror})") from error

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def is_ready(self) -> bool:
        """Wait until it says that it is there; tell whether that is what it says."""
        return self._output.readline(len(_HELLO)) == _HELLO

    def compile(self, path: Path) -> str:
        """Compile one source; give the name of its bytecode, empty for none. Raises ``_CompilerEndedError``."""
        self._is_busy = True
        try:
            self._input.write(os.fsencode(path).hex().encode("ascii") + b"\n")
            self._input.flush()
            line, end, _ = self._output.readline(_MAX_ANSWER_BYTES).partition(b"\n")
            name = os.fsdecode(bytes.fromhex(line.decode("ascii")))
        except (OSError, ValueError) as error:
            raise _CompilerEndedError from error
        if not end:
            raise _CompilerEndedError
        self._is_busy = False
        return name

    def end(self) -> None:
        """End it with whatever it started."""
        end_group(self._process)

    def close(self) -> None:
        """End it and give its pipes back; one that is interrupted may finish what it writes."""
        with suppress(OSError):
            self._input.close()
        if self._is_busy:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
        self.end()
        self._output.close()

    @property
    def _input(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdin)

    @property
    def _output(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdout)


class Compiler(AbstractContextManager["Compiler"]):
    """Compiles with one interpreter, in a process that the first source starts and the end of the block ends.

    ``environ`` is what the process sees the harmless part of, nothing of ``PYTHON*``. ``warnings`` are clauses on
    what has no bytecode although it might have some. Not for use from several threads.
    """

    def __init__(
        self, python: Path, environ: Mapping[str, str], limits: CompileLimits = _DEFAULT_LIMITS
    ) -> None:
        self.warnings: list[str] = []
        self._python = python
        self._environ = environ
        self._limits = limits
        self._process: _Process | None = None
        self._lock = threading.Lock()
        self._is_expired = False

    def compile(self, prefix: Path, paths: Sequence[str]) -> tuple[str, ...]:
        """Compile sources below ``prefix``; give the relative paths of their bytecode.

        Sources that cannot be compiled are left out in silence, as pip does, those whose compiling ends the
        interpreter or that it has no time for with a warning. Raises ``InterpreterError`` where it cannot be run.
        """
        if not paths:
            return ()
        self._is_expired = False
        timer = threading.Timer(self._limits.seconds_for(len(paths)), self._expire)
        timer.daemon = True
        timer.start()
        try:
            return tuple(self._compile_all(prefix.absolute(), paths))
        finally:
            timer.cancel()
            timer.join()
            if self._is_expired:
                self._drop()

    def _compile_all(self, prefix: Path, paths: Sequence[str]) -> Iterator[str]:
        for number, path in enumerate(paths):
            bytecode = self._compile(prefix, path)
            yield from bytecode
            missing = len(paths) - number - len(bytecode)
            if self._is_expired and missing:
                seconds = self._limits.seconds_for(len(paths))
                problem = f"compiling took more than {seconds:g} seconds, so sources have no bytecode"
                self.warnings.append(f"{problem}: `{missing} of {len(paths)}`")
                return

    def _compile(self, prefix: Path, path: str) -> tuple[str, ...]:
        try:
            name = self._start().compile(prefix / path)
        except _CompilerEndedError:
            self._drop()
            if not self._is_expired:
                self.warnings.append(f"compiling it ends the interpreter: `{path}`")
            return ()
        folder = f"{path.rpartition('/')[0]}/".lstrip("/")
        return (f"{folder}{CACHE_FOLDER}/{name}",) if name else ()

    def _start(self) -> _Process:
        """Give the process, a new one where there is none or the last one has ended."""
        process = self._process
        if process is not None and process.is_alive:
            return process
        self._drop()
        with self._lock:
            process = self._process = _Process(self._python, self._environ)
            if self._is_expired:
                process.end()
        if not process.is_ready():
            self._drop()
            found = "takes too long to start" if self._is_expired else "does not run the script that compiles"
            raise InterpreterError(str(self._python), f"it {found}")
        return process

    def _expire(self) -> None:
        with self._lock:
            self._is_expired = True
            if self._process is not None:
                # Whoever waits for its answer sees the end of it.
                self._process.end()

    def _drop(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()


@cache
def _script() -> str:
    return Path(__file__).with_name("compiling.py").read_text("utf-8")
