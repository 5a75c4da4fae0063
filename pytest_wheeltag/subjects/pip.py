"""pip as a subject: the one on PATH, or a version fetched by our own installer into an environment of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from pytest_wheeltag.core.account import Account, ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.subjects.attempt import Attempt
from pytest_wheeltag.subjects.lockedfiles import hand_over
from pytest_wheeltag.subjects.pipoptions import PipOptions, select_parts
from pytest_wheeltag.subjects.program import Program, comparable, fetch, requesting
from pytest_wheeltag.subjects.seclusion import Seclusion, seclude_at
from pytest_wheeltag.subjects.subject import Lodging, failing_as, handing_over, making
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.workplace import Workplace

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
        with (
            failing_as("pip", interpreter, request),
            making(self.place, prefix, interpreter) as environment,
        ):
            return self._install(environment, request)

    def _install(self, environment: Environment, request: Request) -> Account:
        interpreter = environment.interpreter
        command, version, seclusion = self._command(environment.python, interpreter)
        attempt = Attempt(InstallerName("pip", version), interpreter, request, seclusion)
        bound = self.place.configured_options.apply_to(request)
        told = PipOptions(self.place, bound, comparable(version))
        if reason := next(told.find_untold(), None):
            raise attempt.refuse(reason)
        attempt.tell(told.variables())
        report = environment.prefix / _REPORT
        options = ["--no-input", "--disable-pip-version-check", f"--cache-dir={self.lodging.cache / 'pip'}"]
        options += [f"--report={report}"] if told.is_reporting else []
        options += select_parts(request.lock, str(hand_over(request.lock, attempt))) if request.lock else []
        with handing_over(environment.prefix, told.list_files()) as files:
            attempt.run(*command, "install", *options, *told.tell(), *files)
        return Account(attempt.invocations, _read_report(report))

    def _command(self, python: Path, interpreter: Interpreter) -> tuple[list[str], str, Seclusion]:
        """Give how pip is started for an environment, its version, and what it sees."""
        seclusion = seclude_at(self.place, self.lodging.cache)
        path, version = self._program.found
        if path:
            return [path, "--python", str(python)], version, seclusion
        # By the target itself, so that every version of pip will do that supports it.
        home = fetch(requesting("pip", self.pinned), interpreter, self.lodging)
        version = self.pinned or _version_in(home.site_packages) or self.name.version
        return [str(python), "-m", "pip"], version, seclusion.told({"PYTHONPATH": str(home.site_packages)})


def _version_in(library: Path) -> str:
    found = next(library.glob("pip-*.dist-info"), None)
    return found.name.removeprefix("pip-").removesuffix(".dist-info") if found else ""


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
    # Of old there was one hash alone, in another shape.
    kind, _, digest = (archive or {}).get("hash", "").partition("=")
    hashes = (archive or {}).get("hashes", {kind: digest})
    return ResolvedFile(
        canonicalize_name(metadata["name"]), metadata["version"], filename, hashes.get("sha256")
    )
