from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.lockfile import read_lock
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.errors import InapplicableError, UninstallableError
from pytest_wheeltag.subjects.attempt import Attempt
from pytest_wheeltag.subjects.lockedfiles import hand_over, look_up, read_resolved
from pytest_wheeltag.subjects.seclusion import Seclusion
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.locks import Pin, render_lock

ONE, TWO = "1" * 64, "2" * 64
FOO = canonicalize_name("foo")
BAR = canonicalize_name("bar-baz")
FILES = (("foo-1.0-py310-none-any.whl", ONE), ("foo-1.0-py311-none-any.whl", TWO))
EXPECTED = (
    ResolvedFile(FOO, "1.0", among=FILES),
    ResolvedFile(BAR, "2.0", "bar_baz-2.0.tar.gz", ONE),
)

# As poetry 2 and pdm 2.29 write them.
TOGETHER = f"""
[[package]]
name = "foo"
version = "1.0"
files = [
    {{file = "{FILES[0][0]}", hash = "sha256:{ONE}"}},
    {{file = "{FILES[1][0]}", hash = "sha256:{TWO}"}},
]

[[package]]
name = "Bar_Baz"
version = "2.0"
files = [{{url = "https://index.example/files/bar_baz-2.0.tar.gz", hash = "sha256:{ONE}"}}]
"""
APART = f"""
[[package]]
name = "foo"
version = "1.0"

[[package]]
name = "bar-baz"
version = "2.0"

[metadata]
{{}}

[metadata.files]
"{{}}" = [
    {{{{file = "{FILES[0][0]}", hash = "sha256:{ONE}"}}}},
    {{{{file = "{FILES[1][0]}", hash = "sha256:{TWO}"}}}},
]
"{{}}" = [{{{{file = "bar_baz-2.0.tar.gz", hash = "sha256:{ONE}"}}}}]
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("poetry.lock", '[metadata]\nlock-version = "2.1"\n' + TOGETHER),
        ("pdm.lock", '[metadata]\nlock_version = "4.5.1"\n' + TOGETHER),
        ("poetry.lock", APART.format('lock-version = "1.1"', "foo", "bar-baz")),
        ("pdm.lock", APART.format('lock_version = "3.1"', "foo 1.0", "bar-baz 2.0")),
    ],
    ids=["poetry", "pdm", "poetry-1.1", "pdm-1"],
)
def test_a_release_is_one_of_its_files_or_the_only_one(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    assert read_resolved(path) == EXPECTED
    assert read_resolved(path, {BAR}) == EXPECTED[1:]


def test_a_tree_has_no_file_and_a_weak_hash_is_none(tmp_path: Path) -> None:
    path = tmp_path / "poetry.lock"
    path.write_text(
        '[[package]]\nname = "tree"\nversion = "1"\nfiles = []\n'
        f'[[package]]\nname = "foo"\nversion = "1"\nfiles = [{{file = "foo-1.tar.gz", hash = "md5:{"0" * 32}"}}]\n',
        encoding="utf-8",
    )

    assert read_resolved(path) == (
        ResolvedFile(canonicalize_name("tree"), "1"),
        ResolvedFile(FOO, "1", "foo-1.tar.gz"),
    )


@pytest.mark.parametrize("text", [None, "", "[[package]]\n", "package = 1", 'package = ["foo"]', "\0"])
def test_where_there_is_nothing_to_be_read_nothing_is_said(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "poetry.lock"
    if text is not None:
        path.write_text(text, encoding="utf-8")

    assert not read_resolved(path)


def attempt() -> Attempt:
    return Attempt(InstallerName("imagined", "1.0"), imagine_interpreter(), Request(()), Seclusion({}))


def pinned(*files: tuple[str, str]) -> bytes:
    return render_lock(
        Pin(name, f"https://index.example/{name}", digest, True) for name, digest in files
    ).encode()


def test_a_lock_says_of_what_was_installed_which_files_it_may_have_been(tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    path.write_bytes(
        pinned(*FILES, ("bar_baz-2.0-py3-none-any.whl", ONE), ("other-1.0-py3-none-any.whl", ONE))
    )
    said = (ResolvedFile(BAR, "2.0"), ResolvedFile(FOO, "1.0"))

    assert look_up(path, said) == (
        ResolvedFile(BAR, "2.0", "bar_baz-2.0-py3-none-any.whl", ONE),
        ResolvedFile(FOO, "1.0", among=FILES),
    )
    # Of another version it knows nothing.
    assert look_up(path, (ResolvedFile(FOO, "1.1"),)) == (ResolvedFile(FOO, "1.1"),)
    assert look_up(path, ()) == ()
    assert look_up(tmp_path / "absent.toml", said) is None


def test_the_file_itself_is_handed_over_while_it_is_the_one_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "py lock" / "pylock.toml"
    path.parent.mkdir()
    path.write_bytes(pinned(*FILES))
    lock = read_lock(path.read_bytes(), "pylock.toml", path.as_uri())

    assert hand_over(lock, attempt()) == path

    path.write_bytes(pinned(FILES[0]))
    with pytest.raises(UninstallableError, match=r"the lock has changed since it was read: `pylock\.toml`"):
        hand_over(lock, attempt())


def test_a_lock_at_an_address_is_handed_to_nobody() -> None:
    lock = read_lock(pinned(*FILES), "pylock.toml", "https://index.example/pylock.toml")

    with pytest.raises(InapplicableError, match="at its address there may be another one by now"):
        hand_over(lock, attempt())
