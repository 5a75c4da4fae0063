"""What a published wheel says that it installs: its RECORD, and beside it what its archive really holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.layout import Layout
from pytest_wheeltag.core.record import RecordRow


class ArchivedFile(NamedTuple):
    """A file of an archive as its directory tells it: thousands are made per wheel, hence no dataclass.

    ``size`` is in bytes, ``crc`` the CRC-32 of its content: enough to tell contents apart, not to prove one.
    """

    path: str
    size: int
    crc: int


@dataclass(frozen=True)
class PublishedRecord:
    """RECORD of a published wheel: where its folders are, the rows, and the files of its archive."""

    layout: Layout
    rows: tuple[RecordRow, ...]
    files: tuple[ArchivedFile, ...]

    @cached_property
    def row_by_path(self) -> Mapping[str, RecordRow]:
        """The rows by their path in the archive."""
        return {row.path: row for row in self.rows}

    def to_json(self) -> dict[str, Any]:
        """Give it in the types of JSON."""
        return {
            "dist_info": self.layout.dist_info,
            "data_folders": sorted(self.layout.data_folders),
            "rows": [list(row) for row in self.rows],
            "files": [list(file) for file in self.files],
        }


def published_record_from_json(plain: Any) -> PublishedRecord:  # noqa: ANN401 - whatever json.loads gives
    """Read one back; raises ``ValueError`` for what was not written so."""
    try:
        layout = Layout(str(plain["dist_info"]), frozenset(map(str, plain["data_folders"])))
        rows = tuple(RecordRow(*row) for row in plain["rows"])
        files = tuple(ArchivedFile(*file) for file in plain["files"])
    except (TypeError, KeyError) as error:
        problem = f"expected a RECORD as we write it, found another ({error})"
        raise ValueError(problem) from error
    return PublishedRecord(layout, rows, files)


class RecordSource(Protocol):
    """Whoever can tell the RECORD of a published wheel, as ``PublishedRecords`` does."""

    def record(self, file: PublishedFile) -> PublishedRecord:
        """Give the RECORD of a published wheel.

        Raises ``WheelError`` where the wheel is refused, ``CatalogueError`` where it cannot be had.
        """
        ...

    def prefetch(self, files: Iterable[PublishedFile]) -> None:
        """Ask for many side by side; what fails is raised when it is asked for alone."""
        ...


class ArchiveSource(Protocol):
    """Whoever can tell what the whole archive of a published wheel holds, as ``StoredWheels`` does."""

    def read_digests(self, file: PublishedFile) -> Mapping[str, str]:
        """Give the SHA-256 of each file by its path in the archive, spelt as in RECORD; the archive's own is proven.

        Raises ``WheelError`` where the wheel is refused, ``CatalogueError`` where it cannot be had, ``StoreError``.
        """
        ...
