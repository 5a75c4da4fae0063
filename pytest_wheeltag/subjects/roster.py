"""Which installers can be put under test, by the names that users type."""

from collections.abc import Callable
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.subjects.pip import PipSubject
from pytest_wheeltag.subjects.subject import Lodging, Subject
from pytest_wheeltag.subjects.wheeltag import WheeltagSubject
from pytest_wheeltag.workplace import Workplace

Open = Callable[[Workplace, Lodging, str], Subject]

SUBJECTS: dict[str, Open] = {
    "wheeltag": lambda place, _lodging, _version: WheeltagSubject(place),
    "pip": PipSubject,
}
_EXPECTED = f"an installer, one of {', '.join(f'`{name}`' for name in SUBJECTS)}, `pip` also with `==VERSION`"


@dataclass(frozen=True)
class InstallerSpec:
    """Which installer is put under test; ``version`` is empty for whichever there is."""

    name: str
    version: str = ""


def parse_installer_spec(text: str, *, setting: str = "--wheeltag-installer") -> InstallerSpec:
    """Parse ``pip`` or ``pip==26.3``; raises ``UsageError`` naming ``setting``."""
    name, separator, version = text.partition("==")
    try:
        if separator:
            Version(version)
    except InvalidVersion as error:
        raise UsageError(setting, text, _EXPECTED) from error
    if name not in SUBJECTS or (separator and name == "wheeltag"):
        raise UsageError(setting, text, _EXPECTED)
    return InstallerSpec(name, version)


def open_subject(spec: InstallerSpec, place: Workplace, lodging: Lodging) -> Subject:
    """Give the installer of a specification, which installs from ``place``."""
    return SUBJECTS[spec.name](place, lodging, spec.version)
