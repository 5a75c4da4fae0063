import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.system.answers import Answer, AnswerCache, ExecutableKey, key_of

FACTS = Answer({"version": "3.11.7"})
FAILURE = Answer(None, "it printed nothing and ended with status 3")


@pytest.fixture
def executable(tmp_path: Path) -> Path:
    path = tmp_path / "python"
    path.write_bytes(b"first")
    return path


@pytest.fixture
def key(executable: Path) -> ExecutableKey:
    return key_of(str(executable), "print()")


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    return AnswerCache(tmp_path / "cache" / "interpreters-v1")


def test_recalls_what_it_remembers(cache: AnswerCache, key: ExecutableKey) -> None:
    assert cache.recall(key) is None
    cache.remember(key, FACTS)
    assert AnswerCache(cache.folder).recall(key) == FACTS
    assert [path.name for path in cache.folder.iterdir()] == [key.filename]


def test_recalls_failures_for_an_hour(cache: AnswerCache, key: ExecutableKey) -> None:
    cache.remember(key, FAILURE)
    assert cache.recall(key) == FAILURE
    later = replace(cache, clock=lambda: time.time() + 3601)
    assert later.recall(key) is None
    clock_set_back = replace(cache, clock=lambda: time.time() - 3601)
    assert clock_set_back.recall(key) is None


def test_recalls_facts_for_ever(cache: AnswerCache, key: ExecutableKey) -> None:
    cache.remember(key, FACTS)
    assert replace(cache, clock=lambda: time.time() + 1e9).recall(key) == FACTS


def test_an_executable_replaced_in_place_has_another_key(executable: Path, key: ExecutableKey) -> None:
    before = executable.stat()
    executable.write_bytes(b"other")
    os.utime(executable, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert key_of(str(executable), "print()") != key


def test_an_executable_exchanged_with_size_and_time_kept_has_another_key(
    executable: Path, key: ExecutableKey
) -> None:
    before = executable.stat()
    other = executable.with_name("other")
    other.write_bytes(b"other")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(executable)
    found = key_of(str(executable), "print()")
    assert (found.size, found.modified_nanoseconds) == (key.size, key.modified_nanoseconds)
    assert found != key


def test_another_probe_asks_anew(executable: Path, key: ExecutableKey) -> None:
    assert key_of(str(executable), "print(1)").filename != key.filename


def test_the_key_names_the_machine(key: ExecutableKey) -> None:
    assert replace(key, machine=(*key.machine[:1], "7.0", *key.machine[2:])).filename != key.filename
    assert all(part for part in key.machine[:4])


def test_a_path_that_is_no_text_has_a_key(key: ExecutableKey, cache: AnswerCache) -> None:
    odd = replace(key, path="/caf\udce9/python")
    cache.remember(odd, FACTS)
    assert cache.recall(odd) == FACTS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"path": "/elsewhere", "facts": {}}',
        b"\xff",
        b"[" * 100_000,
        b'{"facts": {}}',
    ],
    ids=["empty", "cut", "list", "null", "of another path", "no text", "deep", "without path"],
)
def test_a_damaged_file_is_as_good_as_none_and_heals(
    cache: AnswerCache, key: ExecutableKey, content: bytes
) -> None:
    cache.folder.mkdir(parents=True)
    (cache.folder / key.filename).write_bytes(content)
    assert cache.recall(key) is None
    cache.remember(key, FACTS)
    assert cache.recall(key) == FACTS


def test_a_folder_in_place_of_a_file_is_as_good_as_none(cache: AnswerCache, key: ExecutableKey) -> None:
    (cache.folder / key.filename).mkdir(parents=True)
    cache.remember(key, FACTS)
    assert cache.recall(key) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_a_fifo_in_place_of_a_file_is_never_waited_for(cache: AnswerCache, key: ExecutableKey) -> None:
    cache.folder.mkdir(parents=True)
    os.mkfifo(cache.folder / key.filename)
    assert cache.recall(key) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, key: ExecutableKey) -> None:
    (tmp_path / "file").write_text("")
    cache = AnswerCache(tmp_path / "file" / "interpreters-v1")
    cache.remember(key, FACTS)
    assert cache.recall(key) is None


def test_a_missing_executable_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        key_of(str(tmp_path / "none"), "")
