"""A command killed at any moment, cold or warm, from resolving to the last link: the next call is right."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_wheeltag.core.verdict import Property, VerdictKind
from pytest_wheeltag.system.environment import open_environment
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker

# `WHEELTAG_KILLS=200` asks for more.
KILLS = int(os.environ.get("WHEELTAG_KILLS", "6"))
WHEELS = 5
FILES = 60


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Give an index with wheels of which each needs all before it."""
    make_wheel = WheelMaker(tmp_path / "wheels")
    chance = random.Random(KILLS)  # noqa: S311 - content, no secret
    with LocalIndex() as index:
        for number in range(WHEELS):
            content = {f"foo{number}/m{each}.py": chance.randbytes(2000).hex() for each in range(FILES)}
            requires = [f"foo{each}" for each in range(number)]
            index.add(make_wheel(f"foo{number}", requires=requires, files=content))
        yield index.url


def command(url: str, cache: Path, folder: Path) -> list[str]:
    options = [f"--index-url={url}", f"--cache-dir={cache}", f"--python={sys.executable}"]
    return [sys.executable, "-m", "pytest_wheeltag", "venv", str(folder), *options, f"foo{WHEELS - 1}"]


def test_killed_at_any_moment_the_next_call_is_right(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    chance = random.Random(KILLS)  # noqa: S311 - moments, no secret
    warm = tmp_path / "warm"
    started = time.monotonic()
    subprocess.run(command(url, warm, tmp_path / "first"), check=True, capture_output=True)
    whole_seconds = time.monotonic() - started

    for number in range(KILLS):
        cache = warm if number % 2 else tmp_path / f"cold{number}"
        folder = tmp_path / f"env{number}"
        process = subprocess.Popen(
            command(url, cache, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.05, whole_seconds))
        process.kill()
        process.wait()

        assert_next_call_is_right(url, cache, folder)


def assert_next_call_is_right(url: str, cache: Path, folder: Path) -> None:
    """Make the environment, unless it says to be complete, and look whether every file is as RECORD lists it."""
    place = Workplace(SourceOptions(cache), os.environ).with_index(url)
    interpreter = place.finder.ask(Path(sys.executable))
    if open_environment(folder, interpreter) is None:
        done = subprocess.run(command(url, cache, folder), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    verdicts = place.auditor.audit(place.finder.find_environment(folder), Property.INTACT)
    assert [verdict.kind for verdict in verdicts] == [VerdictKind.INTACT] * WHEELS
