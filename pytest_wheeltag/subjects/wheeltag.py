"""Our own installer as a subject."""

from importlib.metadata import version
from pathlib import Path

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.errors import UninstallableError, WheeltagError
from pytest_wheeltag.workplace import Workplace


class WheeltagSubject:
    """Installs with our provisioner, from the cache of its workplace."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    @property
    def name(self) -> InstallerName:
        """Its name and version."""
        return InstallerName("wheeltag", version("pytest-wheeltag"))

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> None:
        """Make an environment and install into it, as ``Subject`` says."""
        try:
            environment = self._place.maker.make(prefix, interpreter)
            self._place.provisioner.install(environment, request)
            environment.complete()
        except WheeltagError as error:
            shown = ", ".join(demand.text for demand in request.requirements)
            raise UninstallableError(shown, interpreter.label, "wheeltag", str(error)) from error
