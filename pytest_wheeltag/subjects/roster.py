"""Which installers can be put under test, by the names that users type."""

from collections.abc import Callable
from pathlib import Path

from packaging.version import InvalidVersion, Version

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.subjects.pip import PipSubject
from pytest_wheeltag.subjects.subject import Subject
from pytest_wheeltag.subjects.wheeltag import WheeltagSubject
from pytest_wheeltag.workplace import Workplace

Open = Callable[[Workplace, Path, str], Subject]

SUBJECTS: dict[str, Open] = {
    "wheeltag": lambda place, _folder, _version: WheeltagSubject(place),
    "pip": PipSubject,
}
_EXPECTED = f"an installer, one of {', '.join(f'`{name}`' for name in SUBJECTS)}, `pip` also with `==VERSION`"


def check_installer(text: str, *, setting: str = "--wheeltag-installer") -> str:
    """Give the text if it names an installer, like ``pip`` or ``pip==26.3``; raises ``UsageError`` naming ``setting``."""
    name, separator, version = text.partition("==")
    try:
        if separator:
            Version(version)
    except InvalidVersion as error:
        raise UsageError(setting, text, _EXPECTED) from error
    if name not in SUBJECTS or (separator and name == "wheeltag"):
        raise UsageError(setting, text, _EXPECTED)
    return text


def open_subject(text: str, place: Workplace, folder: Path) -> Subject:
    """Give the installer of a checked text; ``folder`` is for its own cache and itself."""
    name, _, version = text.partition("==")
    return SUBJECTS[name](place, folder, version)
