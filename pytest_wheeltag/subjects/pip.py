"""pip as a subject: the one on PATH, or a version fetched by our own installer into an environment of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.account import Account, Invocation
from pytest_wheeltag.core.controls import ALL, Controls
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand, parse_request
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UninstallableError, WheeltagError
from pytest_wheeltag.subjects.subject import Lodging, failing_as
from pytest_wheeltag.system.environment import Environment, open_environment
from pytest_wheeltag.workplace import Workplace

_TIMEOUT_SECONDS = 900.0
_QUESTION_SECONDS = 30.0
_VERSION = re.compile(r"pip (\S+) from")
_SHOWN_LINES = 3


@dataclass(frozen=True)
class PipSubject:
    """Runs pip with a cache and a configuration of its own; ``pinned`` is its version, empty for any.

    It installs from ``place``; where it is on no PATH, it is fetched into its lodging.
    """

    place: Workplace
    lodging: Lodging
    pinned: str = ""

    @cached_property
    def name(self) -> InstallerName:
        """Its name and version; of the newest the version for the interpreter that runs us, `unknown` where none is published."""
        return InstallerName("pip", self.pinned or self._found[1] or self._newest)

    @cached_property
    def _newest(self) -> str:
        interpreter = self.lodging.source.finder.ask(Path(sys.executable))
        try:
            resolution = self.lodging.source.provisioner.resolve(parse_request(("pip",)), interpreter)
        except WheeltagError:
            return "unknown"
        return str(resolution.choices[0].version)

    @cached_property
    def _found(self) -> tuple[str, str]:
        """The pip on PATH with its version; a shim that leads nowhere answers no question and counts as none."""
        path = None if self.pinned else shutil.which("pip", path=self.place.environ.get("PATH"))
        if path is None:
            return "", ""
        done = _run([path, "--version"], dict(self.place.environ), _QUESTION_SECONDS)
        match = None if done.returncode else _VERSION.match(done.stdout)
        return (path, match[1]) if match else ("", "")

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment with virtualenv and let pip install into it, as ``Subject`` says."""
        with failing_as("pip", interpreter, request):
            environment = self.place.maker.make(prefix, interpreter)
            account = self._install(environment, request)
            environment.complete()
        return account

    def _install(self, environment: Environment, request: Request) -> Account:
        interpreter = environment.interpreter
        command, variables = self._command(environment.python, interpreter)
        if request.lock is not None:
            raise UninstallableError(
                request.lock.origin, interpreter.label, "pip", "a lock is not handed to it yet"
            )
        bounds = self.place.options.build_constraints
        options = ["--no-input", "--disable-pip-version-check", f"--cache-dir={self.lodging.cache}"]
        with (
            _written(environment.prefix, "constraint", request.constraints) as constraints,
            _written(environment.prefix, "requirement", request.requirements) as requirements,
            _written(environment.prefix, "build-constraint", bounds) as build_constraint,
        ):
            builds = [build_constraint] if bounds else []
            wanted = [constraints, requirements, *(["--require-hashes"] if request.checks_hashes else [])]
            done = _run([*command, "install", *options, *builds, *wanted], variables)
        if done.returncode:
            shown = ", ".join(demand.text for demand in request.requirements)
            raise UninstallableError(shown, interpreter.label, f"pip {self.name.version}", _last_word(done))
        return Account((Invocation(tuple(done.args), done.stdout + done.stderr, done.returncode),))

    def _command(self, python: Path, interpreter: Interpreter) -> tuple[list[str], dict[str, str]]:
        variables = self._variables()
        if path := self._found[0]:
            return [path, "--python", str(python)], variables
        # By the target itself, so that every version of pip will do that supports it.
        return [str(python), "-m", "pip"], {**variables, "PYTHONPATH": str(self._fetch(interpreter))}

    def _fetch(self, interpreter: Interpreter) -> Path:
        home = self.lodging.home / f"pip-{interpreter.label}"
        if open_environment(home, interpreter) is None:
            source = self.lodging.source
            environment = source.maker.make(home, interpreter)
            requirement = f"pip=={self.pinned}" if self.pinned else "pip"
            source.provisioner.install(environment, parse_request((requirement,)))
            environment.complete()
        return Path(interpreter.scheme_paths(str(home))["purelib"])

    def _variables(self) -> dict[str, str]:
        """Give pip's environment: nothing of the user's settings but where the index is and how to reach it."""
        opened = self.place.opened
        kept = {
            name: value
            for name, value in self.place.environ.items()
            if not name.startswith(("PIP_", "PYTHON"))
        }
        settings = {"PIP_CONFIG_FILE": os.devnull, **opened.pip_variables()}
        return {
            **kept,
            **settings,
            **_describe(opened.configuration.controls.then(self.place.options.controls)),
        }


def _describe(controls: Controls) -> dict[str, str]:
    """Give the variables by which pip takes the same kinds of files; it knows no names for the last two."""
    found = {
        "PIP_ONLY_BINARY": ",".join(sorted(controls.wheels_only.included)),
        "PIP_NO_BINARY": ",".join(sorted(controls.wheels_only.excluded)),
        "PIP_PREFER_BINARY": "1" if ALL in controls.wheels_first.included else "",
        "PIP_PRE": "1" if ALL in controls.prereleases.included else "",
    }
    return {name: value for name, value in found.items() if value}


@contextmanager
def _written(prefix: Path, option: str, demands: Iterable[Demand | UnnamedDemand]) -> Iterator[str]:
    """Give an option with a file of demands, which is there as long as the context lasts."""
    path = prefix / f".wheeltag-{option}.txt"
    path.write_text("".join(f"{each.line}\n" for each in demands), encoding="utf-8")
    try:
        yield f"--{option}={path}"
    finally:
        path.unlink()


def _run(
    command: list[str], variables: dict[str, str], timeout_seconds: float = _TIMEOUT_SECONDS
) -> "subprocess.CompletedProcess[str]":
    """Run to the end; what cannot be started or does not end has failed like any other."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=variables,
            timeout=timeout_seconds,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _last_word(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    return printable("; ".join(errors[-_SHOWN_LINES:])) or f"exit status {done.returncode}"
