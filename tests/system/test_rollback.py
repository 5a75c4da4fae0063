import errno
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.plan import InstallPlan
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import EnvironmentStateError
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.linker import Route, install
from pytest_wheeltag.system.transaction import open_transaction, recover
from pytest_wheeltag.system.uninstall import uninstall
from pytest_wheeltag.workshop import WheelSpec

Stored = Callable[[WheelSpec], StoreEntry]
Planned = Callable[[StoreEntry], InstallPlan]
Install = Callable[..., Path]

UNDONE = "what an interrupted installation had begun has been undone: `"


class DiedError(Exception):
    """Stands for the death of a process: what it did is not undone."""


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def put(stored: Stored, planned: Planned, target: InstallTarget) -> Install:
    """Install a small wheel and give its dist-info folder."""

    def install_wheel(version: str = "1.0", name: str = "foo", **parts: object) -> Path:
        entry = stored(WheelSpec(name, version, **parts))  # type: ignore[arg-type] # one dict for many types
        plan = planned(entry)
        install(plan, Route(entry.root, Path(target.prefix)))
        return Path(target.prefix, plan.dist_info)

    return install_wheel


@pytest.fixture
def die_at_work(
    stored: Stored, planned: Planned, target: InstallTarget, cache: Path
) -> Callable[[Path], None]:
    """Die in the middle of an upgrade to 2.0."""
    entry = stored(WheelSpec("foo", "2.0", files={"foo/new.py": "", "foo/both.py": "new"}))

    def upgrade(dist_info: Path) -> None:
        with open_transaction(cache, target) as transaction:
            uninstall(dist_info, target, transaction)
            install(planned(entry), Route(entry.root, Path(target.prefix), transaction))
            raise DiedError

    def die(dist_info: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pytest_wheeltag.system.transaction.Transaction.roll_back", lambda _: None)
            with pytest.raises(DiedError):
                upgrade(dist_info)

    return die


def look(target: InstallTarget) -> dict[str, bytes]:
    files = (path for path in Path(target.prefix).rglob("*"))
    return {
        str(path.relative_to(target.prefix)): path.read_bytes() if path.is_file() else b"" for path in files
    }


OLD = {"foo/old.py": "", "foo/both.py": "old"}
Die = Callable[[Path], None]


def test_the_next_transaction_undoes_it_and_says_so(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path
) -> None:
    info = put(files=OLD)
    before = look(target)
    die_at_work(info)
    assert look(target) != before
    with open_transaction(cache, target) as transaction:
        (told,) = transaction.recovered
        assert told.startswith(UNDONE)
        assert look(target) == before
    assert look(target) == before
    with open_transaction(cache, target) as transaction:
        assert transaction.recovered == ()


def test_another_cache_or_none_is_as_good(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path, tmp_path: Path
) -> None:
    info = put(files=OLD)
    before = look(target)
    die_at_work(info)
    shutil.rmtree(cache)
    assert recover(tmp_path / "other", target)
    assert look(target) == before


def test_an_environment_that_was_moved_is_recovered_where_it_is(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path, tmp_path: Path
) -> None:
    info = put(files=OLD)
    before = look(target)
    die_at_work(info)
    moved = replace(target, prefix=str(tmp_path / "moved"))
    Path(target.prefix).rename(moved.prefix)
    assert recover(cache, moved)
    assert look(moved) == before


def test_one_made_anew_in_its_place_is_left_alone(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path
) -> None:
    die_at_work(put(files=OLD))
    shutil.rmtree(target.prefix)
    Path(target.prefix, target.purelib).mkdir(parents=True)
    put("2.0", files={"foo/new.py": "", "foo/both.py": "somebody's"})
    before = look(target)
    assert recover(cache, target) == ()
    assert look(target) == before


def test_what_users_put_there_since_stays(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path
) -> None:
    info = put(files=OLD)
    before = look(target)
    die_at_work(info)
    mine = info.parent / "foo/mine.txt"
    mine.write_text("mine")
    assert recover(cache, target)
    assert mine.read_text() == "mine"
    mine.unlink()
    assert look(target) == before


@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
def test_what_another_installer_did_since_is_not_undone(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path, version: str
) -> None:
    die_at_work(put(files=OLD))
    library = Path(target.prefix, target.purelib)
    # Clocks of file systems tick slowly.
    time.sleep(0.02)
    shutil.rmtree(library / "foo")
    shutil.rmtree(library / "foo-2.0.dist-info")
    info = put(version, files={"foo/both.py": "pip's"})
    (info / "INSTALLER").write_text("pip\n")
    found = look(target)
    (told,) = recover(cache, target)
    assert "is not undone, since something else was installed there after it" in told
    (kept,) = Path(target.prefix).glob(".wheeltag-kept-*")
    assert told.endswith(f": `{kept}`")
    assert (kept / "replaced" / target.purelib / "foo/both.py").read_text() == "old"
    shutil.rmtree(kept)
    assert look(target) == {path: each for path, each in found.items() if ".wheeltag-replaced" not in path}
    assert recover(cache, target) == ()


def test_what_was_installed_beside_it_since_stays_while_it_is_undone(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path
) -> None:
    info = put(files=OLD)
    before = look(target)
    die_at_work(info)
    time.sleep(0.02)
    other = put(name="other", files={"other.py": ""})
    (other / "INSTALLER").write_text("pip\n")
    assert recover(cache, target)[0].startswith(UNDONE)
    assert (other / "INSTALLER").is_file()
    assert before.items() <= look(target).items()


def test_a_backup_without_a_journal_is_garbage(put: Install, target: InstallTarget, cache: Path) -> None:
    put(files=OLD)
    before = look(target)
    garbage = Path(target.prefix, ".wheeltag-replaced-0123/replaced/lib")
    garbage.mkdir(parents=True)
    (garbage / "old.py").touch()
    with open_transaction(cache, target) as transaction:
        assert transaction.recovered == ()
    assert look(target) == before


def test_a_journal_that_cannot_be_read_is_told_and_nothing_touched(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path
) -> None:
    die_at_work(put(files=OLD))
    (backup,) = Path(target.prefix).glob(".wheeltag-replaced-*")
    (backup / "journal").write_text("damaged\n")
    found = look(target)
    with pytest.raises(EnvironmentStateError, match="replaced cannot be put back") as told:
        recover(cache, target)
    assert str(told.value).endswith(f": `{os.path.realpath(backup)}`")
    assert look(target) == found


def test_what_cannot_be_put_back_is_told_and_tried_again(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path
) -> None:
    info = put(files=OLD)
    before = look(target)
    die_at_work(info)
    obstacle = info.parent / "foo/old.py/in the way"
    obstacle.mkdir(parents=True)
    with pytest.raises(EnvironmentStateError, match="replaced cannot be put back"):
        recover(cache, target)
    shutil.rmtree(obstacle.parent)
    assert recover(cache, target)
    assert look(target) == before


def test_a_failure_to_undo_is_noted_on_the_reason(
    put: Install, target: InstallTarget, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = put(files=OLD)
    before = look(target)

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def change() -> None:
        with open_transaction(cache, target) as transaction:
            uninstall(info, target, transaction)
            raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr("pytest_wheeltag.system.transaction.roll_back", fail)
        with pytest.raises(DiedError) as caught:
            change()
    (note,) = caught.value.__notes__
    assert note.startswith("the environment could not be put back as it was, the next call will try again: ")
    assert note.endswith(os.strerror(errno.EIO))
    assert recover(cache, target)
    assert look(target) == before


def test_layers_of_an_overlay_whose_folders_cannot_be_renamed(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = put(files={**OLD, "foo-1.0.dist-info/licenses/deep/LICENSE": "text"})
    (info / "licenses").chmod(0o705)
    before = look(target)
    rename = os.rename

    def refuse(source: str, destination: str, **options: int | None) -> None:
        is_own = os.path.basename(source) in {"replaced", "restored"} or ".tmp-" in str(source)  # noqa: PTH119
        if not options and os.path.isdir(source) and not is_own:  # noqa: PTH112
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, destination, **options)

    monkeypatch.setattr(os, "rename", refuse)
    die_at_work(info)
    assert not info.exists()
    assert recover(cache, target)
    assert look(target) == before
    assert (info / "licenses").stat().st_mode & 0o777 == 0o705


def test_an_environment_that_is_gone_is_told(target: InstallTarget, cache: Path) -> None:
    gone = replace(target, prefix=f"{target.prefix}/gone")
    with (
        pytest.raises(EnvironmentStateError, match=r"^the environment is left as it is, no such file"),
        open_transaction(cache, gone),
    ):
        pytest.fail("nothing is there")


def test_where_nothing_is_done_nothing_is_written(put: Install, target: InstallTarget, cache: Path) -> None:
    put(files=OLD)
    before = look(target)
    shutil.rmtree(cache)
    with open_transaction(cache, target):
        assert look(target) == before
    assert not cache.exists()


def test_a_link_that_was_put_in_the_way_is_not_followed(
    put: Install, die_at_work: Die, target: InstallTarget, cache: Path, tmp_path: Path
) -> None:
    info = put(files=OLD)
    die_at_work(info)
    outside = tmp_path / "outside"
    shutil.move(info.parent / "foo", outside)
    (info.parent / "foo").symlink_to(outside, target_is_directory=True)
    with pytest.raises(EnvironmentStateError, match="replaced cannot be put back"):
        recover(cache, target)
    assert sorted(path.name for path in outside.iterdir()) == ["both.py", "new.py"]
    (info.parent / "foo").unlink()
    assert recover(cache, target)
    assert (info.parent / "foo/both.py").read_text() == "old"
