import gzip
import http.client
import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.answers import Answer
from pytest_wheeltag.workshop.index import IndexOptions, LocalIndex
from pytest_wheeltag.workshop.negotiation import HTML, JSON_V1
from pytest_wheeltag.workshop.sdists import SdistSpec, build_sdist
from pytest_wheeltag.workshop.wheels import WheelSpec, build_wheel

WHEEL = "foo_bar-1.0-py3-none-any.whl"


class Got:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def page(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.body)


def get(index: LocalIndex, path: str, **headers: str) -> Got:
    connection = http.client.HTTPConnection(urlsplit(index.origin).netloc, timeout=10)
    try:
        connection.request(
            "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        return Got(connection.getresponse())
    finally:
        connection.close()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(WheelSpec("Foo.Bar", "1.0", requires_python=">=3.8"), tmp_path)


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as index:
        yield index


def serving(wheel: Path, **options: Any) -> LocalIndex:  # noqa: ANN401 - any option
    index = LocalIndex(IndexOptions(**options))
    index.add(wheel)
    return index


def test_the_address_is_on_loopback(index: LocalIndex) -> None:
    assert index.url.startswith("http://127.0.0.1:")
    assert index.url.endswith("/simple/")
    assert index.authenticated_url == index.url


def test_a_project_page_is_json_or_html(index: LocalIndex, wheel: Path) -> None:
    index.add(wheel)
    as_json = get(index, "/simple/foo-bar/", Accept=JSON_V1)
    as_html = get(index, "/simple/foo-bar/")
    assert (as_json.headers["Content-Type"], as_html.headers["Content-Type"]) == (JSON_V1, "text/html")
    assert as_json.page == index.page("Foo_Bar")
    assert as_json.page["files"][0]["requires-python"] == ">=3.8"
    assert b'data-requires-python="&gt;=3.8"' in as_html.body


def test_what_is_not_acceptable_is_406(index: LocalIndex, wheel: Path) -> None:
    index.add(wheel)
    assert get(index, "/simple/foo-bar/", Accept="image/png").status == 406


def test_an_index_of_one_form_knows_no_negotiation(wheel: Path) -> None:
    with serving(wheel, formats=(HTML,)) as index:
        got = get(index, "/simple/foo-bar/", Accept=JSON_V1)
    assert (got.status, got.headers["Content-Type"]) == (200, "text/html")


def test_files_are_served_where_the_page_says(index: LocalIndex, wheel: Path) -> None:
    index.add(wheel, metadata=True)
    (entry,) = index.page("foo-bar")["files"]
    assert entry["url"] == f"../../files/{WHEEL}"
    assert get(index, f"/files/{WHEEL}").body == wheel.read_bytes()
    assert b"Name: Foo.Bar" in get(index, f"/files/{WHEEL}.metadata").body
    assert index.file_url(WHEEL) == f"{index.origin}/files/{WHEEL}"
    assert (index.count(WHEEL), index.count(f"{WHEEL}.metadata"), index.count("foo-bar")) == (1, 1, 0)


def test_projects_are_listed(index: LocalIndex, wheel: Path, tmp_path: Path) -> None:
    index.add(wheel)
    index.add(build_sdist(SdistSpec("a", "1"), tmp_path))
    assert get(index, "/simple/", Accept=JSON_V1).page["projects"] == [{"name": "a"}, {"name": "foo-bar"}]
    assert b'<a href="foo-bar/">foo-bar</a>' in get(index, "/simple/").body


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/simple", "/simple/"),
        ("/simple/foo-bar", "/simple/foo-bar/"),
        ("/simple/Foo.Bar/", "/simple/foo-bar/"),
        ("/simple/foo%5Fbar/", "/simple/foo-bar/"),
    ],
)
def test_other_spellings_are_redirected(index: LocalIndex, path: str, target: str) -> None:
    got = get(index, path)
    assert (got.status // 100, got.headers["Location"]) == (3, target)


@pytest.mark.parametrize("path", ["/", "/simple/bar/", "/files/bar-1.0.tar.gz", f"/files/{WHEEL}.metadata"])
def test_what_is_not_there_is_404(index: LocalIndex, wheel: Path, path: str) -> None:
    index.add(wheel)
    assert get(index, path).status == 404


def test_a_release_can_be_published_again(index: LocalIndex, wheel: Path, tmp_path: Path) -> None:
    index.add(wheel)
    other = build_wheel(WheelSpec("Foo.Bar", "1.0", files={"other.py": ""}), tmp_path / "other")
    with pytest.raises(UsageError, match=WHEEL):
        index.add(other)
    index.remove(WHEEL)
    assert get(index, "/simple/foo-bar/", Accept=JSON_V1).page["files"] == []
    index.add(other)
    assert get(index, f"/files/{WHEEL}").body == other.read_bytes()
    with pytest.raises(KeyError):
        index.remove("bar-1.0.tar.gz")


def test_what_is_claimed_is_told(index: LocalIndex, wheel: Path) -> None:
    index.add(
        wheel, yanked="", hashes={"md5": "00"}, size=1, upload_time="2026-01-01T00:00:00Z", url="file:///etc"
    )
    (entry,) = index.page("foo-bar")["files"]
    assert (entry["yanked"], entry["hashes"], entry["size"]) == (True, {"md5": "00"}, 1)
    assert (entry["upload-time"], entry["url"]) == ("2026-01-01T00:00:00Z", "file:///etc")


def test_a_status_is_told(index: LocalIndex, wheel: Path) -> None:
    index.add(wheel)
    index.set_status("Foo.Bar", "quarantined", "looks bad")
    page = get(index, "/simple/foo-bar/", Accept=JSON_V1).page
    assert (page["project-status"], page["files"]) == ({"status": "quarantined", "reason": "looks bad"}, [])


def test_parts_of_files_are_served(wheel: Path) -> None:
    with serving(wheel) as index:
        part = get(index, f"/files/{WHEEL}", Range="bytes=-4")
        page = get(index, "/simple/foo-bar/", Range="bytes=0-1")
    assert (part.status, part.body) == (206, wheel.read_bytes()[-4:])
    assert page.status == 200


def test_parts_can_be_switched_off(wheel: Path) -> None:
    with serving(wheel, has_ranges=False) as index:
        got = get(index, f"/files/{WHEEL}", Range="bytes=-4")
    assert (got.status, got.body, got.headers["Accept-Ranges"]) == (200, wheel.read_bytes(), None)


def test_nothing_is_cacheable_unless_asked_for(wheel: Path) -> None:
    with serving(wheel) as index:
        got = get(index, "/simple/foo-bar/")
    assert (got.headers["ETag"], got.headers["Cache-Control"]) == (None, None)


@pytest.mark.parametrize("path", ["/simple/foo-bar/", f"/files/{WHEEL}"])
def test_validators_and_lifetimes(wheel: Path, path: str) -> None:
    with serving(wheel, has_etags=True, cache_control="max-age=600") as index:
        first = get(index, path)
        again = get(index, path, If_None_Match=first.headers["ETag"])
    assert (first.status, first.headers["Cache-Control"]) == (200, "max-age=600")
    assert (again.status, again.body) == (304, b"")


def test_pages_are_compressed_for_who_accepts_it(wheel: Path) -> None:
    with serving(wheel) as index:
        packed = get(index, "/simple/foo-bar/", Accept=JSON_V1, Accept_Encoding="gzip")
        plain = get(index, f"/files/{WHEEL}", Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body))["name"] == "foo-bar"
    assert plain.headers["Content-Encoding"] is None


