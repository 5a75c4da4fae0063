import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system import enclosure as rooms
from pytest_wheeltag.system.enclosure import Enclosure, Entry, Folder


@pytest.fixture(params=["descriptors", "names"], autouse=True)
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Read by descriptors as on POSIX, and by resolved names as on Windows."""
    means: str = request.param
    if means == "names":
        monkeypatch.setattr(rooms, "_HAS_DESCRIPTORS", False)
    elif not rooms._HAS_DESCRIPTORS:  # noqa: SLF001 - the fact asked for
        pytest.skip("this system opens nothing relative to a folder")
    return means


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    (tmp_path / "inside" / "folder").mkdir(parents=True)
    (tmp_path / "inside" / "folder" / "file").write_bytes(b"inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"outside")
    return tmp_path / "inside"


@pytest.fixture
def folder(inside: Path) -> Iterator[Folder]:
    with Enclosure.around(str(inside)).open(str(inside / "folder")) as folder:
        yield folder


def entry_of(folder: Folder, name: str) -> Entry:
    return folder.entries(name.__eq__)[name]


def test_only_wanted_entries_are_listed(folder: Folder, inside: Path) -> None:
    (inside / "folder" / "other").touch()
    assert list(folder.entries("file".__eq__)) == ["file"]
    assert folder.path == os.path.realpath(inside / "folder")


def test_a_regular_file_is_read(folder: Folder) -> None:
    assert folder.read(entry_of(folder, "file"), 6) == b"inside"


def test_a_file_over_its_bound_is_refused(folder: Folder) -> None:
    with pytest.raises(UnsafeFileError, match="at most 5 bytes, found 6"):
        folder.read(entry_of(folder, "file"), 5)


@pytest.mark.parametrize("target", ["file", "../folder/file", "../again/file", "{inside}/folder/file"])
def test_links_that_stay_inside_are_followed(folder: Folder, inside: Path, target: str) -> None:
    (inside / "again").symlink_to("folder")
    (inside / "folder" / "link").symlink_to(target.format(inside=inside))
    assert folder.read(entry_of(folder, "link"), 100) == b"inside"


@pytest.mark.parametrize(
    "target",
    [
        "../../outside/file",
        "{outside}/file",
        "../out/file",
        "../../inside-too/file",
        "/dev/zero",
        "/",
        "../../outside/none",
    ],
)
def test_links_that_lead_outside_are_refused(folder: Folder, inside: Path, target: str) -> None:
    outside = inside.parent / "outside"
    (inside / "out").symlink_to(outside)
    (inside.parent / "inside-too").symlink_to(outside)
    (inside / "folder" / "link").symlink_to(target.format(outside=outside))
    with pytest.raises(UnsafeFileError, match="found a link that leads outside"):
        folder.read(entry_of(folder, "link"), 100)


@pytest.mark.parametrize("target", ["link", "../folder/link"])
def test_links_in_a_circle_are_refused(folder: Folder, inside: Path, target: str) -> None:
    (inside / "folder" / "link").symlink_to(target)
    with pytest.raises(UnsafeFileError, match="links in a circle"):
        folder.read(entry_of(folder, "link"), 100)


def test_a_link_to_nothing_is_not_there(folder: Folder, inside: Path) -> None:
    (inside / "folder" / "link").symlink_to("nothing")
    with pytest.raises(FileNotFoundError):
        folder.read(entry_of(folder, "link"), 100)


def test_a_link_to_the_enclosure_itself_is_no_file(folder: Folder, inside: Path) -> None:
    (inside / "folder" / "link").symlink_to("..")
    with pytest.raises(UnsafeFileError, match="expected a regular file, found a folder"):
        folder.read(entry_of(folder, "link"), 100)
    with folder.open(entry_of(folder, "link")) as opened:
        assert opened.path == os.path.realpath(inside)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
@pytest.mark.parametrize("is_linked", [True, False])
def test_a_fifo_is_refused_at_once(folder: Folder, inside: Path, is_linked: bool) -> None:
    os.mkfifo(inside / "folder" / "fifo")
    (inside / "folder" / "link").symlink_to("fifo")
    with pytest.raises(UnsafeFileError, match="expected a regular file, found a FIFO"):
        folder.read(entry_of(folder, "link" if is_linked else "fifo"), 100)


def test_a_file_is_no_folder(folder: Folder) -> None:
    with pytest.raises(UnsafeFileError, match="expected a folder, found a file"):
        folder.open(entry_of(folder, "file"))


def test_a_folder_that_leads_outside_is_refused(folder: Folder, inside: Path) -> None:
    (inside / "folder" / "link").symlink_to(inside.parent / "outside")
    with pytest.raises(UnsafeFileError, match="leads outside"):
        folder.open(entry_of(folder, "link"))


def test_a_path_outside_is_refused(inside: Path) -> None:
    around = Enclosure.around(str(inside))
    for path in (inside.parent / "outside", inside / ".." / "outside", inside.parent / "inside-too"):
        with pytest.raises(UnsafeFileError, match="leads outside"):
            around.open(str(path))


def test_an_enclosure_may_be_reached_through_a_link(inside: Path) -> None:
    link = inside.parent / "link"
    link.symlink_to(inside)
    with Enclosure.around(str(link)).open(str(link / "folder")) as folder:
        assert folder.read(entry_of(folder, "file"), 100) == b"inside"
    with Enclosure.around(str(link)).open(str(inside / "folder")) as folder:
        assert list(folder.entries(bool)) == ["file"]


def test_an_enclosure_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Enclosure.around(str(tmp_path / "nothing"))


def test_closing_twice_does_nothing(inside: Path) -> None:
    folder = Enclosure.around(str(inside)).open(str(inside))
    folder.close()
    folder.close()


def test_a_folder_swapped_for_a_link_after_it_was_listed_is_not_followed(inside: Path) -> None:
    """Descriptors hold what was looked at; by names alone the link is at least seen."""
    with Enclosure.around(str(inside)).open(str(inside)) as folder:
        listed = entry_of(folder, "folder")
        (inside / "folder" / "file").unlink()
        (inside / "folder").rmdir()
        (inside / "folder").symlink_to(inside.parent / "outside")
        with pytest.raises((UnsafeFileError, NotADirectoryError)):
            folder.open(listed)


def test_a_file_swapped_for_a_link_after_it_was_listed_is_not_followed(folder: Folder, inside: Path) -> None:
    listed = entry_of(folder, "file")
    (inside / "folder" / "file").unlink()
    (inside / "folder" / "file").symlink_to(inside.parent / "outside" / "file")
    with pytest.raises((UnsafeFileError, OSError)):
        folder.read(listed, 100)


def test_a_file_that_grows_while_it_is_read_is_refused(
    folder: Folder, inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = entry_of(folder, "file")
    true_fstat = os.fstat

    def fstat_then_grow(descriptor: int) -> os.stat_result:
        found = true_fstat(descriptor)
        with (inside / "folder" / "file").open("ab") as file:
            file.write(b"x" * 200)
        return found

    monkeypatch.setattr(os, "fstat", fstat_then_grow)
    with pytest.raises(UnsafeFileError, match=r"grows while it is read|at most 100 bytes"):
        folder.read(listed, 100)
