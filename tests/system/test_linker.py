import base64
import csv
import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.plan import InstallPlan
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import InstallationError
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.linker import LinkOptions, Route, install
from pytest_wheeltag.system.links import LinkMode
from pytest_wheeltag.system.transaction import open_transaction
from pytest_wheeltag.workshop import WheelSpec

Stored = Callable[[WheelSpec], StoreEntry]
Planned = Callable[[StoreEntry], InstallPlan]

FOO = WheelSpec(
    "Foo.Bar",
    "1.0",
    files={
        "foo/__init__.py": "def main(): print('hi')\n",
        "foo/deep/er/data.txt": "x",
        "foo/tool": "#!/bin/sh\n",
    },
    modes={"foo/tool": 0o100755},
    data={
        "scripts/waiting": "#!python\nprint('waited')\n",
        "scripts/ready": "#!/bin/sh\necho ready\n",
        "data/share/foo/readme.txt": "r",
        "headers/foo.h": "h",
    },
    entry_points={"console_scripts": {"foo": "foo:main"}, "gui_scripts": {"foo-gui": "foo:main"}},
)


def record(library: Path) -> dict[str, tuple[str, str]]:
    (path,) = library.glob("*.dist-info/RECORD")
    with path.open(newline="", encoding="utf-8") as file:
        return {name: (digest, size) for name, digest, size in csv.reader(file)}


def assert_intact(library: Path) -> None:
    for name, (digest, size) in record(library).items():
        content = (library / name).read_bytes()
        if not name.endswith("/RECORD"):
            found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={found}", str(len(content))), name


def library_of(target: InstallTarget) -> Path:
    return Path(target.prefix, target.purelib)


@pytest.mark.parametrize("mode", list(LinkMode))
def test_every_file_is_in_its_place_and_in_record(
    stored: Stored, planned: Planned, target: InstallTarget, mode: LinkMode
) -> None:
    entry = stored(FOO)
    report = install(planned(entry), Route(entry.root, Path(target.prefix)), LinkOptions(mode))
    assert report.distribution == "Foo.Bar 1.0"
    assert report.warnings == ()
    assert sum(report.placed.values()) == 9
    assert_intact(library_of(target))
    installed = {path for path in Path(target.prefix).rglob("*") if path.is_file()}
    assert installed == {(library_of(target) / name).resolve() for name in record(library_of(target))}


def test_libraries_are_links_and_what_tools_rewrite_is_not(
    stored: Stored, planned: Planned, target: InstallTarget
) -> None:
    entry, prefix = stored(FOO), Path(target.prefix)
    install(planned(entry), Route(entry.root, prefix), LinkOptions(LinkMode.HARDLINK))
    info = library_of(target) / "foo_bar-1.0.dist-info"
    assert (library_of(target) / "foo/__init__.py").samefile(entry.root / "foo/__init__.py")
    assert (info / "METADATA").stat().st_nlink == 2
    for path in (info / "RECORD", info / "INSTALLER", *(prefix / target.scripts).iterdir()):
        assert path.stat().st_nlink == 1, path
        path.write_bytes(b"rewritten")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_only_what_may_be_run_is_executable(stored: Stored, planned: Planned, target: InstallTarget) -> None:
    entry, prefix = stored(FOO), Path(target.prefix)
    install(planned(entry), Route(entry.root, prefix))
    executable = {path.name for path in prefix.rglob("*") if path.is_file() and path.stat().st_mode & 0o111}
    assert executable == {"tool", "waiting", "ready", "foo", "foo-gui"}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_scripts_of_archives_without_modes_can_be_run(
    stored: Stored, planned: Planned, target: InstallTarget
) -> None:
    spec = WheelSpec("foo", "1.0", data={"scripts/s": "#!/bin/sh\necho ran\n"})
    entry = stored(spec)
    row = next(file for file in entry.files if file.path.endswith("scripts/s"))
    (entry.root / row.path).chmod(0o444)
    install(planned(entry), Route(entry.root, Path(target.prefix)))
    done = subprocess.run([Path(target.prefix, target.scripts, "s")], capture_output=True, check=True)
    assert done.stdout == b"ran\n"


def test_what_is_installed_already_is_not_installed_again(
    stored: Stored, planned: Planned, target: InstallTarget
) -> None:
    entry = stored(FOO)
    install(planned(entry), Route(entry.root, Path(target.prefix)))
    with pytest.raises(
        InstallationError, match=r"there already; uninstall it first: `.*foo_bar-1.0.dist-info`$"
    ):
        install(planned(entry), Route(entry.root, Path(target.prefix)))


@pytest.mark.parametrize("fatal", range(1, 9))
def test_a_full_disk_leaves_nothing_that_counts_and_the_next_call_completes(
    stored: Stored, planned: Planned, target: InstallTarget, monkeypatch: pytest.MonkeyPatch, *, fatal: int
) -> None:
    entry, prefix = stored(FOO), Path(target.prefix)
    calls = 0
    link = os.link

    def fill(*arguments: str, **options: int) -> None:
        nonlocal calls
        calls += 1
        if calls == fatal:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        link(*arguments, **options)  # type: ignore[arg-type] # handed on as they came

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", fill)
        with pytest.raises(
            InstallationError, match=r"^Foo.Bar 1.0 is not installed, no space left on device: `"
        ):
            install(planned(entry), Route(entry.root, prefix), LinkOptions(LinkMode.HARDLINK))
    assert [path.name for path in library_of(target).iterdir() if path.name.endswith("-info")] == []
    assert list(prefix.rglob(".tmp-*")) == []
    install(planned(entry), Route(entry.root, prefix))
    assert_intact(library_of(target))


