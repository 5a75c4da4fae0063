import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import urllib3

from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import IndexOptions, LocalIndex, WheelMaker, write_file_index
from pytest_wheeltag.workshop.proxy import ForwardingProxy
from pytest_wheeltag.workshop.snapshot import SnapshotIndex

FILE = "foo-1.0-py3-none-any.whl"
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Street:
    """A private index far away, reached by a proxy alone, and its snapshot here."""

    far: LocalIndex
    near: SnapshotIndex
    place: Workplace

    def ask(self, target: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = urljoin(str(self.near.urls[0]), target)
        answer = urllib3.request(method, url, headers=named, retries=False, timeout=30)
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data

    def page(self, name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.ask(f"{name}/", Accept=JSON)[2])
        return loaded

    def link(self, name: str) -> str:
        return urljoin(f"{self.near.urls[0]}{name}/", str(self.page(name)["files"][0]["url"]))


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    with (
        LocalIndex(IndexOptions(credentials=("anna", "secret"), cache_control="max-age=5")) as far,
        ForwardingProxy({"index.example": far.port}) as proxy,
    ):
        kept = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
        environ = {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_PROXY": proxy.origin, "HOME": str(tmp_path)}
        sources = SourceOptions(
            tmp_path / "cache", index_url="http://anna:secret@index.example/simple/", is_alone=True
        )
        place = Workplace(sources, environ, "run")
        with SnapshotIndex(place.opened) as near:
            yield Street(far, near, place)


def test_a_page_says_all_that_the_true_one_says(street: Street, make_wheel: WheelMaker) -> None:
    wheel = make_wheel("foo", requires=["bar"])
    moment = "2026-11-01T12:30:00.123456Z"
    street.far.add(wheel, requires_python=">=3.8", yanked="broken", upload_time=moment)

    (told,) = street.page("foo")["files"]
    (true,) = street.far.page("foo")["files"]

    assert told["hashes"] == true["hashes"]
    assert (told["requires-python"], told["yanked"], told["size"]) == (
        ">=3.8",
        "broken",
        wheel.stat().st_size,
    )
    assert datetime.fromisoformat(told["upload-time"]) == datetime(2026, 11, 1, 12, 30, 0, 123456, UTC)
    assert told.get("core-metadata") == true.get("core-metadata")
    assert street.page("foo")["versions"] == ["1.0"]
    assert f"#sha256={true['hashes']['sha256']}" in street.ask("foo/")[2].decode()


def test_what_is_published_meanwhile_is_not_there(street: Street, make_wheel: WheelMaker) -> None:
    street.far.add(make_wheel("foo"))
    before = street.page("foo")
    street.far.add(make_wheel("foo", "2.0"))

    assert street.page("foo") == before
    # Another process of the run has a server of its own, and sees the same.
    with SnapshotIndex(Workplace(street.place.sources, street.place.environ, "run").opened) as other:
        assert [
            each["filename"] for each in Street(street.far, other, street.place).page("foo")["files"]
        ] == [FILE]


def test_nobody_needs_credentials_and_none_are_told(street: Street, make_wheel: WheelMaker) -> None:
    wheel = make_wheel("foo")
    street.far.add(wheel)

    _, _, page = street.ask("foo/", Accept=JSON)
    status, headers, body = street.ask(street.link("foo"))

    assert (status, body) == (200, wheel.read_bytes())
    assert headers["cache-control"] == "max-age=5"
    assert b"secret" not in page
    assert b"index.example" not in page


def test_parts_and_sizes_are_those_of_the_true_file(street: Street, make_wheel: WheelMaker) -> None:
    wheel = make_wheel("foo")
    street.far.add(wheel)
    data = wheel.read_bytes()

    status, headers, body = street.ask(street.link("foo"), Range="bytes=-100")
    assert (status, body) == (206, data[-100:])
    assert headers["content-range"] == f"bytes {len(data) - 100}-{len(data) - 1}/{len(data)}"
    status, headers, body = street.ask(street.link("foo"), method="HEAD")
    assert (status, headers["content-length"], headers["accept-ranges"]) == (200, str(len(data)), "bytes")
    assert body == b""


def test_metadata_lies_beside_a_file_where_it_truly_does(street: Street, make_wheel: WheelMaker) -> None:
    street.far.add(make_wheel("foo"), metadata=True)

    assert (
        street.page("foo")["files"][0]["core-metadata"] == street.far.page("foo")["files"][0]["core-metadata"]
    )
    assert b"Name: foo" in street.ask(f"{street.link('foo')}.metadata")[2]


def test_a_page_that_a_client_holds_is_not_sent_again(street: Street, make_wheel: WheelMaker) -> None:
    street.far.add(make_wheel("foo"))
    _, headers, _ = street.ask("foo/")

    assert street.ask("foo/", If_None_Match=headers["etag"])[0] == 304


@pytest.mark.parametrize(
    ("target", "status"),
    [("absent/", 404), ("/9/simple/foo/", 404), ("/0/files/foo/7/x.whl", 404), ("/etc/passwd", 404)],
)
def test_nothing_else_is_served(street: Street, make_wheel: WheelMaker, target: str, status: int) -> None:
    street.far.add(make_wheel("foo"))

    assert street.ask(target)[0] == status


def test_an_index_that_does_not_answer_is_a_bad_gateway_that_says_why(street: Street) -> None:
    street.far.close()

    status, _, body = street.ask("foo/")
    assert status == 502
    assert b"index.example" in body


def test_a_folder_is_served_as_well_and_an_absent_one_left_out(
    tmp_path: Path, make_wheel: WheelMaker
) -> None:
    wheel = make_wheel("foo")
    folder = write_file_index(tmp_path / "index", [wheel])
    sources = SourceOptions(
        tmp_path / "cache",
        index_url=folder,
        extra_index_urls=((tmp_path / "absent").as_uri(), "http://127.0.0.1:9/simple/"),
        is_alone=True,
    )
    place = Workplace(sources, {"HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull})

    with SnapshotIndex(place.opened) as near:
        street = Street(LocalIndex(), near, place)
        assert [str(url) for url in near.urls] == [f"{near.origin}/0/simple/", "http://127.0.0.1:9/simple/"]
        link = street.link("foo")
        assert street.ask(link)[2] == wheel.read_bytes()
        assert street.ask(link, Range="bytes=0-3")[2] == wheel.read_bytes()[:4]
        assert street.ask(link, method="HEAD")[1]["content-length"] == str(wheel.stat().st_size)


def test_several_ask_at_once(street: Street, make_wheel: WheelMaker) -> None:
    wheel = make_wheel("foo", files={"big.bin": os.urandom(3_000_000)})
    street.far.add(wheel)
    link, found = street.link("foo"), []
    threads = [threading.Thread(target=lambda: found.append(street.ask(link)[2])) for _ in range(6)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [wheel.read_bytes()] * 6


def test_an_installer_is_told_of_the_snapshot_alone(street: Street) -> None:
    served = street.place.served_at(street.near.urls).opened

    variables = served.pip_variables()
    assert variables["PIP_INDEX_URL"] == f"{street.near.origin}/0/simple/"
    assert variables["PIP_TRUSTED_HOST"] == street.near.origin.removeprefix("http://")
    assert "PIP_PROXY" not in variables
    assert "secret" not in json.dumps(variables)
