from pathlib import Path

import pytest

from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import EnvironmentStateError
from pytest_wheeltag.system.folders import OpenFolder
from pytest_wheeltag.system.grounds import Grounds, find_grounds
from pytest_wheeltag.system.recovery import discard, recover_grounds
from pytest_wheeltag.system.transaction import Transaction


@pytest.fixture
def grounds(target: InstallTarget) -> Grounds:
    return find_grounds(target)


@pytest.fixture
def library(target: InstallTarget) -> Path:
    return Path(target.prefix, target.purelib)


def die(grounds: Grounds, target: InstallTarget, name: str) -> None:
    """Take a file away and write another, as a process that dies before it is done."""
    library = Path(target.prefix, target.purelib)
    (library / name).write_text("old")
    transaction = Transaction(grounds)
    transaction.announce({target.purelib: (f"new_{name}",)})
    folder = OpenFolder.open(str(library))
    transaction.take(name, target.purelib, folder)
    folder.close()
    (library / f"new_{name}").touch()


def backups(grounds: Grounds) -> list[Path]:
    return sorted(Path(grounds.roots[0]).glob(".wheeltag-*"))


def test_where_nobody_died_there_is_nothing_to_tell(grounds: Grounds) -> None:
    assert recover_grounds(grounds) == ()


def test_each_that_died_is_undone_and_told_in_a_line(
    grounds: Grounds, target: InstallTarget, library: Path
) -> None:
    for name in ("a.py", "b.py"):
        die(grounds, target, name)
    told = recover_grounds(grounds)
    assert told == (f"what an interrupted installation had begun has been undone: `{grounds.roots[0]}`",) * 2
    assert sorted(path.name for path in library.iterdir()) == ["a.py", "b.py"]
    assert backups(grounds) == []


def test_a_backup_without_a_journal_belongs_to_what_was_done(
    grounds: Grounds, target: InstallTarget, library: Path
) -> None:
    die(grounds, target, "a.py")
    (backup,) = backups(grounds)
    (backup / "journal").unlink()
    assert recover_grounds(grounds) == ()
    assert [path.name for path in library.iterdir()] == ["new_a.py"]
    assert backups(grounds) == []


def test_what_somebody_else_installed_since_is_kept_and_so_is_the_backup(
    grounds: Grounds, target: InstallTarget, library: Path
) -> None:
    (library / "foo-1.0.dist-info").mkdir()
    transaction = Transaction(grounds)
    transaction.announce({}, (f"{target.purelib}/foo-2.0.dist-info",))
    transaction.take_tree(f"{target.purelib}/foo-1.0.dist-info")
    (library / "foo-3.0.dist-info").mkdir()
    (told,) = recover_grounds(grounds)
    (kept,) = backups(grounds)
    assert kept.name.startswith(".wheeltag-kept-")
    assert "is not undone, since something else was installed there after it" in told
    assert told.endswith(f": `{kept}`")
    assert [path.name for path in library.iterdir()] == ["foo-3.0.dist-info"]
    assert recover_grounds(grounds) == ()


@pytest.mark.parametrize("content", [b"damaged\n", b'{"roots": 1}\n', b"\xff\n"])
def test_a_damaged_journal_stops_everything(grounds: Grounds, target: InstallTarget, content: bytes) -> None:
    die(grounds, target, "a.py")
    (backup,) = backups(grounds)
    (backup / "journal").write_bytes(content)
    with pytest.raises(
        EnvironmentStateError, match=r"^the environment is left as it is, what an interrupt"
    ) as told:
        recover_grounds(grounds)
    assert told.value.path == str(backup)
    assert backups(grounds) == [backup]


def test_backups_go_below_every_root(tmp_path: Path) -> None:
    roots = tuple(str(tmp_path / name) for name in ("env", "elsewhere"))
    for root in roots:
        (Path(root) / "backup" / "replaced").mkdir(parents=True)
    discard("backup", Grounds(roots, {}))
    assert [list(Path(root).iterdir()) for root in roots] == [[], []]
