import errno
import json
import os
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.grounds import Spot
from pytest_wheeltag.system.journal import Journal, JournalFile, Writing, WritingKind

WRITINGS = (
    Writing(WritingKind.FILES, Spot(0, "lib/foo"), ("a.py", "b.py"), frozenset({"b.py"})),
    Writing(WritingKind.FOLDERS, Spot(0, ""), ("caf\udce9",)),
    Writing(WritingKind.TREES, Spot(1, "lib"), ("foo-1.0.dist-info",)),
)


@pytest.fixture
def file(tmp_path: Path) -> JournalFile:
    return JournalFile(tmp_path / "journal")


def test_what_was_announced_is_read_back(file: JournalFile) -> None:
    file.begin(["/elsewhere"])
    file.append(WRITINGS[:1])
    file.append(WRITINGS[1:])
    assert file.read() == Journal(("/elsewhere",), WRITINGS)


def test_a_journal_that_was_begun_says_nothing_yet(file: JournalFile) -> None:
    file.path.write_bytes(b"")
    assert file.read() is None
    file.path.write_bytes(b'{"roots":[]')
    assert file.read() is None


def test_a_line_that_was_not_ended_does_not_count(file: JournalFile) -> None:
    file.begin([])
    file.append(WRITINGS[:1])
    whole = file.path.read_bytes()
    file.append(WRITINGS[1:2])
    for length in range(len(whole), file.path.stat().st_size):
        os.truncate(file.path, length)
        assert file.read() == Journal((), WRITINGS[:1])


def test_after_a_full_disk_it_can_be_written_on(file: JournalFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.begin([])
    write = os.write

    def fill(descriptor: int, data: bytes) -> int:
        write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fill)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            file.append(WRITINGS[:1])
    file.append(WRITINGS[1:2])
    assert file.read() == Journal((), WRITINGS[1:2])


def test_one_that_cannot_be_begun_is_not_there(file: JournalFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int, __: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        file.begin([])
    assert not file.path.exists()


@pytest.mark.parametrize(
    "step",
    [
        [1],
        [["files", 0, "lib"]],
        [["other", 0, "lib", ["a"], []]],
        [["files", 1, "lib", ["a"], []]],
        [["files", -1, "lib", ["a"], []]],
        [["files", 0, "../lib", ["a"], []]],
        [["files", 0, "/lib", ["a"], []]],
        [["files", 0, "lib/", ["a"], []]],
        [["files", 0, "lib", ["a/b"], []]],
        [["files", 0, "lib", [".."], []]],
        [["files", 0, "lib", ["a\0"], []]],
        [["files", 0, "lib", [1], []]],
        [["files", 0, 1, ["a"], []]],
        [["files", 0, "lib", ["a"], [1]]],
    ],
    ids=range(14),
)
def test_what_is_no_journal_is_not_believed(file: JournalFile, step: object) -> None:
    file.path.write_text(f'{{"roots":[]}}\n{json.dumps(step)}\n')
    with pytest.raises(ValueError, match="expected a journal, found what is none"):
        file.read()


@pytest.mark.parametrize("head", ["", "{}", "[]", '{"roots":[1]}', '{"roots":1}', "{"])
def test_a_head_that_is_none_is_not_believed(file: JournalFile, head: str) -> None:
    file.path.write_text(f"{head}\n")
    with pytest.raises(ValueError, match="expected a journal, found what is none"):
        file.read()


def test_a_link_is_not_read(file: JournalFile, tmp_path: Path) -> None:
    (tmp_path / "other").write_text('{"roots":[]}\n')
    file.path.symlink_to(tmp_path / "other")
    with pytest.raises(UnsafeFileError):
        file.read()


def test_it_is_removed_in_one_step(file: JournalFile) -> None:
    file.begin([])
    file.remove()
    with pytest.raises(FileNotFoundError):
        file.read()