def test_a_file_of_another_distribution_is_replaced_with_a_warning(
    stored: Stored, planned: Planned, target: InstallTarget
) -> None:
    first = stored(WheelSpec("first", "1.0", files={"shared.py": "1", "first.py": ""}))
    second = stored(WheelSpec("second", "2.0", files={"shared.py": "2"}))
    prefix = Path(target.prefix)
    install(planned(first), Route(first.root, prefix))
    with pytest.raises(
        InstallationError, match=r"^second 2.0 is not installed, a file of it belongs to first-1.0 already"
    ):
        install(planned(second), Route(second.root, prefix), LinkOptions(strict=True))
    assert (library_of(target) / "shared.py").read_text() == "1"
    report = install(planned(second), Route(second.root, prefix))
    assert report.warnings == (
        f"a file of it belongs to first-1.0 already, the last one wins: `{target.purelib}/shared.py`",
    )
    assert (library_of(target) / "shared.py").read_text() == "2"
    assert (first.root / "shared.py").read_text() == "1"


def test_a_file_of_nobody_is_replaced_without_one(
    stored: Stored, planned: Planned, target: InstallTarget
) -> None:
    entry, prefix = stored(FOO), Path(target.prefix)
    (library_of(target) / "foo").mkdir()
    (library_of(target) / "foo/__init__.py").write_text("old")
    (prefix / target.scripts / "foo").write_text("old")
    outside = prefix.parent / "outside"
    outside.write_text("kept")
    (library_of(target) / "foo/tool").symlink_to(outside)
    assert install(planned(entry), Route(entry.root, prefix)).warnings == ()
    assert_intact(library_of(target))
    assert outside.read_text() == "kept"


@pytest.mark.parametrize("place", ["foo", "foo/deep"])
def test_nothing_is_written_through_a_link(
    stored: Stored, planned: Planned, target: InstallTarget, place: str
) -> None:
    entry, prefix = stored(FOO), Path(target.prefix)
    outside = prefix.parent / "outside"
    outside.mkdir()
    link = library_of(target) / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside, target_is_directory=True)
    with pytest.raises(InstallationError, match=r"expected a folder, found a link or a file"):
        install(planned(entry), Route(entry.root, prefix))
    assert list(outside.iterdir()) == []


def test_store_and_environment_may_not_lie_in_each_other(
    stored: Stored, planned: Planned, target: InstallTarget
) -> None:
    entry = stored(FOO)
    plan = planned(entry)
    for source, prefix in (
        (entry.root, entry.root / "env"),
        (entry.root, entry.root.parent),
        (entry.root, entry.root),
    ):
        with pytest.raises(InstallationError, match=r"do not lie in each other"):
            install(plan, Route(source, prefix))
    assert not Path(target.prefix, plan.dist_info).exists()


def test_what_a_dead_process_was_staging_goes(
    stored: Stored, planned: Planned, target: InstallTarget
) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    staged = library_of(target) / f".tmp-{process.pid}-ab"
    (staged / "METADATA").mkdir(parents=True)
    entry = stored(FOO)
    install(planned(entry), Route(entry.root, Path(target.prefix)))
    assert not staged.exists()


def test_an_entry_that_vanishes_meanwhile_is_told(
    stored: Stored, planned: Planned, target: InstallTarget
) -> None:
    entry = stored(FOO)
    plan = planned(entry)
    with pytest.raises(InstallationError, match=r"no such file or directory"):
        install(plan, Route(entry.root.with_name("gone"), Path(target.prefix)))


def test_in_a_transaction_files_of_others_are_put_back(
    stored: Stored, planned: Planned, target: InstallTarget, tmp_path: Path
) -> None:
    first = stored(WheelSpec("first", "1.0", files={"shared.py": "1", "first.py": ""}))
    install(planned(first), Route(first.root, Path(target.prefix)))
    second = stored(WheelSpec("second", "1.0", files={"shared.py": "2", "second/a.py": ""}))
    shared = library_of(target) / "shared.py"

    def install_second(*, strict: bool) -> tuple[str, ...]:
        with open_transaction(tmp_path / "cache", target) as transaction:
            options = LinkOptions(strict=strict)
            report = install(planned(second), Route(second.root, Path(target.prefix), transaction), options)
        return report.warnings

    with pytest.raises(InstallationError, match=r"a file of it belongs to first-1\.0 already"):
        install_second(strict=True)
    assert shared.read_text() == "1"
    assert shared.samefile(first.root / "shared.py")
    assert not (library_of(target) / "second").exists()
    (warning,) = install_second(strict=False)
    assert warning.startswith("a file of it belongs to first-1.0 already, the last one wins")
    assert shared.read_text() == "2"
    assert (first.root / "shared.py").read_text() == "1"
    assert list(Path(target.prefix).glob(".wheeltag*")) == []


def test_in_a_transaction_what_failed_can_be_tried_again(
    stored: Stored, planned: Planned, target: InstallTarget, tmp_path: Path
) -> None:
    entry, prefix = stored(FOO), Path(target.prefix)
    damaged = shutil.copytree(entry.root, tmp_path / "damaged")
    (damaged / "foo/deep/er/data.txt").unlink()
    with open_transaction(tmp_path / "cache", target) as transaction:
        with pytest.raises(InstallationError, match="no such file"):
            install(planned(entry), Route(damaged, prefix, transaction))
        install(planned(entry), Route(entry.root, prefix, transaction))
    assert_intact(library_of(target))
    installed = {path for path in prefix.rglob("*") if path.is_file()}
    assert installed == {(library_of(target) / name).resolve() for name in record(library_of(target))}
