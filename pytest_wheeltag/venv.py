"""An environment as users hold it: install into it, run in it, look at it, judge it."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from packaging.utils import canonicalize_name

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.present import Upgrade
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand, parse_request
from pytest_wheeltag.core.verdict import InstalledWheel, Outcome, Property, Verdict
from pytest_wheeltag.system.environment import Environment, remove_environment
from pytest_wheeltag.system.fingerprint import fingerprint_environment
from pytest_wheeltag.system.installation import InstallReport
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.requestfiles import RequestReader
from pytest_wheeltag.workplace import Workplace

Choose = Callable[[], Workplace]


class Venv:
    """A throwaway virtual environment; leaving its ``with`` block removes it, unless by an error.

    ``choose_workplace`` gives what installations are done with, asked for anew by each of them.
    """

    def __init__(self, environment: Environment, choose_workplace: Choose) -> None:
        self._environment = environment
        self._choose_workplace = choose_workplace
        self._is_kept = False
        self._index_url: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and not self._is_kept:
            self.remove()

    def __repr__(self) -> str:
        return f"<Venv {self.interpreter.label} {self.path}>"

    @property
    def path(self) -> Path:
        """The environment's folder."""
        return self._environment.prefix

    @property
    def python(self) -> Path:
        """Its python executable."""
        return self._environment.python

    @property
    def bin(self) -> Path:
        """The folder of its scripts."""
        return self._environment.bin

    @property
    def site_packages(self) -> Path:
        """The folder of its pure libraries."""
        return self._environment.site_packages

    @property
    def interpreter(self) -> Interpreter:
        """The interpreter that it was made of."""
        return self._environment.interpreter

    def install(
        self,
        *requirements: str | os.PathLike[str],
        constraints: Sequence[str] = (),
        index_url: str | None = None,
        upgrade: bool = False,
    ) -> InstallReport:
        """Install requirements with all that they need, from the store, the indexes or where they lie.

        A requirement is a dependency specifier, or the path or address of a wheel, a source archive or a source tree;
        ``-e PATH`` installs a tree so that it stays where it is. With ``index_url`` from that index alone. What is
        installed and will do is kept, with ``upgrade`` only where nothing better is on offer. Raises
        ``ResolutionError`` where nothing fits, ``CatalogueError`` where an index cannot be asked, ``WheelError`` for
        a wheel or source archive that is refused, ``BuildError`` where a source cannot be built, ``UsageError`` and
        ``HashCheckError`` for what cannot be asked for so, ``InstallationError`` where the environment does not take it.
        """
        self._index_url = index_url
        place = self._workplace()
        request = read_request(requirements, constraints, place.reader)
        if upgrade:
            place = place.with_options(replace(place.options, upgrade=Upgrade.REQUESTED))
        return place.provisioner.install(self._environment, request)

    def uninstall(self, *names: str) -> InstallReport:
        """Take distributions out, all of them or none; raises ``RemovalError`` for one that is not there."""
        return self._choose_workplace().provisioner.uninstall(self._environment, names)

    def run(
        self,
        *arguments: str | os.PathLike[str],
        check: bool = True,
        **options: Any,  # noqa: ANN401 - those of subprocess.run
    ) -> "subprocess.CompletedProcess[Any]":
        """Run a command as in the activated environment: ``python`` and installed scripts are its own.

        ``options`` are those of ``subprocess.run``; output is captured as text unless they say otherwise. With
        ``check`` a failing command raises ``subprocess.CalledProcessError`` with its output as notes.
        """
        command = [os.fspath(argument) for argument in arguments]
        given = options.pop("env", None)
        environ = self._activated(os.environ if given is None else given)
        if not {"stdout", "stderr", "capture_output"} & options.keys():
            options |= {"capture_output": True}
        if not {"encoding", "errors", "universal_newlines"} & options.keys():
            options.setdefault("text", True)
        done = subprocess.run([self._find(command[0]), *command[1:]], check=False, env=environ, **options)
        if check and done.returncode:
            raise _failed(done)
        return done

    def installed(self) -> Mapping[str, InstalledWheel]:
        """Give what is installed, read back from disk, by normalised name."""
        found = read_installed(self._environment.as_existing())
        return {canonicalize_name(each.name): each for each in found if isinstance(each, InstalledWheel)}

    def verdicts(self, *properties: str) -> tuple[Verdict, ...]:
        """Judge every distribution by each property, ``best`` where none is named; ``ValueError`` for one of installers."""
        asked = [_property(name) for name in properties or ("best",)]
        auditor = self._workplace().auditor
        existing = self._environment.as_existing()
        return tuple(verdict for each in asked for verdict in auditor.audit(existing, each))

    def check(self, *properties: str) -> None:
        """Assert properties of every distribution, ``best`` where none is named.

        Raises ``AssertionError`` with the sentence of each verdict that failed; ``ValueError`` for a property
        that only an installer can have.
        """
        failed = [each.message for each in self.verdicts(*properties) if each.outcome is Outcome.FAILED]
        if failed:
            raise AssertionError("\n".join(failed))

    def fingerprint(self) -> str:
        """Give the fingerprint of all that is installed: two environments with the same one hold the same code."""
        return fingerprint_environment(self._environment.as_existing())

    def keep(self) -> None:
        """Let it stay when its ``with`` block is left: somebody may want to look at it."""
        self._is_kept = True

    def remove(self) -> None:
        """Remove the environment; a second time does nothing."""
        remove_environment(self.path)

    def _workplace(self) -> Workplace:
        """Give what installations are done with: what came from one index alone is judged by it too."""
        chosen = self._choose_workplace()
        return chosen if self._index_url is None else chosen.with_index(self._index_url)

    def _activated(self, environ: Mapping[str, str]) -> dict[str, str]:
        dropped = {"PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__"}
        kept = {name: value for name, value in environ.items() if name not in dropped}
        path = os.pathsep.join(filter(None, (str(self.bin), kept.get("PATH", ""))))
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.path)}

    def _find(self, command: str) -> str:
        """Find a command in the environment first; a path is left as it is."""
        if os.path.dirname(command):  # noqa: PTH120 - `./x` and `x` are told apart by text
            return command
        suffixes = ("", ".exe", ".bat", ".cmd") if os.name == "nt" else ("",)
        own = (self.bin / f"{command}{suffix}" for suffix in suffixes)
        return str(next((path for path in own if path.is_file()), command))


