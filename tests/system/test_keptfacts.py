import stat
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.dependencies import Dependency, ReleaseMetadata
from pytest_wheeltag.system.keptfacts import METADATA as ROOM
from pytest_wheeltag.system.keptfacts import KeptFacts

FILE = PublishedFile("foo-1.0-py3-none-any.whl", "https://files.example/foo.whl", (("sha256", "ab" * 32),))
METADATA = ReleaseMetadata(
    canonicalize_name("foo"),
    Version("1.0"),
    (Dependency("bar>=1", "os_name == 'é'"),),
    ">=3.8",
    frozenset({canonicalize_name("x")}),
)


def test_what_is_kept_is_found_again_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    kept = KeptFacts(tmp_path, ROOM)
    assert kept.find(FILE) is None

    kept.keep(FILE, METADATA)

    assert KeptFacts(tmp_path, ROOM).find(FILE) == METADATA
    (path,) = (each for each in tmp_path.rglob("*") if each.is_file())
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_wheel_without_a_hash_is_not_kept(tmp_path: Path) -> None:
    KeptFacts(tmp_path, ROOM).keep(PublishedFile(FILE.filename, FILE.url), METADATA)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 10, 64, 100])
def test_a_memory_cut_off_anywhere_is_none(tmp_path: Path, cut: int) -> None:
    kept = KeptFacts(tmp_path, ROOM)
    kept.keep(FILE, METADATA)
    (path,) = (each for each in tmp_path.rglob("*") if each.is_file())
    path.write_bytes(path.read_bytes()[:cut])

    assert kept.find(FILE) is None


def test_a_link_or_a_folder_in_its_place_is_none(tmp_path: Path) -> None:
    kept = KeptFacts(tmp_path, ROOM)
    kept.keep(FILE, METADATA)
    (path,) = (each for each in tmp_path.rglob("*") if each.is_file())
    path.unlink()
    path.mkdir()

    assert kept.find(FILE) is None
    kept.keep(FILE, METADATA)
    assert kept.find(FILE) is None
