from datetime import UTC, datetime

import pytest
from packaging.version import Version

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.ledger import LockContents, LockedPackage, Need
from pytest_wheeltag.core.tomltable import TomlTable
from pytest_wheeltag.core.uvlock import read_uv_lock
from pytest_wheeltag.errors import LockError

SHA = "ab" * 32
LOCK = f"""
version = 1
revision = 3
requires-python = ">=3.11"
resolution-markers = ["sys_platform == 'win32'", "sys_platform != 'win32'"]

[options]
exclude-newer = "2025-01-01T00:00:00Z"

[[package]]
name = "Foo_Bar"
version = "1.0"
source = {{ registry = "https://index.example/simple" }}
resolution-markers = ["sys_platform == 'win32'"]
dependencies = [
    {{ name = "baz", extra = ["Fast_Er"], marker = "python_full_version < '3.13'" }},
    {{ name = "qux", version = "2", source = {{ registry = "https://index.example/simple" }} }},
]
sdist = {{ url = "https://files.example/ab/foo_bar-1.0.tar.gz", hash = "sha256:{SHA}", size = 7, upload-time = "2025-01-02T03:04:05.678Z" }}
wheels = [
    {{ url = "https://files.example/ab/foo_bar-1.0%2Blocal-py3-none-any.whl?x=1#y", hash = "sha256:{SHA.upper()}" }},
]

[package.optional-dependencies]
docs = [{{ name = "sphinx" }}]

[package.dev-dependencies]
dev = [{{ name = "pytest" }}]

[[package]]
name = "local"
version = "2"
source = {{ registry = "../links" }}
wheels = [{{ path = "sub/local-2-py3-none-any.whl" }}, {{ filename = "local-2-cp311-cp311-linux_x86_64.whl" }}]

[[package]]
name = "sample"
source = {{ editable = "." }}
dependencies = [{{ name = "foo-bar" }}]
"""


def read(text: str) -> LockContents:
    return read_uv_lock(TomlTable.parse(text, "uv.lock", LockError, max_characters=1_000_000))


def package_with(source: str, rest: str = "") -> LockedPackage:
    (package,) = read(f"version = 1\n[[package]]\nname = 'a'\nsource = {{ {source} }}\n{rest}").packages
    return package


def test_a_lock_is_read_whole() -> None:
    contents = read(LOCK)

    assert (contents.format_version, contents.requires_python) == ("1.3", ">=3.11")
    assert (contents.roots, contents.tells_needs) == (("sample",), True)
    foo, local, sample = contents.packages
    moment = datetime(2025, 1, 2, 3, 4, 5, 678000, UTC)
    assert foo == LockedPackage(
        foo.name,
        Version("1.0"),
        (
            PublishedFile(
                "foo_bar-1.0.tar.gz",
                "https://files.example/ab/foo_bar-1.0.tar.gz",
                (("sha256", SHA),),
                size=7,
                upload_time=moment,
                source="uv.lock",
            ),
            PublishedFile(
                "foo_bar-1.0+local-py3-none-any.whl",
                "https://files.example/ab/foo_bar-1.0%2Blocal-py3-none-any.whl?x=1#y",
                (("sha256", SHA),),
                source="uv.lock",
            ),
        ),
        markers=("sys_platform == 'win32'",),
        needs=(
            Need(foo.needs[0].name, "python_full_version < '3.13'", frozenset({"fast-er"})),
            Need(foo.needs[1].name),
            Need(foo.needs[2].name, extra="docs"),
        ),
    )
    assert [(each.filename, each.url, each.hashes) for each in local.files] == [
        ("local-2-py3-none-any.whl", "", ()),
        ("local-2-cp311-cp311-linux_x86_64.whl", "", ()),
    ]
    assert foo.name == "foo-bar"
    assert [each.name for each in foo.needs] == ["baz", "qux", "sphinx"]
    assert (sample.version, sample.direct) == (None, ".")


@pytest.mark.parametrize(
    ("source", "direct"),
    [
        ('git = "https://me:secret@git.example/a?rev=main#abc"', "git+https://git.example/a@abc"),
        ('url = "https://me:secret@files.example/a-1.tar.gz"', "https://files.example/a-1.tar.gz"),
        ('path = "dist/a-1-py3-none-any.whl"', "dist/a-1-py3-none-any.whl"),
        ('directory = "../a"', "../a"),
        ('virtual = "."', "."),
        ('registry = "https://index.example/simple"', ""),
    ],
)
def test_where_a_package_lies_is_told(source: str, direct: str) -> None:
    assert package_with(source).direct == direct


def test_of_a_direct_source_the_hash_alone_is_no_file() -> None:
    package = package_with('url = "https://files.example/a-1.tar.gz"', f'sdist = {{ hash = "sha256:{SHA}" }}')

    assert package.files == ()


def test_the_earliest_locks_are_read_too() -> None:
    contents = read("version = 1\n[[distribution]]\nname = 'a'\nsource = { registry = 'x' }\n")

    assert [each.name for each in contents.packages] == ["a"]
    assert (contents.format_version, contents.tells_needs) == ("1.0", False)


def test_the_members_of_a_workspace_are_where_needs_begin() -> None:
    members = "[manifest]\nmembers = ['App', 'lib']\n"

    assert read(f"version = 1\n{members}").roots == ("app", "lib")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version = 2", "expected 1, the one that is known, in `version`, found `2`"),
        ("revision = 1", "expected 1, the one that is known, in `version`, found none"),
        ("version = '1'", "expected a whole number from 0 upwards in `version`, found `1`"),
        ("version = 1\npackage = 1", "expected a list of tables in `package`, found a number"),
        ("version = 1\n[[package]]", "expected a text in `package[1].name`, found nothing"),
        ("version = 1\n[[package]]\nname = '-'", "expected a project's name in `package[1].name`, found `-`"),
        (
            "version = 1\n[[package]]\nname = 'a'\nversion = 'x'",
            "expected a version (PEP 440) in `package[1].version`, found `x`",
        ),
        ("version = 1\n[[package]]\nname = 'a'", "expected a table in `package[1].source`, found nothing"),
        (
            "version = 1\n[[package]]\nname = 'a'\nsource = {}",
            "expected a text in `package[1].source.registry`, found nothing",
        ),
    ],
)
def test_what_is_no_lock_of_uv_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(LockError) as caught:
        read(text)

    assert caught.value.problem == problem
