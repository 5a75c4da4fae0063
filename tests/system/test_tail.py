import io
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.errors import RefusedWheelError
from pytest_wheeltag.system.tail import read_wheel_metadata

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
