from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from pytest_wheeltag.workshop.folders import write_file_index, write_find_links
from pytest_wheeltag.workshop.wheels import WheelSpec, build_wheel


def samples(folder: Path) -> list[Path]:
    return [
        build_wheel(WheelSpec(name, version), folder)
        for name, version in (("a", "1+l"), ("b", "1"), ("a", "2"))
    ]


def test_links_of_an_index_in_files_lead_to_files(tmp_path: Path) -> None:
    url = write_file_index(tmp_path / "an index", samples(tmp_path))
    assert url.startswith("file:///")
    assert url.endswith("/an%20index/simple/")
    page = urljoin(url, "a/index.html")
    text = Path(url2pathname(urlsplit(page).path)).read_text()
    hrefs = [part.partition('"')[0].partition("#")[0] for part in text.split('href="')[1:]]
    found = [Path(url2pathname(urlsplit(urljoin(page, href)).path)) for href in hrefs]
    assert [path.name for path in found] == ["a-1+l-py3-none-any.whl", "a-2-py3-none-any.whl"]
    assert all(path.read_bytes()[:2] == b"PK" for path in found)
    assert 'href="b/index.html"' in (tmp_path / "an index" / "simple" / "index.html").read_text()


def test_a_find_links_folder_holds_the_files(tmp_path: Path) -> None:
    folder = write_find_links(tmp_path / "links", samples(tmp_path))
    assert len(list(folder.iterdir())) == 3
    write_find_links(folder, samples(tmp_path), has_page=True)
    assert 'href="a-1%2Bl-py3-none-any.whl#sha256=' in (folder / "index.html").read_text()
