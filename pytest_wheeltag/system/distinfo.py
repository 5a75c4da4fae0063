"""One distribution as a library folder describes it: its dist-info read into one of three nouns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_wheeltag.core.distinfo import (
    CoreMetadata,
    DistInfoError,
    EntryKind,
    LibraryEntry,
    is_same_version,
    parse_library_entry,
    parse_metadata,
    parse_wheel_file,
    read_version,
)
from pytest_wheeltag.core.origin import is_wheel_installer, parse_direct_url, parse_installer
from pytest_wheeltag.core.text import printable, quoted
from pytest_wheeltag.core.verdict import (
    InstalledDistribution,
    InstalledWheel,
    MalformedDistribution,
    UnwheeledDistribution,
)
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.conda import CondaRecords
from pytest_wheeltag.system.enclosure import Entry, Folder
from pytest_wheeltag.system.files import describe_os_error

_METADATA_BYTES = 8 << 20
_DIRECT_URL_BYTES = 1 << 20
_INSTALLER_BYTES = 1 << 12
_FILES = frozenset({"METADATA", "WHEEL", "RECORD", "INSTALLER", "direct_url.json"})


@dataclass(frozen=True)
class Place:
    """Where a library folder, held open, describes a distribution.

    ``parsed`` is what the entry's name says; ``owner`` is who owns the whole folder, if not its user.
    """

    folder: Folder
    entry: Entry
    parsed: LibraryEntry
    conda: CondaRecords
    owner: str | None = None

    @property
    def path(self) -> str:
        """The path of the dist-info, as it lies on disk: not fit to be printed."""
        return self.folder.path_of(self.parsed.filename)


def list_places(folder: Folder, conda: CondaRecords, owner: str | None) -> tuple[Place, ...]:
    """List what describes distributions in a library folder; raises ``OSError``."""
    entries = folder.entries(_ends_as_one)
    parsed = ((entry, parse_library_entry(name)) for name, entry in entries.items())
    return tuple(Place(folder, entry, each, conda, owner) for entry, each in parsed if each)


def _ends_as_one(name: str) -> bool:
    # The cheapest test first: of the entries of a large environment most are something else.
    return name[-1:] in "oOkKgG" and name.lower().endswith(tuple(EntryKind))


def read_places(places: Sequence[Place]) -> InstalledDistribution:
    """Read what one set of folders holds under one name: a dist-info counts before any egg."""
    order = list(EntryKind)
    first, *others = sorted(places, key=lambda each: (order.index(each.parsed.kind), each.path))
    parsed = first.parsed
    # Nobody but its package manager can mend what it owns, so nothing there is a failure.
    if first.owner is not None:
        return _unwheeled(first, f"owned by {first.owner}")
    if parsed.kind is not EntryKind.DIST_INFO:
        return _unwheeled(first, f"{parsed.kind.removeprefix('.')}: no wheel tags")
    twins = [place for place in others if place.parsed.kind is EntryKind.DIST_INFO]
    if twins:
        return _malformed(
            first, f"expected one dist-info, found several; reinstall it: {_paths([first, *twins])}"
        )
    if parsed.is_leftover:
        return _malformed(
            first, f"expected no leftover of another installation; remove it: {_paths([first])}"
        )
    return _DistInfo(first, tuple(others)).read()


def _malformed(place: Place, problem: str, findings: tuple[str, ...] = ()) -> MalformedDistribution:
    name, version = printable(place.parsed.name), printable(place.parsed.version)
    return MalformedDistribution(name, version, problem, place.path, findings)


def _unwheeled(place: Place, reason: str) -> UnwheeledDistribution:
    name, version = place.parsed.name, place.parsed.version or _egg_version(place)
    return UnwheeledDistribution(printable(name), printable(version), reason, place.path)


def _egg_version(place: Place) -> str:
    """Look for the version in an egg-info whose name has none, as ``setup.py develop`` made them."""
    try:
        if place.entry.is_file(follow_symlinks=False):
            return read_version(place.folder.read(place.entry, _METADATA_BYTES))
        with place.folder.open(place.entry) as folder:
            entries = folder.entries("PKG-INFO".__eq__)
            return read_version(folder.read(entries["PKG-INFO"], _METADATA_BYTES)) if entries else ""
    except (OSError, UnsafeFileError, DistInfoError):
        return ""


def _paths(places: Sequence[Place]) -> str:
    return " and ".join(f"`{printable(place.path)}`" for place in places)


@dataclass
class _DistInfo:
    """A dist-info folder while it is read; ``others`` describe the same distribution in another form."""

    place: Place
    others: tuple[Place, ...]
    findings: list[str] = field(default_factory=list)

    def read(self) -> InstalledDistribution:
        """Read it; what cannot be read or parsed makes it malformed."""
        try:
            return self._read()
        except (OSError, UnsafeFileError) as error:
            problem = f"its dist-info cannot be read, {_problem(error)}"
        except DistInfoError as error:
            problem = str(error)
        return _malformed(
            self.place, f"{problem}; reinstall it: {_paths([self.place])}", tuple(self.findings)
        )

    def _read(self) -> InstalledDistribution:
        with self.place.folder.open(self.place.entry) as folder:
            files = _Files(folder, folder.entries(_FILES.__contains__))
            metadata = parse_metadata(files.read("METADATA"))
            self._compare(metadata)
            self._note(*metadata.findings)
            self._look_around(files)
            return self._read_wheel(files, metadata)

    def _read_wheel(self, files: "_Files", metadata: CoreMetadata) -> InstalledDistribution:
        installer = self._installer(files)
        wheel = parse_wheel_file(files.read("WHEEL")) if files.has("WHEEL") else None
        reason = "no WHEEL file, so no wheel tags" if wheel is None else None
        reason = self._other_owner(installer, metadata) or reason
        if wheel is None or reason is not None:
            version, findings = metadata.version, tuple(self.findings)
            return UnwheeledDistribution(metadata.name, version, reason or "", self.place.path, findings)
        self._note(*wheel.findings)
        return InstalledWheel(
            metadata.name,
            metadata.version,
            wheel.tags,
            wheel.build,
            printable(installer) or None,
            self._direct_url(files),
            self.place.path,
            tuple(self.findings),
        )

    def _compare(self, metadata: CoreMetadata) -> None:
        """Refuse what is one distribution by its folder and another by METADATA: nobody knows which to judge."""
        name, version = self.place.parsed.key, self.place.parsed.version
        if metadata.key != name:
            raise DistInfoError(
                "METADATA", f"expected the name that its folder has, found {quoted(metadata.name)}"
            )
        if not is_same_version(version, metadata.version):
            raise DistInfoError(
                "METADATA", f"expected the version that its folder has, found {quoted(metadata.version)}"
            )

    def _look_around(self, files: "_Files") -> None:
        filename = self.place.parsed.filename
        if not files.has("RECORD"):
            self._note(f"no RECORD in {_paths([self.place])}")
        if not filename.endswith(EntryKind.DIST_INFO):
            self._note(f"expected a folder that ends in `{EntryKind.DIST_INFO}`, found {quoted(filename)}")
        if self.others:
            self._note(f"described also by {_paths(self.others)}")

    def _installer(self, files: "_Files") -> str:
        try:
            return (
                parse_installer(files.read("INSTALLER", _INSTALLER_BYTES)) if files.has("INSTALLER") else ""
            )
        except DistInfoError as error:
            self._note(str(error))
            return ""

    def _other_owner(self, installer: str, metadata: CoreMetadata) -> str | None:
        if self.place.conda.owns(metadata.name, metadata.version):
            return "owned by conda"
        return f"owned by {quoted(installer)}" if installer and not is_wheel_installer(installer) else None

    def _direct_url(self, files: "_Files") -> str | None:
        if not files.has("direct_url.json"):
            return None
        try:
            return printable(parse_direct_url(files.read("direct_url.json", _DIRECT_URL_BYTES)))
        except DistInfoError as error:
            self._note(f"{error}, so it is judged as from an index")
            return None

    def _note(self, *clauses: str) -> None:
        name, version = printable(self.place.parsed.name), printable(self.place.parsed.version)
        self.findings += (f"{name} {version}: {clause}" for clause in clauses)


@dataclass(frozen=True)
class _Files:
    """The files of an open dist-info that matter here."""

    folder: Folder
    entries: Mapping[str, Entry]

    def has(self, name: str) -> bool:
        """Tell whether there is anything of this name."""
        return name in self.entries

    def read(self, name: str, limit: int = _METADATA_BYTES) -> bytes:
        """Read a file; raises ``DistInfoError`` where it is missing or cannot be read."""
        if name not in self.entries:
            raise DistInfoError(name, "expected a file, found none")
        try:
            return self.folder.read(self.entries[name], limit)
        except (OSError, UnsafeFileError) as error:
            raise DistInfoError(name, _problem(error)) from error


def _problem(error: OSError | UnsafeFileError) -> str:
    if isinstance(error, UnsafeFileError):
        return error.problem
    return describe_os_error(error)
