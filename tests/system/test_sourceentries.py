import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.errors import SdistError
from pytest_wheeltag.system.sourceentries import SourceArchive, SourceEntry

BOUNDS = WheelBounds(max_entries=10, max_depth=4, max_path_bytes=60, min_ratio_bytes=1000, max_ratio=5)
ARCHIVE = SourceArchive.of(io.BytesIO(bytes(300)), "foo.zip", BOUNDS, 100_000)


def test_an_entry_is_a_file_a_link_or_a_folder() -> None:
    assert SourceEntry("a", "`a`").is_folder
    assert not SourceEntry("a", "`a`", read=lambda: iter([b""])).is_folder
    assert not SourceEntry("a", "`a`", target="b").is_folder


@given(st.lists(st.sampled_from(["a", "foo.py", ".", "", "b c", "é"]), max_size=6))
def test_what_means_nothing_in_a_path_is_left_out(parts: list[str]) -> None:
    meant = [part for part in parts if part not in {"", "."}]
    if len(meant) > BOUNDS.max_depth or (parts and not parts[0]):
        return
    assert ARCHIVE.parse_path("/".join(parts)) == "/".join(meant)
    assert ARCHIVE.parse_path("/".join([".", *parts])) == "/".join(meant)


@given(st.text("ab./\\:é\0\n", max_size=12))
def test_a_path_that_is_taken_is_plain_and_taken_again_as_it_is(text: str) -> None:
    try:
        path = ARCHIVE.parse_path(text)
    except SdistError as error:
        assert str(error).isprintable()  # noqa: PT017 - whatever is raised, if anything, is one line
        return
    assert not path.startswith("/")
    assert {"", ".", ".."}.isdisjoint(path.split("/") if path else ["a"])
    assert ARCHIVE.parse_path(path) == path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("/etc/passwd", "found an absolute path in entry `/etc/passwd`"),
        ("a/../b", "expected a path of plain components"),
        ("a/b/c/d/e", "found more than 4 of them"),
        ("x" * 61, "found one of 61 bytes, more than 60"),
        ("\ud800", "found a character that this system cannot write"),
    ],
    ids=["absolute", "up", "deep", "long", "surrogate"],
)
def test_other_paths_are_refused(text: str, problem: str) -> None:
    with pytest.raises(SdistError) as caught:
        ARCHIVE.parse_path(text)
    assert problem in str(caught.value)


def test_an_archive_has_a_size_a_ratio_and_a_number_of_entries() -> None:
    for size in (0, 1000, 1500):
        ARCHIVE.check_size(size)
    ARCHIVE.check_count(10)
    with pytest.raises(SdistError, match="expected it to unpack to at most 5 times its size"):
        ARCHIVE.check_size(1501)
    with pytest.raises(SdistError, match=r"expected at most 100000 bytes unpacked, found more .*; make room"):
        ARCHIVE.check_size(100_001)
    with pytest.raises(SdistError, match="expected at most 10 entries, found more"):
        ARCHIVE.check_count(11)


@pytest.mark.parametrize(
    ("bound", "free_bytes", "limit"), [(None, 50, 50), (None, -1, 0), (70, 50, 70), (0, 50, 0)]
)
def test_what_is_free_bounds_an_archive_unless_somebody_says_how_much(
    bound: int | None, free_bytes: int, limit: int
) -> None:
    archive = SourceArchive.of(io.BytesIO(), "foo", replace(BOUNDS, max_unpacked_bytes=bound), free_bytes)
    assert archive.max_unpacked_bytes == limit


def test_its_place_in_the_file_stays_when_it_is_measured() -> None:
    ARCHIVE.file.seek(17)
    ARCHIVE.check_size(1200)
    assert ARCHIVE.file.tell() == 17


def test_names_are_escaped() -> None:
    archive = SourceArchive.of(io.BytesIO(), "foo\x1b.zip", BOUNDS, 0)
    assert str(archive.refusal("", "expected x")).startswith(
        r"foo\x1b.zip is refused, expected x; take another"
    )
