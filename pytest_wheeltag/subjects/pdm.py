"""pdm as a subject: a project made for each installation, installed into an environment that is active."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.subjects.assignment import assign
from pytest_wheeltag.subjects.attempt import Attempt, last_word
from pytest_wheeltag.subjects.lockedfiles import read_resolved
from pytest_wheeltag.subjects.pdmproject import PdmProject, render_configuration
from pytest_wheeltag.subjects.program import Program
from pytest_wheeltag.subjects.seclusion import Seclusion, activate, seclude_at
from pytest_wheeltag.subjects.subject import Lodging, failing_as, making
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.workplace import Workplace

_INSTALLED = re.compile(r"^\W*Install ([\w.-]+) \S+ successful", re.MULTILINE | re.ASCII)

# It shows the traceback of a distribution that failed, and the least telling error last.
_PROBLEM = re.compile(r"^(?:\w+\.)+[A-Z]\w+: \S.*$", re.MULTILINE | re.ASCII)
_COLUMNS = "1000"


@dataclass(frozen=True)
class PdmSubject:
    """Runs pdm with a cache and a configuration of its own; ``pinned`` is its version, empty for any.

    It installs from ``place``; where it is on no PATH, it is fetched into its lodging. With ``has_install_cache``
    it links environments to wheels that it keeps unpacked, as its setting ``install.cache`` has it.
    """

    place: Workplace
    lodging: Lodging
    pinned: str = ""
    has_install_cache: bool = False

    @cached_property
    def _program(self) -> Program:
        return Program("pdm", self.pinned, self.place, self.lodging)

    @property
    def name(self) -> InstallerName:
        """Its name and version, `unknown` where there is none; with its install cache it is another installer."""
        return InstallerName("pdm-cache" if self.has_install_cache else "pdm", self._program.version)

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment with virtualenv and let pdm install into it, as ``Subject`` says."""
        with (
            failing_as("pdm", interpreter, request),
            making(self.place, prefix, interpreter) as environment,
        ):
            return self._install(environment, request)

    def _install(self, environment: Environment, request: Request) -> Account:
        interpreter = environment.interpreter
        program = self._program.path
        project = PdmProject(assign(self.place, interpreter, request), Version(self.name.version))
        attempt = Attempt(self.name, interpreter, request, self._seclude(environment, project))
        if reason := next(project.find_untold(), None):
            raise attempt.refuse(reason)
        with TemporaryDirectory(prefix="wheeltag-pdm-") as folder:
            path = Path(folder) / "pyproject.toml"
            empty = path.with_name("empty")
            empty.mkdir()
            path.write_text(project.render(empty), encoding="utf-8")
            done = attempt.ask(program, "install", "--no-self", *project.settings, folder=path.parent)
            if done.status:
                raise attempt.fail(_last_word(done))
            return Account(
                attempt.invocations, read_resolved(path.with_name("pdm.lock"), _installed(done.output))
            )

    def _seclude(self, environment: Environment, project: PdmProject) -> Seclusion:
        cache = self.lodging.cache.absolute()
        seclusion = activate(seclude_at(self.place, cache), environment)
        configuration = cache / "pdm.toml"
        settings = render_configuration(cache / "pdm", has_install_cache=self.has_install_cache)
        configuration.write_text(settings, encoding="utf-8")
        own = {"PDM_CONFIG_FILE": str(configuration), "PDM_NON_INTERACTIVE": "1", "COLUMNS": _COLUMNS}
        return seclusion.told({**own, **project.variables()})


def _last_word(done: Invocation) -> str:
    found: list[str] = _PROBLEM.findall(done.output)
    return printable(found[-1]) if found else last_word(done)


def _installed(output: str) -> frozenset[NormalizedName]:
    return frozenset(map(canonicalize_name, _INSTALLED.findall(output)))
