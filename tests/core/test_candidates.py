from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import (
    Offer,
    PublishedFile,
    Reason,
    Screen,
    is_variant,
    parse_wheel_name,
    screen_release,
    split_version,
)
from pytest_wheeltag.workshop.imagined import imagine_file, imagine_interpreter

CP311 = imagine_interpreter("3.11.7")
FOO = canonicalize_name("foo")


def offer(*files: PublishedFile | str, version: str = "1.0", until: datetime | None = None) -> Offer:
    listed = [imagine_file(each) if isinstance(each, str) else each for each in files]
    return screen_release(FOO, Version(version), listed, Screen(CP311, until))


def names(on_offer: Offer) -> list[str]:
    return [candidate.file.filename for candidate in on_offer.candidates]


def test_candidates_come_best_first() -> None:
    on_offer = offer(
        "foo-1.0-py3-none-any.whl",
        "foo-1.0-cp39-abi3-manylinux_2_17_x86_64.whl",
        "foo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "foo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    )

    assert names(on_offer) == [
        "foo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        "foo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "foo-1.0-cp39-abi3-manylinux_2_17_x86_64.whl",
        "foo-1.0-py3-none-any.whl",
    ]


def test_a_better_tag_beats_a_higher_build_number() -> None:
    """Best rank over the file's expanded tags; then the build tag, none lowest."""
    on_offer = offer(
        "foo-1.0-9-py3-none-any.whl",
        "foo-1.0-py311-none-any.whl",
        "foo-1.0-10-py3-none-any.whl",
        "foo-1.0-py3-none-any.whl",
    )

    assert names(on_offer) == [
        "foo-1.0-py311-none-any.whl",
        "foo-1.0-10-py3-none-any.whl",
        "foo-1.0-9-py3-none-any.whl",
        "foo-1.0-py3-none-any.whl",
    ]


def test_of_files_that_tie_the_last_listed_is_taken() -> None:
    on_offer = offer("foo-1.0-py3-none-any.whl", "foo-1.0-py2.py3-none-any.whl")

    assert on_offer.best is not None
    assert on_offer.best.file.filename == "foo-1.0-py2.py3-none-any.whl"
    assert [tie.file.filename for tie in on_offer.ties] == ["foo-1.0-py3-none-any.whl"]


def test_one_file_on_two_indexes_is_no_tie() -> None:
    on_offer = offer("foo-1.0-py3-none-any.whl", "foo-1.0-py3-none-any.whl")

    assert on_offer.ties == ()


@pytest.mark.parametrize(
    ("file", "reason", "detail"),
    [
        (imagine_file("foo-1.0-cp312-cp312-linux_x86_64.whl"), Reason.TAGS, "cp312-cp312-linux_x86_64"),
        (
            imagine_file("foo-1.0-py3-none-any.whl", requires_python=">=3.12"),
            Reason.REQUIRES_PYTHON,
            ">=3.12",
        ),
        (
            imagine_file("foo-1.0-py3-none-any.whl", requires_python="junk"),
            Reason.REQUIRES_PYTHON,
            "not a version specifier: junk",
        ),
        (imagine_file("foo-1.0-x!-py3-none-any.whl"), None, ""),
        (imagine_file("foo-1.0-1-py3--any.whl"), Reason.UNREADABLE, ""),
        (imagine_file("foo-1.0.tar.gz", requires_python="<3"), Reason.REQUIRES_PYTHON, "<3"),
    ],
)
def test_a_file_falls_out_with_its_reason(file: PublishedFile, reason: Reason | None, detail: str) -> None:
    on_offer = offer(file)

    assert on_offer.candidates == ()
    assert [found.reason for found in on_offer.rejections] == ([reason] if reason else [])
    assert on_offer.variants == (reason is None)
    if detail:
        assert on_offer.rejections[0].detail == detail


