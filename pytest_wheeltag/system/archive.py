"""The strict wheel reader: a wheel is looked at as a whole before anything of it is written."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO

from pytest_wheeltag.core.candidates import WheelName, is_variant, parse_wheel_name
from pytest_wheeltag.core.distinfo import DistInfoError, is_same_version, parse_metadata
from pytest_wheeltag.core.entrypoints import EntryPoint, find_twins, is_wrapper, parse_entry_points
from pytest_wheeltag.core.finding import Finding, Severity, entry, noted, refused, several
from pytest_wheeltag.core.layout import Layout, find_forbidden, find_twice_placed, parse_layout
from pytest_wheeltag.core.paths import (
    components,
    find_collisions,
    find_conflicts,
    find_too_deep,
    find_unportable,
    find_unsafe,
)
from pytest_wheeltag.core.record import (
    INSTALLERS_FILES,
    RecordRow,
    compare_record,
    find_unsafe_rows,
    parse_record,
)
from pytest_wheeltag.core.text import printable, quoted
from pytest_wheeltag.core.wheel import WheelEntry, WheelFacts, WheelPolicy, compare_tags, parse_wheel_facts
from pytest_wheeltag.system.inflate import INPUT_BYTES, inflate
from pytest_wheeltag.system.zipframe import ZipMember, read_members
from pytest_wheeltag.system.zipkinds import find_odd_kinds, find_too_large, is_executable
from pytest_wheeltag.system.zipsource import THE_ARCHIVE, EntryError, ZipSource

_ENTRY_POINTS = "entry_points.txt"
_THE_NAME = "its file name"


@dataclass(frozen=True)
class WheelContents:
    """All that is known of a wheel before it is unpacked.

    ``entries`` are the files to unpack, in the order of their data; what installers write themselves (INSTALLER,
    REQUESTED, direct_url.json) is left out, so are folders. ``rows`` are those of RECORD whose entry is there.
    ``warnings`` are one line each; ``doubts`` are those of them for which strict wheels are refused.
    """

    name: WheelName
    dist_info: str
    facts: WheelFacts
    metadata: bytes
    entries: tuple[WheelEntry, ...]
    rows: tuple[RecordRow, ...]
    entry_points: tuple[EntryPoint, ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @cached_property
    def row_by_path(self) -> Mapping[str, RecordRow]:
        """The rows of RECORD by the path of their entry."""
        return {row.path: row for row in self.rows}

    @property
    def pth_files(self) -> tuple[str, ...]:
        """The paths of files that act whenever the environment's python starts."""
        return tuple(each.path for each in self.entries if each.is_pth)

    @property
    def unpacked_bytes(self) -> int:
        """The size of all entries."""
        return sum(each.size for each in self.entries)


@dataclass(frozen=True)
class WheelArchive:
    """A wheel that may be unpacked: its contents, and the way to read them, for any thread."""

    contents: WheelContents
    source: ZipSource
    members: Mapping[str, ZipMember]

    def read(self, chosen: WheelEntry) -> Iterator[bytes]:
        """Give the content of an entry in pieces of at most 1 MiB.

        Raises ``RefusedWheelError`` where it has not the size or the CRC that the archive declares: what was
        given before counts for nothing then.
        """
        return _read_member(self.source, self.members[chosen.path])


def open_wheel(file: BinaryIO, filename: str, policy: WheelPolicy | None = None) -> WheelArchive:
    """Look at the whole of a wheel; raises ``RefusedWheelError`` for the first thing for which it is refused.

    ``file`` is seekable, holds nothing else, and must stay open as long as the archive is read. Follows the
    binary distribution format; where that is silent, what two tools read differently is refused.
    """
    policy = policy or WheelPolicy()
    reading = _Reading(ZipSource(file, filename), policy)
    try:
        return _read_wheel(reading, filename)
    except DistInfoError as error:
        raise reading.source.refusal(refused(error.where, error.problem)) from error


