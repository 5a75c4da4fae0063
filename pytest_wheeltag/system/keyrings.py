"""Keyrings, asked in processes of their own: those end in time, have no terminal, and import nothing into ours."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_wheeltag.system.credentials import Keyring, KeyringAnswer, Login
from pytest_wheeltag.system.processes import end_group, own_group

_SECONDS = 10.0
_USAGE_STATUS = 2
_NAME_OF_ERROR = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)


def open_keyring(provider: str, environ: Mapping[str, str]) -> Keyring | None:
    """Give the keyring that pip's ``keyring-provider`` names, None for none.

    ``import`` is the keyring of the python that runs us, ``subprocess`` the command ``keyring`` on PATH, ``auto``
    the first of the two that is there. One that is named but not there says so when it is asked.
    """
    # Without the folder we happen to be in: a project may hold a `keyring.py`.
    installed = (sys.executable, "-P", "-m", "keyring") if _is_installed() else ()
    on_path = shutil.which("keyring", path=environ.get("PATH"))
    match provider:
        case "import":
            return CommandKeyring(installed, environ) if installed else AbsentKeyring("it is not installed")
        case "subprocess":
            return (
                CommandKeyring((on_path,), environ) if on_path else AbsentKeyring("no such command on PATH")
            )
        case "auto":
            command = installed or ((on_path,) if on_path else ())
            return CommandKeyring(command, environ) if command else None
    return None


@dataclass(frozen=True)
class CommandKeyring:
    """Asks keyring's own command line, ``command`` and what follows; ``seconds`` bounds a question.

    The process runs with the user's environment, since backends find their services by it, but without input,
    output or terminal of ours.
    """

    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    seconds: float = _SECONDS

    def ask(self, service: str, username: str | None) -> KeyringAnswer:
        """Ask, as ``Keyring`` says; with a user name commands that are older than 25.2.1 answer too."""
        user = () if username is None else (username,)
        done = self._run(("--mode=creds", "--output=json", "get", service, *user))
        if isinstance(done, str):
            return KeyringAnswer(problem=done)
        if done.returncode != _USAGE_STATUS or b"unrecognized" not in done.stderr:
            return _read_json(done)
        if username is None:
            return KeyringAnswer(problem="it is older than 25.2.1 and must be told a user name")
        done = self._run(("get", service, username))
        if isinstance(done, str):
            return KeyringAnswer(problem=done)
        return _read_plain(done, username)

    def _run(self, arguments: Sequence[str]) -> "subprocess.CompletedProcess[bytes] | str":
        try:
            process = subprocess.Popen(
                [*self.command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self.environ, "PYTHONIOENCODING": "utf-8"},
                **own_group(),
            )
        except OSError as error:
            return f"it does not start, {error.strerror or type(error).__name__}"
        try:
            output, complaints = process.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            return f"it did not answer within {self.seconds:g} s"
        finally:
            end_group(process)
            _close_pipes(process)
        return subprocess.CompletedProcess(self.command, process.returncode, output, complaints)


@dataclass(frozen=True)
class AbsentKeyring:
    """A keyring that was asked for by name but is not there; ``problem`` says so."""

    problem: str

    def ask(self, service: str, username: str | None) -> KeyringAnswer:  # noqa: ARG002 - the answer is the same
        """Say that there is none."""
        return KeyringAnswer(problem=self.problem)


class FakeKeyring:
    """A keyring of memory, for tests, which remembers what it was asked: passwords by service and user name."""

    def __init__(self, passwords: Mapping[tuple[str, str], str], problem: str = "") -> None:
        self.passwords = dict(passwords)
        self.problem = problem
        self.questions: list[tuple[str, str | None]] = []

    def ask(self, service: str, username: str | None) -> KeyringAnswer:
        """Answer; without a user name with the first login of the service."""
        self.questions.append((service, username))
        for (known, user), password in self.passwords.items():
            if known == service and username in (None, user):
                return KeyringAnswer(Login(user, password))
        return KeyringAnswer(problem=self.problem)


def _is_installed() -> bool:
    try:
        return bool(sys.executable) and importlib.util.find_spec("keyring") is not None
    except ValueError:  # a test of somebody's has put something else in its place
        return False


def _close_pipes(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _read_json(done: "subprocess.CompletedProcess[bytes]") -> KeyringAnswer:
    if done.returncode:
        return KeyringAnswer(problem=_complaint(done))
    try:
        match json.loads(done.stdout):
            case {"username": str(username), "password": str(password)}:
                return KeyringAnswer(Login(username, password))
    except (ValueError, RecursionError):
        pass  # as good as JSON of another form
    return KeyringAnswer(problem="its answer is no user name with a password")


def _read_plain(done: "subprocess.CompletedProcess[bytes]", username: str) -> KeyringAnswer:
    if done.returncode:
        return KeyringAnswer(problem=_complaint(done))
    password = done.stdout.decode(errors="replace").rstrip("\r\n")
    return KeyringAnswer(Login(username, password) if password else None)


def _complaint(done: "subprocess.CompletedProcess[bytes]") -> str:
    """Name the error that a command ended with, and no more of it: nobody knows what its message holds."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    name = _NAME_OF_ERROR.match(lines[-1]) if lines and lines[0].startswith("Traceback") else None
    if name:
        return f"it failed with {name[0]}"
    # It has no password for this: no failure, and the only thing that it ends with 1 for.
    return "" if done.returncode == 1 else f"it ended with status {done.returncode}"
