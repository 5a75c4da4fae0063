import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_wheeltag.core.dependencies import parse_release_metadata
from pytest_wheeltag.core.pyproject import BuildSystem
from pytest_wheeltag.system.buildrecords import ROOM, BuildRecords, BuiltWheel

KEY = "ab" * 32
SYSTEM = BuildSystem(("tool>=1",), "tool.api:backend", ("inner",))
WHEEL = BuiltWheel("cd" * 32, "foo-1.0-py3-none-any.whl")
METADATA = parse_release_metadata(
    b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nRequires-Dist: bar>=1; python_version > '3'\n"
)


def fill(records: BuildRecords) -> None:
    records.keep_system(KEY, SYSTEM)
    records.keep_requirements(KEY, ("tool", "bar"))
    records.keep_metadata(KEY, METADATA)
    records.keep_wheel(KEY, WHEEL)


def found(records: BuildRecords, key: str = KEY) -> tuple[object, ...]:
    return (
        records.find_system(key),
        records.find_requirements(key),
        records.find_metadata(key),
        records.find_wheel(key),
    )


def test_what_is_kept_is_found_by_all_under_its_key_alone(tmp_path: Path) -> None:
    assert found(BuildRecords(tmp_path)) == (None,) * 4
    fill(BuildRecords(tmp_path))

    assert found(BuildRecords(tmp_path)) == (SYSTEM, ("tool", "bar"), METADATA, WHEEL)
    assert found(BuildRecords(tmp_path), "ab" * 31 + "ac") == (None,) * 4


def test_that_nothing_is_asked_for_is_known_too(tmp_path: Path) -> None:
    BuildRecords(tmp_path).keep_requirements(KEY, ())

    assert BuildRecords(tmp_path).find_requirements(KEY) == ()


def test_records_are_for_their_owner_alone(tmp_path: Path) -> None:
    fill(BuildRecords(tmp_path))

    files = list((tmp_path / ROOM).rglob("*.json"))
    assert len(files) == 4
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in files)


@settings(max_examples=30)
@given(data=st.data())
def test_a_damaged_record_is_as_good_as_none(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    fill(BuildRecords(cache))
    for path in (cache / ROOM).rglob("*.json"):
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)

    assert found(BuildRecords(cache)) == (None,) * 4


def test_what_is_no_regular_file_is_no_record(tmp_path: Path) -> None:
    fill(BuildRecords(tmp_path))
    for path in (tmp_path / ROOM).rglob("*.json"):
        path.rename(path.with_suffix(".moved"))
        path.symlink_to(path.with_suffix(".moved"))

    assert found(BuildRecords(tmp_path)) == (None,) * 4


def test_a_cache_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / ROOM).write_text("no folder", encoding="utf-8")
    fill(BuildRecords(tmp_path))

    assert found(BuildRecords(tmp_path)) == (None,) * 4


def test_a_key_is_locked_for_one_at_a_time(tmp_path: Path) -> None:
    order = []

    def build() -> None:
        with BuildRecords(tmp_path).lock(KEY):
            order.append("second")

    other = threading.Thread(target=build)
    with BuildRecords(tmp_path).lock(KEY):
        other.start()
        other.join(0.1)
        order.append("first")
    other.join()
    assert order == ["first", "second"]


@settings(max_examples=30)
@given(
    name=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True),
    version=st.integers(0, 99),
    requires=st.lists(st.sampled_from(["a", "b>=1", "c; extra == 'x'"]), max_size=3),
)
def test_metadata_come_back_as_they_were(
    name: str, version: int, requires: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = "".join(f"Requires-Dist: {each}\n" for each in requires)
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: x\n{lines}"
    metadata = parse_release_metadata(text.encode())
    records = BuildRecords(tmp_path_factory.mktemp("cache"))
    records.keep_metadata(KEY, metadata)

    back = records.find_metadata(KEY)

    assert back == metadata
