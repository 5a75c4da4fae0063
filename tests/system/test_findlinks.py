from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.errors import OfflineError, PageError, UnreachableError
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.findlinks import FindLinks
from pytest_wheeltag.system.transport import FakeTransport
from pytest_wheeltag.system.urls import Url, parse_url

DEMO = canonicalize_name("demo")
DIGEST = "ab" * 32

Locate = Callable[..., FindLinks]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    names = "demo-1.0-py3-none-any.whl Demo-2.0.tar.gz demo_tools-1.0-py3-none-any.whl demo-tools-1.0.zip notes.txt x.whl"
    for name in names.split():
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "demo-3.0-py3-none-any.whl").mkdir()
    return tmp_path


def locate(*locations: Url, transport: FakeTransport | None = None, is_offline: bool = False) -> FindLinks:
    return FindLinks(locations, IndexAccess(transport or FakeTransport({}), is_offline=is_offline))


def folder(path: Path) -> Url:
    return parse_url(path.as_uri())


def names(links: FindLinks, name: str = "demo", version: Version | None = None) -> list[str]:
    return [file.filename for file in links.files(canonicalize_name(name), version)]


def test_a_folder_gives_a_projects_files_sorted_backwards(house: Path) -> None:
    links = locate(folder(house), is_offline=True)
    assert names(links) == ["demo-1.0-py3-none-any.whl", "Demo-2.0.tar.gz"]
    assert names(links, "demo-tools") == ["demo_tools-1.0-py3-none-any.whl", "demo-tools-1.0.zip"]
    assert names(links, "absent") == []
    assert names(links, version=Version("2")) == ["Demo-2.0.tar.gz"]
    file = links.files(DEMO)[0]
    assert file.url == (house / file.filename).as_uri()
    assert file.source == str(folder(house))
    assert links.warnings == []


def test_pages_in_a_folder_count_after_its_files(house: Path) -> None:
    text = (
        f'<a href="demo-9.0.tar.gz#sha256={DIGEST}">x</a><a href="https://files.example/demo-8.0.zip">y</a>'
    )
    (house / "a.html").write_text(text)
    found = locate(folder(house)).files(DEMO)
    assert [file.filename for file in found[2:]] == ["demo-9.0.tar.gz", "demo-8.0.zip"]
    assert found[2].url == (house / "demo-9.0.tar.gz").as_uri()
    assert found[2].sha256 == DIGEST
    assert found[3].url == "https://files.example/demo-8.0.zip"


def test_a_location_may_be_a_file_or_not_be_there(house: Path) -> None:
    links = locate(folder(house / "Demo-2.0.tar.gz"), folder(house / "gone"))
    assert names(links) == names(links) == ["Demo-2.0.tar.gz"]
    assert links.warnings == [f"a find-links location is not there: `{folder(house / 'gone')}`"]


def test_a_page_of_a_server_is_asked_for_once() -> None:
    url = parse_url("https://user:s3cr3t@files.example/links.html?token=s3cr3t")
    text = (
        f'<base href="/wheels/"><a href="demo-1.0-py3-none-any.whl#sha256={DIGEST}">Demo</a>'
        '<a href="file:///demo-2.0.tar.gz">x</a><a href="/about.html">y</a>'
    )
    fake = FakeTransport({str(url): (200, {"Content-Type": "text/html"}, text.encode())})
    links = locate(url, transport=fake)
    (file,) = links.files(DEMO)
    assert file.url == "https://files.example/wheels/demo-1.0-py3-none-any.whl"
    assert (file.sha256, file.source) == (DIGEST, "https://files.example/links.html")
    assert names(links, "other") == []
    assert len(fake.requests) == 1
    (warning,) = links.warnings
    assert "file of this machine" in warning
    assert "s3cr3t" not in warning


def test_a_file_on_a_server_is_not_asked_for() -> None:
    fake = FakeTransport({})
    assert names(locate(parse_url("https://files.example/demo-1.0.tar.gz"), transport=fake)) == [
        "demo-1.0.tar.gz"
    ]
    assert fake.requests == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, {}, b""), PageError),
        ((403, {}, b""), UnreachableError),
        ((200, {"Content-Type": "text/plain"}, b"<a>"), PageError),
        ((200, {"Content-Type": "text/html"}, b"{}"), PageError),
    ],
)
def test_a_page_that_is_none_stops_each_time(
    answer: tuple[int, dict[str, str], bytes], error: type[Exception]
) -> None:
    url = parse_url("https://files.example/links.html")
    links = locate(url, transport=FakeTransport({str(url): answer}))
    for _ in range(2):
        with pytest.raises(error):
            links.files(DEMO)


def test_offline_a_page_of_a_server_cannot_be_known() -> None:
    with pytest.raises(OfflineError):
        locate(parse_url("https://files.example/links.html"), is_offline=True).files(DEMO)


def test_a_page_in_a_folder_that_is_none_stops(house: Path) -> None:
    (house / "a.html").write_text("{}")
    with pytest.raises(PageError, match=r"a\.html"):
        locate(folder(house)).files(DEMO)
