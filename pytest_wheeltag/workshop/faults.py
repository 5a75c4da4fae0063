"""Every named way in which a wheel can be wrong."""

from collections.abc import Mapping
from types import MappingProxyType

from pytest_wheeltag.workshop.archive_faults import ARCHIVE_FAULTS
from pytest_wheeltag.workshop.content_faults import CONTENT_FAULTS
from pytest_wheeltag.workshop.fault import Fault

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {fault.name: fault for fault in ARCHIVE_FAULTS + CONTENT_FAULTS}
)
