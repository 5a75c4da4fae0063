import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pytest

from pytest_wheeltag.core.manifest import parse_manifest, stamp
from pytest_wheeltag.core.wheel import WheelBounds, WheelPolicy
from pytest_wheeltag.errors import RefusedWheelError, StoreError, UnreachableError, WheelError
from pytest_wheeltag.system import store as store_module
from pytest_wheeltag.system.archive import open_wheel
from pytest_wheeltag.system.entries import StoreEntry, Verification, find_suspects
from pytest_wheeltag.system.store import STORE_ROOM, WantedWheel, WheelStore
from pytest_wheeltag.workshop import FAULTS, Fault, WheelSpec, build_wheel
from pytest_wheeltag.workshop.fault import Expectation, on_first_row

SPEC = WheelSpec(
    "Foo.Bar",
    "1.0",
    files={"foo/__init__.py": "print('hi')\n", "foo/tool": "#!/bin/sh\n", "extra.pth": ""},
    modes={"foo/tool": 0o104755},
    data={"scripts/s": "#!python\n"},
    entry_points={"console_scripts": {"foo": "foo:main"}},
)
posix = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")


@dataclass
class Shelf:
    """A store with one wheel to put into it, and what it was asked for and said."""

    folder: Path
    wheel: Path
    warnings: list[str] = field(default_factory=list)
    fetched: int = 0

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.wheel.read_bytes()).hexdigest()

    @property
    def wanted(self) -> WantedWheel:
        return WantedWheel(self.wheel.name, self.sha256)

    def store(self, verification: Verification = Verification.STAT) -> WheelStore:
        return WheelStore(self.folder, verification=verification, warn=self.warnings.append)

    @contextmanager
    def fetch(self) -> Iterator[BinaryIO]:
        self.fetched += 1
        with self.wheel.open("rb") as file:
            yield file

    def provide(self, verification: Verification = Verification.STAT) -> StoreEntry:
        return self.store(verification).provide(self.wanted, self.fetch)

    def leftovers(self) -> list[Path]:
        return list(self.folder.rglob(".tmp-*"))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "cache", build_wheel(SPEC, tmp_path / "wheels"))


def test_an_entry_lies_under_the_digest_of_its_archive(shelf: Shelf) -> None:
    entry = shelf.provide()
    assert entry.root == shelf.folder / STORE_ROOM / shelf.sha256[:2] / shelf.sha256[2:] / "files"
    assert (entry.digest, entry.wheel.name, entry.wheel.version) == (shelf.sha256, "Foo.Bar", "1.0")
    assert entry.wheel.tags == ("py3-none-any",)
    assert entry.wheel.pth_files == ("extra.pth",)
    assert entry.warnings == ()
    assert list(shelf.store().entries()) == [(shelf.sha256, entry.root.parent)]


def test_a_second_call_fetches_nothing_and_finds_the_same(shelf: Shelf) -> None:
    first = shelf.provide()
    assert shelf.provide(Verification.HASH) == first
    assert shelf.store().get(shelf.wanted) == first
    assert (shelf.fetched, shelf.warnings) == (1, [])


@posix
def test_files_are_read_only_and_stamped_by_their_content(shelf: Shelf) -> None:
    entry = shelf.provide()
    modes = {}
    for row in entry.files:
        path = entry.root / row.path
        digest = hashlib.sha256(path.read_bytes()).digest()
        assert path.stat().st_mtime_ns == row.mtime_ns == stamp(digest)
        modes[path.name] = stat.S_IMODE(path.stat().st_mode)
    assert modes.pop("tool") == modes.pop("s") == 0o555
    assert set(modes.values()) == {0o444}
    assert shelf.leftovers() == []


def test_the_manifest_tells_every_file(shelf: Shelf) -> None:
    entry = shelf.provide()
    wheel = parse_manifest((entry.root.parent / "manifest.json").read_bytes())
    assert wheel == entry.wheel
    on_disk = {str(path.relative_to(entry.root)) for path in entry.root.rglob("*") if path.is_file()}
    assert {row.path for row in wheel.files} == on_disk


def test_scripts_that_wait_for_an_interpreter_come_with_their_content(shelf: Shelf) -> None:
    entry = shelf.provide()
    assert dict(entry.scripts) == {"foo_bar-1.0.data/scripts/s": b"#!python\n"}


