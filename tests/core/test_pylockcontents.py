import pytest
from packaging.version import Version

from pytest_wheeltag.core.ledger import LockContents
from pytest_wheeltag.core.lockfile import read_lock
from pytest_wheeltag.core.pylockcontents import pylock_contents

HASHES = f"hashes = {{ sha256 = '{'ab' * 32}' }}"
HEADER = "lock-version = '1.0'\ncreated-by = 'hand'\nrequires-python = '>=3.9'\ndefault-groups = ['main']\n"


def read(packages: str) -> LockContents:
    return pylock_contents(read_lock((HEADER + packages).encode(), "pylock.toml", "file:///work/"))


def test_a_lock_is_read_whole() -> None:
    contents = read(
        f"""
        [[packages]]
        name = "foo"
        version = "1.0"
        marker = "'x' in extras"
        requires-python = ">=3.9"
        sdist = {{ name = "foo-1.0.tar.gz", url = "https://files.example/foo-1.0.tar.gz", {HASHES} }}
        wheels = [
            {{ name = "foo-1.0-1-py3-none-any.whl", path = "w/foo-1.0-1-py3-none-any.whl", size = 7, {HASHES} }},
        ]
        """
    )

    assert (contents.format_version, contents.requires_python) == ("1.0", ">=3.9")
    assert (contents.tells_needs, contents.groups) == (True, frozenset({"main"}))
    (foo,) = contents.packages
    assert (foo.name, foo.version, foo.direct) == ("foo", Version("1.0"), "")
    assert foo.markers == ('"x" in extras',)
    assert [(each.filename, each.url, each.requires_python) for each in foo.files] == [
        ("foo-1.0-1-py3-none-any.whl", "file:///work/w/foo-1.0-1-py3-none-any.whl", ">=3.9"),
        ("foo-1.0.tar.gz", "https://files.example/foo-1.0.tar.gz", ">=3.9"),
    ]


@pytest.mark.parametrize(
    ("entry", "version"),
    [
        (f"wheels = [{{ name = 'foo-2.0-py3-none-any.whl', path = 'x', {HASHES} }}]", "2.0"),
        (f"sdist = {{ name = 'foo-3.0.tar.gz', path = 'x', {HASHES} }}", "3.0"),
    ],
)
def test_a_version_that_is_not_told_is_that_of_the_files(entry: str, version: str) -> None:
    (foo,) = read(f"[[packages]]\nname = 'foo'\n{entry}\n").packages

    assert foo.version == Version(version)


@pytest.mark.parametrize(
    ("entry", "direct"),
    [
        (
            "vcs = { type = 'hg', url = 'https://me:secret@hg.example/a', commit-id = 'abc' }",
            "hg+https://hg.example/a@abc",
        ),
        ("vcs = { type = 'git', path = '../a', commit-id = 'abc' }", "git+../a@abc"),
        (
            f"archive = {{ url = 'https://me:secret@files.example/a.zip', {HASHES} }}",
            "https://files.example/a.zip",
        ),
        (f"archive = {{ path = 'a.zip', {HASHES} }}", "a.zip"),
        ("directory = { path = '../a', editable = true }", "../a"),
    ],
)
def test_where_a_package_lies_is_told(entry: str, direct: str) -> None:
    (foo,) = read(f"[[packages]]\nname = 'foo'\n{entry}\n").packages

    assert (foo.direct, foo.version, foo.files) == (direct, None, ())
