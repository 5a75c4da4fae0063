"""The newest pip that supports an interpreter: what other installers are compared with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.errors import WheeltagError
from pytest_wheeltag.subjects.pip import PipSubject
from pytest_wheeltag.subjects.subject import Lodging, failing_as
from pytest_wheeltag.workplace import Workplace

UNKNOWN = "unknown"
"""Its version where no index has a pip for the interpreter, or none could be asked."""


@dataclass(frozen=True)
class NewestPip:
    """pip as a subject for one interpreter, never the one on PATH: fetched by our own installer, from the same indexes."""

    place: Workplace
    lodging: Lodging
    interpreter: Interpreter

    @property
    def name(self) -> InstallerName:
        """Its name and version, ``unknown`` where it cannot be had."""
        try:
            return self._pip.name
        except WheeltagError:
            return InstallerName("pip", UNKNOWN)

    @cached_property
    def _pip(self) -> PipSubject:
        resolution = self.lodging.source.provisioner.resolve(parse_request(("pip",)), self.interpreter)
        return PipSubject(self.place, self.lodging, str(resolution.choices[0].version))

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment and let pip install into it, as ``Subject`` says."""
        with failing_as("pip", interpreter, request):
            return self._pip.provision(prefix, interpreter, request)
