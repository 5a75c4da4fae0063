import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.errors import RefusedWheelError
from pytest_wheeltag.system.archive import WheelArchive, open_wheel
from pytest_wheeltag.workshop.fault import Fault, on_first_member
from pytest_wheeltag.workshop.faults import FAULTS
from pytest_wheeltag.workshop.wheels import WheelSpec, pack_wheel
from pytest_wheeltag.workshop.zips import DESCRIPTOR_FLAG, STORED, Header, Member, pack_unicode_path

SPEC = WheelSpec("foo", "1.0")


def open_bytes(content: bytes) -> WheelArchive:
    return open_wheel(io.BytesIO(content), SPEC.filename, WheelPolicy(strict=True))


def open_faulty(fault: Fault) -> WheelArchive:
    return open_bytes(pack_wheel(SPEC, [fault]))


def read_all(archive: WheelArchive) -> dict[str, bytes]:
    return {each.path: b"".join(archive.read(each)) for each in archive.contents.entries}


def refusal_of(fault: Fault) -> RefusedWheelError:
    with pytest.raises(RefusedWheelError) as caught:
        open_faulty(fault)
    return caught.value


# Both views of an entry, field by field.


def local(**fields: object) -> Callable[[Member], Member]:
    def edit(member: Member) -> Member:
        return replace(member, local=member.restated(**fields).local)

    return edit


def described(layout: Callable[[Header], bytes]) -> Callable[[Member], Member]:
    """Make the edit that moves CRC and sizes behind the data."""

    def edit(member: Member) -> Member:
        assert member.central
        central = replace(member.central, flags=member.central.flags | DESCRIPTOR_FLAG)
        header = replace(central, crc=0, compressed_size=0, size=0)
        return replace(member, local=header, central=central, descriptor=layout(central))

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        local(method=STORED),
        local(flags=0x800),
        local(crc=0),
        local(size=0),
        local(compressed_size=0),
        local(name=b"foo/__init__.pyc"),
        local(name=b"foo/__init__"),
        local(extra=b"\x01\x00\x10\x00" + bytes(16)),
        local(extra=b"\x01\x00\x08\x00" + bytes(8)),
        local(extra=pack_unicode_path(b"foo/__init__.py", "foo/other.py")),
        local(extra=pack_unicode_path(b"something", "foo/__init__.py")),
        local(extra=b"\x00\x00\x00"),
        local(size=0xFFFFFFFF, compressed_size=0xFFFFFFFF),
        described(lambda _: b""),
        described(lambda header: header.pack_descriptor()[:-1]),
        described(lambda header: header.pack_descriptor() + b"\0" * 8),
        described(lambda header: replace(header, crc=1).pack_descriptor()),
        described(lambda header: b"XXXX" + header.pack_descriptor()[4:]),
        lambda member: member.restated(flags=0x10),
        lambda member: member.restated(flags=0x2000),
        lambda member: member.restated(method=STORED),
        lambda member: replace(member, payload=member.payload + b"\0"),
        lambda member: replace(member, offset=1),
        lambda member: replace(member, local=None),
    ],
)
def test_views_that_disagree_are_refused_before_unpacking(edit: Callable[[Member], Member]) -> None:
    with pytest.raises(RefusedWheelError):
        open_faulty(Fault("", "", archive=on_first_member(edit)))


@pytest.mark.parametrize(
    "edit",
    [
        local(extra=b"UT\x05\x00" + bytes(5)),
        local(extra=pack_unicode_path(b"foo/__init__.py", "foo/__init__.py")),
        local(version_needed=45),
        described(Header.pack_descriptor),
        described(lambda header: header.pack_descriptor()[4:]),
    ],
)
def test_what_tools_write_is_accepted(edit: Callable[[Member], Member]) -> None:
    assert read_all(open_faulty(Fault("", "", archive=on_first_member(edit))))


def test_sizes_told_twice_are_accepted_as_bazel_writes_them() -> None:
    def edit(member: Member) -> Member:
        assert member.local
        sizes = (member.local.size, member.local.compressed_size)
        extra = b"\x01\x00\x10\x00" + b"".join(size.to_bytes(8, "little") for size in sizes)
        return replace(member, local=replace(member.local, extra=extra))

    assert read_all(open_faulty(Fault("", "", archive=on_first_member(edit))))


