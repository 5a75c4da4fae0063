"""One installation by an installer's own commands: within a time, each of them kept with the end of what it printed."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import InapplicableError, UninstallableError
from pytest_wheeltag.subjects.seclusion import Seclusion
from pytest_wheeltag.system.processes import end_group, own_group, wait_for

TIMEOUT_SECONDS = 900.0
_KEPT_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 16
_GRACE_SECONDS = 2.0
_NOT_STARTED = 127
_SHOWN_LINES = 6
_SHOWN_CHARACTERS = 2000
# What installers draw their trees of causes with.
_CROSS = "\N{MULTIPLICATION SIGN}"
_ORNAMENTS = f" \t│╰├─▶>{_CROSS}"
_ERROR_SIGNS = ("error", _CROSS)


Hear = Callable[[str], None]
"""Is told each line that an installer prints, on another thread."""


@dataclass(frozen=True)
class Terms:
    """How a command is run: in which folder, for at most how long, and who hears what it prints."""

    folder: Path | None = None
    seconds: float = TIMEOUT_SECONDS
    hear: Hear | None = field(default=None, compare=False)


_TERMS = Terms()


class _Tail(threading.Thread):
    """Reads what a process prints, lets somebody hear each line, and keeps the end."""

    def __init__(self, descriptor: int, hear: "Hear | None") -> None:
        super().__init__(daemon=True)
        self._descriptor = descriptor
        self._hear = hear
        self._line = b""
        self._kept = bytearray()
        self._is_cut = False

    def run(self) -> None:
        """Read until the output ends; closes the descriptor."""
        try:
            while chunk := os.read(self._descriptor, _CHUNK_BYTES):
                self._tell(chunk)
                self._kept += chunk
                if len(self._kept) > 2 * _KEPT_BYTES:
                    del self._kept[:-_KEPT_BYTES]
                    self._is_cut = True
        finally:
            os.close(self._descriptor)

    def _tell(self, chunk: bytes) -> None:
        if self._hear is None:
            return
        *lines, rest = (self._line + chunk).split(b"\n")
        # A line without end is nothing that anybody listens for.
        self._line = rest[-_KEPT_BYTES:]
        for line in lines:
            self._hear(line.decode(errors="replace"))

    @property
    def text(self) -> str:
        """The end of what was printed."""
        kept = bytes(self._kept[-_KEPT_BYTES:])
        is_cut = self._is_cut or len(self._kept) > _KEPT_BYTES
        return ("…\n" if is_cut else "") + kept.decode(errors="replace")


def invoke(command: Sequence[str], seclusion: Seclusion, terms: Terms = _TERMS) -> Invocation:
    """Run a command to its end; what cannot be started, or is not done in time, has failed like any other.

    Whatever it started ends with it, and its temporary files are gone.
    """
    with seclusion.with_temporary_folder() as furnished:
        return _invoke(command, furnished, terms)


def _invoke(command: Sequence[str], seclusion: Seclusion, terms: Terms) -> Invocation:
    shown = tuple(map(seclusion.redact_word, command))
    reading, writing = os.pipe()
    tail = _Tail(reading, terms.hear)
    try:
        process = subprocess.Popen(
            list(command),
            cwd=terms.folder,
            env=dict(seclusion.variables),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.STDOUT,
            **own_group(),
        )
    except (OSError, ValueError) as error:
        os.close(reading)
        return Invocation(shown, f"it cannot be started: {error}", _NOT_STARTED)
    finally:
        os.close(writing)
    tail.start()
    problem = ""
    try:
        status = wait_for(process, max(0.0, terms.seconds))
    except subprocess.TimeoutExpired:
        status, problem = -1, f"\nerror: it was not done after {terms.seconds:g} seconds"
    finally:
        # A child that it left behind would hold the output open for ever.
        end_group(process)
        tail.join(_GRACE_SECONDS)
    return Invocation(shown, seclusion.redact(tail.text + problem), status)


class Attempt:
    """One installation of a request: its commands are kept, and the first that fails ends it."""

    def __init__(
        self, installer: InstallerName, interpreter: Interpreter, request: Request, seclusion: Seclusion
    ) -> None:
        self._installer = f"{installer.name} {installer.version}"
        self._label = interpreter.label
        self._requested = request.shown
        self._deadline = time.monotonic() + TIMEOUT_SECONDS
        self.seclusion = seclusion
        self.invocations: tuple[Invocation, ...] = ()

    def tell(self, variables: Mapping[str, str]) -> None:
        """Let the commands from now on see further variables; an empty one is left out."""
        self.seclusion = self.seclusion.told(variables)

    def run(self, *command: str | Path, folder: Path | None = None, hear: Hear | None = None) -> Invocation:
        """Run a command as ``invoke`` does; raises ``UninstallableError`` with its last word where it fails."""
        invocation = self.ask(*command, folder=folder, hear=hear)
        if invocation.status:
            raise self.fail(last_word(invocation))
        return invocation

    def ask(self, *command: str | Path, folder: Path | None = None, hear: Hear | None = None) -> Invocation:
        """Run a command as ``invoke`` does, which may fail."""
        terms = Terms(folder, self._deadline - time.monotonic(), hear)
        invocation = invoke(list(map(str, command)), self.seclusion, terms)
        self.invocations = (*self.invocations, invocation)
        return invocation

    def fail(self, problem: str) -> UninstallableError:
        """Give the error that it failed, with what was run until now."""
        error = UninstallableError(self._requested, self._label, self._installer, problem)
        return error.after(self.invocations)

    def refuse(self, problem: str) -> InapplicableError:
        """Give the error that this installer cannot be told what is asked: ``problem`` is one clause, why."""
        return InapplicableError(self._requested, self._label, self._installer, problem)


def last_word(invocation: Invocation) -> str:
    """Give the lines of an output that say what went wrong, as one line: its errors, else its end."""
    lines = [line.strip() for line in invocation.output.splitlines() if line.strip()]
    loud = [line for line in lines if line.startswith("ERROR")]
    said = [line.strip(_ORNAMENTS) for line in (loud or _from_error_on(lines))[-_SHOWN_LINES:]]
    return printable("; ".join(filter(None, said)))[:_SHOWN_CHARACTERS] or f"exit status {invocation.status}"


def _from_error_on(lines: Sequence[str]) -> Sequence[str]:
    """Give the last error with what follows it, its causes mostly; all where none is marked."""
    starts = [number for number, line in enumerate(lines) if line.lower().startswith(_ERROR_SIGNS)]
    return lines[starts[-1] :][:_SHOWN_LINES] if starts else lines
