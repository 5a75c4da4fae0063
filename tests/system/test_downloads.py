import hashlib
from pathlib import Path

import pytest

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.errors import RefusedWheelError, UnreachableError
from pytest_wheeltag.system.downloads import Digests, Downloads
from pytest_wheeltag.system.transport import OK, FakeTransport

NAME = "foo-1.0-py3-none-any.whl"
URL = f"https://files.example/{NAME}"
CONTENT = b"a wheel" * 1000
HASHES = tuple((name, hashlib.new(name, CONTENT).hexdigest()) for name in ("sha256", "sha512", "blake2b"))


def fetch(file: PublishedFile, status: int = OK) -> bytes:
    transport = FakeTransport({URL: (status, {}, CONTENT)})
    with Downloads(transport).open(file) as stream:
        return stream.read()


def test_a_wheel_is_given_once_size_and_hashes_were_checked() -> None:
    assert fetch(PublishedFile(NAME, URL, HASHES, size=len(CONTENT))) == CONTENT
    assert fetch(PublishedFile(NAME, URL)) == CONTENT


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "blake2b", "md5"])
def test_every_hash_that_is_claimed_must_be_right(algorithm: str) -> None:
    hashes = tuple({**dict(HASHES), algorithm: "00" * 16}.items())

    with pytest.raises(
        RefusedWheelError, match=rf"^{NAME} is refused, expected {algorithm} `0+`, found `[0-9a-f]+`$"
    ):
        fetch(PublishedFile(NAME, URL, hashes))


def test_an_algorithm_that_nobody_knows_is_left_alone() -> None:
    assert fetch(PublishedFile(NAME, URL, (("shake_128", "00"), ("crc", "00")))) == CONTENT


def test_a_wheel_of_another_size_is_refused() -> None:
    with pytest.raises(RefusedWheelError, match="expected 8000 bytes, found 7000"):
        fetch(PublishedFile(NAME, URL, size=8000))


@pytest.mark.parametrize("name", [NAME, "foo-1.0.tar.gz"])
def test_what_is_not_there_is_an_error_whatever_its_kind(name: str) -> None:
    with pytest.raises(UnreachableError, match=r"^expected a file, found status 404: `"):
        fetch(PublishedFile(name, URL), 404)


@pytest.mark.parametrize("name", [NAME, "foo-1.0.tar.gz"])
def test_a_page_is_refused_whatever_it_is_called(name: str) -> None:
    transport = FakeTransport({URL: (OK, {}, b" <!DOCTYPE html>")})
    with (
        pytest.raises(RefusedWheelError, match=f"^{name} is refused, expected a file, found that the server"),
        Downloads(transport).open(PublishedFile(name, URL)),
    ):
        raise AssertionError


def test_a_local_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / NAME):
        with pytest.raises(UnreachableError, match=r"^expected a file that can be read, "):
            fetch(PublishedFile(NAME, path.as_uri()))


def test_a_wheel_in_a_folder_is_read_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(CONTENT)

    assert fetch(PublishedFile(NAME, path.as_uri())) == CONTENT


def test_digests_take_the_bytes_piece_by_piece() -> None:
    checks = Digests(HASHES)
    for start in range(0, len(CONTENT), 100):
        checks.update(CONTENT[start : start + 100])
    checks.require(NAME)
