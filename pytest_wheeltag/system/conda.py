"""What conda says that it installed: the names of its records, none of which is opened."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.distinfo import is_same_version
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.enclosure import Enclosure

_FOLDER = "conda-meta"
_RECORD_PARTS = 3


@dataclass(frozen=True)
class CondaRecords:
    """The records ``conda-meta/NAME-VERSION-BUILD.json`` below a prefix, listed when first asked for."""

    prefix: str

    def owns(self, name: str, version: str) -> bool:
        """Tell whether conda installed this release; one that pip put in its place has another version."""
        return any(
            is_same_version(version, recorded) for recorded in self._versions.get(canonicalize_name(name), ())
        )

    @cached_property
    def _versions(self) -> dict[NormalizedName, list[str]]:
        versions: dict[NormalizedName, list[str]] = defaultdict(list)
        for filename in self._filenames():
            parts = filename.removesuffix(".json").rsplit("-", 2)
            if len(parts) == _RECORD_PARTS:
                versions[canonicalize_name(parts[0])].append(parts[1])
        return versions

    def _filenames(self) -> tuple[str, ...]:
        try:
            enclosure = Enclosure.around(self.prefix)
            with enclosure.open_parts(enclosure.resolve((_FOLDER,))) as folder:
                return tuple(folder.entries(lambda name: name.endswith(".json")))
        except (OSError, UnsafeFileError):  # nearly always: no conda's environment
            return ()
