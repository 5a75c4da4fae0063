from datetime import UTC, datetime

import pytest

from pytest_wheeltag.core.lockparts import (
    admitted_python,
    read_file,
    read_hashes,
    read_name,
    shown_checkout,
    shown_place,
)
from pytest_wheeltag.core.tomltable import TomlTable
from pytest_wheeltag.errors import LockError


def table(text: str) -> TomlTable:
    return TomlTable.parse(text, "some.lock", LockError, max_characters=10_000)


@pytest.mark.parametrize(
    ("text", "filename"),
    [
        ("file = 'a-1.whl'", "a-1.whl"),
        ("file = 'a-1.whl'\nurl = 'https://files.example/other'", "a-1.whl"),
        ("url = 'https://files.example/x/a-1%2Bb.whl?y#z'", "a-1+b.whl"),
        ("path = '../x/a-1.whl'", "a-1.whl"),
        ("filename = 'a%2B-1.whl'", "a%2B-1.whl"),
    ],
)
def test_a_file_is_called_as_the_lock_or_its_address_says(text: str, filename: str) -> None:
    assert read_file(table(text)).filename == filename


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05+02:00", datetime(2025, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_times_are_told_in_utc(text: str, moment: datetime) -> None:
    assert read_file(table(f"file = 'a'\nupload-time = '{text}'")).upload_time == moment


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a text in `file`, found nothing"),
        (
            "url = 'https://me:secret@files.example/'",
            "expected the name of a file in `url`, found `https://files.example/`",
        ),
        ("url = 'https://[/a.whl'", "expected an address in `url`, found `https://[/a.whl`"),
        ("file = ['a']", "expected a text in `file`, found an array"),
        ("file = 'a'\nsize = '7'", "expected a whole number from 0 upwards in `size`, found `7`"),
        ("file = 'a'\nupload-time = 'now'", "expected a time (RFC 3339) in `upload-time`, found `now`"),
        (
            "file = 'a'\nupload-time = '0001-01-01T00:00:00+23:00'",
            "expected a time (RFC 3339) in `upload-time`, found `0001-01-01T00:00:00+23:00`",
        ),
        ("file = 'a'\nhash = 'abc'", "expected `ALGORITHM:HEX` in `hash`, found `abc`"),
        ("file = 'a'\nhash = 'sha256:abc'", "expected `ALGORITHM:HEX` in `hash`, found `sha256:abc`"),
    ],
)
def test_what_is_no_file_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(LockError) as caught:
        read_file(table(text))

    assert caught.value.problem == problem


def test_names_and_hashes_are_normalised() -> None:
    assert read_name(table("name = 'Foo._Bar'")) == "foo-bar"
    assert read_hashes(table(f"hash = 'SHA256:{'AB' * 32}'")) == (("sha256", "ab" * 32),)
    assert read_hashes(table("")) == ()


@pytest.mark.parametrize(
    ("text", "admitted"),
    [
        ("python = '>=3.8,<4'", "<4,>=3.8"),
        ("python = '*'", None),
        ("python = '^3.8 || 2.7'", None),
        ("", None),
    ],
)
def test_which_pythons_are_admitted_counts_where_it_is_a_specifier(text: str, admitted: str | None) -> None:
    assert admitted_python(table(text), "python") == admitted


def test_places_are_shown_without_secrets() -> None:
    assert shown_place("https://me:secret@x.example/a?token=b") == "https://x.example/a"
    assert shown_place("../\x1b") == "../\\x1b"
    assert shown_checkout("ssh://git@x.example/a", None) == "git+ssh://x.example/a"
    assert shown_checkout("https://x.example/a", "f" * 99) == f"git+https://x.example/a@{'f' * 64}"
