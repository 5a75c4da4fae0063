"""Which environments that are there already may be installed into: all but interpreters that others manage."""

import os
from collections.abc import Iterator
from pathlib import Path

from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.errors import EnvironmentRefusedError
from pytest_wheeltag.system.environment import MARKER, BaseInterpreter, Environment, open_environment
from pytest_wheeltag.system.pyvenv import read_environment_folder

_REMEDY = "make an environment with `wheeltag venv DIR --python SPEC`"


def admit(existing: ExistingEnvironment) -> Environment:
    """Give an environment to install into or uninstall from: a virtual one, whoever made and filled it.

    An interpreter itself is one where pip would install into it. Raises ``EnvironmentRefusedError`` for one of
    ours that was never finished, and for an interpreter that is externally managed (PEP 668), that has library
    folders of the operating system's package manager, or whose own cannot be written to.
    """
    prefix = _plain_path(existing.prefix)
    if read_environment_folder(prefix) is None:
        return _admit_base(existing)
    if os.path.lexists(prefix / MARKER) and open_environment(prefix, existing.interpreter) is None:
        problem = "expected a finished one, found that its making was interrupted"
        raise EnvironmentRefusedError(str(prefix), problem, "make it again")
    return Environment(prefix, existing.interpreter)


def _plain_path(prefix: str) -> Path:
    # Scripts name the interpreter by this path: `env/bin/..` would be part of them.
    return Path(os.path.realpath(prefix) if os.pardir in Path(prefix).parts else prefix)


def _admit_base(existing: ExistingEnvironment) -> BaseInterpreter:
    environment = BaseInterpreter(Path(existing.prefix), existing.interpreter)
    obstacle = next(_find_obstacles(existing, environment), None)
    if obstacle is not None:
        raise EnvironmentRefusedError(existing.prefix, obstacle, _REMEDY)
    return environment


def _find_obstacles(existing: ExistingEnvironment, environment: Environment) -> Iterator[str]:
    expected = "expected a virtual environment or an interpreter that pip may install into, found"
    if existing.interpreter.externally_managed:
        yield f"{expected} an externally managed interpreter (PEP 668)"
    if existing.foreign_libraries or existing.interpreter.foreign_libraries:
        yield f"{expected} one with library folders of the operating system's package manager"
    if not _has_own_libraries(existing, environment):
        yield f"{expected} one whose libraries do not lie below its prefix"
    for library in existing.libraries:
        if not _is_writable(Path(library)):
            yield f"{expected} one whose library folder cannot be written to"


def _has_own_libraries(existing: ExistingEnvironment, environment: Environment) -> bool:
    """Tell whether it installs where its scheme for virtual environments says: Homebrew's does not."""
    try:
        libraries = {str(Path(environment.target.prefix, each)) for each in environment.target.libraries}
    except (KeyError, ValueError):
        return False
    return libraries == {str(Path(each)) for each in existing.libraries}


def _is_writable(folder: Path) -> bool:
    # One that is not there is made in the first above that is.
    present = next(path for path in (folder, *folder.parents) if path.exists())
    return os.access(present, os.W_OK)
