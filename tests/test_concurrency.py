"""Many workers in several processes on one empty cache: work is done once, and nobody fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_wheeltag.workshop import LocalIndex, Recipe, WheelMaker

PROCESSES = 3
WORKERS = 8
WHEELS = 10

# One process: eight threads, each with an environment of its own, all with one workplace.
SCRIPT = """
import json, os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.system.contents import InstalledContents
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.intact import examine_files
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.venv import Venv
from pytest_wheeltag.workplace import Workplace

cache, home, index, workers, *names = sys.argv[1:]
place = Workplace(SourceOptions(Path(cache)), os.environ).with_index(index)
interpreter = place.finder.ask(Path(sys.executable))

def work(number):
    environment = place.maker.make(Path(home) / str(number), interpreter)
    venv = Venv(environment, lambda: place)
    venv.install(*names)
    venv.check("best")
    # Not the property `intact`: that asks the index for RECORDs, which would count as downloads.
    there = environment.as_existing()
    assert not [alteration for each in read_installed(there) for alteration in examine_files(InstalledContents(there, each))]
    return venv.fingerprint()

with ThreadPoolExecutor(int(workers)) as pool:
    print(json.dumps(sorted(set(pool.map(work, range(int(workers)))))))
"""


@pytest.mark.parametrize("has_metadata", [True, False], ids=["metadata beside", "metadata from the wheel"])
def test_each_wheel_is_downloaded_and_unpacked_once(tmp_path: Path, *, has_metadata: bool) -> None:
    make_wheel = WheelMaker(tmp_path / "wheels")
    names = [f"foo{number}" for number in range(WHEELS)]
    cache = tmp_path / "cache"
    with LocalIndex() as index:
        files = [index.add(make_wheel(name), metadata=has_metadata).filename for name in names]
        arguments = [str(cache), index.url, str(WORKERS), *names]
        running = [_start(tmp_path / f"home{number}", arguments) for number in range(PROCESSES)]
        done = [(process, *process.communicate(timeout=120)) for process in running]
        downloads = {filename: index.count(filename) for filename in files}

    for process, _, errors in done:
        assert process.returncode == 0, errors
    fingerprints = {fingerprint for _, printed, _ in done for fingerprint in json.loads(printed)}
    assert len(fingerprints) == 1
    assert downloads == dict.fromkeys(files, 1)
    entries = [path for path in (cache / "wheels-v1").glob("*/*") if not path.name.startswith(".")]
    assert len(entries) == WHEELS


def _start(home: Path, arguments: list[str]) -> "subprocess.Popen[str]":
    cache, *rest = arguments
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, cache, str(home), *rest],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )


def test_a_source_is_built_once_by_all_processes_together(tmp_path: Path) -> None:
    # Each build leaves another number: equal fingerprints tell that there was one.
    recipe = Recipe(is_irreproducible=True, seconds=0.5)
    cache = tmp_path / "cache"
    with LocalIndex() as index:
        index.add(WheelMaker(tmp_path / "sources").sdist("foo", recipe=recipe))
        running = [
            _start(tmp_path / f"home{number}", [str(cache), index.url, "3", "foo"])
            for number in range(PROCESSES)
        ]
        done = [(process, *process.communicate(timeout=120)) for process in running]

    for process, _, errors in done:
        assert process.returncode == 0, errors
    assert len({fingerprint for _, printed, _ in done for fingerprint in json.loads(printed)}) == 1
    assert not list((cache / "builds-v1").glob(".tmp-*"))
