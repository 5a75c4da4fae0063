import io
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.publishedrecord import ArchivedFile, PublishedRecord
from pytest_wheeltag.core.record import RecordRow
from pytest_wheeltag.errors import RefusedWheelError
from pytest_wheeltag.system.tail import read_wheel_metadata, read_wheel_record

NAME = "foo-1.0-py3-none-any.whl"
METADATA = b"Name: foo\nVersion: 1.0\n"
INSIDE = "foo-1.0.dist-info/METADATA"


def pack(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def read(data: bytes) -> bytes:
    return read_wheel_metadata(io.BytesIO(data), NAME)


HONEST = pack(
    {
        "foo/__init__.py": b"",
        "foo/x.dist-info/METADATA": b"no",
        INSIDE: METADATA,
        "foo-1.0.dist-info/RECORD": b"",
    }
)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_metadata_is_found_through_the_central_directory(method: int) -> None:
    assert read(pack({"foo/METADATA": b"no", INSIDE: METADATA}, method)) == METADATA


def test_a_zip64_archive_is_read_too() -> None:
    end = struct.unpack("<4s4H2LH", HONEST[-22:])
    directory, offset = HONEST[end[6] : end[6] + end[5]], end[6]
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, end[3], end[4], len(directory), offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, offset + len(directory), 1)
    last = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)

    assert read(HONEST[:-22] + end64 + locator + last) == METADATA
    with pytest.raises(RefusedWheelError, match="to end where its end record begins"):
        read(HONEST[:-22] + end64 + b"x" * 20 + last)


def claimed(size: int) -> bytes:
    """Give an archive whose directory claims another size of METADATA."""
    at = HONEST.rfind(INSIDE.encode()) - 46
    return HONEST[: at + 24] + struct.pack("<L", size) + HONEST[at + 28 :]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "found an empty file"),
        (b"<html>nothing here</html>", "the server sent HTML"),
        (HONEST[:-1], "found more bytes or a comment"),
        (HONEST + b"x", "found more bytes"),
        (b"#!prefix" + HONEST, "to end where its end record begins"),
        (HONEST[:30] + HONEST[40:], "to end where its end record begins"),
        (pack({"foo.py": b""}), "found 0"),
        (pack({INSIDE: METADATA, "bar-1.0.dist-info/METADATA": METADATA}), "found 2"),
        (pack({INSIDE: METADATA}, zipfile.ZIP_BZIP2), "found method 12"),
        (pack({INSIDE: b"x" * 8_000_001}), "at most 8000000 bytes"),
        (claimed(5), "expected 5 bytes as declared"),
        (claimed(500), "expected 500 bytes as declared"),
        (
            HONEST.replace(b"foo-1.0.dist-info/METADATA", b"fooo1.0.dist-info/METADATA", 1),
            "header of the same name",
        ),
        (HONEST.replace(b"PK\x01\x02", b"PK\x01\x03", 1), "an entry of the directory"),
        (HONEST.replace(b"PK\x03\x04", b"PK\x03\x05"), "header of the same name"),
        (HONEST.replace(zlib.crc32(METADATA).to_bytes(4, "little"), b"\0\0\0\0"), "with the CRC 00000000"),
    ],
)
def test_what_does_not_fit_together_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(RefusedWheelError, match=problem) as caught:
        read(data)
    assert str(caught.value).startswith(f"{NAME} is refused")


@given(st.integers(0, len(HONEST) - 1), st.integers(1, 255))
def test_a_changed_byte_gives_the_metadata_or_a_refusal(place: int, change: int) -> None:
    data = bytearray(HONEST)
    data[place] ^= change
    with suppress(RefusedWheelError):
        assert read(bytes(data)) == METADATA


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(RefusedWheelError):
        read(data + HONEST[-22:])


RECORD = b"foo/a.py,sha256=AbC,3\nfoo-1.0.dist-info/RECORD,,\n"
LISTED = "foo-1.0.dist-info/RECORD"


def read_record(entries: dict[str, bytes], filename: str = NAME) -> PublishedRecord:
    return read_wheel_record(io.BytesIO(pack(entries)), filename)


def test_record_comes_with_the_files_of_the_archive() -> None:
    found = read_record({"foo/": b"", "foo/a.py": b"abc", "foo-1.0.data/scripts/run": b"", LISTED: RECORD})

    assert found.rows == (RecordRow("foo/a.py", "sha256", "AbC", 3), RecordRow(LISTED))
    assert found.layout.dist_info == "foo-1.0.dist-info"
    assert found.layout.data_folders == {"foo-1.0.data"}
    assert found.files[0] == ArchivedFile("foo/a.py", 3, zlib.crc32(b"abc"))
    assert [file.path for file in found.files] == ["foo/a.py", "foo-1.0.data/scripts/run", LISTED]


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({INSIDE: METADATA}, "expected RECORD in the dist-info folder, found none"),
        ({"bar-1.0.dist-info/RECORD": RECORD}, "expected the dist-info of foo 1.0"),
        ({LISTED: RECORD, "bar-1.0.dist-info/RECORD": b""}, "expected one dist-info folder"),
        ({LISTED: b"\xff"}, "expected UTF-8"),
        ({LISTED: b"foo/a.py,sha256=AbC\n"}, "found 2 columns"),
        ({LISTED: b"../../x,sha256=AbC,3\n"}, "expected paths inside the wheel"),
        ({LISTED: b"/etc/passwd,sha256=AbC,3\n"}, "expected paths inside the wheel"),
        ({LISTED: b"a,md5=AbC,3\n"}, "expected sha256 or better"),
        ({LISTED: b"a,sha256=AbC,3\na,sha256=AbD,3\n"}, "expected one row per file"),
        ({LISTED: b"a,,\n" * 100_001}, "at most 100000 lines"),
        ({LISTED: b"\n" * (16 << 20) + b"x"}, "at most 16777216 bytes"),
        ({LISTED: RECORD, "../x": b""}, "a path of plain components"),
        ({LISTED: RECORD, "a": b"", "a/b": b""}, "a file or a folder"),
        ({LISTED: RECORD, "foo-1.0.data/nowhere/x": b""}, "expected one of purelib"),
    ],
)
def test_a_record_that_no_wheel_may_have_is_refused(entries: dict[str, bytes], problem: str) -> None:
    with pytest.raises(RefusedWheelError, match=problem) as caught:
        read_record(entries)
    assert str(caught.value).startswith(f"{NAME} is refused")


def test_two_entries_of_one_name_are_refused() -> None:
    twice = pack({"foo/a.py": b"abc", "foo/b.py": b"abc", LISTED: RECORD}).replace(b"foo/b.py", b"foo/a.py")

    with pytest.raises(RefusedWheelError, match="found it twice"):
        read_wheel_record(io.BytesIO(twice), NAME)


def test_a_file_that_is_no_wheel_by_its_name_is_refused() -> None:
    with pytest.raises(RefusedWheelError, match="in its file name"):
        read_record({LISTED: RECORD}, "foo.whl")


WITH_RECORD = pack({"foo/a.py": b"abc", LISTED: RECORD})


@given(st.integers(0, len(WITH_RECORD) - 1), st.integers(1, 255))
def test_a_changed_byte_gives_the_record_or_a_refusal(place: int, change: int) -> None:
    data = bytearray(WITH_RECORD)
    data[place] ^= change
    with suppress(RefusedWheelError):
        assert read_wheel_record(io.BytesIO(bytes(data)), NAME).rows[1] == RecordRow(LISTED)
