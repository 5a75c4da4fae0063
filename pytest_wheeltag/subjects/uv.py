"""uv as a subject: ``uv pip install`` into an environment, in any version; a lock by ``uv pip sync``."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from packaging.version import Version

from pytest_wheeltag.core.account import Account, ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand
from pytest_wheeltag.subjects.attempt import Attempt
from pytest_wheeltag.subjects.lockedfiles import hand_over, look_up
from pytest_wheeltag.subjects.program import Program, comparable
from pytest_wheeltag.subjects.seclusion import seclude_at
from pytest_wheeltag.subjects.subject import Lodging, failing_as, handing_over
from pytest_wheeltag.subjects.uvlog import UvLog
from pytest_wheeltag.subjects.uvoptions import (
    UvOptions,
    list_locations,
    read_options,
    tell_choice,
    tell_hashes,
    tell_indexes,
    tell_links,
    tell_lock,
    tell_settings,
    tell_variables,
)
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.workplace import Workplace

_COMMAND = ("pip", "install")
_LOCK_COMMAND = ("pip", "sync")
# By uv's changelog; that of the extras and groups of a lock its help tells.
_FIRST_LOCKS = Version("0.6.15")


@dataclass(frozen=True)
class Installation:
    """What one installation works on: the uv that runs, the environment, and all that is asked of it."""

    program: str
    environment: Environment
    request: Request
    attempt: Attempt


@dataclass(frozen=True)
class UvSubject:
    """Runs ``uv pip install`` with a cache and a configuration of its own; ``pinned`` is its version, empty for any.

    The environment is made with virtualenv, as for pip: one of uv's own would hang on which interpreters that
    version of uv finds and takes, and only the installation is under test.
    """

    place: Workplace
    lodging: Lodging
    pinned: str = ""
    title: ClassVar[str] = "uv"

    @property
    def cache(self) -> Path:
        """The folder of uv's cache."""
        return self.lodging.cache / "uv"

    @cached_property
    def program(self) -> Program:
        """The uv that is run."""
        return Program("uv", self.pinned, self.place, self.lodging)

    @property
    def name(self) -> InstallerName:
        """Its name and version, `unknown` where there is none."""
        return InstallerName(self.title, self.program.version)

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment with virtualenv and let uv install into it, as ``Subject`` says."""
        with failing_as(self.title, interpreter, request):
            program = self.program.path
            environment = self.place.maker.make(prefix, interpreter)
            variables = {**tell_variables(self.place), "VIRTUAL_ENV": str(environment.prefix)}
            seclusion = seclude_at(self.place, self.lodging.cache).told(variables)
            attempt = Attempt(self.name, interpreter, request, seclusion)
            bound = self.place.configured_options.apply_to(request)
            resolved = self.install(Installation(program, environment, bound, attempt))
            environment.complete()
        return Account(attempt.invocations, resolved)

    def install(self, work: Installation) -> tuple[ResolvedFile, ...] | None:
        """Install into an environment that is there, and give what uv says it resolved."""
        if work.request.lock is not None:
            return self._sync(work, work.request.lock)
        options = read_options(work.program, _COMMAND, work.attempt)
        words = self._tell(work.request, options)
        log = UvLog()
        with handing_over(work.environment.prefix, self._list_files(work.request, options)) as files:
            work.attempt.run(
                *(work.program, *_COMMAND, "--verbose", f"--cache-dir={self.cache}", *words, *files),
                folder=work.environment.prefix,
                hear=log.hear,
            )
        return log.resolved

    def _sync(self, work: Installation, lock: Lock) -> tuple[ResolvedFile, ...] | None:
        """Install what a lock says, and give what it says of what was installed: uv does not tell which files."""
        if comparable(self.program.version) < _FIRST_LOCKS:
            problem = f"before {_FIRST_LOCKS} it takes no pylock.toml"
            raise work.attempt.refuse(problem)
        options = read_options(work.program, _LOCK_COMMAND, work.attempt)
        words = [*tell_lock(self.place, work.request, options), *tell_links(self.place, options)]
        path = hand_over(lock, work.attempt)
        log = UvLog()
        # A lock has no lines that say where indexes are: builds ask them.
        work.attempt.tell(tell_indexes(self.place))
        with handing_over(work.environment.prefix, self._bound_builds(options)) as files:
            work.attempt.run(
                *(
                    work.program,
                    *_LOCK_COMMAND,
                    "--verbose",
                    f"--cache-dir={self.cache}",
                    *words,
                    *files,
                    str(path),
                ),
                folder=work.environment.prefix,
                hear=log.hear,
            )
        return look_up(path, log.resolved)

    def _tell(self, request: Request, options: UvOptions) -> list[str]:
        """Give what is told by options; raises ``InapplicableError``."""
        return [
            *tell_choice(self.place, options),
            *tell_settings(request, options),
            *tell_hashes(request, options),
            *([] if self.place.options.with_dependencies else [options.name("--no-deps")]),
        ]

    def _list_files(self, request: Request, options: UvOptions) -> dict[str, list[str]]:
        """Give what is told by files, by the options that name them; raises ``InapplicableError``."""
        requirements = [*list_locations(self.place), *map(plain_line, request.requirements)]
        files = {options.name("--requirements", "--requirement"): requirements}
        if request.constraints:
            files[options.name("--constraints", "--constraint")] = list(map(plain_line, request.constraints))
        return files | self._bound_builds(options)

    def _bound_builds(self, options: UvOptions) -> dict[str, list[str]]:
        bounds = self.place.configured_options.build_constraints
        spellings = ("--build-constraints", "--build-constraint")
        return {options.name(*spellings): list(map(plain_line, bounds))} if bounds else {}


def plain_line(demand: Demand | UnnamedDemand) -> str:
    """Give a demand as a line of a requirements file, without what build backends are told."""
    # Its files know no config settings: those are options.
    return replace(demand, config_settings=()).line
