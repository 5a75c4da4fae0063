"""uv as a subject by way of its lock: a project made on the fly, ``uv lock``, ``uv sync --locked``."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from packaging.version import Version

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand
from pytest_wheeltag.subjects.lockedfiles import look_up
from pytest_wheeltag.subjects.program import comparable
from pytest_wheeltag.subjects.tomltext import TomlValue, render_toml
from pytest_wheeltag.subjects.uv import Installation, UvSubject, plain_line
from pytest_wheeltag.subjects.uvlog import UvLog
from pytest_wheeltag.subjects.uvoptions import (
    UvOptions,
    read_options,
    tell_choice,
    tell_indexes,
    tell_links,
    tell_settings,
)
from pytest_wheeltag.system.urls import parse_url

# As uv's changelog has it; no help tells what a file may hold and which variables count.
_FIRST_ELSEWHERE = Version("0.4.4")
_FIRST_BUILD_CONSTRAINTS = Version("0.6.2")


class UvSyncSubject(UvSubject):
    """Locks and syncs with a cache and a configuration of its own; ``pinned`` is uv's version, empty for any.

    The project asks for the request, on the minor version of the interpreter alone.
    """

    title: ClassVar[str] = "uv-sync"

    def install(self, work: Installation) -> tuple[ResolvedFile, ...] | None:
        """Lock and sync, and give what the lock says of what was installed."""
        options = read_options(work.program, ("sync",), work.attempt)
        self._refuse(work.request, options)
        prefix, interpreter = work.environment.prefix, work.environment.interpreter
        words = self._tell_all(work, options)
        log = UvLog()
        with TemporaryDirectory(prefix=".project-", dir=prefix.parent) as folder:
            project = Path(folder)
            tables = self._describe(work.request, interpreter)
            (project / "pyproject.toml").write_text(render_toml(tables), encoding="utf-8")
            work.attempt.tell(self._variables(prefix))
            work.attempt.run(work.program, "lock", *words, folder=project)
            work.attempt.run(work.program, "sync", "--locked", *words, folder=project, hear=log.hear)
            return look_up(project / "uv.lock", log.resolved)

    def _variables(self, prefix: Path) -> dict[str, str]:
        return {"UV_PROJECT_ENVIRONMENT": str(prefix), **tell_indexes(self.place)}

    def _tell_all(self, work: Installation, options: UvOptions) -> list[str]:
        return [
            "--verbose",
            f"--cache-dir={self.cache}",
            f"--python={work.environment.python}",
            *tell_links(self.place, options),
            *tell_choice(self.place, options),
            *tell_settings(work.request, options),
        ]

    def _refuse(self, request: Request, options: UvOptions) -> None:
        """Raise ``InapplicableError`` for what a project cannot be told."""
        if request.lock is not None:
            problem = "a project is installed by its own lock, in uv's own format"
        elif not options.known or comparable(self.program.version) < _FIRST_ELSEWHERE:
            problem = f"before {_FIRST_ELSEWHERE} its `uv sync` knows no environment but `.venv`"
        elif request.checks_hashes or any(
            each.hashes for each in (*request.requirements, *request.constraints)
        ):
            problem = "a project's requirements have no hashes; those in its lock are the index's"
        elif not self.place.options.with_dependencies:
            problem = "a lock holds all dependencies"
        elif self._bounds and comparable(self.program.version) < _FIRST_BUILD_CONSTRAINTS:
            problem = f"before {_FIRST_BUILD_CONSTRAINTS} a project has no constraints for builds"
        else:
            return
        raise options.refuse(problem)

    @property
    def _bounds(self) -> tuple[Demand, ...]:
        return self.place.configured_options.build_constraints

    def _describe(self, request: Request, interpreter: Interpreter) -> dict[str, dict[str, TomlValue]]:
        """Give the tables of the project's pyproject.toml."""
        major, minor = interpreter.version_info[:2]
        bounds: dict[str, TomlValue] = {"constraint-dependencies": list(map(plain_line, request.constraints))}
        if self._bounds:
            bounds["build-constraint-dependencies"] = list(map(plain_line, self._bounds))
        return {
            "project": {
                "name": "wheeltag-project",
                "version": "0",
                "requires-python": f"=={major}.{minor}.*",
                "dependencies": list(map(_spell, request.requirements)),
            },
            "tool.uv": bounds,
            "tool.uv.sources": dict(_list_editable(request)),
        }


def _list_editable(request: Request) -> Iterator[tuple[str, TomlValue]]:
    for demand in request.requirements:
        if demand.reference and demand.reference.is_editable:
            path = parse_url(demand.reference.url).file_path / demand.reference.subdirectory
            yield demand.name, {"path": str(path), "editable": True}


def _spell(demand: Demand | UnnamedDemand) -> str:
    """Give a demand as a project's requirement, which always has a name (dependency specifiers)."""
    named = demand if isinstance(demand, Demand) else demand.named(demand.name)
    if demand.reference and demand.reference.is_editable:
        # Where it lies is told beside it.
        named = Demand(named.requirement, named.origin)
    return plain_line(named)
