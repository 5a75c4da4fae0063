from datetime import UTC, datetime

import pytest
from packaging.pylock import PackageArchive, PackageDirectory, PackageVcs, PackageWheel, Pylock
from packaging.version import Version

from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.lockentries import direct_reference, published_file, refuse_checkout
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.errors import UsageError

HASHES = {"sha256": "AB"}
WHEEL = "foo-1.0-py3-none-any.whl"
HERE = "file:///work/a%20b/"
WINDOWS = "file:///C:/work/"
REMOTE = "https://lock.example/locks/"


def lock_in(folder: str = HERE) -> Lock:
    pylock = Pylock(lock_version=Version("1.0"), created_by="hand", packages=[])
    return Lock("pylock.toml", "", folder, pylock)


@pytest.mark.parametrize(
    ("folder", "path", "url"),
    [
        (HERE, WHEEL, f"file:///work/a%20b/{WHEEL}"),
        (HERE, f"./w/{WHEEL}", f"file:///work/a%20b/w/{WHEEL}"),
        (HERE, f"../{WHEEL}", f"file:///work/{WHEEL}"),
        (HERE, f"/x/{WHEEL}", f"file:///x/{WHEEL}"),
        (HERE, f"//x/{WHEEL}", f"file:///x/{WHEEL}"),
        (HERE, f"a#b?c/{WHEEL}", f"file:///work/a%20b/a%23b%3Fc/{WHEEL}"),
        (HERE, f"https://x/{WHEEL}", f"file:///work/a%20b/https%3A/x/{WHEEL}"),
        (HERE, f"a\\b/{WHEEL}", f"file:///work/a%20b/a%5Cb/{WHEEL}"),
        (WINDOWS, f"w\\{WHEEL}", f"file:///C:/work/w/{WHEEL}"),
        (WINDOWS, f"D:\\w\\{WHEEL}", f"file:///D:/w/{WHEEL}"),
        (WINDOWS, f"\\\\host\\share\\{WHEEL}", f"file://host/share/{WHEEL}"),
        (REMOTE, f"../w/{WHEEL}", f"https://lock.example/w/{WHEEL}"),
    ],
    ids=range(12),
)
def test_paths_start_where_the_lock_lies(folder: str, path: str, url: str) -> None:
    entry = PackageWheel(path=path, url="https://files.example/other", name=WHEEL, hashes=HASHES)

    assert published_file(entry, lock_in(folder)).url == url


def test_a_file_is_told_with_all_that_the_lock_knows() -> None:
    entry = PackageWheel(
        url="HTTPS://user:secret@files.example/get?id=1#sha256=00",
        name=WHEEL,
        size=7,
        upload_time=datetime(2025, 1, 2),  # noqa: DTZ001 - as TOML without a zone gives it
        hashes=HASHES | {"md5": "CD"},
    )

    file = published_file(entry, lock_in())

    assert (file.filename, file.url) == (WHEEL, "https://user:secret@files.example/get?id=1")
    assert file.hashes == (("md5", "cd"), ("sha256", "ab"))
    assert (file.size, file.upload_time) == (7, datetime(2025, 1, 2, tzinfo=UTC))
    assert (file.source, file.yanked) == ("pylock.toml", None)


