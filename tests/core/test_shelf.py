from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import ProjectFiles
from pytest_wheeltag.core.shelf import shelve
from pytest_wheeltag.workshop.imagined import imagine_file

FOO = canonicalize_name("foo")


def shelved(*filenames: str) -> list[tuple[str, list[tuple[str, str]]]]:
    project = ProjectFiles(FOO, tuple(map(imagine_file, filenames)))
    return [
        (str(version), [(tags, file.filename) for tags, file in files])
        for version, files in shelve(project).newest_first
    ]


def test_releases_come_newest_first_with_their_files_as_listed() -> None:
    assert shelved(
        "foo-1.0-py3-none-any.whl", "foo-1.10.tar.gz", "Foo-1.10-1-cp313-cp313-win32.whl", "foo-1.9.zip"
    ) == [
        ("1.10", [("", "foo-1.10.tar.gz"), ("cp313-cp313-win32", "Foo-1.10-1-cp313-cp313-win32.whl")]),
        ("1.9", [("", "foo-1.9.zip")]),
        ("1.0", [("py3-none-any", "foo-1.0-py3-none-any.whl")]),
    ]


def test_spellings_of_a_version_are_one() -> None:
    assert [version for version, _ in shelved("foo-1.0.tar.gz", "foo-1.0.0-py3-none-any.whl")] == ["1.0"]


def test_what_is_no_file_of_the_project_is_left_out() -> None:
    assert not shelved(
        "bar-1.0-py3-none-any.whl",
        "bar-1.0.tar.gz",
        "foo-tools-1.0.tar.gz",
        "foo-1.0.exe",
        "foo-1.0-py3-none.whl",
        "foo-1.0-x-py3-none-any-v2.whl",
        "foo-old-py3-none-any.whl",
    )


def test_an_archive_of_old_whose_version_holds_a_dash_counts() -> None:
    assert shelved("foo-1.0-2.tar.gz") == [("1.0.post2", [("", "foo-1.0-2.tar.gz")])]


def test_a_shelf_is_not_shelved_again() -> None:
    shelf = shelve(ProjectFiles(FOO, sources=("here",)))
    assert shelve(shelf) is shelf
    assert shelf.sources == ("here",)
    assert Version("1") not in dict(shelf.newest_first)
