import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.errors import SdistError
from pytest_wheeltag.system.sourcearchives import read_archive
from pytest_wheeltag.system.sourceentries import SourceArchive
from pytest_wheeltag.system.zipsource import EntryError

FILES = {"foo/setup.py": b"x = 1\n" * 1000, "foo/empty": b""}


def pack_tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def pack_zip(comment: bytes = b"") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(zipfile.ZipInfo(name, (2009, 2, 13, 23, 31, 30)), content, zipfile.ZIP_DEFLATED)
        archive.comment = comment
    return packed.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "foo.tar": pack_tar,
    "foo.tar.gz": lambda: gzip.compress(pack_tar()),
    "foo.tar.bz2": lambda: bz2.compress(pack_tar()),
    "foo.tar.xz": lambda: lzma.compress(pack_tar()),
    "foo.tar.lzma": lambda: lzma.compress(pack_tar(), lzma.FORMAT_ALONE),
    "foo.zip": pack_zip,
}


def archive_of(data: bytes, name: str, bounds: WheelBounds | None = None) -> SourceArchive:
    return SourceArchive.of(io.BytesIO(data), name, bounds or WheelBounds(), 1 << 30)


def read(data: bytes, name: str, scratch: Path) -> dict[str, bytes]:
    with ExitStack() as held:
        found = read_archive(archive_of(data, name), scratch, held)
        return {each.path: b"".join(each.read()) for each in found if each.read is not None}


@pytest.mark.parametrize("name", KINDS)
def test_archives_of_each_kind_hold_the_same(name: str, tmp_path: Path) -> None:
    assert read(KINDS[name](), name, tmp_path) == FILES
    assert read(KINDS[name](), name.upper(), tmp_path) == FILES
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_content_of_another_kind_than_the_name_says_is_refused(name: str, other: str, tmp_path: Path) -> None:
    if name == other or {name, other} == {"foo.tar.xz", "foo.tar.lzma"}:
        return  # one decompressor reads both
    with pytest.raises(SdistError, match="as its name says, found a"):
        read(KINDS[other](), name, tmp_path)


def test_streams_that_stand_one_after_the_other_are_one(tmp_path: Path) -> None:
    packed = pack_tar()
    parts = gzip.compress(packed[:1000]) + b"\0" * 20 + gzip.compress(packed[1000:])

    assert read(parts, "foo.tar.gz", tmp_path) == FILES


def test_a_bound_ends_decompression(tmp_path: Path) -> None:
    bounds = WheelBounds(max_unpacked_bytes=3000)
    with pytest.raises(SdistError, match="expected at most 3000 bytes unpacked"), ExitStack() as held:
        read_archive(archive_of(KINDS["foo.tar.gz"](), "foo.tar.gz", bounds), tmp_path, held)


def test_what_is_listed_can_be_read_until_it_is_let_go(tmp_path: Path) -> None:
    with ExitStack() as held:
        found = read_archive(archive_of(KINDS["foo.tar.xz"](), "foo.tar.xz"), tmp_path, held)
    assert found[0].read is not None
    with pytest.raises(ValueError, match="closed file"):
        list(found[0].read())


def test_a_forges_comment_at_the_end_of_a_zip_archive_is_left_out(tmp_path: Path) -> None:
    assert read(pack_zip(b"8f1d2c0e" * 5), "foo.zip", tmp_path) == FILES
    with pytest.raises(SdistError, match="more bytes or a comment"):
        read(pack_zip(b"no\0text"), "foo.zip", tmp_path)


def test_a_zip_archives_times_have_no_zone_and_its_content_a_checksum(tmp_path: Path) -> None:
    packed = pack_zip()
    with ExitStack() as held:
        setup, _ = read_archive(archive_of(packed, "foo.zip"), tmp_path, held)
        assert setup.mtime_ns == 1_234_567_890 * 1_000_000_000
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        checksum = archive.getinfo("foo/setup.py").CRC.to_bytes(4, "little")
    with pytest.raises(EntryError, match="expected data with the CRC"):
        read(packed.replace(checksum, b"abcd"), "foo.zip", tmp_path)
