"""Our own installer as a subject."""

from importlib.metadata import version
from pathlib import Path

from pytest_wheeltag.core.account import Account, ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.subjects.subject import failing_as
from pytest_wheeltag.workplace import Workplace


class WheeltagSubject:
    """Installs with our provisioner, with the cache of its workplace or with another one."""

    def __init__(self, place: Workplace, cache: Path | None = None) -> None:
        self._place = place.with_cache(cache) if cache else place

    @property
    def name(self) -> InstallerName:
        """Its name and version."""
        return InstallerName("wheeltag", version("pytest-wheeltag"))

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment and install into it, as ``Subject`` says."""
        with failing_as("wheeltag", interpreter, request):
            environment = self._place.maker.make(prefix, interpreter)
            report = self._place.provisioner.install(environment, request)
            environment.complete()
        return Account(resolved=tuple(map(_resolved, report.installed)))


def _resolved(choice: Choice) -> ResolvedFile:
    return ResolvedFile(choice.name, str(choice.version), choice.file.filename, choice.file.sha256)
