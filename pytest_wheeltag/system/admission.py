"""Which environments that are there already may be installed into: ours, and those that nobody else filled."""

import os
from pathlib import Path

from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.plan import INSTALLER
from pytest_wheeltag.core.verdict import InstalledDistribution, InstalledWheel
from pytest_wheeltag.errors import EnvironmentRefusedError
from pytest_wheeltag.system.environment import MARKER, Environment, open_environment
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.pyvenv import read_environment_folder

_REMEDY = "make an environment with `wheeltag venv DIR --python SPEC`"


def admit(existing: ExistingEnvironment) -> Environment:
    """Give an environment to install into or uninstall from: one that we made, or that nobody else filled.

    Raises ``EnvironmentRefusedError`` for an interpreter itself, which may be externally managed (PEP 668),
    for one of ours that was never finished, and for one that holds what others installed.
    """
    prefix = _plain_path(existing.prefix)
    if read_environment_folder(prefix) is None:
        raise EnvironmentRefusedError(existing.prefix, _describe_base(existing), _REMEDY)
    if made_by_us := open_environment(prefix, existing.interpreter):
        return made_by_us
    if os.path.lexists(prefix / MARKER):
        problem = "expected a finished one, found that its making was interrupted"
        raise EnvironmentRefusedError(str(prefix), problem, "make it again")
    foreign = next((each for each in read_installed(existing) if not _is_ours(each)), None)
    if foreign is not None:
        raise EnvironmentRefusedError(str(prefix), _describe_foreign(foreign), f"{_REMEDY}, or use pip there")
    return Environment(prefix, existing.interpreter)


def _plain_path(prefix: str) -> Path:
    # Scripts name the interpreter by this path: `env/bin/..` would be part of them.
    return Path(os.path.realpath(prefix) if os.pardir in Path(prefix).parts else prefix)


def _describe_base(existing: ExistingEnvironment) -> str:
    managed = "an externally managed interpreter (PEP 668)"
    found = managed if existing.interpreter.externally_managed else "an interpreter itself"
    return f"expected a virtual environment, found {found}"


def _is_ours(distribution: InstalledDistribution) -> bool:
    return isinstance(distribution, InstalledWheel) and distribution.installer == INSTALLER


def _describe_foreign(distribution: InstalledDistribution) -> str:
    found = f"{distribution.name} {distribution.version}".strip()
    return (
        f"expected an empty one or one that {INSTALLER} filled, found {found} "
        "(to install beside what others installed comes later)"
    )
