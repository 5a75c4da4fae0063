"""How files and folders of an environment are taken away: for good, or so that they can be put back."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_wheeltag.system.files import staging_path
from pytest_wheeltag.system.folders import OpenFolder
from pytest_wheeltag.system.leftovers import sweep


class Disposal(Protocol):
    """What takes things out of an environment; paths are relative to its prefix, parts joined by ``/``."""

    def take(self, name: str, path: str, folder: OpenFolder) -> None:
        """Take away a file or a link out of a folder, ``path``, held open; raises ``OSError``."""

    def take_folder(self, path: str) -> None:
        """Take away an empty folder; raises ``OSError`` where something is in it."""

    def take_tree(self, path: str) -> None:
        """Take away a folder with all that is in it, in one step; raises ``OSError``."""


@dataclass(frozen=True)
class Deletion:
    """Takes away for good, out of the environment ``prefix``."""

    prefix: str

    def take(self, name: str, path: str, folder: OpenFolder) -> None:
        """Unlink it: it may be a link to a file of the store, or mapped by a process, so it is never written into."""
        del path
        os.unlink(folder.name(name), dir_fd=folder.descriptor)

    def take_folder(self, path: str) -> None:
        """Remove it."""
        Path(self.prefix, path).rmdir()

    def take_tree(self, path: str) -> None:
        """Rename it, so that it does not count any longer, then remove it."""
        tree = Path(self.prefix, path)
        sweep(tree.parent)
        aside = staging_path(tree)
        tree.rename(aside)
        shutil.rmtree(aside)
