import pytest
from packaging.version import Version

from pytest_wheeltag.core.ledger import LockContents, LockedPackage
from pytest_wheeltag.core.poetrylock import read_poetry_lock
from pytest_wheeltag.core.tomltable import TomlTable
from pytest_wheeltag.errors import LockError

SHA = "ab" * 32
FILES = (
    f'files = [{{ file = "foo-1.0-py3-none-any.whl", hash = "sha256:{SHA}" }}, {{ file = "foo-1.0.tar.gz" }}]'
)
OLD = f"""
[[package]]
name = "foo"
version = "1.0"
category = "main"
optional = false
python-versions = ">=2.7, !=3.0.*"

[[package]]
name = "foo"
version = "2.0"
category = "dev"
optional = false
python-versions = "*"

[package.source]
type = "legacy"
url = "https://index.example/simple"
reference = "example"

[metadata]
lock-version = "1.1"
python-versions = "^3.8"
content-hash = "x"

[metadata.files]
foo = [
    {{ file = "foo-1.0-py3-none-any.whl", hash = "sha256:{SHA}" }},
    {{ file = "foo-2.0-py3-none-any.whl", hash = "md5:{"cd" * 16}" }},
]
"""


def read(text: str) -> LockContents:
    return read_poetry_lock(TomlTable.parse(text, "poetry.lock", LockError, max_characters=1_000_000))


def package_with(rest: str, version: str = "2.1") -> LockedPackage:
    metadata = f"[metadata]\nlock-version = '{version}'\n"
    (package,) = read(f"[[package]]\nname = 'Foo'\nversion = '1.0'\n{rest}\n{metadata}").packages
    return package


def test_files_at_the_end_belong_to_all_versions_of_a_name() -> None:
    contents = read(OLD)

    assert (contents.format_version, contents.requires_python, contents.tells_needs) == ("1.1", "", False)
    first, second = contents.packages
    assert (first.version, second.version) == (Version("1.0"), Version("2.0"))
    assert [each.filename for each in first.files] == ["foo-1.0-py3-none-any.whl", "foo-2.0-py3-none-any.whl"]
    assert [each.hashes for each in first.files] == [(("sha256", SHA),), (("md5", "cd" * 16),)]
    assert [each.requires_python for each in (*first.files[:1], *second.files[:1])] == ["!=3.0.*,>=2.7", None]
    assert (first.is_optional, second.is_optional, second.direct) == (False, True, "")


def test_files_stand_with_their_package_since_version_2() -> None:
    package = package_with(FILES, "2.0")

    assert package.name == "foo"
    assert [(each.filename, each.url) for each in package.files] == [
        ("foo-1.0-py3-none-any.whl", ""),
        ("foo-1.0.tar.gz", ""),
    ]
    assert package.files[1].hashes == ()


@pytest.mark.parametrize(
    ("rest", "markers", "is_optional"),
    [
        ("groups = ['main']", (), False),
        ("groups = ['main', 'dev']\nmarkers = 'os_name == \"nt\"'", ('os_name == "nt"',), False),
        ("groups = ['dev']", (), True),
        ("groups = ['main']\noptional = true\nmarkers = 'extra == \"x\"'", ('extra == "x"',), True),
        (
            "groups = ['main', 'dev']\nmarkers = { dev = \"os_name == 'nt'\" }",
            ("",),
            False,
        ),
        (
            "groups = ['main', 'dev']\nmarkers = { main = \"os_name == 'nt'\" }",
            ("os_name == 'nt'",),
            False,
        ),
    ],
)
def test_who_asks_for_a_package_is_told_since_version_2_1(
    rest: str, markers: tuple[str, ...], *, is_optional: bool
) -> None:
    package = package_with(rest)

    assert (package.markers, package.is_optional) == (markers, is_optional)
    assert read(f"[[package]]\nname = 'a'\nversion = '1'\n{rest}\n").tells_needs


@pytest.mark.parametrize(
    ("source", "direct"),
    [
        ("type = 'legacy'\nurl = 'https://index.example/simple'", ""),
        (
            "type = 'git'\nurl = 'https://me:secret@git.example/a.git'\nreference = 'main'\nresolved_reference = 'abc'",
            "git+https://git.example/a.git@abc",
        ),
        ("type = 'url'\nurl = 'https://files.example/a.whl?token=x'", "https://files.example/a.whl"),
        ("type = 'file'\nurl = 'dist/a.whl'", "dist/a.whl"),
        ("type = 'directory'\nurl = '../a'", "../a"),
    ],
)
def test_where_a_package_lies_is_told(source: str, direct: str) -> None:
    assert package_with(f"[package.source]\n{source}").direct == direct


def test_a_lock_without_a_version_is_of_the_first() -> None:
    assert read("package = []").format_version == "1.0"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "[metadata]\nlock-version = '3.0'",
            "expected 1 or 2, those that are known, in `metadata.lock-version`, found `3.0`",
        ),
        (
            "[metadata]\nlock-version = 'x'",
            "expected a version (PEP 440) in `metadata.lock-version`, found `x`",
        ),
        ("[metadata]\nlock-version = 2.1", "expected a text in `metadata.lock-version`, found a number"),
        (
            "[metadata]\n[metadata.hashes]\nfoo = []",
            "expected the files of packages in `metadata.files`, found hashes without files",
        ),
        (
            "[[package]]\nname = 'a'\nversion = '1'\n[package.source]\ntype = 'svn'\nurl = 'x'",
            "expected one of legacy, git, url, file, directory in `package[1].source.type`, found `svn`",
        ),
        (
            "[[package]]\nname = 'a'\nversion = '1'\nfiles = [{ file = 'a-1.whl', hash = 'sha256:xy' }]",
            "expected `ALGORITHM:HEX` in `package[1].files[1].hash`, found `sha256:xy`",
        ),
    ],
)
def test_what_is_no_lock_of_poetry_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(LockError) as caught:
        read(text)

    assert caught.value.problem == problem