def test_compression_can_be_switched_off(wheel: Path) -> None:
    with serving(wheel, has_gzip=False) as index:
        assert get(index, "/simple/foo-bar/", Accept_Encoding="gzip").headers["Content-Encoding"] is None


def test_credentials_are_asked_for(wheel: Path) -> None:
    with serving(wheel, credentials=("user", "p@ss")) as index:
        assert index.authenticated_url == index.url.replace("://", "://user:p%40ss@")
        refused = get(index, "/simple/foo-bar/")
        token = b64encode(b"user:p@ss").decode()
        assert get(index, "/simple/foo-bar/", Authorization=f"Basic {token}").status == 200
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="pytest-wheeltag"')


def test_answers_follow_each_other(index: LocalIndex, wheel: Path) -> None:
    index.add(wheel)
    index.answer("Foo.Bar", Answer.of_status(429, retry_after="1"), None, Answer.of_status(500))
    statuses = [get(index, "/simple/foo-bar/").status for _ in range(4)]
    assert statuses == [429, 200, 500, 500]
    assert [asked.status for asked in index.requests] == statuses
    index.answer("foo-bar")
    assert get(index, "/simple/foo-bar/").status == 200


@pytest.mark.parametrize("target", [WHEEL, f"/files/{WHEEL}"])
def test_files_and_paths_can_be_answered_for(index: LocalIndex, wheel: Path, target: str) -> None:
    index.answer(target, Answer.of_text("<html>"))
    index.add(wheel)
    assert get(index, f"/files/{WHEEL}").body == b"<html>"


@pytest.mark.parametrize("quoted", ["foo-1.0+l.tar.gz", "foo-1.0%2Bl.tar.gz"])
def test_quoting_makes_no_difference(index: LocalIndex, tmp_path: Path, quoted: str) -> None:
    index.add(build_sdist(SdistSpec("foo", "1.0+l"), tmp_path))
    index.answer("foo-1.0+l.tar.gz", None, Answer.of_status(503))
    assert [get(index, f"/files/{quoted}").status for _ in range(2)] == [200, 503]
    assert index.count("foo-1.0+l.tar.gz") == 2


def test_a_page_can_be_changed_and_answered(index: LocalIndex, wheel: Path) -> None:
    index.add(wheel)
    page = index.page("foo-bar")
    page["meta"]["api-version"] = "2.0"
    index.answer("foo-bar", Answer.of_json(page))
    assert get(index, "/simple/foo-bar/").page["meta"] == {"api-version": "2.0"}
    assert index.page("foo-bar")["meta"] == {"api-version": "1.4"}