def test_a_changed_script_is_noticed_before_it_is_used(shelf: Shelf) -> None:
    entry = shelf.provide()
    rewrite(entry.root / "foo_bar-1.0.data/scripts/s", b"#!pythom\n")
    with pytest.raises(StoreError, match=r"was changed; try again: `"):
        _ = entry.scripts
    entry = shelf.provide()
    (entry.root / "foo_bar-1.0.data/scripts/s").unlink()
    with pytest.raises(StoreError, match=r"cannot be read"):
        _ = entry.scripts


def test_an_archive_at_hand_is_added_under_what_it_is(shelf: Shelf) -> None:
    with shelf.wheel.open("rb") as file:
        entry = shelf.store().add(file, WantedWheel(shelf.wheel.name))
    assert entry.digest == shelf.sha256
    assert shelf.store().add(io.BytesIO(shelf.wheel.read_bytes()), WantedWheel(shelf.wheel.name)) == entry
    assert shelf.store().provide(WantedWheel(shelf.wheel.name), shelf.fetch) == entry


def test_another_archive_than_wanted_leaves_nothing(shelf: Shelf) -> None:
    wanted = WantedWheel(shelf.wheel.name, "0" * 64)
    with pytest.raises(WheelError, match=rf"expected the SHA-256 `{'0' * 64}`, found `{shelf.sha256}`"):
        shelf.store().provide(wanted, shelf.fetch)
    assert list(shelf.store().entries()) == []
    assert shelf.leftovers() == []


def test_what_cannot_be_fetched_leaves_nothing(shelf: Shelf) -> None:
    @contextmanager
    def fail() -> Iterator[BinaryIO]:
        raise UnreachableError("https://index.example/", "expected an answer, found none")
        yield io.BytesIO()

    with pytest.raises(UnreachableError):
        shelf.store().provide(shelf.wanted, fail)
    assert list(shelf.store().entries()) == []
    assert shelf.leftovers() == []