def _read_member(source: ZipSource, member: ZipMember) -> Iterator[bytes]:
    crc = 0
    chunks = source.chunks(member.offset, member.compressed_size, INPUT_BYTES)
    try:
        for piece in inflate(chunks, member.method, member.size):
            crc = zlib.crc32(piece, crc)
            yield piece
    except EntryError as error:
        raise source.refusal(refused(entry(member.name), error.problem)) from error
    if crc != member.crc:
        problem = f"expected data with the CRC {member.crc:08x}, found {crc:08x}"
        raise source.refusal(refused(entry(member.name), problem))


@dataclass
class _Reading:
    """A wheel while it is looked at, and the warnings so far."""

    source: ZipSource
    policy: WheelPolicy
    warnings: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def judge(self, findings: Iterable[Finding]) -> None:
        """Keep findings as warnings; raises ``RefusedWheelError`` for the first that is more than that."""
        for finding in findings:
            is_doubtful = finding.severity is Severity.DOUBTFUL
            if finding.severity is Severity.REFUSED or (is_doubtful and self.policy.strict):
                raise self.source.refusal(finding)
            sentence = f"{self.source.filename}: {finding.problem} in {finding.where}"
            self.warnings.append(sentence)
            if is_doubtful:
                self.doubts.append(sentence)

    def read_whole(self, member: ZipMember, limit: int) -> bytes:
        """Give the content of a small entry; raises ``RefusedWheelError`` where it is larger than ``limit`` bytes."""
        if member.size > limit:
            problem = f"expected at most {limit} bytes, found {member.size}"
            self.judge([refused(entry(member.name), problem)])
        return b"".join(_read_member(self.source, member))


def _read_wheel(reading: _Reading, filename: str) -> WheelArchive:
    name = _parse_name(reading, filename)
    bounds = reading.policy.bounds
    members = read_members(reading.source, bounds)
    # By the name: the only thing that all readers go by.
    folders = [member for member in members if member.name.endswith("/")]
    regular = [member for member in members if not member.name.endswith("/")] if folders else members
    reading.judge(find_odd_kinds(regular, folders))
    reading.judge(find_too_large(members, reading.source.size, bounds))
    folder_paths = [folder.name[:-1] for folder in folders]
    _judge_paths(reading, [member.name for member in regular], folder_paths)
    files = {member.name: member for member in regular}
    layout = parse_layout(files, folder_paths, name.name, name.version)
    return WheelArchive(_read_contents(reading, name, layout, files), reading.source, files)


def _parse_name(reading: _Reading, filename: str) -> WheelName:
    if is_variant(filename):
        reading.judge(
            [refused(_THE_NAME, "expected five or six parts, found a wheel variant, which is a draft")]
        )
    try:
        return parse_wheel_name(filename)
    except ValueError as error:
        # packaging says which part is wrong, and shows the name again.
        found = str(error).partition(": ")[0].removeprefix("Invalid wheel filename ").strip("()").lower()
        problem = (
            f"expected `name-version[-build]-python-abi-platform.whl`, found another ({printable(found)})"
        )
        raise reading.source.refusal(refused(_THE_NAME, problem)) from error


def _judge_paths(reading: _Reading, files: list[str], folders: list[str]) -> None:
    paths, policy = [*files, *folders], reading.policy
    parts = components(paths)
    reading.judge(find_unsafe(parts))
    reading.judge(find_too_deep(paths, policy.bounds.max_depth, policy.bounds.max_path_bytes))
    reading.judge(find_conflicts(files, folders))
    reading.judge(find_unportable(parts, windows=policy.windows))
    reading.judge(find_collisions(paths, folds_case=policy.folds_case))


def _read_contents(
    reading: _Reading, name: WheelName, layout: Layout, files: Mapping[str, ZipMember]
) -> WheelContents:
    info, bounds = _Info(reading, layout.dist_info, files), reading.policy.bounds
    facts = parse_wheel_facts(info.read("WHEEL"))
    reading.judge(facts.findings)
    reading.judge(compare_tags(facts, name.tags, name.build))
    metadata = info.read("METADATA")
    reading.judge(_compare_metadata(metadata, name))
    record = parse_record(info.read("RECORD", bounds.max_record_bytes), bounds.max_record_rows)
    points = _read_commands(info)
    entries = _place(reading, layout, facts, files)
    reading.judge(_look_at_entries(entries, points, reading.policy))
    rows = _compare_rows(reading, record, files, layout.dist_info)
    kept = tuple(row for each in entries if (row := rows.get(each.path)))
    return WheelContents(
        name,
        layout.dist_info,
        facts,
        metadata,
        entries,
        kept,
        points,
        tuple(reading.warnings),
        tuple(reading.doubts),
    )


