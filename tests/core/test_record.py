import base64
import hashlib
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.finding import Severity
from pytest_wheeltag.core.record import RecordRow, compare_record, find_unsafe_rows, parse_record
from pytest_wheeltag.workshop.fault import render_rows

# Anything but half surrogates, which no UTF-8 holds, and the end of a line.
PATHS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


Parsed = TypeVar("Parsed")
Arguments = ParamSpec("Arguments")


def parsed(
    parse: Callable[Arguments, Parsed], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Parsed | None:
    """Give what was parsed, None where it was refused in words that may be printed."""
    try:
        return parse(*args, **kwargs)
    except DistInfoError as error:
        problem = str(error)
    assert problem.isprintable()
    return None


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


ROWS = st.builds(
    RecordRow,
    PATHS,
    st.sampled_from(["sha256", "sha512"]),
    st.binary().map(digest),
    st.none() | st.integers(0, 10**12),
)


@given(st.lists(ROWS | PATHS.map(RecordRow)))
def test_record_round_trips(rows: list[RecordRow]) -> None:
    """A RECORD file is comma-separated values of path, hash and size."""
    rendered = render_rows(
        tuple(
            (
                row.path,
                f"{row.algorithm}={row.digest}" if row.algorithm else "",
                "" if row.size is None else str(row.size),
            )
            for row in rows
        )
    )
    assert parse_record(rendered, 100) == tuple(rows)


@given(st.binary(max_size=200))
def test_record_is_read_or_refused(data: bytes) -> None:
    rows = parsed(parse_record, data, 100)
    assert rows is None or len(rows) <= data.count(b"\n") + 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b", "2 columns in line 1"),
        ("x,,\na,,,", "4 columns in line 2"),
        ("a,sha256,", "expected `algorithm=digest`"),
        ("a,sha256=,", "expected `algorithm=digest`"),
        ("a,,-1", "expected a size"),
        ("a,,1e3", "expected a size"),
        (f"a,,{'9' * 30}", "expected a size"),
        ('"a,,', "a mistake in line 1"),
        ('"a\nb",,', "a mistake in line 1"),
        ("a" * 9000 + ",,", "at most 8192 characters"),
        ("a,,\n" * 101, "at most 100 lines"),
        (",,\n,,\x00", "expected a size"),
    ],
)
def test_record_that_cannot_be_read(text: str, problem: str) -> None:
    with pytest.raises(DistInfoError) as caught:
        parse_record(text.encode(), 100)
    assert problem in caught.value.problem


def test_record_of_any_line_ending_and_quoting() -> None:
    data = b'a,sha256=AAA=,1\r\n"b,""c""",SHA256=BBB,\r\n\r\nd,,'
    assert parse_record(data, 9) == (
        RecordRow("a", "sha256", "AAA", 1),
        RecordRow('b,"c"', "sha256", "BBB"),
        RecordRow("d"),
    )


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "crc32", "shake_128"])
def test_weak_hashes(algorithm: str) -> None:
    found = list(find_unsafe_rows([RecordRow("a", algorithm, "x")], {"a"}))
    assert [each.severity for each in found] == [Severity.REFUSED]


def test_rows_are_compared_with_what_is_declared() -> None:
    rows = {
        row.path: row
        for row in (RecordRow("a", "sha256", "x", 1), RecordRow("b"), RecordRow("gone", "sha256", "x"))
    }
    sizes = {"a": 2, "b": 1, "new": 1, "d/RECORD": 9, "d/RECORD.jws": 1}
    found = [(each.severity, each.problem) for each in compare_record(rows, sizes, "d")]
    assert found == [
        (Severity.DOUBTFUL, "expected a row for each file, found none for `new`"),
        (Severity.NOTED, "expected only files of the archive, found `gone`"),
        (Severity.DOUBTFUL, "expected a hash for each file, found none for `b`"),
        (Severity.DOUBTFUL, "expected the size of each file, found another for `a`"),
    ]


@given(st.binary(), st.binary())
def test_a_row_fits_its_file_only(data: bytes, other: bytes) -> None:
    row = RecordRow("a", "sha256", digest(data), len(data))
    assert row.describe_mismatch(digest(data), len(data)) is None
    assert (row.describe_mismatch(digest(other), len(other)) is None) == (data == other)
    assert RecordRow("a").describe_mismatch(digest(other), len(other)) is None
