"""poetry as a subject: a project made for each installation, installed into an environment that is active."""

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
from pytest_wheeltag.subjects.poetryproject import PoetryProject
from pytest_wheeltag.subjects.program import Program
from pytest_wheeltag.subjects.seclusion import Seclusion, activate, seclude_at
from pytest_wheeltag.subjects.subject import Lodging, failing_as, making
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.workplace import Workplace

_INSTALLED = re.compile(r"^\W*Install(?:ing|ed) ([\w.-]+) \(", re.MULTILINE | re.ASCII)
# It goes on with advice.
_PROBLEM = re.compile(r"^ *\| (\S.*)$", re.MULTILINE)
_OPTIONS = ("--no-interaction", "--no-ansi")


@dataclass(frozen=True)
class PoetrySubject:
    """Runs poetry with a cache and a configuration of its own; ``pinned`` is its version, empty for any.

    It installs from ``place``; where it is on no PATH, it is fetched into its lodging.
    """

    place: Workplace
    lodging: Lodging
    pinned: str = ""

    @cached_property
    def _program(self) -> Program:
        return Program("poetry", self.pinned, self.place, self.lodging)

    @property
    def name(self) -> InstallerName:
        """Its name and version, `unknown` where there is none."""
        return InstallerName("poetry", self._program.version)

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment with virtualenv and let poetry install into it, as ``Subject`` says."""
        with (
            failing_as("poetry", interpreter, request),
            making(self.place, prefix, interpreter) as environment,
        ):
            return self._install(environment, request)

    def _install(self, environment: Environment, request: Request) -> Account:
        interpreter = environment.interpreter
        program = self._program.path
        project = PoetryProject(assign(self.place, interpreter, request), Version(self.name.version))
        attempt = Attempt(self.name, interpreter, request, self._seclude(environment, project))
        if reason := next(project.find_untold(), None):
            raise attempt.refuse(reason)
        with TemporaryDirectory(prefix="wheeltag-poetry-") as folder:
            path = Path(folder) / "pyproject.toml"
            path.write_text(project.render(), encoding="utf-8")
            path.with_name("poetry.toml").write_text(project.render_settings(), encoding="utf-8")
            lock = path.with_name("poetry.lock")
            if project.assignment.build_constraints:
                # They are told for each project by its name: first it shows which there are.
                _run(attempt, program, "lock", folder=path.parent)
                names = [each.name for each in read_resolved(lock) or ()]
                path.write_text(project.render(names), encoding="utf-8")
            done = _run(attempt, program, "install", "--no-root", folder=path.parent)
            return Account(attempt.invocations, read_resolved(lock, _installed(done.output)))

    def _seclude(self, environment: Environment, project: PoetryProject) -> Seclusion:
        cache = self.lodging.cache.absolute()
        settings = {
            "POETRY_CACHE_DIR": str(cache / "poetry"),
            "POETRY_CONFIG_DIR": str(cache / "configuration"),
            "POETRY_DATA_DIR": str(cache / "data"),
            # Looking for a keyring takes half a second, and it is the user's.
            "POETRY_KEYRING_ENABLED": "false",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        return activate(seclude_at(self.place, cache), environment).told({**settings, **project.variables()})


def _run(attempt: Attempt, *command: str, folder: Path) -> Invocation:
    """Run a command; where it fails, the first words of what it says of a distribution are its last."""
    done = attempt.ask(*command, *_OPTIONS, folder=folder)
    if done.status:
        problem = _PROBLEM.search(done.output)
        raise attempt.fail(printable(problem[1]) if problem else last_word(done))
    return done


def _installed(output: str) -> frozenset[NormalizedName]:
    return frozenset(map(canonicalize_name, _INSTALLED.findall(output)))
