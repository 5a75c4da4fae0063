"""What archives of sources say of their wheels without being built."""

from pytest_wheeltag.core.dependencies import ReleaseMetadata, parse_release_metadata
from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.source import Source
from pytest_wheeltag.core.sourcemetadata import parse_static_metadata
from pytest_wheeltag.system.buildrecords import BuildRecords
from pytest_wheeltag.system.materials import Materials
from pytest_wheeltag.system.sdists import read_pkg_info


class Promises:
    """Reads PKG-INFO of archives; what one promises is kept by its hash."""

    def __init__(self, materials: Materials, records: BuildRecords) -> None:
        self._materials = materials
        self._records = records
        self._stated: dict[Source, ReleaseMetadata | None] = {}

    def find(self, source: Source) -> ReleaseMetadata | None:
        """Give what PKG-INFO of an archive promises (PEP 643), None where it promises nothing.

        Raises ``CatalogueError`` and ``WheelError`` where the archive cannot be had or is refused.
        """
        digest = source.file.sha256
        if digest and (known := self._records.find_metadata(digest)):
            return known
        if digest and self._records.find_system(digest):
            return None
        with self._materials.open(source.material) as opened:
            try:
                promised = parse_static_metadata(read_pkg_info(opened.folder) or b"")
            except DistInfoError:
                promised = None
            if promised is not None:
                self._records.keep_metadata(opened.digest, promised)
        return promised

    def read_stated(self, source: Source) -> ReleaseMetadata | None:
        """Give what PKG-INFO of an archive says, promised or not, None where it cannot be used; raises as ``find``."""
        if source not in self._stated:
            self._stated[source] = self._read(source)
        return self._stated[source]

    def _read(self, source: Source) -> ReleaseMetadata | None:
        digest = source.file.sha256
        known = digest and (self._records.find_metadata(digest) or self._records.find_stated(digest))
        if known:
            return known
        with self._materials.open(source.material) as opened:
            try:
                stated = parse_release_metadata(read_pkg_info(opened.folder) or b"")
            except DistInfoError:
                return None
            self._records.keep_stated(opened.digest, stated)
            return stated
