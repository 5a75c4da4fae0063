"""What an environment holds of one distribution, read from disk to be compared with another environment."""

from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.likeness import Holding
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.system.codefiles import CodeFiles
from pytest_wheeltag.system.contents import InstalledContents


def read_holding(environment: ExistingEnvironment, wheel: InstalledWheel) -> Holding:
    """Read the files that RECORD lists, by what lies there; a distribution without RECORD has none."""
    return Holding(wheel, dict(CodeFiles(InstalledContents(environment, wheel)).read()))
