import hashlib
import stat
from pathlib import Path

import pytest

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.errors import OfflineError, RefusedWheelError, UnreachableError
from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.keptsources import ROOM, KeptSources
from pytest_wheeltag.system.transport import NOT_FOUND, OK, FakeTransport

NAME = "foo-1.0.tar.gz"
URL = f"https://files.example/{NAME}"
CONTENT = b"a source archive" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SHA512 = hashlib.sha512(CONTENT).hexdigest()
PUBLISHED = PublishedFile(NAME, URL, (("sha256", SHA256),))


def sources(cache: Path, *, is_online: bool = True, is_offline: bool = False) -> KeptSources:
    transport = FakeTransport({URL: (OK if is_online else NOT_FOUND, {}, CONTENT)})
    return KeptSources(cache, Downloads(transport), is_offline=is_offline)


def read(kept: KeptSources, file: PublishedFile = PUBLISHED) -> tuple[bytes, str]:
    with kept.open(file) as (stream, digest):
        return stream.read(), digest


def the_kept(cache: Path) -> Path:
    (path,) = (cache / ROOM).rglob("*" + SHA256[2:])
    return path


def test_an_archive_is_fetched_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    assert read(sources(tmp_path)) == (CONTENT, SHA256)
    assert read(sources(tmp_path, is_online=False)) == (CONTENT, SHA256)
    assert stat.S_IMODE(the_kept(tmp_path).stat().st_mode) & 0o077 == 0


def test_one_without_a_hash_is_fetched_each_time(tmp_path: Path) -> None:
    nameless = PublishedFile(NAME, URL)
    assert read(sources(tmp_path), nameless) == (CONTENT, SHA256)
    with pytest.raises(UnreachableError, match="404"):
        read(sources(tmp_path, is_online=False), nameless)


def test_what_was_damaged_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    read(sources(tmp_path))
    the_kept(tmp_path).chmod(0o600)
    the_kept(tmp_path).write_bytes(b"damaged")

    assert read(sources(tmp_path)) == (CONTENT, SHA256)
    assert the_kept(tmp_path).read_bytes() == CONTENT


def test_offline_only_what_is_kept_or_local_is_given(tmp_path: Path) -> None:
    offline = sources(tmp_path / "cache", is_offline=True)
    with pytest.raises(OfflineError, match=r"expected this source archive in the cache.*run once without"):
        read(offline)
    (tmp_path / NAME).write_bytes(CONTENT)
    assert read(offline, PublishedFile(NAME, (tmp_path / NAME).as_uri())) == (CONTENT, SHA256)
    read(sources(tmp_path / "cache"))
    assert read(offline) == (CONTENT, SHA256)


def test_a_file_on_this_machine_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    read(sources(tmp_path / "cache"), PublishedFile(NAME, (tmp_path / NAME).as_uri(), PUBLISHED.hashes))

    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("is_local", [False, True])
def test_one_that_is_not_what_its_index_claims_is_refused(is_local: bool, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    url = (tmp_path / NAME).as_uri() if is_local else URL
    for claimed in (("sha256", "00" * 32), ("sha512", "00" * 64)):
        with pytest.raises(RefusedWheelError, match=rf"^{NAME} is refused, expected .*`0+`, found `"):
            read(sources(tmp_path / "cache"), PublishedFile(NAME, url, (claimed,)))


@pytest.mark.parametrize("is_kept", [False, True])
def test_of_the_hashes_that_were_given_it_must_have_one(is_kept: bool, tmp_path: Path) -> None:
    if is_kept:
        read(sources(tmp_path))
    with sources(tmp_path).open(PUBLISHED, (("sha256", "00" * 32), ("sha512", SHA512))) as (stream, _):
        assert stream.read() == CONTENT
    with (
        pytest.raises(RefusedWheelError, match="found another"),
        sources(tmp_path).open(PUBLISHED, (("sha512", "00" * 64),)),
    ):
        raise AssertionError


def test_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    url = (tmp_path / NAME).as_uri()
    with pytest.raises(UnreachableError, match=rf"^expected a file that can be read, .*: `{url}`$"):
        read(sources(tmp_path / "cache"), PublishedFile(NAME, url))


def test_what_its_reader_misses_is_not_the_archive(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    file = PublishedFile(NAME, (tmp_path / NAME).as_uri())
    with pytest.raises(FileNotFoundError, match="elsewhere"), sources(tmp_path / "cache").open(file):
        (tmp_path / "elsewhere").read_bytes()


def test_a_cache_that_cannot_be_written_costs_another_download(tmp_path: Path) -> None:
    (tmp_path / ROOM).write_text("no folder", encoding="utf-8")

    assert read(sources(tmp_path)) == (CONTENT, SHA256)