def test_the_nearest_miss_is_the_reason_that_came_closest() -> None:
    on_offer = offer(
        imagine_file("foo-1.0-py3-none-any.whl", requires_python=">=3.12"),
        "foo-1.0-cp312-cp312-linux_x86_64.whl",
    )

    assert on_offer.nearest_miss is not None
    assert on_offer.nearest_miss.reason is Reason.REQUIRES_PYTHON
    assert offer().nearest_miss is None


def test_uploads_after_the_date_fall_out_and_so_do_those_without_a_date() -> None:
    until = datetime(2026, 1, 1, tzinfo=UTC)
    early = imagine_file("foo-1.0-py3-none-any.whl", upload_time=datetime(2025, 12, 31, 23, tzinfo=UTC))
    late = imagine_file("foo-1.0-py311-none-any.whl", upload_time=datetime(2026, 1, 1, 0, 1, tzinfo=UTC))
    undated = imagine_file("foo-1.0-cp311-none-any.whl")
    here = PublishedFile("foo-1.0-py30-none-any.whl", "file:///wheels/foo-1.0-py30-none-any.whl")

    on_offer = offer(late, early, undated, here, until=until)

    assert names(on_offer) == ["foo-1.0-py3-none-any.whl", "foo-1.0-py30-none-any.whl"]
    assert [found.file for found in on_offer.rejections] == [late, undated]


def test_yanked_files_count_only_where_no_other_is_compatible() -> None:
    yanked = imagine_file("foo-1.0-py311-none-any.whl", yanked="broken")

    assert names(offer(yanked)) == ["foo-1.0-py311-none-any.whl"]
    beside = offer(yanked, "foo-1.0-py3-none-any.whl")
    assert names(beside) == ["foo-1.0-py3-none-any.whl"]
    assert [(found.reason, found.detail) for found in beside.rejections] == [(Reason.YANKED, "broken")]
    elsewhere = offer(yanked, "foo-1.0-cp312-cp312-linux_x86_64.whl")
    assert names(elsewhere) == ["foo-1.0-py311-none-any.whl"]


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("foo-1.0-py3-none-any.whl", False),
        ("foo-1.0-1-py3-none-any.whl", False),
        ("foo-1.0-x86_64_v3-py3-none-any.whl", True),
        ("foo-1.0-1-py3-none-any-x86_64_v3.whl", True),
        ("foo-1.0-py3-none.whl", False),
        ("foo-1.0.tar.gz", False),
    ],
)
def test_a_name_with_a_part_too_many_is_a_variant(filename: str, *, expected: bool) -> None:
    assert is_variant(filename) is expected


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("Foo-1.0-py3-none-any.whl", "1.0"),
        ("foo-1.0+cpu-py3-none-any.whl", "1.0+cpu"),
        ("foo-1.0.tar.gz", "1.0"),
        ("foo-1.0.zip", "1.0"),
        ("foo_bar-1.0-py3-none-any.whl", None),
        ("foo-1.0.exe", None),
        ("foo.whl", None),
    ],
)
def test_the_version_is_cut_out_of_a_name(filename: str, version: str | None) -> None:
    assert split_version(filename, FOO) == version


@given(st.text(alphabet="fo10-.any_py3cp!+", max_size=40))
def test_a_name_parses_or_says_why_not(stem: str) -> None:
    """Whatever an index lists as a file name, it is a wheel's name or a reason."""
    with suppress(ValueError):
        wheel = parse_wheel_name(f"{stem}.whl")
        assert f"{stem}.whl".endswith(f"-{wheel.tags}.whl")


def test_versions_are_equal_by_pep_440() -> None:
    assert names(
        offer("foo-1.0.0-py3-none-any.whl", "foo-1-py30-none-any.whl", "foo-1.0.1-py3-none-any.whl")
    ) == [
        "foo-1.0.0-py3-none-any.whl",
        "foo-1-py30-none-any.whl",
    ]
    assert names(offer("foo-1.0+cpu-py3-none-any.whl")) == []
