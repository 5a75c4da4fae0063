import os
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.cache import CacheRoom, clear_cache, locate_cache, measure_cache, prepare_cache


def test_the_configured_folder_wins_over_the_variable_and_that_over_the_platforms(tmp_path: Path) -> None:
    environ = {"WHEELTAG_CACHE_DIR": str(tmp_path / "variable")}

    assert locate_cache(tmp_path / "configured", environ) == tmp_path / "configured"
    assert locate_cache(None, environ) == tmp_path / "variable"
    assert locate_cache(None, {"WHEELTAG_CACHE_DIR": ""}) == user_cache_path(
        "pytest-wheeltag", appauthor=False
    )


def test_home_and_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert locate_cache(Path("~/wheels"), {}) == tmp_path / "wheels"
    assert locate_cache(None, {"WHEELTAG_CACHE_DIR": "here"}) == tmp_path / "here"


def test_the_folder_is_made_with_a_tag_that_backup_programs_know(tmp_path: Path) -> None:
    made = prepare_cache(tmp_path / "a" / "b")
    tag = made / "CACHEDIR.TAG"

    assert tag.read_text(encoding="ascii").startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    tag.write_text("someone's own", encoding="ascii")
    assert prepare_cache(made) == made
    assert tag.read_text(encoding="ascii") == "someone's own"


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_way_is_one_clear_line(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError) as caught:
        prepare_cache(tmp_path / "file" / below)

    message = str(caught.value)
    assert message.startswith("cache folder: expected a folder that can be made and written to (")
    assert message.endswith(f"found: `{tmp_path / 'file' / below}`")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = prepare_cache(tmp_path / "cache")
    (folder / "wheels-v1" / "ab").mkdir(parents=True)
    (folder / "wheels-v1" / "ab" / "x").write_bytes(b"12345")
    (folder / "index-v2").mkdir()
    (folder / "index-v2" / "page").write_bytes(b"123")
    (folder / "index-v2" / "lock").touch()
    (folder / "notes").mkdir()
    (folder / "report-v1").write_text("no folder", encoding="ascii")
    return folder


def test_rooms_are_counted_by_name(cache: Path) -> None:
    assert measure_cache(cache) == (CacheRoom("index-v2", 2, 3), CacheRoom("wheels-v1", 1, 5))


def test_clearing_removes_the_rooms_and_nothing_else(cache: Path) -> None:
    removed = clear_cache(cache)

    assert [room.name for room in removed] == ["index-v2", "wheels-v1"]
    assert sorted(path.name for path in cache.iterdir()) == ["CACHEDIR.TAG", "notes", "report-v1"]
    assert clear_cache(cache) == ()


@pytest.mark.skipif(os.name != "posix", reason="Windows gives the right to make links to few")
def test_a_link_is_no_room_and_what_it_leads_to_stays(cache: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    (cache / "linked-v1").symlink_to(elsewhere)
    (cache / "wheels-v1" / "link").symlink_to(elsewhere)

    clear_cache(cache)

    assert (elsewhere / "file").exists()


def test_a_folder_that_is_no_cache_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "wheels-v1").mkdir()

    assert measure_cache(tmp_path) == ()
    assert clear_cache(tmp_path) == ()
    assert (tmp_path / "wheels-v1").is_dir()
    assert measure_cache(tmp_path / "absent") == ()
