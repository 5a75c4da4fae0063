"""uv as a subject: ``uv pip install`` into an environment, in any version."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand
from pytest_wheeltag.subjects.attempt import Attempt
from pytest_wheeltag.subjects.program import Program
from pytest_wheeltag.subjects.seclusion import seclude_at
from pytest_wheeltag.subjects.subject import Lodging, failing_as, handing_over
from pytest_wheeltag.subjects.uvlog import UvLog
from pytest_wheeltag.subjects.uvoptions import (
    UvOptions,
    list_locations,
    read_options,
    tell_choice,
    tell_hashes,
    tell_settings,
    tell_variables,
)
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.workplace import Workplace

_COMMAND = ("pip", "install")


@dataclass(frozen=True)
class UvSubject:
    """Runs ``uv pip install`` with a cache and a configuration of its own; ``pinned`` is its version, empty for any.

    The environment is made with virtualenv, as for pip: one of uv's own would hang on which interpreters that
    version of uv finds and takes, and only the installation is under test.
    """

    place: Workplace
    lodging: Lodging
    pinned: str = ""

    @cached_property
    def program(self) -> Program:
        """The uv that is run."""
        return Program("uv", self.pinned, self.place, self.lodging)

    @property
    def name(self) -> InstallerName:
        """Its name and version, `unknown` where there is none."""
        return InstallerName("uv", self.program.version)

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment with virtualenv and let uv install into it, as ``Subject`` says."""
        with failing_as("uv", interpreter, request):
            program = self.program.path
            environment = self.place.maker.make(prefix, interpreter)
            account = self._install(program, environment, request)
            environment.complete()
        return account

    def _install(self, program: str, environment: Environment, request: Request) -> Account:
        variables = {**tell_variables(self.place), "VIRTUAL_ENV": str(environment.prefix)}
        seclusion = seclude_at(self.place, self.lodging.cache).told(variables)
        attempt = Attempt(self.name, environment.interpreter, request, seclusion)
        options = read_options(program, _COMMAND, attempt)
        bound = self.place.configured_options.apply_to(request)
        words = self._tell(bound, options)
        log = UvLog()
        with handing_over(environment.prefix, self._list_files(bound, options)) as files:
            attempt.run(
                *(
                    program,
                    *_COMMAND,
                    "--verbose",
                    f"--cache-dir={self.lodging.cache / 'uv'}",
                    *words,
                    *files,
                ),
                folder=environment.prefix,
                hear=log.hear,
            )
        return Account(attempt.invocations, log.resolved)

    def _tell(self, request: Request, options: UvOptions) -> list[str]:
        """Give what is told by options; raises ``InapplicableError``."""
        if request.lock is not None:
            problem = "a lock is not handed to it"
            raise options.refuse(problem)
        return [
            *tell_choice(self.place, options),
            *tell_settings(request, options),
            *tell_hashes(request, options),
            *([] if self.place.options.with_dependencies else [options.name("--no-deps")]),
        ]

    def _list_files(self, request: Request, options: UvOptions) -> dict[str, list[str]]:
        """Give what is told by files, by the options that name them; raises ``InapplicableError``."""
        requirements = [*list_locations(self.place), *map(_line, request.requirements)]
        files = {options.name("--requirements", "--requirement"): requirements}
        if request.constraints:
            files[options.name("--constraints", "--constraint")] = list(map(_line, request.constraints))
        if bounds := self.place.configured_options.build_constraints:
            files[options.name("--build-constraints", "--build-constraint")] = list(map(_line, bounds))
        return files


def _line(demand: Demand | UnnamedDemand) -> str:
    # Its files know no config settings: those are options.
    return replace(demand, config_settings=()).line
