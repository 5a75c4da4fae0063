import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UnavailableError, WheeltagError
from pytest_wheeltag.subjects.program import Program, at_its_time, requesting
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker, write_find_links

posix = pytest.mark.skipif(os.name != "posix", reason="the stand-ins are shell scripts")

CODE = """
import os, sys
def main():
    print("mitten", "{version}", os.environ.get("HOME"))
    sys.exit({status})
"""
Publish = Callable[..., str]


@pytest.fixture
def publish(index: LocalIndex, make_wheel: WheelMaker) -> Publish:
    """Publish a real little installer: a wheel with a console script."""

    def add(version: str, *, status: int = 0) -> str:
        files = {
            "mitten.py": CODE.format(version=version, status=status),
            f"mitten-{version}.dist-info/entry_points.txt": "[console_scripts]\nmitten = mitten:main\n",
        }
        return index.add(make_wheel("mitten", version, files=files)).filename

    return add


@pytest.fixture
def open_program(place: Workplace, tmp_path: Path) -> Callable[..., Program]:
    def open_it(pinned: str = "", script: str = "") -> Program:
        on_path = tmp_path / "path"
        on_path.mkdir(exist_ok=True)
        if script:
            (on_path / "mitten").write_text(script, encoding="utf-8")
            (on_path / "mitten").chmod(0o755)
        environ = {**place.environ, "PATH": f"{on_path}{os.pathsep}{os.defpath}"}
        # It installs from nowhere: what it is itself comes from the lodging's source.
        nowhere = replace(place, environ=environ, sources=replace(place.sources, no_index=True))
        return Program("mitten", pinned, nowhere, Lodging(tmp_path / "home", tmp_path / "kept", place))

    return open_it


@posix
def test_the_one_on_path_is_taken_and_sees_nothing_of_the_user(
    open_program: Callable[..., Program], publish: Publish, index: LocalIndex, tmp_path: Path
) -> None:
    publish("2.0")
    script = f'#!/bin/sh\ntest "$HOME" = "{tmp_path}" && exit 1\necho "Mitten (version 1.5)"\n'

    program = open_program(script=script)

    assert program.version == "1.5"
    assert program.path == str(tmp_path / "path" / "mitten")
    assert not index.requests


@posix
@pytest.mark.parametrize(
    "script", ["#!/bin/sh\necho 'no such command' >&2\nexit 127\n", "#!/no/such/interpreter\n", "\0"]
)
def test_a_shim_that_leads_nowhere_counts_as_none_and_the_newest_is_fetched(
    open_program: Callable[..., Program], publish: Publish, tmp_path: Path, script: str
) -> None:
    publish("1.0")
    publish("2.0")

    program = open_program(script=script)

    assert program.version == "2.0"
    assert Path(program.path).is_relative_to(tmp_path / "home")


def test_a_version_is_fetched_once_by_all_who_want_it(
    open_program: Callable[..., Program], publish: Publish, index: LocalIndex
) -> None:
    wanted = publish("1.0")
    publish("2.0")
    paths: list[str] = []
    threads = [threading.Thread(target=lambda: paths.append(open_program("1.0").path)) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(paths)) == 1
    assert len(paths) == 4
    assert index.count(wanted) == 1
    assert open_program("1.0").version == "1.0"
    assert open_program("2.0").path != paths[0]


def test_one_that_does_not_start_or_is_not_published_is_told(
    open_program: Callable[..., Program], publish: Publish
) -> None:
    publish("1.0", status=1)

    with pytest.raises(WheeltagError, match="it brings no program that starts: `mitten`"):
        _ = open_program("1.0").path
    with pytest.raises(UnavailableError, match=r"mitten==3\.0"):
        _ = open_program("3.0").path


def test_of_none_at_all_the_version_is_unknown(open_program: Callable[..., Program]) -> None:
    assert open_program().version == "unknown"


def test_what_the_running_interpreter_cannot_have_is_fetched_for_another_one(
    open_program: Callable[..., Program], place: Workplace, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    found = place.finder.find_all()
    older = [each for each in found if (3, 8) <= each.version_info[:2] < sys.version_info[:2]]
    if not older:
        pytest.skip("there is no older interpreter here")
    files = {
        "mitten.py": CODE.format(version="0.9", status=0),
        "mitten-0.9.dist-info/entry_points.txt": "[console_scripts]\nmitten = mitten:main\n",
    }
    bound = f"<{sys.version_info[0]}.{sys.version_info[1]}"
    index.add(make_wheel("mitten", "0.9", files=files), requires_python=bound)

    assert older[0].label in open_program("0.9").path


def test_what_it_needs_is_taken_as_it_was_when_it_was_published(
    open_program: Callable[..., Program], index: LocalIndex, make_wheel: WheelMaker
) -> None:
    files = {
        "mitten.py": "import part\ndef main():\n    print('mitten', part.WORDS)\n",
        "mitten-1.0.dist-info/entry_points.txt": "[console_scripts]\nmitten = mitten:main\n",
    }
    index.add(make_wheel("mitten", "1.0", requires=["part"], files=files), upload_time="2026-03-10T12:00:00Z")
    for version, moment in (("1.0", "2026-03-01T12:00:00Z"), ("1.1", "2026-03-11T11:00:00Z")):
        part = make_wheel("part", version, files={"part.py": f"WORDS = '1.0 with {version}'\n"})
        index.add(part, upload_time=moment)
    # What came later has broken it.
    index.add(make_wheel("part", "2.0", files={"part.py": ""}), upload_time="2026-06-01T12:00:00Z")

    program = open_program()

    assert program.version == "1.0"
    assert subprocess.run([program.path], check=True, capture_output=True, text=True).stdout == (
        "mitten 1.0 with 1.1\n"
    )


def test_where_nothing_of_its_time_will_do_it_is_fetched_with_what_there_is(
    open_program: Callable[..., Program], index: LocalIndex, make_wheel: WheelMaker
) -> None:
    files = {
        "mitten.py": "def main():\n    print('mitten 1.0')\n",
        "mitten-1.0.dist-info/entry_points.txt": "[console_scripts]\nmitten = mitten:main\n",
    }
    index.add(make_wheel("mitten", "1.0", requires=["part"], files=files), upload_time="2026-03-10T12:00:00Z")
    index.add(make_wheel("part", "2.0"), upload_time="2026-06-01T12:00:00Z")

    assert Path(open_program("1.0").path).is_file()


def test_what_lies_in_a_folder_bears_no_date_and_is_left_out(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path
) -> None:
    links = write_find_links(tmp_path / "links", [make_wheel("part", "2.0")])
    index.add(make_wheel("mitten", "1.0", requires=["part"]), upload_time="2026-03-10T12:00:00Z")
    index.add(make_wheel("part", "1.0"), upload_time="2026-03-01T12:00:00Z")
    source = replace(place, sources=replace(place.sources, find_links=(str(links),)))

    found = at_its_time(source, requesting("mitten", "1.0"))

    assert found.sources.exclude_newer == datetime(2026, 3, 11, 12, tzinfo=UTC)
    assert [str(url) for url in found.opened.locations.index_urls] == [
        str(source.opened.locations.index_urls[0])
    ]
    assert not found.opened.locations.find_links
