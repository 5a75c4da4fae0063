"""What installing a wheel into an environment will write, as a value, before anything is written."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from pytest_wheeltag.core.entrypoints import EntryPoint, is_wrapper
from pytest_wheeltag.core.launchers import (
    expand_versioned,
    fill_placeholder,
    is_superseded,
    render_code,
    render_shebang,
)
from pytest_wheeltag.core.layout import Layout, Scheme
from pytest_wheeltag.core.manifest import UnpackedFile, UnpackedWheel
from pytest_wheeltag.core.paths import parents
from pytest_wheeltag.core.record import INSTALLERS_FILES, encode_digest
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import WheelError

INSTALLER = "pytest-wheeltag"

# What an installer writes itself: shipped ones are left out (recording installed projects).
_WRITTEN_ANEW = frozenset({"RECORD", *INSTALLERS_FILES})
_NEEDS_QUOTES = frozenset(',"\r\n')

StubMaker = Callable[[EntryPoint, InstallTarget], bytes]


@dataclass(frozen=True)
class LinkedFolder:
    """Files that go from one folder of the unpacked wheel into one of the environment, under their own names.

    Folders are relative to the wheel's root and to the environment's prefix; ``is_copied`` files are never
    linked, since tools rewrite them.
    """

    source: str
    destination: str
    names: tuple[str, ...]
    is_copied: bool = False


@dataclass(frozen=True)
class WrittenFile:
    """A file that is written anew; ``path`` is relative to the environment's prefix."""

    path: str
    content: bytes
    is_executable: bool = False