@pytest.mark.parametrize(
    ("folder", "given", "problem"),
    [
        (HERE, {"url": f"ftp://user:secret@x/{WHEEL}"}, f"`ftp://x/{WHEEL}`"),
        (HERE, {"url": f"git+https://user:secret@x/{WHEEL}"}, f"`git+https://x/{WHEEL}`"),
        (HERE, {"url": f"https:///{WHEEL}"}, "the scheme `https`, `http` or `file`"),
        (HERE, {"url": f"https://[/{WHEEL}"}, "the scheme `https`, `http` or `file`"),
        (HERE, {"url": WHEEL}, "the scheme `https`, `http` or `file`"),
        (REMOTE, {"url": f"file:///x/{WHEEL}"}, "does not lie on this machine"),
        (REMOTE, {"path": f"/x/{WHEEL}"}, "does not lie on this machine"),
        (HERE, {"path": WHEEL, "hashes": {"blake9": "00"}}, "found: `blake9`"),
        (HERE, {"path": WHEEL, "hashes": {"shake_128": "00"}}, "found: `shake_128`"),
    ],
    ids=[
        "ftp",
        "git",
        "no host",
        "bracket",
        "relative",
        "file of a server",
        "path of a server",
        "hash",
        "shake",
    ],
)
def test_addresses_that_cannot_be_used_are_refused(folder: str, given: dict[str, str], problem: str) -> None:
    entry = PackageWheel(**{"name": WHEEL, "hashes": HASHES, **given})  # type: ignore[arg-type] # one dict for all

    with pytest.raises(UsageError) as caught:
        published_file(entry, lock_in(folder))

    assert str(caught.value).startswith("pylock.toml: expected ")
    assert problem in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "reference"),
    [
        ({"path": "foo.zip"}, Reference(f"{HERE}foo.zip", ReferenceKind.ARCHIVE, (("sha256", "ab"),))),
        ({"path": WHEEL}, Reference(f"{HERE}{WHEEL}", ReferenceKind.WHEEL, (("sha256", "ab"),))),
        (
            {"url": "https://x.example/foo.tar.gz#sha256=00", "subdirectory": "a b/c"},
            Reference("https://x.example/foo.tar.gz", ReferenceKind.ARCHIVE, (("sha256", "ab"),), "a b/c"),
        ),
        (
            {"url": "https://x.example/foo.tar.gz#subdirectory=pkg"},
            Reference("https://x.example/foo.tar.gz", ReferenceKind.ARCHIVE, (("sha256", "ab"),), "pkg"),
        ),
    ],
    ids=["archive", "wheel", "subdirectory", "fragment"],
)
def test_archives_are_direct_references(given: dict[str, str], reference: Reference) -> None:
    entry = PackageArchive(hashes=HASHES, **given)  # type: ignore[arg-type] # one dict for all

    assert direct_reference(entry, lock_in()) == reference


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"path": "folder"}, "expected a wheel or a source archive, by the name's suffix, found: `file:///"),
        ({"url": "https://x.example/folder"}, "expected a wheel"),
        ({"path": "foo.zip", "subdirectory": "../x"}, "expected a subdirectory inside"),
    ],
    ids=["folder", "page", "outside"],
)
def test_archives_that_are_none_are_refused(given: dict[str, str], problem: str) -> None:
    entry = PackageArchive(hashes=HASHES, **given)  # type: ignore[arg-type] # one dict for all

    with pytest.raises(UsageError) as caught:
        direct_reference(entry, lock_in())

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        (PackageDirectory(path="."), HERE),
        (PackageDirectory(path="foo.zip"), f"{HERE}foo.zip/"),
        (PackageDirectory(path="./foo/", subdirectory="bar"), f"{HERE}foo/bar/"),
        (PackageDirectory(path="../foo", editable=True), "file:///work/foo"),
        (PackageDirectory(path="/foo", subdirectory="bar/", editable=True), "file:///foo/bar"),
    ],
    ids=["here", "named like an archive", "subdirectory", "editable", "absolute"],
)
def test_folders_are_trees(entry: PackageDirectory, url: str) -> None:
    reference = direct_reference(entry, lock_in())

    assert reference == Reference(url, ReferenceKind.TREE, is_editable=bool(entry.editable))


def test_a_lock_from_elsewhere_names_no_folders() -> None:
    with pytest.raises(UsageError, match=r"^pylock.toml: expected only addresses .*, found: `foo`$"):
        direct_reference(PackageDirectory(path="foo"), lock_in(REMOTE))


def test_a_revision_of_a_repository_is_refused_with_what_to_do() -> None:
    entry = PackageVcs(type="git", url="https://user:secret@git.example/foo", commit_id="0" * 40)

    assert str(refuse_checkout(entry, lock_in())) == (
        "pylock.toml: expected nothing of a version control system: clone it and take the folder, or take an "
        "archive of the revision, found: `git+https://git.example/foo`"
    )
