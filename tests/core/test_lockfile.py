import hashlib
import logging
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.pylock import is_valid_pylock_path

from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.lockfile import describe_version, is_lock_name, read_lock, select_parts
from pytest_wheeltag.errors import UsageError

FOLDER = "file:///work/"
LOCK = """\
lock-version = "1.0"
created-by = "hand"
extras = ["a-b"]
dependency-groups = ["Dev_Tools", "docs"]
default-groups = ["main"]
packages = []
"""


def read(text: str = LOCK) -> Lock:
    return read_lock(text.encode(), "pylock.toml", FOLDER)


@given(st.text("pylock.tom/\n", max_size=20) | st.from_regex(r"pylock\..*toml"))
@example("pylock.toml")
@example("pylock.foo.toml")
@example("pylock.foo.bar.toml")
@example("pylock..toml")
@example("Pylock.toml")
@example("pylock.toml\n")
def test_locks_are_known_by_their_names(name: str) -> None:
    # What is no file name on its own has another last part, and `$` lets a line end pass.
    if "/" not in name and not name.endswith("\n") and name not in {"", "."}:
        assert is_lock_name(name) == is_valid_pylock_path(Path(name))
    else:
        assert not is_lock_name(name)


def test_a_lock_remembers_its_bytes_and_its_place() -> None:
    lock = read()
    placed = read_lock(LOCK.encode(), "pylock.toml", f"{FOLDER}pylock.toml")

    assert (placed.address, placed.folder) == (f"{FOLDER}pylock.toml", FOLDER)

    assert (lock.origin, lock.folder) == ("pylock.toml", FOLDER)
    assert lock.digest == hashlib.sha256(LOCK.encode()).hexdigest()
    assert (lock.extras, lock.groups) == (frozenset(), None)
    assert describe_version(lock) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("lock-version = ", "expected TOML, found a mistake (Invalid value"),
        ("a = " + "[" * 5000, "expected TOML, found a mistake ("),
        ("", "expected lock-version 1.0, the one that is known; write the lock anew for it, found: `None`"),
        ("lock-version = 1.0", "expected lock-version 1.0"),
        (
            "lock-version = 'x'",
            "expected lock-version 1.0, the one that is known; write the lock anew for it, found: `x`",
        ),
        ("lock-version = '2.0'", "found: `2.0`"),
        ("lock-version = '0.9'", "found: `0.9`"),
        ("lock-version = '1.0'", "specification has it, found: `Missing required value in 'created-by'`"),
        (
            LOCK.replace("[]\n", "[{name = 'Foo', directory = {path = '.'}}]"),
            "found: `Name 'Foo' is not normalized in 'packages[0].name'`",
        ),
        (
            LOCK.replace(
                "packages = []", "packages = [{name = 'foo', marker = 'x ==', directory = {path = '.'}}]"
            ),
            "in 'packages[0].marker'`",
        ),
    ],
    ids=["broken", "deep", "empty", "number", "no version", "major", "older", "field", "name", "marker"],
)
def test_what_is_no_lock_is_refused_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)

    message = str(caught.value)
    assert message.startswith(("pylock.toml: expected ", "pylock.toml cannot be used, expected TOML, found "))
    assert problem in message
    assert message.isprintable()


def test_a_lock_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"^pylock.toml cannot be used, expected UTF-8, found something else at byte 0$"
    ):
        read_lock(b"\xff", "pylock.toml", FOLDER)


def test_of_a_newer_minor_version_is_read_what_is_known(caplog: pytest.LogCaptureFixture) -> None:
    """If a tool supports the major version but not the minor version, a tool SHOULD warn when an unknown key is seen."""
    with caplog.at_level(logging.DEBUG):
        lock = read(LOCK.replace("1.0", "1.7") + "[news]\na = 1\n")

    assert describe_version(lock) == (
        "pylock.toml has a newer lock-version than 1.0, of which some may be ignored: `1.7`"
    )
    assert caplog.records == []


def test_extras_and_groups_are_found_however_they_are_spelt() -> None:
    lock = select_parts(read(), ["A_B"], ["dev-tools", "main"])

    assert lock.extras == {"a-b"}
    assert lock.groups == frozenset({"Dev_Tools", "main"})


def test_no_groups_are_not_the_default_groups() -> None:
    assert select_parts(read(), groups=[]).groups == frozenset()
    assert select_parts(read()).groups is None


def test_an_unknown_extra_or_group_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as extra:
        select_parts(read(), ["a"])
    with pytest.raises(UsageError) as group:
        select_parts(read(), groups=["doc"])
    with pytest.raises(UsageError) as none:
        select_parts(read(LOCK.replace('extras = ["a-b"]\n', "")), ["a"])

    assert (
        str(extra.value)
        == "pylock.toml: expected one of the lock's extras (the nearest is `a-b`), found: `a`"
    )
    assert str(group.value) == (
        "pylock.toml: expected one of the lock's dependency groups (the nearest is `docs`), found: `doc`"
    )
    assert str(none.value) == "pylock.toml: expected one of the lock's extras (there is none), found: `a`"
