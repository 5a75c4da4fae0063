"""Locks, taken by pip and by us: the same files, hashes and requests."""

import hashlib
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.locked import resolve_locked
from pytest_wheeltag.core.lockfile import read_lock, select_parts
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.workshop import WheelMaker

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pip") is None or Version(importlib.metadata.version("pip")) < Version("26.2"),
    reason="there is no pip here that installs from locks",
)

Taken = list[tuple[str, str, dict[str, str], bool]]


def run_pip(command: str, *arguments: str | Path, folder: Path) -> None:
    """Let pip work offline, deaf to the user's own settings."""
    options = ("--isolated", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-index")
    line = [sys.executable, "-m", "pip", command, *options, *map(str, arguments)]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def taken_by_pip(folder: Path, requirement: str, *options: str) -> Taken:
    report = folder / "report.json"
    run_pip(
        "install",
        "--dry-run",
        "--ignore-installed",
        "--report",
        report,
        "-r",
        requirement,
        *options,
        folder=folder,
    )
    installs = json.loads(report.read_text("utf-8"))["install"]
    return sorted(
        (
            each["metadata"]["name"],
            each["download_info"]["url"],
            each["download_info"]["archive_info"]["hashes"],
            each["requested"],
        )
        for each in installs
    )


def taken_by_us(
    folder: Path, interpreter: Interpreter, extras: Iterable[str] = (), groups: Iterable[str] | None = None
) -> Taken:
    path = folder / "pylock.toml"
    lock = read_lock(path.read_bytes(), "pylock.toml", f"{folder.as_uri()}/")
    request = Request((), lock=select_parts(lock, extras, groups))
    resolution = resolve_locked(request, Screen(interpreter))
    return [
        (each.name, each.file.url, dict(each.hashes), each.name in resolution.requested)
        for each in resolution.choices
    ]


@pytest.fixture
def make(tmp_path: Path) -> WheelMaker:
    return WheelMaker(tmp_path / "wheels")


def test_a_lock_that_pip_made(tmp_path: Path, make: WheelMaker, running_interpreter: Interpreter) -> None:
    make("foo", "1.0", requires=["bar>=2"])
    make("foo", "1.0", tag="cp32-abi3-any")
    make("bar", "2.1")
    make("bar", "2.1", tag="py{}{}-none-any".format(*sys.version_info))
    run_pip("lock", "--find-links", make.folder, "-o", tmp_path / "pylock.toml", "foo", folder=tmp_path)

    taken = taken_by_us(tmp_path, running_interpreter)

    assert taken == taken_by_pip(tmp_path, "pylock.toml")
    assert [each[0] for each in taken] == ["bar", "foo"]


def entry(wheel: Path, folder: Path) -> str:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f'{{path = "{wheel.relative_to(folder).as_posix()}", hashes = {{sha256 = "{digest}"}}}}'


@pytest.fixture
def manual(tmp_path: Path, make: WheelMaker, running_interpreter: Interpreter) -> Path:
    """Write a lock by hand, of several wheels for each package."""
    here = "py{}{}".format(*sys.version_info)
    platforms = list(dict.fromkeys(tag.rpartition("-")[2] for tag in running_interpreter.ranking.tags))
    tags = ["py3-none-any", f"{here}-none-any", "py2.py3-none-any", "cp32-abi3-any", "py30-none-any"]
    tags += [f"cp39-abi3-{platform}" for platform in platforms[:3]]
    tags += [f"py3-none-{platform}" for platform in platforms[1:4]]
    markers = {
        "pure": ("", tags[:5]),
        "binary": ("", tags),
        "fast": ("marker = \"'fast' in extras\"\n", tags[::-1]),
        "dev": ("marker = \"'dev' in dependency_groups and python_version > '3'\"\n", tags[2:4]),
        "other": ("marker = \"sys_platform == 'nowhere'\"\n", tags[:1]),
        "ties": ("", ["py2.py3-none-any", "py3-none-any"]),
    }
    text = 'lock-version = "1.0"\ncreated-by = "hand"\nextras = ["fast"]\n'
    text += 'dependency-groups = ["dev"]\ndefault-groups = ["usual"]\n'
    for name, (marker, names) in markers.items():
        files = ", ".join(entry(make(name, "1.0", tag=tag), tmp_path) for tag in names)
        text += f'[[packages]]\nname = "{name}"\nversion = "1.0"\n{marker}wheels = [{files}]\n'
    (tmp_path / "pylock.toml").write_text(text, "utf-8")
    return tmp_path


def test_a_lock_with_several_wheels_of_each_package(manual: Path, running_interpreter: Interpreter) -> None:
    taken = taken_by_us(manual, running_interpreter)

    assert taken == taken_by_pip(manual, "pylock.toml")
    assert [each[0] for each in taken] == ["binary", "pure", "ties"]


def test_extras_and_groups_of_a_lock(manual: Path, running_interpreter: Interpreter) -> None:
    taken = taken_by_us(manual, running_interpreter, ["fast"], ["usual", "dev"])

    assert taken == taken_by_pip(manual, "pylock.toml[fast]", "--group", "pylock.toml:dev")
    assert [each[0] for each in taken] == ["binary", "dev", "fast", "pure", "ties"]
