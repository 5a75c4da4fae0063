"""Running the probe in a foreign interpreter: within a time, a size and an environment of our choice."""

import errno
import json
import os
import stat
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pytest_wheeltag.errors import InterpreterError
from pytest_wheeltag.system.processes import end_group, own_group

_SENTINEL = b"=== pytest-wheeltag probe 1 ==="
_CHUNK_BYTES = 1 << 16

# Nothing else gets in: neither secrets nor PYTHONHOME, PYTHONPATH, _PYTHON_HOST_PLATFORM and their kin.
_PASSED_VARIABLES = frozenset(
    {
        "APPDATA",
        "COMSPEC",
        "DYLD_FALLBACK_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "HOME",
        "LD_LIBRARY_PATH",
        "LOCALAPPDATA",
        "PATH",
        "PATHEXT",
        "SYSTEMDRIVE",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
        "TMPDIR",
        "USERPROFILE",
        "WINDIR",
    }
)


@dataclass(frozen=True)
class ProbeLimits:
    """What an interpreter may take for its answer, and how long it may stay once it has answered."""

    seconds: float = 10.0
    output_bytes: int = 1 << 20
    grace_seconds: float = 1.0


class _Listener(threading.Thread):
    """Reads what a process prints until the answer is whole, the output ends or is too long."""

    def __init__(self, descriptor: int, limit: int) -> None:
        super().__init__(daemon=True)
        self._descriptor = descriptor
        self._limit = limit
        self.output = bytearray()
        self.is_over_limit = False

    def run(self) -> None:
        """Fill ``output``; closes the descriptor."""
        try:
            while (chunk := os.read(self._descriptor, _CHUNK_BYTES)) and not self.is_over_limit:
                self.output += chunk
                self.is_over_limit = len(self.output) > self._limit
                if self.is_over_limit or _answer_in(self.output) is not None:
                    return
        finally:
            os.close(self._descriptor)


@cache
def probe_script() -> str:
    """Give the text of the probe."""
    return Path(__file__).with_name("probe.py").read_text("utf-8")


def interrogate(executable: str, environ: Mapping[str, str], limits: ProbeLimits) -> dict[str, Any]:
    """Run the probe in an interpreter and give the JSON object that it prints.

    The whole process group is killed when time or size run out. Raises ``InterpreterError`` where there is
    no such file, it cannot be run, or does not answer as the probe does.
    """
    _check_file(executable)
    reading, writing = os.pipe()
    try:
        process = _start(executable, environ, writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    listener = _Listener(reading, limits.output_bytes)
    listener.start()
    try:
        _wait(process, listener, limits)
        document = _answer_in(listener.output)
        problem = _silence(listener, process.poll(), limits)
    finally:
        end_group(process)
    if document is None:
        raise InterpreterError(executable, problem)
    return _parse_answer(executable, document)


def _check_file(executable: str) -> None:
    try:
        mode = Path(executable).stat().st_mode
    except FileNotFoundError:
        is_link = Path(executable).is_symlink()
        raise InterpreterError(executable, "its link leads nowhere" if is_link else "there is none") from None
    except (OSError, ValueError) as error:
        problem = "its path holds a NUL" if "\0" in executable else _describe(error)
        raise InterpreterError(executable.replace("\0", "\\0"), problem) from error
    if not stat.S_ISREG(mode):
        raise InterpreterError(
            executable, "expected a file, found " + ("a folder" if stat.S_ISDIR(mode) else "a device")
        )
    if not os.access(executable, os.X_OK):
        raise InterpreterError(executable, "it may not be executed")


def _describe(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _start(executable: str, environ: Mapping[str, str], output: int) -> "subprocess.Popen[bytes]":
    # -B, or an interpreter without bytecode would write it into its own library.
    command = [executable, "-I", "-S", "-B", "-c", probe_script()]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env=probe_environment(environ),
            **own_group(),
        )
    except OSError as error:
        raise InterpreterError(executable, _start_problem(error)) from error


def _start_problem(error: OSError) -> str:
    if error.errno == errno.ENOEXEC:
        return "it is no program for this machine"
    if error.errno == errno.ENOENT:
        return "the interpreter or loader that it names does not exist"
    return f"it does not start ({_describe(error)})"


def probe_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment variables that a probe sees; the locale makes paths UTF-8 on every Python."""
    passed = {name: value for name, value in environ.items() if name.upper() in _PASSED_VARIABLES}
    return passed | {"LC_ALL": "C.UTF-8"}


def _wait(process: "subprocess.Popen[bytes]", listener: _Listener, limits: ProbeLimits) -> None:
    deadline = time.monotonic() + limits.seconds
    while listener.is_alive() and time.monotonic() < deadline:
        listener.join(min(0.1, limits.seconds))
        if process.poll() is not None:
            # A child that it left behind may hold the pipe open for ever.
            listener.join(limits.grace_seconds)
            return
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, min(limits.grace_seconds, deadline - time.monotonic())))


def _answer_in(output: bytes | bytearray) -> bytes | None:
    _, found, rest = bytes(output).partition(_SENTINEL)
    document, end, _ = rest.lstrip(b"\r\n").partition(b"\n")
    return document if found and end else None


def _parse_answer(executable: str, document: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise InterpreterError(executable, "its answer is no JSON") from error
    if not isinstance(answer, dict):
        raise InterpreterError(executable, "its answer is no JSON object")
    return answer


def _silence(listener: _Listener, status: int | None, limits: ProbeLimits) -> str:
    if listener.is_over_limit:
        return f"it printed more than {limits.output_bytes} bytes"
    if status is None and not listener.is_alive():
        return "it closed its output without an answer"
    if status is None:
        return f"it did not answer within {limits.seconds:g} s"
    if status < 0:
        return f"it was ended by signal {-status}"
    printed = "something else than its facts" if listener.output else "nothing"
    return f"it printed {printed} and ended with status {status}"
