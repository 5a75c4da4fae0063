import os
import threading
import time
from pathlib import Path

import pytest

from pytest_wheeltag.system.run import RunSnapshot, sweep_runs

DAY_SECONDS = 86_400


def test_the_first_answer_is_that_of_the_run(tmp_path: Path) -> None:
    snapshot, elsewhere = RunSnapshot(tmp_path, "run"), RunSnapshot(tmp_path, "run")
    assert snapshot.read("key", 10) is None
    assert snapshot.publish("key", (b"fir", b"st"))
    assert not elsewhere.publish("key", (b"second",))
    assert elsewhere.read("key", 10) == b"first"
    assert RunSnapshot(tmp_path, "other").read("key", 10) is None


def test_of_many_at_once_one_is_first_and_all_see_it(tmp_path: Path) -> None:
    won: list[bytes] = []

    def publish(content: bytes) -> None:
        if RunSnapshot(tmp_path, "run").publish("key", (content,)):
            won.append(content)

    threads = [threading.Thread(target=publish, args=(bytes([number]),)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [RunSnapshot(tmp_path, "run").read("key", 10)] == won


def test_what_is_forgotten_may_be_published_again(tmp_path: Path) -> None:
    snapshot = RunSnapshot(tmp_path, "run")
    snapshot.publish("key", (b"damaged",))
    snapshot.forget("key")
    assert snapshot.publish("key", (b"whole",))


def test_what_is_no_file_is_cleared_away(tmp_path: Path) -> None:
    snapshot = RunSnapshot(tmp_path, "run")
    (snapshot.folder / "key" / "below").mkdir(parents=True)
    assert snapshot.read("key", 10) is None
    assert snapshot.publish("key", (b"whole",))


@pytest.mark.parametrize("run_id", ["../../escape", "", "a/b", "x" * 300, "dé", ".", "..\\x"])
def test_a_run_id_never_leads_out_of_the_cache(tmp_path: Path, run_id: str) -> None:
    folder = RunSnapshot(tmp_path, run_id).folder
    assert folder.parent == tmp_path / "runs-v1"
    assert folder.name.isalnum()


def test_a_key_has_a_lock(tmp_path: Path) -> None:
    snapshot = RunSnapshot(tmp_path, "run")
    with snapshot.lock("key", 1) as is_held, snapshot.lock("key", 0.1) as is_held_twice:
        assert (is_held, is_held_twice) == (True, False)


def test_runs_of_yesterday_are_swept(tmp_path: Path) -> None:
    for name, age_seconds in (("old", DAY_SECONDS + 60), ("young", DAY_SECONDS - 60)):
        snapshot = RunSnapshot(tmp_path, name)
        snapshot.publish("key", (b"",))
        moment = time.time() - age_seconds
        os.utime(snapshot.folder, (moment, moment))
    assert sweep_runs(tmp_path) == 1
    assert [folder.name for folder in (tmp_path / "runs-v1").iterdir()] == ["young"]


def test_without_runs_nothing_is_swept(tmp_path: Path) -> None:
    assert sweep_runs(tmp_path / "none") == 0
