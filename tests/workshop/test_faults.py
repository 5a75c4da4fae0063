import io
import re
import zipfile
from pathlib import Path

import pytest

from pytest_wheeltag.workshop.archive_faults import BOMB_BYTES, zeros
from pytest_wheeltag.workshop.fault import (
    Expectation,
    Fault,
    adding,
    dist_info_of,
    on_rows,
    parse_rows,
    render_rows,
)
from pytest_wheeltag.workshop.faults import FAULTS
from pytest_wheeltag.workshop.wheels import WheelSpec, build_wheel, pack_wheel, wheel_filename
from pytest_wheeltag.workshop.zips import Archive

SPEC = WheelSpec("foo", "1.0")
# Built once, in tests of their own.
HEAVY = {"content-many-files", "entry-bomb", "record-many-rows", "metadata-too-large"}
LIGHT = {name: fault for name, fault in FAULTS.items() if name not in HEAVY}


def faulty(name: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(pack_wheel(SPEC, [FAULTS[name]])))


@pytest.mark.parametrize("fault", LIGHT.values(), ids=LIGHT)
def test_every_fault_changes_the_wheel_and_repeats(fault: Fault) -> None:
    content = pack_wheel(SPEC, [fault])
    assert content == pack_wheel(SPEC, [fault])
    assert (content, wheel_filename(SPEC, [fault])) != (pack_wheel(SPEC), wheel_filename(SPEC))


def test_names_are_slugs_and_cover_the_table() -> None:
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in FAULTS)
    rows = {int(match[0]) for fault in FAULTS.values() if (match := re.match(r"\d+", fault.row))}
    assert set(range(1, 98)) <= rows


def test_expectations_are_all_in_use() -> None:
    assert {fault.expectation for fault in FAULTS.values()} == set(Expectation)


def test_faults_add_up(tmp_path: Path) -> None:
    path = build_wheel(
        SPEC, tmp_path, [FAULTS["record-missing"], FAULTS["name-bad-version"], FAULTS["wheel-other-tag"]]
    )
    with zipfile.ZipFile(path) as archive:
        assert "foo-1.0.dist-info/RECORD" not in archive.namelist()
        assert b"Tag: py39-none-any" in archive.read("foo-1.0.dist-info/WHEEL")
    assert path.name == "foo-one-py3-none-any.whl"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("archive-truncated", "not a zip file"),
        ("archive-zip64-without-locator", "Bad offset"),
        ("entry-zip64-short-extra", "Compress size not found"),
        ("entry-truncated-extra", "Corrupt extra field"),
    ],
)
def test_the_standard_library_refuses(name: str, reason: str) -> None:
    with pytest.raises(zipfile.BadZipFile, match=reason):
        faulty(name)


@pytest.mark.parametrize("name", ["entry-bad-crc", "entry-disagreeing-crc", "entry-local-name"])
def test_the_standard_library_cannot_read_the_first_file(name: str) -> None:
    with faulty(name) as archive:
        assert archive.testzip() == "foo/__init__.py"


@pytest.mark.parametrize("name", ["odd-descriptor", "odd-zip64", "odd-folder", "odd-spaces", "content-pth"])
def test_what_is_only_odd_can_be_read(name: str) -> None:
    with faulty(name) as archive:
        assert archive.testzip() is None
    assert FAULTS[name].expectation is Expectation.ACCEPTED


def test_a_hidden_entry_is_in_the_bytes_only() -> None:
    with faulty("entry-hidden") as archive:
        assert "wheeltag_hidden.py" not in archive.namelist()
    assert b"wheeltag_hidden.py" in pack_wheel(SPEC, [FAULTS["entry-hidden"]])


def test_overlapping_entries_share_bytes() -> None:
    with faulty("entry-overlapping") as archive:
        outer, inner = archive.getinfo("wheeltag_outer.bin"), archive.getinfo("wheeltag_inner.py")
        assert archive.read(inner) == b"INNER = True\n"
        assert outer.header_offset < inner.header_offset < outer.header_offset + outer.compress_size + 48


def test_of_two_concatenated_archives_the_second_wins() -> None:
    with faulty("archive-concatenated") as archive:
        assert archive.namelist() == ["wheeltag_second.py"]


def test_climbing_paths_stand_in_archive_and_record() -> None:
    with faulty("path-climbs") as archive:
        assert "../../../../wheeltag-escape" in archive.namelist()
        rows = parse_rows(archive.read("foo-1.0.dist-info/RECORD"))
    assert "../../../../wheeltag-escape" in [row[0] for row in rows]


@pytest.mark.parametrize(
    ("name", "gone"),
    [("record-missing", "RECORD"), ("wheel-missing", "WHEEL"), ("metadata-missing", "METADATA")],
)
def test_missing_files_are_missing(name: str, gone: str) -> None:
    with faulty(name) as archive:
        assert f"foo-1.0.dist-info/{gone}" not in archive.namelist()


def test_many_files_need_zip64() -> None:
    with faulty("content-many-files") as archive:
        assert len(archive.infolist()) > 65_535


def test_a_bomb_is_small_until_it_is_opened() -> None:
    content = pack_wheel(SPEC, [FAULTS["entry-bomb"]])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.getinfo("wheeltag_bomb.bin").file_size == BOMB_BYTES
    assert len(content) < BOMB_BYTES / 500


def test_zeros_are_what_they_say() -> None:
    with zipfile.ZipFile(io.BytesIO(Archive((zeros("z", 1),)).pack())) as archive:
        assert archive.read("z") == bytes(2**20)


def test_large_metadata_and_records_are_large() -> None:
    with faulty("metadata-too-large") as archive:
        assert archive.getinfo("foo-1.0.dist-info/METADATA").file_size > 8 * 2**20
    with faulty("record-many-rows") as archive:
        assert archive.read("foo-1.0.dist-info/RECORD").count(b"\n") > 100_000


def test_a_fault_of_ones_own_is_a_value() -> None:
    fault = Fault(
        "mine", "", files=adding({"{info}/x": b"1", "{data}/purelib/y": b"2"}), record=on_rows(lambda _: ())
    )
    with zipfile.ZipFile(io.BytesIO(pack_wheel(SPEC, [fault]))) as archive:
        assert {"foo-1.0.dist-info/x", "foo-1.0.data/purelib/y"} <= set(archive.namelist())
        assert archive.read("foo-1.0.dist-info/RECORD") == b""


def test_rows_are_written_as_they_are_read() -> None:
    rows = (("a,b", "sha256=x", "1"), ('q"', "", ""))
    assert parse_rows(render_rows(rows)) == rows


def test_without_dist_info_there_is_nothing_to_edit() -> None:
    with pytest.raises(KeyError):
        dist_info_of({"foo.py": b""})
