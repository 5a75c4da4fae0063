"""What a lock of any format says is published: packages and their files, without an index."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import ProjectFiles, PublishedFile, files_of_version
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.verdict import Silence, VerdictKind

_MAX_VERSIONS_SHOWN = 3


class LockFormat(StrEnum):
    """The formats of locks, called as their files are."""

    PYLOCK = "pylock.toml"
    UV = "uv.lock"
    POETRY = "poetry.lock"
    PDM = "pdm.lock"


@dataclass(frozen=True)
class Need:
    """What a locked package depends on.

    ``marker`` is empty where it always counts, ``extras`` are wanted of the other, ``extra`` is the one of its own
    that asks for it, empty where the package itself does.
    """

    name: NormalizedName
    marker: str = ""
    extras: frozenset[str] = frozenset()
    extra: str = ""


@dataclass(frozen=True)
class LockedPackage:
    """One release of a project as a lock holds it.

    ``version`` is None where only its source tells. ``direct`` is where it lies if no index has it (a repository,
    an address, a path), fit to be shown; it is empty for what an index lists. ``markers`` are those of which one
    must hold for it to be installed, none where it always may be; ``is_optional`` tells that an extra or a group
    has to ask for it. ``needs`` are empty where the format names every package's own markers.
    """

    name: NormalizedName
    version: Version | None
    files: tuple[PublishedFile, ...] = ()
    direct: str = ""
    markers: tuple[str, ...] = ()
    is_optional: bool = False
    needs: tuple[Need, ...] = ()

    @property
    def shown_version(self) -> str:
        """Its version, or where it lies, in backticks."""
        return quoted(str(self.version) if self.version else self.direct)


@dataclass(frozen=True)
class LockContents:
    """What is read from the text of a lock.

    ``format_version`` is that of the format. ``tells_needs`` is whether the lock alone says what is installed
    without further extras and groups; where it names no markers of packages, all that ``roots`` lead to is.
    ``groups`` count by themselves. ``requires_python`` is empty where it says none.
    """

    format_version: str
    packages: tuple[LockedPackage, ...]
    requires_python: str = ""
    tells_needs: bool = False
    roots: tuple[NormalizedName, ...] = ()
    groups: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """A lock that was read: a ``Catalogue`` that answers from it alone.

    ``origin`` is its path as shown, ``digest`` the SHA-256 of its bytes. What it holds is not all that is
    published: a lock may leave out files that are for other interpreters than it was made for.
    """

    origin: str
    format: LockFormat
    digest: str
    contents: LockContents = field(repr=False)

    @cached_property
    def packages(self) -> Mapping[NormalizedName, tuple[LockedPackage, ...]]:
        """The packages by name: several where a lock forks, or holds a project with each of its extras."""
        found: dict[NormalizedName, list[LockedPackage]] = {}
        for package in self.contents.packages:
            found.setdefault(package.name, []).append(package)
        return {name: tuple(packages) for name, packages in found.items()}

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said of the lock itself, one line each."""
        files = [file for package in self.contents.packages for file in package.files]
        bare = sum(not file.hashes for file in files)
        told = f"{bare} of the {len(files)} files in {self.origin} have no hash: tags and build numbers alone are compared"
        return (*self.contents.warnings, told) if bare else self.contents.warnings

    def release(self, name: NormalizedName, version: Version) -> ProjectFiles:
        """Give the files that the lock holds of one release, with the reason where there are none."""
        key = name, version
        if key not in self._releases:
            self._releases[key] = self._find_release(name, version)
        return self._releases[key]

    @cached_property
    def _releases(self) -> dict[tuple[NormalizedName, Version], ProjectFiles]:
        return {}

    def _find_release(self, name: NormalizedName, version: Version) -> ProjectFiles:
        held = self.packages.get(name, ())
        ours = [each for each in held if each.version is None or each.version == version]
        listed = dict.fromkeys(file for each in ours if not each.direct for file in each.files)
        files = tuple(files_of_version(listed, name, version))
        silence = None if files else self._silence(held, ours)
        return ProjectFiles(name, files, sources=(self.origin,) if held else (), silence=silence)

    def files(self, name: NormalizedName) -> ProjectFiles:
        """Give all files that the lock holds of a project."""
        held = self.packages.get(name, ())
        files = dict.fromkeys(file for each in held if not each.direct for file in each.files)
        return ProjectFiles(name, tuple(files), sources=(self.origin,) if held else ())

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Do nothing: all is known."""

    def doubt_of_direct(self, name: NormalizedName) -> str | None:
        """Say why a distribution should not be installed from an address or a path, None where the lock says so too.

        A lock that does not hold its own projects cannot say whether it is one of them.
        """
        held = self.packages.get(name, ())
        if any(each.direct for each in held) or not (held or self.contents.roots):
            return None
        says = "takes it from an index" if held else "does not hold it"
        return f"it is installed directly, and `{self.origin}` {says}"

    def describe(self) -> str:
        """Say in one line what the lock is."""
        written = f"{self.format} {self.contents.format_version}"
        return f"`{self.origin}` ({written}, {len(self.packages)} packages)"

    def _silence(self, held: tuple[LockedPackage, ...], ours: list[LockedPackage]) -> Silence:
        if direct := next((each.direct for each in ours if each.direct), ""):
            problem = f"`{self.origin}` takes it from {quoted(direct)}, of which nothing is published"
            return Silence(VerdictKind.DIRECT, problem)
        if ours:
            return Silence(VerdictKind.UNLISTED, f"`{self.origin}` holds this version without any file of it")
        if not held:
            return Silence(VerdictKind.UNLISTED, f"`{self.origin}` does not hold it")
        versions = list(dict.fromkeys(each.shown_version for each in held))
        more = len(versions) - _MAX_VERSIONS_SHOWN
        shown = f"{', '.join(versions[:_MAX_VERSIONS_SHOWN])}{f' and {more} more' if more > 0 else ''}"
        return Silence(VerdictKind.UNLISTED, f"`{self.origin}` does not hold this version, but {shown}")
