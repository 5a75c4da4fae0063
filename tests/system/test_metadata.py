"""Where METADATA comes from: beside the wheel, from its end, from all of it, from the cache."""

import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.candidates import Candidate, PublishedFile, Screen, parse_wheel_name
from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.resolution import MetadataSource, Sources
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.errors import (
    InterruptedAnswerError,
    MetadataError,
    OfflineError,
    RefusedWheelError,
    UnreachableError,
    WheeltagError,
)
from pytest_wheeltag.system.connections import NetworkSettings
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.index import IndexSources, SimpleIndex
from pytest_wheeltag.system.metadata import IndexMetadata
from pytest_wheeltag.system.pooled import PooledTransport
from pytest_wheeltag.system.ranges import TAIL_BYTES
from pytest_wheeltag.system.tail import read_wheel_metadata
from pytest_wheeltag.system.transport import OK, FakeTransport, TransportLimits
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.workshop.answers import Answer
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.index import IndexOptions, LocalIndex
from pytest_wheeltag.workshop.maker import WheelMaker

FOO = canonicalize_name("foo")
WHEEL = "foo-1.0-py3-none-any.whl"
# Does not shrink when it is deflated.
NOISE = random.Random(7).randbytes(TAIL_BYTES + 100_000)  # noqa: S311 - noise, not a secret
METADATA = b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nRequires-Dist: bar>=1\n"

Ask = Callable[[], ReleaseMetadata]


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


def candidate_of(file: PublishedFile) -> Candidate:
    return Candidate(file, parse_wheel_name(file.filename), 1)


def candidates_of(index: LocalIndex, access: IndexAccess) -> list[Candidate]:
    sources = IndexSources((parse_url(index.url),))
    return [candidate_of(file) for file in SimpleIndex(sources, access).files(FOO).files]


@pytest.fixture
def ask(index: LocalIndex, transport: PooledTransport) -> Ask:
    """Ask for what the one wheel of the index needs."""
    access = IndexAccess(transport)

    def ask_index() -> ReleaseMetadata:
        (candidate,) = candidates_of(index, access)
        return IndexMetadata(access).metadata(candidate)

    return ask_index


def needs(metadata: ReleaseMetadata) -> list[str]:
    return [str(dependency) for dependency in metadata.requires]


def ranges(index: LocalIndex) -> list[str]:
    """Give the ranges in which the wheel was asked for, empty for all of it."""
    path = index.path_of(WHEEL)
    return [asked.headers.get("range", "") for asked in index.requests if asked.path == path]


def test_it_is_read_beside_the_wheel_where_the_index_has_it(
    index: LocalIndex, make: WheelMaker, ask: Ask
) -> None:
    index.add(make("foo", requires=["bar>=1"]), metadata=True)

    assert needs(ask()) == ["bar>=1"]
    assert ranges(index) == []


@pytest.mark.parametrize("digests", [{"sha256": "ab" * 32}, {"sha512": "cd" * 64}])
def test_metadata_beside_the_wheel_with_another_hash_is_refused(
    index: LocalIndex, make: WheelMaker, ask: Ask, digests: dict[str, str]
) -> None:
    index.add(make("foo"), metadata=True, metadata_hashes=digests)

    with pytest.raises(
        RefusedWheelError, match=r"^foo-1\.0-py3-none-any\.whl is refused, expected sha.*beside it$"
    ):
        ask()
    assert ranges(index) == []


@pytest.mark.parametrize(
    "lie", [b"Name: bar\nVersion: 1.0\n", b"Name: foo\nVersion: 1.1\n", b"Name: foo\n", b"\xff"]
)
def test_metadata_that_is_of_another_release_or_none_cannot_be_used(
    index: LocalIndex, make: WheelMaker, ask: Ask, lie: bytes
) -> None:
    index.add(make("foo"), metadata=lie)

    with pytest.raises(MetadataError):
        ask()


def test_where_the_metadata_beside_it_is_missing_the_wheel_is_read(
    index: LocalIndex, make: WheelMaker, ask: Ask
) -> None:
    index.add(make("foo", requires=["bar"]), metadata=True)
    index.answer(f"{WHEEL}.metadata", Answer.of_status(404))

    assert needs(ask()) == ["bar"]


def test_an_index_that_will_not_tell_ends_it(index: LocalIndex, make: WheelMaker, ask: Ask) -> None:
    index.add(make("foo"), metadata=True)
    index.answer(f"{WHEEL}.metadata", Answer.of_status(403))

    with pytest.raises(UnreachableError, match="403"):
        ask()


def test_a_small_wheel_is_fetched_whole(index: LocalIndex, make: WheelMaker, ask: Ask) -> None:
    index.add(make("foo", requires=["bar"]))

    assert needs(ask()) == ["bar"]
    assert ranges(index) == [""]


