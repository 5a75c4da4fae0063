import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.errors import SdistError
from pytest_wheeltag.system.sourceentries import SourceArchive, SourceEntry
from pytest_wheeltag.system.tarmembers import read_tar
from pytest_wheeltag.system.zipsource import EntryError

WHEN = 1_234_567_890
LAYOUTS = [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]
NAMES = st.lists(st.sampled_from(["a", "b.py", "c" * 90, "é"]), min_size=1, max_size=3).map("/".join)


def header(
    name: str, kind: bytes = tarfile.REGTYPE, *, target: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode, found.mtime = kind, target, mode, WHEN
    return found


def pack(*members: tuple[tarfile.TarInfo, bytes], layout: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=layout) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def read(data: bytes) -> list[SourceEntry]:
    stream = io.BytesIO(data)
    return read_tar(SourceArchive.of(stream, "foo.tar", WheelBounds(), 1 << 30), stream)


def content_of(entry: SourceEntry) -> bytes:
    assert entry.read is not None
    return b"".join(entry.read())


def test_files_folders_and_links_are_listed_in_their_order() -> None:
    packed = pack(
        (header("foo", tarfile.DIRTYPE), b""),
        (header("./foo//run", mode=0o755), b"#!"),
        (header("foo/link", tarfile.SYMTYPE, target="run"), b""),
        (header("foo/twin", tarfile.LNKTYPE, target="foo/run"), b""),
        (header("foo/empty"), b""),
    )
    found_folder, script, link, twin, empty = read(packed)

    assert [each.path for each in (found_folder, script, link, twin, empty)] == [
        "foo",
        "foo/run",
        "foo/link",
        "foo/twin",
        "foo/empty",
    ]
    assert found_folder.is_folder
    assert (script.size, script.is_executable, script.mtime_ns) == (2, True, WHEN * 1_000_000_000)
    assert (link.target, link.read) == ("run", None)
    assert content_of(twin) == content_of(script) == b"#!"
    assert twin.is_executable
    assert (content_of(empty), empty.is_executable) == (b"", False)


@settings(max_examples=50)
@given(files=st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5), layout=st.sampled_from(LAYOUTS))
def test_contents_are_read_in_any_order(files: dict[str, bytes], layout: int) -> None:
    try:
        packed = pack(*((header(name), content) for name, content in files.items()), layout=layout)
    except ValueError:
        return  # too long for that layout

    found = read(packed)

    assert [each.path for each in found] == list(files)
    assert {each.path: content_of(each) for each in reversed(found)} == files


@pytest.mark.parametrize("when", [-1, 1 << 33, float("nan"), float("inf")])
def test_a_time_that_no_disk_keeps_is_left_out(when: float) -> None:
    member = header("a")
    member.pax_headers = {"mtime": str(when)}

    assert [each.mtime_ns for each in read(pack((member, b"")))] == [None]


def test_what_ends_too_early_is_told_when_it_is_read() -> None:
    stream = io.BytesIO(pack((header("a"), b"x" * 5000)))
    (entry,) = read_tar(SourceArchive.of(stream, "foo.tar", WheelBounds(), 1 << 30), stream)
    stream.truncate(1000)

    with pytest.raises(EntryError, match="expected all of its content, found the end of the archive"):
        content_of(entry)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (tarfile.FIFOTYPE, "found a FIFO"),
        (tarfile.CHRTYPE, "found a device"),
        (b"Z", "found an unknown kind"),
        (tarfile.LNKTYPE, "expected a hard link to a file before it, found one to `b`"),
        (tarfile.GNUTYPE_SPARSE, "found a sparse one"),
    ],
)
def test_other_kinds_are_refused(kind: bytes, problem: str) -> None:
    with pytest.raises(SdistError, match=problem):
        read(pack((header("a", kind, target="b"), b"")))


@given(data=st.binary(max_size=1200))
def test_whatever_it_is_it_is_listed_or_refused(data: bytes) -> None:
    try:
        read(data)
    except SdistError as error:
        assert str(error).isprintable()  # noqa: PT017 - whatever is raised, if anything, is one line
