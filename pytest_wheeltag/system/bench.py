"""Where wheels are made: a backend in its environment, beside the unpacked source, with its output kept."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.buildkey import select_environment
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.pyproject import BuildSystem
from pytest_wheeltag.core.source import Material
from pytest_wheeltag.system.backends import Backend, BuildPlace
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.files import STAGING_PREFIX, lock, staging_path
from pytest_wheeltag.system.materials import Materials
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.system.workbench import LOGS, Outfit, Workbench

_TREE_LOCK_SECONDS = 3600.0
_TITLE_CHARACTERS = 80
# Where setuptools would leave what an earlier build made, for another interpreter to find: outside of the tree.
_EXTRA_CONFIG = "[build]\nbuild_base = {folder}/build\n[egg_info]\negg_base = {folder}\n"


@dataclass(frozen=True)
class Workpiece:
    """A material that was looked at: the SHA-256 of its content, how it is built, what messages call it."""

    material: Material
    digest: str
    system: BuildSystem
    title: str

    @property
    def place(self) -> str:
        """Where a tree lies, empty for an archive."""
        return str(parse_url(self.material.file.url).file_path) if self.material.is_tree else ""


class Bench:
    """Has backends work for one interpreter, with the means of a workbench."""

    def __init__(self, workbench: Workbench, interpreter: Interpreter) -> None:
        self.workbench = workbench
        self.interpreter = interpreter
        self.materials = Materials(workbench)

    @cached_property
    def environ(self) -> Mapping[str, str]:
        """What builds see of the caller's environment."""
        options = self.workbench.options
        selected = select_environment(options.environ, options.variables)
        if "PATH" in selected:
            # What an activated environment puts in front is none of a build's business.
            folders = selected["PATH"].split(os.pathsep)
            own = (each for each in folders if not Path(each).parent.joinpath("pyvenv.cfg").exists())
            selected["PATH"] = os.pathsep.join(own)
        return selected

    @contextmanager
    def open(self, piece: Workpiece, outfit: Outfit) -> Iterator[Backend]:
        """Give the backend of a workpiece in an environment with its outfit; what it prints is kept where it fails.

        Raises as ``Materials.open``, and what keeps the environment from being made.
        """
        with (
            self.materials.reserve() as scratch,
            self.materials.open(piece.material) as opened,
            outfit.open() as environment,
            self._tree_lock(piece),
        ):
            place = BuildPlace(
                folder=opened.folder,
                python=environment.python,
                environ=self._variables(environment, scratch),
                log=self._log(piece.title),
                title=piece.title,
                label=self.interpreter.label,
                seconds=self.workbench.options.seconds,
            )
            yield Backend(piece.system, place, is_editable=piece.material.is_editable)
            # What went wrong leaves by an error, and keeps it.
            place.log.unlink(missing_ok=True)

    def _variables(self, environment: Environment, scratch: Path) -> dict[str, str]:
        config = scratch / "setup.cfg"
        config.write_text(_EXTRA_CONFIG.format(folder=scratch), encoding="utf-8")
        path = os.pathsep.join(filter(None, (str(environment.bin), self.environ.get("PATH", os.defpath))))
        # What is left in a temporary folder goes with the build.
        temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
        ours = {"VIRTUAL_ENV": str(environment.prefix), "DIST_EXTRA_CONFIG": str(config)}
        return {**temporary, **ours, **self.environ, "PATH": path}

    @contextmanager
    def _tree_lock(self, piece: Workpiece) -> Iterator[None]:
        """Let one process at a time build in a tree: backends write there."""
        if not piece.place:
            yield
            return
        name = hashlib.sha256(piece.place.encode()).hexdigest()
        with lock(self.workbench.open_room() / f"{name}.lock", timeout_seconds=_TREE_LOCK_SECONDS):
            yield

    def _log(self, title: str) -> Path:
        logs = self.workbench.open_room() / LOGS
        logs.mkdir(exist_ok=True)
        # Of an address, what it leads to.
        name = title.rstrip("/").rpartition("/")[2][:_TITLE_CHARACTERS]
        plain = "".join(each if each.isalnum() or each in "._-" else "-" for each in name)
        unique = staging_path(logs).name.removeprefix(STAGING_PREFIX)
        return logs / f"{plain}-{self.interpreter.label}-{unique}.log"
