import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.system.grounds import Spot
from pytest_wheeltag.system.journal import Journal, Writing, WritingKind
from pytest_wheeltag.system.succession import Succession

OURS, THEIRS = b"pytest-wheeltag\n", b"pip\n"


@pytest.fixture
def lay(tmp_path: Path) -> Callable[..., Path]:
    """Put the dist-info folder of a distribution into the library, or elsewhere below the test's folder."""

    def make(name: str, installer: bytes | None = OURS, where: str = "env/lib") -> Path:
        folder = tmp_path / where / f"{name}.dist-info"
        folder.mkdir(parents=True)
        (folder / "RECORD").touch()
        if installer is not None:
            (folder / "INSTALLER").write_bytes(installer)
        return folder

    return make


Lay = Callable[..., Path]


@pytest.fixture
def succession(tmp_path: Path, lay: Lay) -> Succession:
    """Give a transaction that died replacing foo 1.0 by foo 2.0, long before anything that the test lays."""
    lay("foo-1.0", where="backup/replaced/lib")
    (tmp_path / "env" / "lib").mkdir(parents=True)
    trees = Writing(WritingKind.TREES, Spot(0, "lib"), ("foo-2.0.dist-info",))
    return Succession(
        (str(tmp_path / "env"),), (str(tmp_path / "backup" / "replaced"),), Journal((), (trees,)), since_ns=1
    )


def test_what_only_the_transaction_wrote_has_no_successor(succession: Succession, lay: Lay) -> None:
    assert succession.find_successor() is None
    lay("foo-2.0")
    assert succession.find_successor() is None


@pytest.mark.parametrize("installer", [THEIRS, b"", b"\xff"], ids=["pip", "empty", "no text"])
def test_what_says_to_be_anothers_in_its_place_is(succession: Succession, lay: Lay, installer: bytes) -> None:
    found = lay("foo-2.0", installer)
    assert succession.find_successor() == str(found)


def test_without_an_installer_it_is_ours_whose_removal_was_interrupted(
    succession: Succession, lay: Lay
) -> None:
    lay("foo-2.0", None)
    assert succession.find_successor() is None


def test_another_version_that_came_later_is_anothers(succession: Succession, lay: Lay) -> None:
    found = lay("Foo-3.0")
    assert succession.find_successor() == str(found)


def test_another_version_that_was_there_before_is_not(succession: Succession, lay: Lay) -> None:
    lay("foo-3.0")
    later = Succession(succession.roots, succession.replaced, succession.journal, time.time_ns() + 10**9)
    assert later.find_successor() is None


def test_other_projects_do_not_count(succession: Succession, lay: Lay) -> None:
    lay("bar-1.0", THEIRS)
    assert succession.find_successor() is None


def test_the_version_that_was_taken_away_is_anothers_if_all_of_it_is_there_again(
    succession: Succession, lay: Lay
) -> None:
    found = lay("foo-1.0", THEIRS)
    (found / "RECORD").unlink()
    # On layers of an overlay a folder is moved piece by piece.
    assert succession.find_successor() is None
    (found / "RECORD").touch()
    assert succession.find_successor() == str(found)
