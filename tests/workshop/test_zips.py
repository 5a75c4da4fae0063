import io
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.workshop.zips import (
    BZIP2,
    DEFLATED,
    LZMA,
    STORED,
    SYMLINK,
    Archive,
    Member,
    Zip64,
    pack_unicode_path,
    pack_zip64_extra,
)

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\/"), min_size=1)


def read(archive: Archive) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive.pack())) as reader:
        assert reader.testzip() is None
        return {name: reader.read(name) for name in reader.namelist()}


@given(st.dictionaries(NAMES, st.binary()))
def test_the_standard_library_reads_what_honest_members_hold(files: dict[str, bytes]) -> None:
    """What an archive holds comes out as it went in."""
    assert read(Archive(tuple(Member.of(name, data) for name, data in files.items()))) == files


@pytest.mark.parametrize("method", [STORED, DEFLATED, BZIP2, LZMA])
def test_every_method_of_the_standard_library_is_spoken(method: int) -> None:
    data = b"wheeltag" * 100
    assert read(Archive((Member.of("a", data, method=method),))) == {"a": data}


def test_bytes_repeat() -> None:
    archive = Archive((Member.of("a", b"1"), Member.of("é", b"2")))
    assert archive.pack() == Archive((Member.of("a", b"1"), Member.of("é", b"2"))).pack()


def test_zip64_is_read_by_the_standard_library() -> None:
    assert read(Archive((Member.of("a", b"1"),), zip64=Zip64())) == {"a": b"1"}


def test_more_members_than_16_bits_count_end_as_zip64() -> None:
    packed = Archive((Member.of("a", b""),) * 65_535).pack()
    assert b"PK\6\6" in packed[-200:]
    with zipfile.ZipFile(io.BytesIO(packed)) as reader:
        assert len(reader.infolist()) == 65_535


def test_zip64_sizes_in_extra_fields_are_read() -> None:
    member = Member.of("a", b"12345")
    extra = pack_zip64_extra(5, len(member.payload))
    large = member.restated(size=2**32 - 1, compressed_size=2**32 - 1, extra=extra)
    assert read(Archive((large,))) == {"a": b"12345"}


def test_a_unicode_path_is_an_extra_field_with_the_crc_of_the_name() -> None:
    assert pack_unicode_path(b"a", "b") == b"\x75\x70\x06\x00\x01\x43\xbe\xb7\xe8b"


def test_modes_and_hidden_members() -> None:
    link = Member.of("link", b"target", mode=SYMLINK)
    hidden = replace(Member.of("hidden", b""), central=None)
    packed = Archive((hidden, link)).pack()
    with zipfile.ZipFile(io.BytesIO(packed)) as reader:
        (entry,) = reader.infolist()
    assert entry.external_attr >> 16 == SYMLINK
    assert b"hidden" in packed


def test_members_are_found_replaced_and_dropped_by_name() -> None:
    archive = Archive((Member.of("a", b"1"), Member.of("b", b"2")))
    assert archive.member("b").payload == Member.of("b", b"2").payload
    assert read(archive.with_member("a", Member.of("c", b"3"))) == {"c": b"3", "b": b"2"}
    assert read(archive.without("a")) == {"b": b"2"}
    with pytest.raises(KeyError):
        archive.member("c")


def test_names_that_are_not_utf8_stay_bytes() -> None:
    member = Member.of("a", b"").renamed(b"\xff")
    assert member.name == "\udcff"
    assert b"\xff" in Archive((member,)).pack()
