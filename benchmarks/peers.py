"""The other sides: what people use today for a throwaway environment."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from benchmarks.arena import Arena

_TIMEOUT_SECONDS = 600

# Timed inside, since a test pays for no start of an interpreter.
_PYTEST_VENV = """
import sys, time
from pytest_venv import VirtualEnvironment
begun = time.perf_counter()
environment = VirtualEnvironment(sys.argv[1])
environment.create()
environment.install(sys.argv[2])
print(time.perf_counter() - begun, file=sys.stderr)
"""


class Uv:
    """``uv venv`` and ``uv pip install --offline``: two processes, with a cache of its own, warmed before."""

    name = "uv"

    def __init__(self, arena: Arena, requirement: str) -> None:
        self._arena = arena
        self._requirement = requirement
        self._uv = arena.install_tool("uv") / "uv"
        self._python = arena.interpreter.executable
        self._fill(arena.folder / "uv-warm", offline=())

    @cached_property
    def version(self) -> str:
        """Its version."""
        return run_tool([str(self._uv), "--version"], self._environ).stdout.split()[1]

    def run(self, folder: Path) -> float:
        """Run the two processes; give the seconds of both."""
        begun = time.perf_counter()
        self._fill(folder, offline=("--offline",))
        return time.perf_counter() - begun

    @cached_property
    def _environ(self) -> Mapping[str, str]:
        own = {
            "UV_CACHE_DIR": str(self._arena.folder / "uv-cache"),
            "UV_DEFAULT_INDEX": self._arena.index_url,
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }
        return {**self._arena.environ, **own}

    def _fill(self, folder: Path, offline: Sequence[str]) -> None:
        uv = str(self._uv)
        run_tool([uv, "venv", *offline, "--python", self._python, str(folder)], self._environ)
        target = ["--python", str(folder)]
        run_tool([uv, "pip", "install", *offline, *target, self._requirement], self._environ)


class PytestVenv:
    """pytest-venv as a test uses it, with a cache of pip's that was warmed before."""

    name = "pytest-venv"

    def __init__(self, arena: Arena, requirement: str) -> None:
        self._arena = arena
        self._requirement = requirement
        self._bin = arena.install_tool("pytest-venv", "setuptools")
        self.run(arena.folder / "pytest-venv-warm")

    @cached_property
    def version(self) -> str:
        """Its version."""
        code = "from importlib.metadata import version; print(version('pytest-venv'))"
        return run_tool([str(self._bin / "python"), "-c", code], self._environ).stdout.strip()

    def run(self, folder: Path) -> float:
        """Make an environment and fill it, in another process; give the seconds that it told."""
        command = [str(self._bin / "python"), "-c", _PYTEST_VENV, str(folder), self._requirement]
        return float(run_tool(command, self._environ).stderr.split()[-1])

    @cached_property
    def _environ(self) -> Mapping[str, str]:
        own = {
            "PIP_CACHE_DIR": str(self._arena.folder / "pip-cache"),
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_INDEX_URL": self._arena.index_url,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        return {**self._arena.environ, **own}


def run_tool(command: Sequence[str], environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, where it lies; raises ``RuntimeError`` where it fails."""
    done = subprocess.run(
        command,
        # Where the tool lies: in a project's folder uv would look at the project.
        cwd=Path(command[0]).parent,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    if done.returncode:
        problem = (
            f"expected {command[0]} to succeed, found exit status {done.returncode}: `{done.stderr.strip()}`"
        )
        raise RuntimeError(problem)
    return done