@pytest.mark.parametrize("text", ["", "0" * 63, "A" * 64, "../" + "0" * 61, "0" * 64 + "\n"])
def test_only_a_digest_names_an_entry(shelf: Shelf, text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a SHA-256"):
        shelf.store().place(text)


# Damage, and what becomes of it.


def rewrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def append(entry: StoreEntry) -> None:
    path = entry.root / "foo/__init__.py"
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(b"poison")


def replace_same_size(entry: StoreEntry) -> None:
    rewrite(entry.root / "foo/__init__.py", b"print('no')\n")


def truncate(entry: StoreEntry) -> None:
    rewrite(entry.root / "foo/__init__.py", b"")


def remove(entry: StoreEntry) -> None:
    (entry.root / "foo/__init__.py").unlink()


def remove_folder(entry: StoreEntry) -> None:
    shutil.rmtree(entry.root / "foo")


def link_file(entry: StoreEntry) -> None:
    path = entry.root / "foo/__init__.py"
    other = path.rename(entry.root.parent.parent / "elsewhere")
    path.symlink_to(other)


def link_folder(entry: StoreEntry) -> None:
    other = (entry.root / "foo").rename(entry.root.parent.parent / "elsewhere")
    (entry.root / "foo").symlink_to(other, target_is_directory=True)


def link_entry(entry: StoreEntry) -> None:
    place = entry.root.parent
    other = place.rename(place.parent / "elsewhere")
    place.symlink_to(other, target_is_directory=True)


def no_files(entry: StoreEntry) -> None:
    shutil.rmtree(entry.root)


def link_files(entry: StoreEntry) -> None:
    other = entry.root.rename(entry.root.parent.parent / "elsewhere")
    entry.root.symlink_to(other, target_is_directory=True)


def file_for_entry(entry: StoreEntry) -> None:
    shutil.rmtree(entry.root.parent)
    entry.root.parent.touch()


def empty_entry(entry: StoreEntry) -> None:
    shutil.rmtree(entry.root)
    (entry.root.parent / "manifest.json").unlink()


def no_manifest(entry: StoreEntry) -> None:
    (entry.root.parent / "manifest.json").unlink()


def half_manifest(entry: StoreEntry) -> None:
    path = entry.root.parent / "manifest.json"
    rewrite(path, path.read_bytes()[:-20])


def strange_manifest(entry: StoreEntry) -> None:
    rewrite(entry.root.parent / "manifest.json", json.dumps({"schema": 99}).encode())


def foreign_manifest(entry: StoreEntry) -> None:
    path = entry.root.parent / "manifest.json"
    other = path.read_bytes().replace(entry.digest.encode(), b"0" * 64)
    body = other.partition(b"\n")[2]
    rewrite(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def fifo_manifest(entry: StoreEntry) -> None:
    path = entry.root.parent / "manifest.json"
    path.unlink()
    os.mkfifo(path)


DAMAGES = [
    append,
    replace_same_size,
    truncate,
    remove,
    remove_folder,
    link_file,
    link_folder,
    link_entry,
    no_files,
    link_files,
    file_for_entry,
    empty_entry,
    no_manifest,
    half_manifest,
    strange_manifest,
    foreign_manifest,
    fifo_manifest,
]


@posix
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("verification", list(Verification))
def test_damage_costs_one_warning_and_one_fetch(
    shelf: Shelf, damage: Callable[[StoreEntry], None], verification: Verification
) -> None:
    entry = shelf.provide()
    damage(entry)
    healed = shelf.provide(verification)
    assert healed == entry
    assert find_suspects(healed, Verification.HASH) == ()
    assert shelf.fetched == 2
    assert len(shelf.warnings) == 1
    assert shelf.warnings[0].startswith("an entry of the store was damaged and is unpacked anew, ")
    assert shelf.provide(verification) == entry
    assert (shelf.fetched, len(shelf.warnings)) == (2, 1)
    assert shelf.leftovers() == []


@posix
def test_healing_never_follows_a_link(shelf: Shelf) -> None:
    entry = shelf.provide()
    link_entry(entry)
    elsewhere = entry.root.parent.parent / "elsewhere"
    before = {path.relative_to(elsewhere) for path in elsewhere.rglob("*")}
    shelf.provide()
    assert {path.relative_to(elsewhere) for path in elsewhere.rglob("*")} == before


@posix
@pytest.mark.parametrize("change", ["touched", "made writable"])
def test_what_has_its_content_still_is_mended_without_a_fetch(shelf: Shelf, change: str) -> None:
    entry = shelf.provide()
    path = entry.root / "foo/__init__.py"
    if change == "touched":
        os.utime(path)
    else:
        path.chmod(0o644)
    assert shelf.provide() == entry
    assert find_suspects(entry, Verification.HASH) == ()
    assert (shelf.fetched, shelf.warnings) == (1, [])


@posix
def test_only_hashing_sees_a_change_that_restored_the_stamp(shelf: Shelf) -> None:
    entry = shelf.provide()
    path = entry.root / "foo/__init__.py"
    times = path.stat()
    rewrite(path, b"print('no')\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    path.chmod(0o444)
    assert find_suspects(entry, Verification.STAT) == ()
    assert [row.path for row in find_suspects(entry, Verification.HASH)] == ["foo/__init__.py"]
    assert shelf.provide(Verification.HASH) == entry
    assert path.read_bytes() == b"print('hi')\n"
    assert shelf.fetched == 2


def test_a_file_too_much_is_no_damage_and_is_not_told(shelf: Shelf) -> None:
    entry = shelf.provide()
    (entry.root / "foo" / "stranger.py").touch()
    assert shelf.provide(Verification.HASH) == entry
    assert shelf.fetched == 1


# Who may do what.


@posix
def test_a_store_that_everybody_can_write_to_is_refused(shelf: Shelf) -> None:
    shelf.provide()
    (shelf.folder / STORE_ROOM).chmod(0o777)
    with pytest.raises(StoreError, match=r"not everybody can write to; remove the others' right to write: `"):
        shelf.provide()


@posix
def test_the_store_itself_may_be_a_link(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    shelf.folder.mkdir()
    (shelf.folder / STORE_ROOM).symlink_to(tmp_path / "disk", target_is_directory=True)
    assert shelf.provide() == shelf.provide()
    assert shelf.fetched == 1


def test_a_store_that_cannot_be_written_says_so(shelf: Shelf) -> None:
    shelf.folder.mkdir()
    (shelf.folder / STORE_ROOM).write_text("a file in its place")
    with pytest.raises(
        StoreError, match=r"^the store of wheels cannot be used, .*; choose another cache folder: `"
    ):
        shelf.provide()


def test_strict_wheels_refuse_what_was_stored_without(tmp_path: Path) -> None:
    fault = Fault("wrong-hash", "42", record=on_first_row(lambda row: (row[0], "sha256=" + "A" * 43, row[2])))
    wheel = build_wheel(SPEC, tmp_path / "wheels", [fault])
    shelf = Shelf(tmp_path / "cache", wheel)
    strict = WantedWheel(wheel.name, shelf.sha256, WheelPolicy(strict=True))
    with pytest.raises(
        RefusedWheelError, match=r"expected the sha256 of RECORD, found another in `extra.pth`|`foo/"
    ):
        shelf.store().provide(strict, shelf.fetch)
    assert list(shelf.store().entries()) == []
    entry = shelf.provide()
    assert len(entry.warnings) == len(entry.wheel.doubts) == 1
    with pytest.raises(RefusedWheelError, match=r"found another in"):
        shelf.store().get(strict)


def test_files_that_run_at_every_start_can_be_refused_later_too(shelf: Shelf) -> None:
    shelf.provide()
    wanted = WantedWheel(shelf.wheel.name, shelf.sha256, WheelPolicy(refuse_pth=True))
    with pytest.raises(RefusedWheelError, match=r"expected no .pth file, found `extra.pth`"):
        shelf.store().get(wanted)


def test_a_wheel_that_does_not_fit_is_refused_before_it_is_written(shelf: Shelf) -> None:
    policy = WheelPolicy(bounds=WheelBounds(max_unpacked_bytes=10))
    with pytest.raises(RefusedWheelError, match=r"expected at most 10 bytes unpacked|at most 10 bytes"):
        shelf.store().provide(WantedWheel(shelf.wheel.name, shelf.sha256, policy), shelf.fetch)
    assert list(shelf.store().entries()) == []
    assert shelf.leftovers() == []


# Only an interpreter knows its tags; a hundred thousand files take seconds.
@pytest.mark.parametrize("name", sorted(FAULTS.keys() - {"name-unknown-tag", "content-many-files"}))
def test_what_is_wrong_with_a_wheel_is_refused_or_told(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    shelf = Shelf(tmp_path / "cache", build_wheel(SPEC, tmp_path / "wheels", [fault]))
    refused = fault.expectation is Expectation.REFUSED
    try:
        entry = shelf.provide()
    except RefusedWheelError:
        assert refused or fault.expectation is Expectation.BOUNDED
        assert list(shelf.store().entries()) == []
    else:
        assert not refused
        assert entry.warnings or fault.expectation in {Expectation.ACCEPTED, Expectation.BOUNDED}
        assert shelf.provide(Verification.HASH) == entry
    assert shelf.leftovers() == []


def test_a_file_that_changes_while_it_is_read_is_refused(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_and_touch(file: BinaryIO, filename: str, policy: WheelPolicy) -> object:
        os.utime(shelf.wheel)
        return open_wheel(file, filename, policy)

    monkeypatch.setattr(store_module, "open_wheel", open_and_touch)
    with pytest.raises(WheelError, match=r"found it changed while it was read"):
        shelf.provide()
    assert list(shelf.store().entries()) == []


# Many at once.


def provide_in_threads(shelf: Shelf, count: int) -> list[StoreEntry]:
    found: list[StoreEntry] = []
    threads = [threading.Thread(target=lambda: found.append(shelf.provide())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_threads_fetch_and_unpack_a_wheel_once(shelf: Shelf) -> None:
    found = provide_in_threads(shelf, 8)
    assert len(found) == 8
    assert len({entry.digest for entry in found}) == 1
    assert (shelf.fetched, shelf.warnings) == (1, [])


def test_without_locks_there_is_more_work_but_no_error(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def no_lock(path: Path) -> Iterator[bool]:
        yield path.is_file()

    monkeypatch.setattr(store_module, "lock", no_lock)
    found = provide_in_threads(shelf, 8)
    assert len(found) == 8
    assert shelf.warnings == []
    assert find_suspects(found[0], Verification.HASH) == ()
    assert shelf.leftovers() == []


def test_threads_heal_an_entry_once(shelf: Shelf) -> None:
    append(shelf.provide())
    assert len(provide_in_threads(shelf, 8)) == 8
    assert (shelf.fetched, len(shelf.warnings)) == (2, 1)


def test_what_a_dead_process_was_unpacking_goes(shelf: Shelf) -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    left = shelf.folder / STORE_ROOM / shelf.sha256[:2] / f".tmp-{process.pid}-ab"
    (left / "files" / "foo").mkdir(parents=True)
    shelf.provide()
    assert not left.exists()


def test_a_fetch_is_a_context(shelf: Shelf) -> None:
    opened: AbstractContextManager[BinaryIO] = shelf.fetch()
    with opened as file:
        assert file.read(2) == b"PK"