def repack(*, is_streamed: bool, force_zip64: bool, compression: int) -> bytes:
    """Give the sample as ``zipfile`` packs it, into a stream that cannot be sought where asked."""
    target = _Stream() if is_streamed else io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(pack_wheel(SPEC))) as source,
        zipfile.ZipFile(target, "w", compression) as archive,
    ):
        for name in source.namelist():
            with archive.open(name, "w", force_zip64=force_zip64) as file:
                file.write(source.read(name))
    return target.getvalue()


class _Stream(io.BytesIO):
    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("force_zip64", [False, True])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zipfiles_own_archives_are_accepted(is_streamed: bool, force_zip64: bool, compression: int) -> None:
    content = repack(is_streamed=is_streamed, force_zip64=force_zip64, compression=compression)
    assert read_all(open_bytes(content))


# The end of the archive, byte by byte.

END_BYTES = 22
END_64_BYTES = 56 + 20


def at(place: int, data: bytes) -> Callable[[bytes], bytes]:
    """Make the edit that writes ``data`` over the bytes at ``place``, from the end where negative."""

    def edit(content: bytes) -> bytes:
        start = place % len(content)
        return content[:start] + data + content[start + len(data) :]

    return edit


def insert(place: int, data: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + data + content[place:]


def in_directory(place: int, data: bytes) -> Callable[[bytes], bytes]:
    return lambda content: at(content.index(b"PK\1\2") + place, data)(content)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (at(-18, b"\1"), "another end record"),
        (at(-16, b"\1"), "another end record"),
        (at(-14, b"\1"), "another end record"),
        (at(-2, b"\1"), "another end record"),
        (lambda content: at(-2, b"\1")(content) + b"c", "more bytes or a comment"),
        (at(-14, b"\3\0\3\0"), "3 entries in the directory, found 4"),
        (at(-14, b"\5\0\5\0"), "5 entries in the directory, found 4"),
        (insert(-END_BYTES, b"hidden"), "expected the directory to end where"),
        (in_directory(34, b"\1"), "a whole entry of the directory"),
        (in_directory(28, b"\xff\xff"), "a whole entry of the directory"),
        (in_directory(0, b"PK\1\3"), "expected an entry of the directory"),
        (in_directory(8, b"\1"), "found encrypted data"),
        (at(0, b"PK\3\5"), "a header before the data, found something else"),
    ],
)
def test_an_end_that_lies_is_refused(edit: Callable[[bytes], bytes], problem: str) -> None:
    assert problem in refusal_of(Fault("", "", content=edit)).problem


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (at(-12, b"\7\0"), "another end record"),
        (at(-14, b"\7\0\7\0"), "both end records to agree"),
        (at(-10, b"\7\0\0\0"), "both end records to agree"),
        (at(-END_BYTES - 16, b"\1"), "right before its locator"),
        (at(-END_BYTES - 4, b"\2"), "right before its locator"),
        (at(-END_BYTES - END_64_BYTES, b"PK\6\5"), "a plain zip64 end record"),
        (at(-END_BYTES - END_64_BYTES + 4, b"\0"), "a plain zip64 end record"),
        (at(-END_BYTES - END_64_BYTES + 16, b"\1"), "a plain zip64 end record"),
        (at(-END_BYTES - END_64_BYTES + 20, b"\1"), "a plain zip64 end record"),
        (at(-END_BYTES - END_64_BYTES + 24, b"\1"), "a plain zip64 end record"),
        (at(-END_BYTES - END_64_BYTES + 48, b"\0"), "expected the directory to end where"),
    ],
)
def test_a_zip64_end_that_lies_is_refused(edit: Callable[[bytes], bytes], problem: str) -> None:
    assert problem in refusal_of(replace(FAULTS["odd-zip64"], content=edit)).problem


@pytest.mark.parametrize("name", ["entry-two-unicode-paths", "entry-truncated-extra"])
def test_extra_fields_are_told(name: str) -> None:
    assert "extra field" in refusal_of(FAULTS[name]).problem


def test_two_honest_unicode_paths_are_refused() -> None:
    extra = pack_unicode_path(b"foo/__init__.py", "foo/__init__.py") * 2
    fault = Fault("", "", archive=on_first_member(lambda member: member.restated(extra=extra)))
    assert "found two" in refusal_of(fault).problem
