"""pip as a subject: the one on PATH, or a version fetched by our own installer into an environment of its own."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.account import Account, ResolvedFile
from pytest_wheeltag.core.controls import ALL, Controls
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.subjects.attempt import Attempt
from pytest_wheeltag.subjects.program import Program, fetch, requesting
from pytest_wheeltag.subjects.seclusion import Seclusion, seclude_at
from pytest_wheeltag.subjects.subject import Lodging, failing_as, handing_over
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.workplace import Workplace

_FIRST_REPORTING = Version("22.2")
_REPORT = ".wheeltag-report.json"


@dataclass(frozen=True)
class PipSubject:
    """Runs pip with a cache and a configuration of its own; ``pinned`` is its version, empty for any.

    It installs from ``place``; where it is on no PATH, it is fetched into its lodging.
    """

    place: Workplace
    lodging: Lodging
    pinned: str = ""

    @cached_property
    def _program(self) -> Program:
        return Program("pip", self.pinned, self.place, self.lodging)

    @property
    def name(self) -> InstallerName:
        """Its name and version; of the newest the version for the interpreter that runs us, `unknown` where none is published."""
        return InstallerName("pip", self._program.version)

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        """Make an environment with virtualenv and let pip install into it, as ``Subject`` says."""
        with failing_as("pip", interpreter, request):
            environment = self.place.maker.make(prefix, interpreter)
            account = self._install(environment, request)
            environment.complete()
        return account

    def _install(self, environment: Environment, request: Request) -> Account:
        interpreter = environment.interpreter
        command, version, seclusion = self._command(environment.python, interpreter)
        attempt = Attempt(InstallerName("pip", version), interpreter, request, seclusion)
        if request.lock is not None:
            problem = "a lock is not handed to it"
            raise attempt.refuse(problem)
        bounds = self.place.options.build_constraints
        report = environment.prefix / _REPORT
        options = ["--no-input", "--disable-pip-version-check", f"--cache-dir={self.lodging.cache / 'pip'}"]
        options += [f"--report={report}"] if _is_reporting(version) else []
        options += ["--require-hashes"] if request.checks_hashes else []
        demands = {"--constraint": request.constraints, "--requirement": request.requirements}
        demands |= {"--build-constraint": bounds} if bounds else {}
        lines = {option: [each.line for each in listed] for option, listed in demands.items()}
        with handing_over(environment.prefix, lines) as files:
            attempt.run(*command, "install", *options, *files)
        return Account(attempt.invocations, _read_report(report))

    def _command(self, python: Path, interpreter: Interpreter) -> tuple[list[str], str, Seclusion]:
        """Give how pip is started for an environment, its version, and what it sees."""
        seclusion = self._seclude()
        path, version = self._program.found
        if path:
            return [path, "--python", str(python)], version, seclusion
        # By the target itself, so that every version of pip will do that supports it.
        home = fetch(requesting("pip", self.pinned), interpreter, self.lodging)
        version = self.pinned or _version_in(home.site_packages) or self.name.version
        return [str(python), "-m", "pip"], version, seclusion.told({"PYTHONPATH": str(home.site_packages)})

    def _seclude(self) -> Seclusion:
        """Give what pip sees: nothing of the user's settings but where the index is and how to reach it."""
        opened = self.place.opened
        settings = {"PIP_CONFIG_FILE": os.devnull, **opened.pip_variables()}
        controls = opened.configuration.controls.then(self.place.options.controls)
        return seclude_at(self.place, self.lodging.cache).told({**settings, **_describe(controls)})


def _version_in(library: Path) -> str:
    found = next(library.glob("pip-*.dist-info"), None)
    return found.name.removeprefix("pip-").removesuffix(".dist-info") if found else ""


def _is_reporting(version: str) -> bool:
    try:
        return Version(version) >= _FIRST_REPORTING
    except InvalidVersion:
        return False


def _read_report(path: Path) -> tuple[ResolvedFile, ...] | None:
    """Read what pip says it chose (pip documentation, Installation Report); None where it says nothing."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["install"]
        return tuple(map(_read_entry, listed))
    except (OSError, ValueError, LookupError, TypeError):
        return None
    finally:
        path.unlink(missing_ok=True)


def _read_entry(entry: Mapping[str, Any]) -> ResolvedFile:
    metadata, download = entry["metadata"], entry["download_info"]
    archive = download.get("archive_info")
    filename = None if archive is None else unquote(urlsplit(download["url"]).path.rpartition("/")[2])
    digest = (archive or {}).get("hashes", {}).get("sha256")
    return ResolvedFile(canonicalize_name(metadata["name"]), metadata["version"], filename, digest)


def _describe(controls: Controls) -> dict[str, str]:
    """Give the variables by which pip takes the same kinds of files; it knows no names for the last two."""
    found = {
        "PIP_ONLY_BINARY": ",".join(sorted(controls.wheels_only.included)),
        "PIP_NO_BINARY": ",".join(sorted(controls.wheels_only.excluded)),
        "PIP_PREFER_BINARY": "1" if ALL in controls.wheels_first.included else "",
        "PIP_PRE": "1" if ALL in controls.prereleases.included else "",
    }
    return {name: value for name, value in found.items() if value}
