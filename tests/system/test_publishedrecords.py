"""Where RECORD of a published wheel comes from: from its end, from all of it, from the cache."""

import hashlib
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.publishedrecord import PublishedRecord, published_record_from_json
from pytest_wheeltag.errors import OfflineError, RefusedWheelError, UnreachableError
from pytest_wheeltag.system.connections import NetworkSettings
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.pooled import PooledTransport
from pytest_wheeltag.system.publishedrecords import PublishedRecords
from pytest_wheeltag.system.ranges import TAIL_BYTES
from pytest_wheeltag.system.transport import OK, FakeTransport, TransportLimits
from pytest_wheeltag.workshop.answers import Answer
from pytest_wheeltag.workshop.index import IndexOptions, LocalIndex
from pytest_wheeltag.workshop.maker import WheelMaker

WHEEL = "foo-1.0-py3-none-any.whl"
URL = "https://files.example/foo.whl"
# Does not shrink when it is deflated.
NOISE = random.Random(7).randbytes(TAIL_BYTES + 100_000)  # noqa: S311 - noise, not a secret


@pytest.fixture
def transport() -> Iterator[PooledTransport]:
    opened = PooledTransport(NetworkSettings(limits=TransportLimits(pause_seconds=0.01)))
    yield opened
    opened.close()


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as running:
        yield running


@pytest.fixture
def make(tmp_path: Path) -> WheelMaker:
    return WheelMaker(tmp_path / "wheels")


def served(index: LocalIndex, path: Path, **claims: object) -> PublishedFile:
    index.add(path, **claims)  # type: ignore[arg-type]  # passed on
    url = f"{index.url.removesuffix('/simple/')}{index.path_of(path.name)}"
    return PublishedFile(path.name, url, size=None)


def ranges(index: LocalIndex) -> list[str]:
    path = index.path_of(WHEEL)
    return [asked.headers.get("range", "") for asked in index.requests if asked.path == path]


def paths(record: PublishedRecord) -> list[str]:
    return sorted(row.path for row in record.rows)


def test_the_end_of_a_wheel_tells_its_record(
    index: LocalIndex, make: WheelMaker, transport: PooledTransport
) -> None:
    path = make("foo", files={"foo/a.py": "a = 1\n", "foo/noise.bin": NOISE})

    record = PublishedRecords(IndexAccess(transport)).record(served(index, path))

    assert paths(record) == [
        "foo-1.0.dist-info/METADATA",
        "foo-1.0.dist-info/RECORD",
        "foo-1.0.dist-info/WHEEL",
        "foo/a.py",
        "foo/noise.bin",
    ]
    sizes = {file.path: file.size for file in record.files}
    assert record.row_by_path["foo/a.py"].size == sizes["foo/a.py"] == 6
    assert ranges(index) == [f"bytes=-{TAIL_BYTES}"]


def test_a_record_far_from_the_end_is_fetched_as_a_second_part(
    index: LocalIndex, tmp_path: Path, transport: PooledTransport
) -> None:
    path = tmp_path / WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("foo-1.0.dist-info/RECORD", "foo/noise.bin,,\n")
        archive.writestr("foo/noise.bin", NOISE)

    record = PublishedRecords(IndexAccess(transport)).record(served(index, path))

    assert paths(record) == ["foo/noise.bin"]
    assert ranges(index) == [f"bytes=-{TAIL_BYTES}", "bytes=0-65535"]


def test_a_server_without_ranges_and_a_small_wheel_give_the_whole(
    make: WheelMaker, transport: PooledTransport
) -> None:
    access = IndexAccess(transport)
    with LocalIndex(IndexOptions(has_ranges=False)) as index:
        file = served(index, make("foo", files={"foo/noise.bin": NOISE}))
        assert "foo/noise.bin" in paths(PublishedRecords(access).record(file))
        assert ranges(index) == [f"bytes=-{TAIL_BYTES}", ""]
    with LocalIndex() as index:
        small = make("foo")
        file = served(index, small)
        record = PublishedRecords(access).record(
            PublishedFile(file.filename, file.url, size=small.stat().st_size)
        )
        assert "foo-1.0.dist-info/RECORD" in paths(record)
        assert ranges(index) == [""]


