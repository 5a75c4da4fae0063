"""RECORD of published wheels, read from their end and kept by their hash."""

from collections.abc import Iterable
from functools import partial

from pytest_wheeltag.core.candidates import PublishedFile, parse_wheel_name
from pytest_wheeltag.core.publishedrecord import PublishedRecord
from pytest_wheeltag.system.enquiries import Enquiries, Enquiry
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.keptfacts import RECORDS, KeptFacts
from pytest_wheeltag.system.tail import read_wheel_record
from pytest_wheeltag.system.wheelends import WheelEnds, patiently


class PublishedRecords:
    """The RECORDs of wheels on indexes and in folders, a ``RecordSource``; safe for use from several threads.

    Each wheel is asked about once in a process, and once for all processes where a cache is kept; offline only what
    is kept can be told.
    """

    def __init__(self, access: IndexAccess) -> None:
        self._ends = WheelEnds(access, "RECORD")
        self._enquiries = Enquiries(KeptFacts(access.cache_root, RECORDS))

    def record(self, file: PublishedFile) -> PublishedRecord:
        """Give the RECORD of a wheel, as ``RecordSource`` says."""
        return self._enquiries.answer(self._enquiry(file))

    def prefetch(self, files: Iterable[PublishedFile]) -> None:
        """Ask for many side by side, as ``RecordSource`` says."""
        self._enquiries.prefetch(map(self._enquiry, files))

    def _enquiry(self, file: PublishedFile) -> Enquiry[PublishedRecord]:
        return Enquiry(file, partial(self._ask, file), partial(_is_of, file))

    def _ask(self, file: PublishedFile) -> PublishedRecord:
        return patiently(lambda: self._ends.read(file, read_wheel_record))


def _is_of(file: PublishedFile, record: PublishedRecord) -> bool:
    try:
        name = parse_wheel_name(file.filename)
    except ValueError:
        return False
    return record.layout.is_of(name.name, name.version)
