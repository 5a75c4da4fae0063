"""Which installers can be put under test, by the names that users type: ours, and those that others add."""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points

from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.text import nearest_spelling, printable
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.subjects.pdm import PdmSubject
from pytest_wheeltag.subjects.pip import PipSubject
from pytest_wheeltag.subjects.poetry import PoetrySubject
from pytest_wheeltag.subjects.subject import Lodging, OpenSubject, Subject
from pytest_wheeltag.subjects.uv import UvSubject
from pytest_wheeltag.subjects.uvsync import UvSyncSubject
from pytest_wheeltag.subjects.wheeltag import WheeltagSubject
from pytest_wheeltag.workplace import Workplace

GROUP = "pytest_wheeltag.subjects"
"""The entry points by which others add installers; each leads to an ``OpenSubject``."""

SUBJECTS: dict[str, OpenSubject] = {
    "wheeltag": lambda place, lodging, _version: WheeltagSubject(place, lodging.cache),
    "pip": PipSubject,
    "uv": UvSubject,
    "uv-sync": UvSyncSubject,
    "poetry": PoetrySubject,
    "pdm": PdmSubject,
    "pdm-cache": partial(PdmSubject, has_install_cache=True),
}


@dataclass(frozen=True)
class InstallerSpec:
    """Which installer is put under test; ``version`` is empty for whichever there is."""

    name: str
    version: str = ""

    @property
    def text(self) -> str:
        """As users write it."""
        return f"{self.name}=={self.version}" if self.version else self.name


def parse_installer_spec(text: str, *, setting: str = "--wheeltag-installer") -> InstallerSpec:
    """Parse ``pip`` or ``pip==26.3``.

    Raises ``UsageError``, which names ``setting`` and the nearest right name, and for one that others added and that
    cannot be loaded.
    """
    name, separator, version = text.partition("==")
    added = {} if name in SUBJECTS else _added()
    if name not in SUBJECTS and name not in added:
        nearest = nearest_spelling(name, SUBJECTS.keys() | added.keys())
        raise UsageError(setting, printable(text), f"{_describe(added)}; {nearest}")
    if separator and (name == "wheeltag" or not _is_version(version)):
        raise UsageError(setting, printable(text), _describe(added))
    if name in added:
        # Now, where it is one line: later it would be an error of every check.
        _load(added[name])
    return InstallerSpec(name, version)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _describe(added: dict[str, EntryPoint]) -> str:
    names = ", ".join(f"`{name}`" for name in (*SUBJECTS, *sorted(added)))
    return f"an installer, one of {names}, each but `wheeltag` also with `==VERSION`"


def _added() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP) if each.name not in SUBJECTS}


def open_subject(spec: InstallerSpec, place: Workplace, lodging: Lodging) -> Subject:
    """Give the installer of a specification that was parsed; it installs from ``place``."""
    opener = SUBJECTS.get(spec.name) or _load(_added()[spec.name])
    return opener(place, lodging, spec.version)


def _load(entry_point: EntryPoint) -> OpenSubject:
    try:
        loaded: OpenSubject = entry_point.load()
    except Exception as error:  # a stranger's code may raise anything
        named = f"{entry_point.name} = {entry_point.value}"
        problem = f"an entry point that can be loaded ({printable(f'{type(error).__name__}: {error}')})"
        raise UsageError(GROUP, named, problem) from error
    return loaded
