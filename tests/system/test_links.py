import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.folders import OpenFolder
from pytest_wheeltag.system.links import FileLinker, LinkMode, parse_link_mode

MTIME_NS = 315_619_200_000_000_000


@contextmanager
def folders(tmp_path: Path, *names: str) -> Iterator[tuple[OpenFolder, OpenFolder]]:
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    for name in names:
        path = tmp_path / "from" / name
        path.write_bytes(b"content of " + name.encode())
        path.chmod(0o555 if name == "tool" else 0o444)
        os.utime(path, ns=(MTIME_NS, MTIME_NS))
    opened = OpenFolder.open(str(tmp_path / "from")), OpenFolder.open(str(tmp_path / "to"))
    try:
        yield opened
    finally:
        for folder in opened:
            folder.close()


def refuse_clones(source: int, destination: int) -> None:
    raise OSError(errno.EOPNOTSUPP, f"no reflinks from {source} to {destination}")


def copy_as_clone(source: int, destination: int) -> None:
    os.write(destination, os.read(source, 1 << 20))


def test_a_hard_link_is_the_same_file(tmp_path: Path) -> None:
    linker = FileLinker(LinkMode.HARDLINK)
    with folders(tmp_path, "a") as (source, destination):
        linker.place("a", source, destination)
    assert (tmp_path / "to" / "a").samefile(tmp_path / "from" / "a")
    assert linker.used == {LinkMode.HARDLINK: 1}


@pytest.mark.parametrize("mode", [LinkMode.COPY, LinkMode.REFLINK])
def test_copies_are_writable_and_keep_the_stamp(tmp_path: Path, mode: LinkMode) -> None:
    linker = FileLinker(mode, clone=copy_as_clone)
    with folders(tmp_path, "a", "tool") as (source, destination):
        for name in ("a", "tool"):
            linker.place(name, source, destination)
    for name, bits in (("a", 0o644), ("tool", 0o755)):
        copy = tmp_path / "to" / name
        assert copy.read_bytes() == b"content of " + name.encode()
        assert copy.stat().st_nlink == 1
        assert copy.stat().st_mtime_ns == MTIME_NS
        assert os.name != "posix" or copy.stat().st_mode & 0o700 == bits & 0o700
    assert linker.used == {mode: 2}


def test_reflinks_come_first_where_they_can_be_had(tmp_path: Path) -> None:
    linker = FileLinker(LinkMode.AUTO, clone=copy_as_clone)
    with folders(tmp_path, "a") as (source, destination):
        linker.place("a", source, destination)
    assert linker.used == {LinkMode.REFLINK: 1}


def test_reflinks_are_asked_for_once_where_there_are_none(tmp_path: Path) -> None:
    asked: list[int] = []

    def clone(source: int, destination: int) -> None:
        asked.append(source)
        refuse_clones(source, destination)

    linker = FileLinker(LinkMode.AUTO, clone=clone)
    with folders(tmp_path, "a", "b") as (source, destination):
        for name in ("a", "b"):
            linker.place(name, source, destination)
    assert len(asked) == 1
    assert linker.used == {LinkMode.HARDLINK: 2}
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["a", "b"]


@pytest.mark.parametrize(
    ("number", "later"),
    [
        (errno.EXDEV, LinkMode.COPY),
        (errno.EOPNOTSUPP, LinkMode.COPY),
        (errno.EMLINK, LinkMode.HARDLINK),
        (errno.EPERM, LinkMode.HARDLINK),
    ],
)
def test_a_file_that_cannot_be_linked_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, later: LinkMode
) -> None:
    link, calls = os.link, []

    def refuse_once(*arguments: str, **options: int) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError(number, os.strerror(number))
        link(*arguments, **options)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(os, "link", refuse_once)
    linker = FileLinker(LinkMode.AUTO, clone=refuse_clones)
    with folders(tmp_path, "a", "b") as (source, destination):
        linker.place("a", source, destination)
        assert linker.used == {LinkMode.COPY: 1}
        linker.place("b", source, destination)
    assert (tmp_path / "to" / "a").read_bytes() == b"content of a"
    # What holds for one file only is tried again for the next.
    assert linker.used == ({LinkMode.COPY: 2} if later is LinkMode.COPY else {LinkMode.COPY: 1, later: 1})


@pytest.mark.parametrize("mode", list(LinkMode))
def test_what_is_there_already_is_never_written_into(tmp_path: Path, mode: LinkMode) -> None:
    linker = FileLinker(mode)
    with folders(tmp_path, "a") as (source, destination):
        (tmp_path / "to" / "a").write_bytes(b"mine")
        with pytest.raises(FileExistsError):
            linker.place("a", source, destination)
    assert (tmp_path / "to" / "a").read_bytes() == b"mine"


def test_a_full_disk_leaves_no_half_copy(tmp_path: Path) -> None:
    def fill(source: int, destination: int) -> None:
        os.write(destination, os.read(source, 3))
        raise OSError(errno.ENOSPC, "full")

    with folders(tmp_path, "a") as (source, destination), pytest.raises(OSError, match=r"full"):
        FileLinker(LinkMode.REFLINK, clone=fill).place("a", source, destination)
    assert list((tmp_path / "to").iterdir()) == []


def test_what_tools_rewrite_is_copied_in_any_mode(tmp_path: Path) -> None:
    linker = FileLinker(LinkMode.HARDLINK)
    with folders(tmp_path, "tool") as (source, destination):
        linker.copy("tool", source, destination)
    assert linker.used == {LinkMode.COPY: 1}
    assert (tmp_path / "to" / "tool").stat().st_nlink == 1


def test_a_mode_is_read_from_text() -> None:
    assert parse_link_mode("hardlink") is LinkMode.HARDLINK
    with pytest.raises(UsageError, match=r"^wheeltag_link_mode: expected `auto`.*, found: `symlink`$"):
        parse_link_mode("symlink", setting="wheeltag_link_mode")
