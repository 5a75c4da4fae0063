"""The Protocol that every installer under test stands behind, and a fake of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.errors import UninstallableError, WheeltagError
from pytest_wheeltag.system.environment import UnfinishedEnvironment
from pytest_wheeltag.system.files import publish_text
from pytest_wheeltag.workplace import Workplace


@dataclass(frozen=True)
class Lodging:
    """Where an installer under test lives: ``home`` holds itself, ``cache`` all that it keeps between installations.

    What has to be fetched to run it comes from ``source``, not from where it is told to install from.
    """

    home: Path
    cache: Path
    source: Workplace


class Subject(Protocol):
    """An installer under test, with one cache for everything that it provisions."""

    @property
    def name(self) -> InstallerName:
        """Its name and version."""
        ...

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment of an interpreter in the folder ``prefix`` and install a request into it.

        What it says of its success is not believed: the environment is read afterwards. Raises
        ``UninstallableError`` where it fails, ``InapplicableError`` where it cannot be told what is asked.
        """
        ...


OpenSubject = Callable[[Workplace, Lodging, str], Subject]
"""Opens an installer that installs from a place and lives in a lodging; the text is its version, empty for any."""


@contextmanager
def failing_as(installer: str, interpreter: Interpreter, request: Request) -> Iterator[None]:
    """Turn whatever keeps an installer from its work into ``UninstallableError``."""
    try:
        yield
    except UninstallableError:
        raise
    except (WheeltagError, OSError) as error:
        raise UninstallableError(request.shown, interpreter.label, installer, str(error)) from error


@contextmanager
def making(place: Workplace, prefix: Path, interpreter: Interpreter) -> Iterator[UnfinishedEnvironment]:
    """Give an environment made with virtualenv, which is complete when what is done in it ends well."""
    environment = place.maker.make(prefix, interpreter)
    yield environment
    environment.complete()


@contextmanager
def handing_over(folder: Path, files: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, ...]]:
    """Give options that name files of lines, which are in ``folder`` as long as the context lasts."""
    paths = {option: folder / f".wheeltag-{option.strip('-')}.txt" for option in files}
    try:
        for option, lines in files.items():
            # Nobody else reads them: they may hold credentials.
            publish_text(paths[option], "".join(f"{line}\n" for line in lines), mode=0o600)
        yield tuple(f"{option}={path}" for option, path in paths.items())
    finally:
        for path in paths.values():
            path.unlink(missing_ok=True)


@dataclass
class ImaginedSubject:
    """An installer that makes nothing and remembers what it was asked; for labels in ``failures`` it fails."""

    name: InstallerName = InstallerName("imagined", "1.0")  # noqa: RUF009 - a frozen value
    failures: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Remember the interpreter's label, and make an empty folder."""
        self.asked.append(interpreter.label)
        if problem := self.failures.get(interpreter.label):
            raise UninstallableError(request.shown, interpreter.label, self.name.name, problem)
        prefix.mkdir(parents=True)
        return Account()
