"""Source archives and trees opened for a build: identified by their content, unpacked where nobody else works."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from pytest_wheeltag.core.source import Material
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
    """A material for reading: ``folder`` is that of its project; ``identify`` gives what ``digest`` does."""

    folder: Path
    identify: Callable[[], str] = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the archive, or of everything in the tree that a build may depend on."""
        return self.identify()

    def read_pyproject(self) -> str | None:
        """Read pyproject.toml, None where there is none; raises ``PyprojectError``."""
        path = self.folder / "pyproject.toml"
        try:
            return read_regular(path, _PYPROJECT_BYTES, follow=True).decode()
        except FileNotFoundError:
            return None
        except (OSError, UnsafeFileError, UnicodeDecodeError) as error:
            raise PyprojectError(str(path), f"expected a text file in UTF-8 ({error})") from error


@dataclass(frozen=True)
class Materials:
    """Opens materials with the means of a workbench."""

    workbench: Workbench

    @contextmanager
    def open(self, material: Material) -> Iterator[OpenMaterial]:
        """Open a material: a tree where it lies, an archive unpacked anew for each opening.

        Raises ``CatalogueError`` where it cannot be had, ``WheelError`` for an archive that is refused, ``SourceError``
        for what holds no project, ``UsageError`` for a tree that is too large.
        """
        if material.is_tree:
            tree = parse_url(material.file.url).file_path
            identify = partial(fingerprint_tree, tree, self.workbench.options.environ)
            yield OpenMaterial(_project_in(tree, material), identify)
            return
        with (
            self.workbench.sources.open(material.file, material.hashes) as (stream, digest),
            self.reserve() as scratch,
        ):
            folder = unpack_sdist(stream, material.file.filename, scratch)
            yield OpenMaterial(_project_in(folder, material), lambda: digest)

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
        shown = str(material.reference or material.file.filename)
        where = f" in `{material.subdirectory}`" if material.subdirectory else ""
        raise SourceError(shown, f"expected a pyproject.toml or a setup.py{where}, found neither")
    return project