def test_a_wheel_in_a_folder_is_read_where_it_lies(make: WheelMaker) -> None:
    path = make("foo")
    records = PublishedRecords(IndexAccess(FakeTransport({}), is_offline=True))

    assert "foo-1.0.dist-info/WHEEL" in paths(records.record(PublishedFile(WHEEL, path.as_uri())))
    with pytest.raises(UnreachableError, match="can be read"):
        records.record(PublishedFile(WHEEL, (path.parent / "bar.whl").as_uri()))


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_file_that_is_not_there_is_unreachable_and_is_asked_for_once(
    index: LocalIndex, make: WheelMaker, transport: PooledTransport, status: int
) -> None:
    file = served(index, make("foo"))
    index.answer(WHEEL, Answer.of_status(status))
    records = PublishedRecords(IndexAccess(transport))

    for _ in range(2):
        with pytest.raises(UnreachableError):
            records.record(file)
    assert index.count(WHEEL) == 1


def remote(tmp_path: Path, make: WheelMaker, **access: object) -> tuple[FakeTransport, PublishedRecords]:
    transport = FakeTransport({URL: (OK, {}, make("foo").read_bytes())})
    return transport, PublishedRecords(IndexAccess(transport, tmp_path / "cache", **access))  # type: ignore[arg-type]  # passed on


def remote_file(make: WheelMaker, name: str = WHEEL, **facts: object) -> PublishedFile:
    data = make("foo").read_bytes()
    hashes = (("sha256", hashlib.sha256(data).hexdigest()),)
    return PublishedFile(name, URL, hashes, size=len(data), **facts)  # type: ignore[arg-type]  # passed on


def test_what_was_read_once_is_kept_for_the_next_process_and_for_offline(
    tmp_path: Path, make: WheelMaker
) -> None:
    transport, records = remote(tmp_path, make)
    first = records.record(remote_file(make))
    assert records.record(remote_file(make)) is first

    silent, offline = remote(tmp_path, make, is_offline=True)
    offline.prefetch([remote_file(make)])

    assert offline.record(remote_file(make)) == first
    assert (len(transport.requests), len(silent.requests)) == (1, 0)
    assert published_record_from_json(first.to_json()) == first


def test_offline_what_is_not_kept_is_an_error(tmp_path: Path, make: WheelMaker) -> None:
    _, records = remote(tmp_path, make, is_offline=True)

    with pytest.raises(OfflineError, match="RECORD of this wheel in the cache"):
        records.record(remote_file(make))


def test_what_is_kept_of_another_release_or_of_another_index_is_not_believed(
    tmp_path: Path, make: WheelMaker
) -> None:
    transport, records = remote(tmp_path, make)
    records.record(remote_file(make))

    _, again = remote(tmp_path, make)
    with pytest.raises(RefusedWheelError, match="expected the dist-info of bar 1"):
        again.record(remote_file(make, "bar-1.0-py3-none-any.whl"))
    other, third = remote(tmp_path, make)
    third.record(remote_file(make, source="https://other.example/simple/"))
    assert (len(transport.requests), len(other.requests)) == (1, 1)


@pytest.mark.parametrize("damage", [b"", b"x", b"0" * 64 + b"{}"])
def test_a_damaged_memory_costs_one_more_question(tmp_path: Path, make: WheelMaker, damage: bytes) -> None:
    _, records = remote(tmp_path, make)
    first = records.record(remote_file(make))
    (kept,) = (path for path in (tmp_path / "cache" / "records-v1").rglob("*") if path.is_file())
    kept.write_bytes(damage)

    transport, again = remote(tmp_path, make)

    assert again.record(remote_file(make)) == first
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "plain", [None, [], {}, {"dist_info": "", "data_folders": [], "rows": [1], "files": []}]
)
def test_json_of_something_else_is_a_value_error(plain: object) -> None:
    with pytest.raises(ValueError, match="RECORD as we write it"):
        published_record_from_json(plain)