@dataclass(frozen=True)
class _Info:
    """The files of the dist-info folder."""

    reading: _Reading
    folder: str
    files: Mapping[str, ZipMember]

    def has(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        return f"{self.folder}/{name}" in self.files

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Give a file's content, of at most ``limit`` bytes; a missing one is refused."""
        member = self.files.get(f"{self.folder}/{name}")
        if member is None:
            raise DistInfoError(THE_ARCHIVE, f"expected {name} in the dist-info folder, found none")
        return self.reading.read_whole(member, limit or self.reading.policy.bounds.max_metadata_bytes)


def _read_commands(info: _Info) -> tuple[EntryPoint, ...]:
    limit = info.reading.policy.bounds.max_entry_points_bytes
    return parse_entry_points(info.read(_ENTRY_POINTS, limit)) if info.has(_ENTRY_POINTS) else ()


def _compare_metadata(data: bytes, name: WheelName) -> Iterator[Finding]:
    metadata = parse_metadata(data)
    if metadata.key != name.name:
        yield refused(
            "METADATA", f"expected the name `{name.name}` of the file name, found {quoted(metadata.name)}"
        )
    if not is_same_version(metadata.version, str(name.version)):
        problem = f"expected the version `{name.version}` of the file name, found {quoted(metadata.version)}"
        yield refused("METADATA", problem)
    yield from (noted("METADATA", problem) for problem in metadata.findings)


def _place(
    reading: _Reading, layout: Layout, facts: WheelFacts, files: Mapping[str, ZipMember]
) -> tuple[WheelEntry, ...]:
    left_out = {f"{layout.dist_info}/{name}" for name in INSTALLERS_FILES} & files.keys()
    if left_out:
        problem = f"expected nothing that installers write, left out {several(sorted(left_out))}"
        reading.judge([noted("the dist-info folder", problem)])
    entries = []
    for path, member in files.items():
        if path in left_out:
            continue
        scheme, relative = layout.place(path, facts.root_scheme)
        if relative is not path:
            reading.judge(find_forbidden(path, scheme, relative))
        sizes = (member.compressed_size, member.offset)
        entries.append(WheelEntry(path, scheme, relative, member.size, is_executable(member), *sizes))
    if layout.data_folders:
        reading.judge(find_twice_placed([(each.scheme, each.relative) for each in entries]))
    return tuple(entries)


def _look_at_entries(
    entries: tuple[WheelEntry, ...], points: tuple[EntryPoint, ...], policy: WheelPolicy
) -> Iterator[Finding]:
    if policy.refuse_pth and (pth := [each.path for each in entries if each.is_pth]):
        yield refused(entry(pth[0]), "expected no .pth file, since they are to be refused, found one")
    commands = {point.name for point in points}
    if wrappers := [each.path for each in entries if each.is_script and is_wrapper(each.relative, commands)]:
        yield noted(_ENTRY_POINTS, f"expected no script of a command's name, found {several(wrappers)}")
    for one, other in find_twins(points):
        severity = Severity.REFUSED if policy.folds_case else Severity.NOTED
        problem = (
            f"expected names that differ in more than letter case, found {quoted(one)} and {quoted(other)}"
        )
        yield Finding(severity, _ENTRY_POINTS, problem)


def _compare_rows(
    reading: _Reading, record: tuple[RecordRow, ...], files: Mapping[str, ZipMember], dist_info: str
) -> Mapping[str, RecordRow]:
    reading.judge(find_unsafe_rows(record, files))
    rows = {row.path: row for row in record}
    sizes = {path: member.size for path, member in files.items()}
    reading.judge(compare_record(rows, sizes, dist_info))
    return rows