@dataclass(frozen=True)
class InstallPlan:
    """All that installing one wheel writes, relative to the environment's prefix.

    ``dist_info`` is the folder that makes it count as installed, and comes last; ``folders`` are to be made,
    parents first, without ``bases``, the environment's own, which may be links. ``warnings`` are clauses;
    ``sources`` are the paths of the Python files that may have bytecode, those in ``dist_info`` left out.
    """

    name: str
    version: str
    dist_info: str
    links: tuple[LinkedFolder, ...]
    scripts: tuple[WrittenFile, ...]
    metadata: tuple[WrittenFile, ...]
    bases: frozenset[str]
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @cached_property
    def payload(self) -> tuple[LinkedFolder, ...]:
        """The links outside the dist-info folder."""
        return tuple(link for link in self.links if not _is_in(link.destination, self.dist_info))

    @cached_property
    def information(self) -> tuple[LinkedFolder, ...]:
        """The links into the dist-info folder."""
        return tuple(link for link in self.links if _is_in(link.destination, self.dist_info))

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that it writes into, parents first."""
        return tuple(sorted(parents(tuple(self.paths)), key=_by_parts))

    @property
    def paths(self) -> Iterator[str]:
        """Every file that it writes."""
        for link in self.links:
            yield from (f"{link.destination}/{name}" if link.destination else name for name in link.names)
        yield from (file.path for file in (*self.scripts, *self.metadata))

    def with_unhashed(self, paths: Iterable[str]) -> "InstallPlan":
        """Give the plan with further rows of RECORD, for files that somebody else writes: bytecode.

        They get neither hash nor size (recording installed projects), nor does a file that the wheel ships and
        that is among them. Paths are relative to the environment's prefix.
        """
        *others, record = self.metadata
        library = self.dist_info.rpartition("/")[0]
        added = {_record_path(path, library): "," for path in paths}
        if not added:
            return self
        rows = [row for row in _read_rows(record.content) if row[0] not in added]
        content = _render_rows([*rows, *added.items()])
        return replace(self, metadata=(*others, replace(record, content=content)))


def _is_in(folder: str, other: str) -> bool:
    return folder == other or folder.startswith(other + "/")


@dataclass(frozen=True)
class InstallRequest:
    """How a wheel came to be installed: by name (``is_requested``), from where (``direct_url``, JSON bytes).

    ``scripts`` maps the paths of shipped scripts that wait for an interpreter to their content; ``make_stub``
    makes launchers for Windows.
    """

    is_requested: bool = False
    direct_url: bytes | None = None
    scripts: Mapping[str, bytes] = field(default_factory=dict)
    make_stub: StubMaker | None = None


@dataclass(frozen=True)
class _Placed:
    """A file of the wheel with the folder and the name that it gets."""

    file: UnpackedFile
    folder: str
    name: str
    is_script: bool

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}" if self.folder else self.name


def plan_installation(
    wheel: UnpackedWheel, target: InstallTarget, request: InstallRequest | None = None
) -> InstallPlan:
    """Plan the installation of an unpacked wheel (binary distribution format, recording installed projects).

    Nothing depends on how files will be linked. Raises ``WheelError`` where a file would touch what belongs to
    the environment or to another distribution.
    """
    return _Planner(wheel, target, request or InstallRequest()).plan()


class _Planner:
    def __init__(self, wheel: UnpackedWheel, target: InstallTarget, request: InstallRequest) -> None:
        self._wheel = wheel
        self._target = target
        self._request = request
        self._root = Scheme.PURELIB if wheel.is_purelib else Scheme.PLATLIB
        self._layout = Layout(wheel.dist_info, wheel.data_folders)
        self._library = target.folder(self._root, wheel.name)
        self._dist_info = f"{self._library}/{wheel.dist_info}"
        self._commands = frozenset(point.name for point in wheel.entry_points)
        self._warnings: list[str] = []

    def plan(self) -> InstallPlan:
        placed = self._place_all()
        waiting = frozenset(self._wheel.placeholders)
        linked = [item for item in placed if item.file.path not in waiting]
        scripts = [self._fill(item) for item in placed if item.file.path in waiting]
        scripts += map(self._launcher, self._entry_points())
        self._check([item.path for item in placed] + [script.path for script in scripts])
        metadata = self._metadata()
        rows = [self._row(item.path, item.file.sha256, item.file.size) for item in linked]
        rows += [
            self._row(file.path, _digest(file.content), len(file.content)) for file in (*scripts, *metadata)
        ]
        record = WrittenFile(f"{self._dist_info}/RECORD", self._render_record(rows))
        return InstallPlan(
            self._wheel.name,
            self._wheel.version,
            self._dist_info,
            _group(linked),
            tuple(scripts),
            (*metadata, record),
            self._target.bases,
            tuple(self._warnings),
            tuple(sorted(item.path for item in placed if self._is_source(item.path))),
        )

    def _place_all(self) -> list[_Placed]:
        placed: dict[str, _Placed] = {}
        for file in self._wheel.files:
            item = self._place(file)
            if item is None or (item.is_script and is_wrapper(item.name, self._commands)):
                continue
            if item.path in placed:
                self._warnings.append(f"two files go to one place, the last is taken: `{item.path}`")
            placed[item.path] = item
        return list(placed.values())

    def _place(self, file: UnpackedFile) -> _Placed | None:
        top, _, rest = file.path.partition("/")
        if top == self._wheel.dist_info and rest in _WRITTEN_ANEW:
            if rest != "RECORD":
                self._warnings.append(f"it ships what installers write, left out: `{rest}`")
            return None
        scheme, relative = self._layout.place(file.path, self._root)
        base = self._target.folder(scheme, self._wheel.name)
        folder, _, name = (f"{base}/{relative}" if base else relative).rpartition("/")
        return _Placed(file, folder, name, scheme is Scheme.SCRIPTS)

    def _fill(self, item: _Placed) -> WrittenFile:
        content = self._request.scripts[item.file.path]
        return WrittenFile(item.path, fill_placeholder(content, self._shebang()), is_executable=True)

    def _shebang(self) -> bytes:
        if self._target.is_windows:
            return b"#!" + self._target.executable.encode("utf-8", "surrogateescape") + b"\r\n"
        return render_shebang(self._target.executable)

    def _entry_points(self) -> Iterator[EntryPoint]:
        console = frozenset(each.name for each in self._wheel.entry_points if not each.is_gui)
        seen: set[str] = set()
        for each in self._wheel.entry_points:
            names = (each.name,) if each.is_gui else expand_versioned(each.name, self._target.version)
            if not each.is_gui and is_superseded(each.name, console):
                continue
            for name in names:
                if name not in seen:
                    seen.add(name)
                    yield replace(each, name=name)

    def _launcher(self, point: EntryPoint) -> WrittenFile:
        path = f"{self._target.scripts}/{point.name}"
        if self._target.is_windows and self._request.make_stub:
            return WrittenFile(
                f"{path}.exe", self._request.make_stub(point, self._target), is_executable=True
            )
        code = render_code(point, self._target.version)
        return WrittenFile(path, self._shebang() + code, is_executable=True)

    def _check(self, paths: Iterable[str]) -> None:
        for path in paths:
            if reason := self._target.forbids(path, self._wheel.dist_info):
                raise self._refuse(path, reason)

    def _refuse(self, path: str, problem: str) -> WheelError:
        return WheelError(self._wheel.filename, f"`{path}`", problem)

    def _metadata(self) -> tuple[WrittenFile, ...]:
        contents = {"INSTALLER": f"{INSTALLER}\n".encode()}
        if self._request.is_requested:
            contents["REQUESTED"] = b""
        if self._request.direct_url is not None:
            contents["direct_url.json"] = self._request.direct_url
        return tuple(WrittenFile(f"{self._dist_info}/{name}", data) for name, data in contents.items())

    def _row(self, path: str, digest: str, size: int) -> tuple[str, str]:
        return _record_path(path, self._library), f"sha256={digest},{size}"

    def _render_record(self, rows: list[tuple[str, str]]) -> bytes:
        return _render_rows([*rows, (_record_path(f"{self._dist_info}/RECORD", self._library), ",")])

    def _is_source(self, path: str) -> bool:
        # As pip, which compiles scripts and data too. What is in the dist-info comes when nothing more is written.
        return path.endswith(".py") and not _is_in(path, self._dist_info)


def _record_path(path: str, library: str) -> str:
    if path.startswith(library + "/"):
        return path[len(library) + 1 :]
    ours, parts = library.split("/"), path.split("/")
    shared = next(
        (n for n, pair in enumerate(zip(ours, parts, strict=False)) if pair[0] != pair[1]), len(ours)
    )
    return "/".join([".."] * (len(ours) - shared) + parts[shared:])


def _render_rows(rows: Iterable[tuple[str, str]]) -> bytes:
    lines = (f"{_quote(path)},{rest}\n" for path, rest in sorted(rows))
    return "".join(lines).encode("utf-8", "surrogateescape")


def _read_rows(content: bytes) -> Iterator[tuple[str, str]]:
    """Read back what ``_render_rows`` wrote: hash and size hold no commas, paths no line ends."""
    for line in content.decode("utf-8", "surrogateescape").split("\n")[:-1]:
        path, digest, size = line.rsplit(",", 2)
        yield _unquote(path), f"{digest},{size}"


def _quote(path: str) -> str:
    return '"' + path.replace('"', '""') + '"' if not _NEEDS_QUOTES.isdisjoint(path) else path


def _unquote(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _digest(content: bytes) -> str:
    return encode_digest(hashlib.sha256(content).digest())


def _group(placed: Iterable[_Placed]) -> tuple[LinkedFolder, ...]:
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for item in placed:
        source = item.file.path.rpartition("/")[0]
        groups.setdefault((item.folder, source, item.is_script), []).append(item.name)
    ordered = sorted(groups.items(), key=lambda group: _by_parts(group[0][0]))
    return tuple(
        LinkedFolder(source, folder, tuple(names), is_script)
        for (folder, source, is_script), names in ordered
    )


def _by_parts(folder: str) -> list[str]:
    # Each folder is followed by what is in it: `a`, `a/b`, `a-b`.
    return folder.split("/")
