"""Asking build backends: their hooks run in an environment of their own, with their output kept."""

import os
import subprocess
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyproject_hooks import (
    BackendUnavailable,
    BuildBackendHookCaller,
    HookMissing,
)

from pytest_wheeltag.core.buildkey import settings_for_backend
from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES
from pytest_wheeltag.core.invocation import BuildOutput
from pytest_wheeltag.core.pyproject import BuildSystem
from pytest_wheeltag.core.requirements import ConfigSettings
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import BuildError, UnsafeFileError
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.processes import end_group, own_group, wait_for

_SHOWN_LINES = 30
_TAIL_BYTES = 1 << 16
_REASONS = {
    BackendUnavailable: "cannot be imported",
    OSError: "gave no answer",
    ValueError: "gave no usable answer",
}
_TOO_OLD = (
    "its backend cannot build editable wheels (PEP 660); install it without `-e`, or update its build-system"
)


@dataclass(frozen=True)
class BuildPlace:
    """Where a backend runs: the source's folder, the environment's python, variables, and the file for output.

    ``title`` and ``label`` say what is built for whom; after ``seconds`` a hook is ended.
    """

    folder: Path
    python: Path
    environ: Mapping[str, str]
    log: Path
    title: str
    label: str
    seconds: float = 3600.0


class Backend:
    """The backend of one source (PEP 517, PEP 660), asked in its own environment.

    Every hook raises ``BuildError``, with the end of what was printed, where it fails.
    """

    def __init__(self, system: BuildSystem, place: BuildPlace, *, is_editable: bool = False) -> None:
        self._place = place
        self._is_editable = is_editable
        self._system = system

    def list_requirements(self, settings: ConfigSettings) -> tuple[str, ...]:
        """Ask what the build needs besides what pyproject.toml lists."""
        hooks = self._hooks
        hook = (
            hooks.get_requires_for_build_editable if self._is_editable else hooks.get_requires_for_build_wheel
        )
        found = self._call(lambda: hook(self._settings(settings)))
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise self._fail_as(ValueError)
        return tuple(found)

    def prepare_metadata(self, settings: ConfigSettings, folder: Path) -> bytes:
        """Ask for METADATA of the wheel without building it, where the backend can do that."""
        hooks = self._hooks
        hook = (
            hooks.prepare_metadata_for_build_editable
            if self._is_editable
            else hooks.prepare_metadata_for_build_wheel
        )
        path = self._ask_for(hook, settings, folder) / "METADATA"
        try:
            return read_regular(path, MAX_METADATA_BYTES)
        except UnsafeFileError as error:
            problem = f"its METADATA cannot be read, {error.problem}"
            raise self._fail(problem) from error
        except (OSError, ValueError) as error:
            raise self._miss(path, folder) from error

    def build(self, settings: ConfigSettings, folder: Path) -> Path:
        """Build the wheel into a folder and give its path."""
        hooks = self._hooks
        hook = hooks.build_editable if self._is_editable else hooks.build_wheel
        path = self._ask_for(hook, settings, folder)
        if not path.is_file():
            raise self._miss(path, folder)
        return path

    def _ask_for(self, hook: Callable[..., Any], settings: ConfigSettings, folder: Path) -> Path:
        """Give the path of what a hook says to have made in a folder."""
        name = self._call(lambda: hook(str(folder), self._settings(settings)))
        if not isinstance(name, str):
            raise self._fail_as(ValueError)
        return folder / Path(name).name

    def _miss(self, path: Path, folder: Path) -> BuildError:
        named = printable(str(path.relative_to(folder)))
        return self._fail(f"its backend made no file that it named: `{named}`")

    @property
    def _hooks(self) -> BuildBackendHookCaller:
        place = self._place
        return BuildBackendHookCaller(
            str(place.folder), self._system.backend, self._system.backend_path, self._run, str(place.python)
        )

    def _settings(self, settings: ConfigSettings) -> dict[str, Any] | None:
        return settings_for_backend(settings) or None

    def _call(self, hook: Callable[[], Any]) -> Any:  # noqa: ANN401 - as the hooks are typed
        try:
            with warnings.catch_warnings():
                # What a backend warns of stands in its output.
                warnings.simplefilter("ignore")
                return hook()
        except HookMissing as error:
            raise self._fail(_describe_missing(error.hook_name)) from error
        except (BackendUnavailable, OSError, ValueError) as error:
            raise self._fail_as(type(error)) from error

    def _run(
        self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
    ) -> None:
        environ = {**self._place.environ, **(extra_environ or {})}
        with self._place.log.open("ab") as output:
            try:
                # A group of its own: a backend starts compilers, which must end with it.
                process = subprocess.Popen(
                    list(cmd),
                    cwd=cwd,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    **own_group(),
                )
            except OSError as error:
                problem = f"its python cannot be started, {error.strerror}"
                raise self._fail(problem) from error
            status = self._wait(process)
        if status:
            problem = f"its backend failed: `{self._last_line() or f'exit status {status}'}`"
            raise self._fail(problem)

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        try:
            return wait_for(process, self._place.seconds)
        except subprocess.TimeoutExpired as error:
            problem = f"it was not done after {self._place.seconds:g} seconds"
            raise self._fail(problem) from error
        finally:
            if process.poll() is None:
                end_group(process)

    def _fail_as(self, kind: type[Exception]) -> BuildError:
        reason = next(text for known, text in _REASONS.items() if issubclass(kind, known))
        return self._fail(f"its backend {reason}: `{printable(self._system.backend)}`")

    def _fail(self, problem: str) -> BuildError:
        lines = self._tail()
        output = BuildOutput(lines, str(self._place.log) if lines else "")
        return BuildError(self._place.title, self._place.label, problem, output)

    def _last_line(self) -> str:
        return next((line for line in reversed(self._tail()) if line.strip()), "").strip()

    def _tail(self) -> tuple[str, ...]:
        try:
            with self._place.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return ()
        return tuple(map(printable, deque(text.splitlines(), _SHOWN_LINES)))


def _describe_missing(hook: str) -> str:
    return _TOO_OLD if "editable" in hook else f"its backend has no hook: `{hook}`"
