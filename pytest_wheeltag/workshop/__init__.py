"""Makes samples: small wheels and sdists, environments that hold them, and a simple index on loopback."""

from pytest_wheeltag.workshop.answers import Answer, Drip
from pytest_wheeltag.workshop.environments import EnvironmentSpec, lay, make_environment
from pytest_wheeltag.workshop.fault import Fault
from pytest_wheeltag.workshop.faults import FAULTS
from pytest_wheeltag.workshop.folders import write_file_index, write_find_links
from pytest_wheeltag.workshop.index import IndexOptions, LocalIndex
from pytest_wheeltag.workshop.maker import WheelMaker
from pytest_wheeltag.workshop.sdists import Recipe, SdistSpec, build_sdist
from pytest_wheeltag.workshop.wheels import WheelSpec, build_wheel

__all__ = [
    "FAULTS",
    "Answer",
    "Drip",
    "EnvironmentSpec",
    "Fault",
    "IndexOptions",
    "LocalIndex",
    "Recipe",
    "SdistSpec",
    "WheelMaker",
    "WheelSpec",
    "build_sdist",
    "build_wheel",
    "lay",
    "make_environment",
    "write_file_index",
    "write_find_links",
]