def test_of_a_large_wheel_only_the_end_is_fetched(index: LocalIndex, make: WheelMaker, ask: Ask) -> None:
    index.add(make("foo", requires=["bar"], files={"foo/noise.bin": NOISE}))

    assert needs(ask()) == ["bar"]
    assert ranges(index) == [f"bytes=-{TAIL_BYTES}"]


def test_metadata_far_from_the_end_is_fetched_as_a_second_part(
    index: LocalIndex, tmp_path: Path, ask: Ask
) -> None:
    path = tmp_path / WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("foo-1.0.dist-info/METADATA", METADATA)
        archive.writestr("foo/noise.bin", NOISE)
    index.add(path)

    assert needs(ask()) == ["bar>=1"]
    assert ranges(index) == [f"bytes=-{TAIL_BYTES}", "bytes=0-65535"]


@pytest.mark.parametrize("size", [None, ...])
def test_a_server_without_ranges_gives_the_whole_wheel(
    make: WheelMaker, transport: PooledTransport, size: object
) -> None:
    access = IndexAccess(transport)
    with LocalIndex(IndexOptions(has_ranges=False)) as index:
        path = make("foo", requires=["bar"], files={"foo/noise.bin": NOISE})
        index.add(path, size=path.stat().st_size if size is ... else None)
        (candidate,) = candidates_of(index, access)

        assert needs(IndexMetadata(access).metadata(candidate)) == ["bar"]
        assert ranges(index) == [f"bytes=-{TAIL_BYTES}", ""]


@pytest.mark.parametrize("claims", [{"hashes": {"sha256": "ab" * 32}}, {"size": 100_000}])
def test_a_whole_wheel_that_is_not_what_the_index_says_is_refused(
    index: LocalIndex, make: WheelMaker, ask: Ask, claims: dict[str, object]
) -> None:
    index.add(make("foo"), **claims)  # type: ignore[arg-type]  # one claim each

    with pytest.raises(RefusedWheelError, match="is refused, expected"):
        ask()


def test_an_answer_that_breaks_off_is_asked_for_again(index: LocalIndex, make: WheelMaker, ask: Ask) -> None:
    path = make("foo", requires=["bar"])
    index.add(path)
    index.answer(WHEEL, Answer(body=path.read_bytes()[:-9]).truncated(9), None)

    assert needs(ask()) == ["bar"]
    assert index.count(WHEEL) == 2


def test_an_answer_that_breaks_off_each_time_is_an_error(
    index: LocalIndex, make: WheelMaker, ask: Ask
) -> None:
    path = make("foo")
    index.add(path)
    index.answer(WHEEL, Answer(body=path.read_bytes()[:-9]).truncated(9))

    with pytest.raises(InterruptedAnswerError):
        ask()
    assert index.count(WHEEL) == 3


def test_a_wheel_in_a_folder_is_read_where_it_lies(make: WheelMaker) -> None:
    path = make("foo", requires=["bar"])
    access = IndexAccess(FakeTransport({}), is_offline=True)
    candidate = candidate_of(PublishedFile(WHEEL, path.as_uri()))

    assert needs(IndexMetadata(access).metadata(candidate)) == ["bar"]
    path.unlink()
    with pytest.raises(UnreachableError, match="can be read"):
        IndexMetadata(access).metadata(candidate)


def test_each_wheel_is_asked_about_once_and_many_side_by_side(
    index: LocalIndex, make: WheelMaker, transport: PooledTransport
) -> None:
    for version in ("1.0", "1.1", "1.2"):
        index.add(make("foo", version, requires=[f"bar=={version}"]), metadata=True)
    index.answer("foo-1.1-py3-none-any.whl.metadata", Answer.of_status(403))
    access = IndexAccess(transport)
    candidates = candidates_of(index, access)
    source = IndexMetadata(access)

    source.prefetch([*candidates, *candidates])
    source.prefetch(candidates)

    assert needs(source.metadata(candidates[0])) == ["bar==1.0"]
    for _ in range(2):
        with pytest.raises(UnreachableError):
            source.metadata(candidates[1])
    assert [index.count(f"{each.file.filename}.metadata") for each in candidates] == [1, 1, 1]


def remote(tmp_path: Path, **access: object) -> tuple[FakeTransport, IndexAccess]:
    transport = FakeTransport({"https://files.example/foo.whl.metadata": (OK, {}, METADATA)})
    return transport, IndexAccess(transport, tmp_path, **access)  # type: ignore[arg-type]  # passed on


def remote_candidate(source: str = "https://index.example/simple/", **facts: object) -> Candidate:
    honest = {"hashes": (("sha256", "ab" * 32),), "metadata_hashes": (), "source": source}
    return candidate_of(PublishedFile(WHEEL, "https://files.example/foo.whl", **{**honest, **facts}))  # type: ignore[arg-type]  # passed on


