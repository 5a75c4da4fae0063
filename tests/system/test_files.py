import os
import threading
import time
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.files import (
    lock,
    publish_bytes,
    publish_first,
    publish_parts,
    publish_text,
    read_regular,
)

posix = pytest.mark.skipif(os.name != "posix", reason="FIFOs and device files are POSIX's")


def test_a_published_file_is_there_whole_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    publish_text(path, "über\n")
    publish_bytes(path, b"later")
    publish_parts(path, (b"in ", bytearray(b"parts")))
    assert path.read_bytes() == b"in parts"
    assert [each.name for each in path.parent.iterdir()] == ["b"]


def test_what_cannot_be_published_leaves_what_was_there(tmp_path: Path) -> None:
    def broken() -> "list[bytes]":
        raise ZeroDivisionError

    path = tmp_path / "kept"
    publish_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError):
        publish_parts(path, (part for _ in range(1) for part in broken()))
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "shared"
    contents = [bytes([number]) * 50_000 for number in range(4)]
    publish_bytes(path, contents[0])

    def write(content: bytes) -> None:
        for _ in range(50):
            publish_bytes(path, content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    seen = [path.read_bytes() for _ in range(200)]
    for writer in writers:
        writer.join()
    assert set(seen) <= set(contents)
    assert [each.name for each in tmp_path.iterdir()] == ["shared"]


def test_of_several_first_publishers_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "first"
    won = [publish_first(path, (bytes([number]),)) for number in range(3)]
    assert won == [True, False, False]
    assert path.read_bytes() == b"\0"


def test_without_hard_links_the_first_publisher_wins_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "first"
    assert [publish_first(path, (b"one",)), publish_first(path, (b"two",))] == [True, False]
    assert path.read_bytes() == b"one"


def test_a_lock_is_held_by_one_and_the_other_goes_on_without(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    with lock(path) as is_held:
        assert is_held
        started = time.monotonic()
        with lock(path, timeout_seconds=0.1) as is_held_too:
            assert not is_held_too
        assert time.monotonic() - started < 5
    with lock(path, timeout_seconds=0.1) as is_held:
        assert is_held


@posix
def test_a_lock_file_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with lock(tmp_path / "lock") as is_held:
        assert not is_held
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_where_no_file_can_be_goes_on_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with lock(tmp_path / "file" / "lock") as is_held:
        assert not is_held


def test_a_regular_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(UnsafeFileError, match="at most 4 bytes, found 5"):
        read_regular(path, 4)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 4)
    with pytest.raises(UnsafeFileError, match="found a folder"):
        read_regular(tmp_path, 4)


@posix
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    started = time.monotonic()
    with pytest.raises(UnsafeFileError, match="found a FIFO"):
        read_regular(tmp_path / "fifo", 10)
    with pytest.raises(UnsafeFileError, match="found a device"):
        read_regular(tmp_path / "endless", 10, follow=True)
    with pytest.raises(UnsafeFileError, match="found a link"):
        read_regular(tmp_path / "link", 10)
    assert read_regular(tmp_path / "link", 10, follow=True) == b"12345"
    # At once, and not when somebody writes, which nobody does; the rest is for a busy machine.
    assert time.monotonic() - started < 20


@posix
def test_a_file_that_turns_into_a_fifo_in_between_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("")
    lstat = Path.lstat

    def swap(self: Path) -> os.stat_result:
        found = lstat(self)
        self.unlink()
        os.mkfifo(self)
        return found

    monkeypatch.setattr(Path, "lstat", swap)
    with pytest.raises(UnsafeFileError, match="found a FIFO"):
        read_regular(path, 10)
