"""Source archives and trees opened for a build: identified by their content, unpacked where nobody else works."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from pytest_wheeltag.core.pyproject import BuildSystem, parse_build_system
from pytest_wheeltag.core.source import Material
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import PyprojectError, SourceError, UnsafeFileError
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.leftovers import hold
from pytest_wheeltag.system.sdists import unpack_sdist
from pytest_wheeltag.system.trees import fingerprint_tree
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.system.workbench import Workbench

_PYPROJECT_BYTES = 16 << 20


@dataclass(frozen=True)
class OpenMaterial:
    """A material for reading: ``folder`` is that of its project; ``identify`` gives what ``digest`` does.

    ``name`` is that of the archive or the tree's folder, fit to be printed.
    """

    folder: Path
    name: str
    identify: Callable[[], str] = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the archive, or of everything in the tree that a build may depend on."""
        return self.identify()

    def read_system(self) -> BuildSystem:
        """Read how it is built, as pyproject.toml says (PEP 517, PEP 518); raises ``SourceError``."""
        where = f"pyproject.toml of {self.name}"
        try:
            return parse_build_system(self._read_pyproject(), where)
        except UnsafeFileError as error:
            raise SourceError(where, error.problem) from error
        except UnicodeDecodeError as error:
            raise SourceError(
                where, f"expected UTF-8, found a byte {error.object[error.start]:#x}"
            ) from error
        except OSError as error:
            raise SourceError(where, f"expected a file that can be read, {error.strerror}") from error
        except PyprojectError as error:
            raise SourceError(error.where, error.problem) from error

    def _read_pyproject(self) -> str | None:
        try:
            return read_regular(self.folder / "pyproject.toml", _PYPROJECT_BYTES, follow=True).decode()
        except FileNotFoundError:
            return None


@dataclass(frozen=True)
class Materials:
    """Opens materials with the means of a workbench."""

    workbench: Workbench

    @contextmanager
    def open(self, material: Material) -> Iterator[OpenMaterial]:
        """Open a material: a tree where it lies, an archive unpacked anew for each opening.

        Raises ``CatalogueError`` where it cannot be had, ``WheelError`` for an archive that is refused, ``SourceError``
        for what holds no project; its ``digest`` raises ``UsageError`` for a tree that is too large.
        """
        name = printable(material.file.filename)
        if material.is_tree:
            tree = parse_url(material.file.url).file_path
            identify = partial(fingerprint_tree, tree, self.workbench.options.environ)
            yield OpenMaterial(_project_in(tree, material), name, identify)
            return
        with (
            self.workbench.sources.open(material.file, material.hashes) as (stream, digest),
            self.reserve() as scratch,
        ):
            folder = unpack_sdist(stream, material.file.filename, scratch)
            yield OpenMaterial(_project_in(folder, material), name, lambda: digest)

    @contextmanager
    def reserve(self) -> Iterator[Path]:
        """Make an empty folder of one's own, removed in the end."""
        folder = self.workbench.reserve_folder()
        folder.mkdir(mode=0o700)
        held = hold(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if held is not None:
                os.close(held)


def _project_in(folder: Path, material: Material) -> Path:
    project = folder / material.subdirectory
    if not any((project / name).is_file() for name in ("pyproject.toml", "setup.py")):
        shown = str(material.reference or printable(material.file.filename))
        where = f" in `{material.subdirectory}`" if material.subdirectory else ""
        raise SourceError(shown, f"expected a pyproject.toml or a setup.py{where}, found neither")
    return project