def test_what_was_read_once_is_kept_for_the_next_process_and_for_offline(tmp_path: Path) -> None:
    transport, access = remote(tmp_path)
    first = IndexMetadata(access).metadata(remote_candidate())

    assert IndexMetadata(access).metadata(remote_candidate()) == first
    source = IndexMetadata(remote(tmp_path, is_offline=True)[1])
    source.prefetch([remote_candidate()])
    assert source.metadata(remote_candidate()) == first
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "other",
    [
        remote_candidate("https://other.example/simple/"),
        remote_candidate(hashes=(("sha256", "cd" * 32),)),
        remote_candidate(hashes=()),
    ],
    ids=["another index", "another hash", "no hash"],
)
def test_what_one_index_claims_of_a_wheel_reaches_no_other(tmp_path: Path, other: Candidate) -> None:
    transport, access = remote(tmp_path)
    IndexMetadata(access).metadata(remote_candidate())

    IndexMetadata(access).metadata(other)

    assert len(transport.requests) == 2


@pytest.mark.parametrize("damage", [b"", b"x", b"0" * 64 + b"{}", bytes(70)])
def test_a_damaged_memory_costs_one_more_question(tmp_path: Path, damage: bytes) -> None:
    transport, access = remote(tmp_path)
    first = IndexMetadata(access).metadata(remote_candidate())
    (kept,) = (path for path in (tmp_path / "metadata-v1").rglob("*") if path.is_file())
    kept.write_bytes(damage)

    assert IndexMetadata(access).metadata(remote_candidate()) == first
    assert IndexMetadata(access).metadata(remote_candidate()) == first
    assert len(transport.requests) == 2


def test_what_is_kept_of_another_release_is_not_believed(tmp_path: Path) -> None:
    transport, access = remote(tmp_path)
    IndexMetadata(access).metadata(remote_candidate())
    other = remote_candidate()
    renamed = Candidate(other.file, parse_wheel_name("foo-2.0-py3-none-any.whl"), 1)

    with pytest.raises(MetadataError, match=r"found `foo 1\.0`"):
        IndexMetadata(access).metadata(renamed)
    assert len(transport.requests) == 2


def test_offline_what_is_not_kept_is_an_error(tmp_path: Path) -> None:
    transport, access = remote(tmp_path, is_offline=True)

    with pytest.raises(OfflineError, match="METADATA"):
        IndexMetadata(access).metadata(remote_candidate())
    assert transport.requests == []


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "metadata-v1").write_text("a file in the way")
    _, access = remote(tmp_path)

    assert needs(IndexMetadata(access).metadata(remote_candidate())) == ["bar>=1"]


def test_what_lies_on_this_machine_is_never_kept(
    index: LocalIndex, make: WheelMaker, transport: PooledTransport, tmp_path: Path
) -> None:
    index.add(make("foo"), metadata=True)
    access = IndexAccess(transport, tmp_path / "cache")

    IndexMetadata(access).metadata(candidates_of(index, access)[0])

    assert not (tmp_path / "cache" / "metadata-v1").exists()


def test_the_bytes_of_a_whole_wheel_come_from_whoever_keeps_wheels(tmp_path: Path, make: WheelMaker) -> None:
    path = make("foo", requires=["bar"])
    opened: list[str] = []

    def read_whole(file: PublishedFile) -> bytes:
        opened.append(file.filename)
        with path.open("rb") as stream:
            return read_wheel_metadata(stream, file.filename)

    _, access = remote(tmp_path)
    candidate = remote_candidate(metadata_hashes=None, size=1000)

    assert needs(IndexMetadata(access, read_whole).metadata(candidate)) == ["bar"]
    assert opened == [WHEEL]


def test_every_failure_is_one_of_ours(tmp_path: Path) -> None:
    _, access = remote(tmp_path)

    with pytest.raises(WheeltagError):
        IndexMetadata(access).metadata(remote_candidate(metadata_hashes=None, size=1000))


def test_a_closure_is_resolved_from_a_real_index_for_each_interpreter(
    index: LocalIndex, make: WheelMaker, transport: PooledTransport
) -> None:
    for tag in ("py310-none-any", "py311-none-any", "py312-none-any"):
        index.add(make("multi", tag=tag, requires=["foo>=1; python_version>='3.11'"]), metadata=True)
    index.add(make("foo", "1.1"))
    index.add(make("foo", "2.0", requires_python=">=3.12"))
    access = IndexAccess(transport)
    # Wheels alone are published: nobody asks it for anything else.
    metadata = cast("MetadataSource", IndexMetadata(access))
    sources = Sources(SimpleIndex(IndexSources((parse_url(index.url),)), access), metadata)

    def closure(python: str) -> list[str]:
        resolution = resolve(parse_request(["multi"]), Screen(imagine_interpreter(python)), sources)
        return [choice.artefact.file.filename for choice in resolution.choices]

    assert closure("3.10.1") == ["multi-1.0-py310-none-any.whl"]
    assert closure("3.11.1") == ["foo-1.1-py3-none-any.whl", "multi-1.0-py311-none-any.whl"]
    assert closure("3.12.1") == ["foo-2.0-py3-none-any.whl", "multi-1.0-py312-none-any.whl"]
