import pytest
from packaging.version import Version

from pytest_wheeltag.core.ledger import LockContents, LockedPackage
from pytest_wheeltag.core.pdmlock import read_pdm_lock
from pytest_wheeltag.core.tomltable import TomlTable
from pytest_wheeltag.errors import LockError

SHA = "ab" * 32
WHEEL = "foo-1.0-py3-none-any.whl"
NEW = f"""
[metadata]
groups = ["default", "dev"]
strategy = ["inherit_metadata", "static_urls"]
lock_version = "4.5.0"

[[metadata.targets]]
requires_python = ">=3.11"

[[package]]
name = "foo"
version = "1.0"
requires_python = ">=3.8"
summary = ""
groups = ["default", "dev"]
marker = "os_name == 'posix'"
files = [{{ url = "https://files.example/ab/{WHEEL}", hash = "sha256:{SHA}" }}]

[[package]]
name = "foo"
version = "1.0"
extras = ["x"]
groups = ["dev"]
dependencies = ["foo==1.0"]
files = [{{ file = "{WHEEL}", hash = "sha256:{SHA}" }}]
"""
OLD = f"""
[[package]]
name = "Foo"
version = "1.0"
sections = ["default"]

[metadata]
lock_version = "3.1"
content_hash = "x"

[metadata.files]
"Foo 1.0" = [{{ file = "{WHEEL}", hash = "sha256:{SHA}" }}]
"bar 2.0" = [{{ file = "bar-2.0.tar.gz", hash = "sha256:{SHA}" }}]
"""


def read(text: str) -> LockContents:
    return read_pdm_lock(TomlTable.parse(text, "pdm.lock", LockError, max_characters=1_000_000))


def package_with(rest: str) -> LockedPackage:
    metadata = "[metadata]\nlock_version = '4.4'\n"
    (package,) = read(f"{metadata}[[package]]\nname = 'a'\nversion = '1'\n{rest}").packages
    return package


def test_a_lock_is_read_whole() -> None:
    contents = read(NEW)

    assert (contents.format_version, contents.tells_needs) == ("4.5.0", True)
    foo, with_extra = contents.packages
    assert (foo.version, foo.markers, foo.is_optional) == (Version("1.0"), ("os_name == 'posix'",), False)
    (file,) = foo.files
    assert (file.filename, file.url) == (WHEEL, f"https://files.example/ab/{WHEEL}")
    assert (file.requires_python, file.sha256, file.source) == (">=3.8", SHA, "pdm.lock")
    assert with_extra.is_optional


def test_files_stood_at_the_end_of_old() -> None:
    contents = read(OLD)

    assert (contents.format_version, contents.tells_needs) == ("3.1", False)
    (foo,) = contents.packages
    assert (foo.name, [each.filename for each in foo.files]) == ("foo", [WHEEL])


@pytest.mark.parametrize(
    ("rest", "direct"),
    [
        (
            "git = 'https://me:secret@git.example/a'\nref = 'main'\nrevision = 'abc'",
            "git+https://git.example/a@abc",
        ),
        ("url = 'https://me:secret@files.example/a.whl'", "https://files.example/a.whl"),
        ("path = './a'\neditable = true", "./a"),
        ("", ""),
    ],
)
def test_where_a_package_lies_is_told(rest: str, direct: str) -> None:
    assert package_with(rest).direct == direct


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected 3 or 4, those that are known, in `metadata.lock_version`, found none"),
        (
            "[metadata]\nlock_version = '5.0'",
            "expected 3 or 4, those that are known, in `metadata.lock_version`, found `5.0`",
        ),
        (
            "[metadata]\nlock_version = '4.4'\nstrategy = 'x'",
            "expected a list of texts in `metadata.strategy`, found `x`",
        ),
        (
            "[metadata]\nlock_version = '4.4'\nfiles = { 'a 1' = [{}] }\n[[package]]\nname = 'a'\nversion = '1'",
            "expected a text in `metadata.files.a 1[1].file`, found nothing",
        ),
    ],
)
def test_what_is_no_lock_of_pdm_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(LockError) as caught:
        read(text)

    assert caught.value.problem == problem