def read_request(
    requirements: Sequence[str | os.PathLike[str]], constraints: Sequence[str], reader: RequestReader
) -> Request:
    """Parse requirements and constraints; raises ``TypeError`` for a bare string, ``UsageError`` for what is none."""
    for name, value in (("requirements", requirements), ("constraints", constraints)):
        if isinstance(value, str):
            msg = f"{name}: expected a sequence of requirements, found a bare string: `{value}`"
            raise TypeError(msg)
    bounds = parse_request((), constraints, "this call").constraints
    return Request(tuple(_read_demand(os.fspath(each), reader) for each in requirements), bounds)


def _read_demand(text: str, reader: RequestReader) -> Demand | UnnamedDemand:
    tree = text.strip().removeprefix("-e ")
    return (
        reader.requirement(text, "this call") if tree == text.strip() else reader.editable(tree, "this call")
    )


def _property(name: str) -> Property:
    allowed = {each.value: each for each in Property if not each.is_of_installer}
    if name not in allowed:
        shown = ", ".join(f"`{each}`" for each in allowed)
        msg = f"expected a property of an environment ({shown}), found: `{name}`"
        raise ValueError(msg)
    return allowed[name]


def _failed(done: "subprocess.CompletedProcess[Any]") -> subprocess.CalledProcessError:
    error = subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    for title, output in (("stdout", done.stdout), ("stderr", done.stderr)):
        if output:
            text = output if isinstance(output, str) else output.decode(errors="replace")
            error.add_note(f"{title}:\n{text.rstrip()}")
    return error
