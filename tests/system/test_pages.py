"""Pages as text becomes rows, and rows become files again."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import split_version
from pytest_wheeltag.system.keptpages import KeptPage, Stamp, dump_kept, load_kept
from pytest_wheeltag.system.listing import NotAPageError, Place, shown
from pytest_wheeltag.system.pagehtml import read_html_page
from pytest_wheeltag.system.pagejson import read_json_page
from pytest_wheeltag.system.pages import DamagedPageError, Page, build_page
from pytest_wheeltag.system.urls import parse_url

DEMO = canonicalize_name("demo")
URL = parse_url("https://index.example/simple/demo/")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
LINKS = st.fixed_dictionaries(
    {
        "filename": st.sampled_from(
            ["demo-1.0.tar.gz", "demo-1.0-py3-none-any.whl", "demo-2-py3-none-any.whl"]
        ),
        "url": st.sampled_from(["demo-1.0.tar.gz", "https://f.example/a/demo-1.0-py3-none-any.whl", "../x"]),
    },
    optional={
        "size": VALUES,
        "yanked": VALUES,
        "requires-python": VALUES,
        "upload-time": VALUES,
        "x": VALUES,
    },
)


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    start = 0
    for end in ends:
        yield data[start:end]
        start = end


def build(chunks: Iterator[bytes]) -> Page:
    return build_page(read_json_page(chunks, URL.target), Place(URL, DEMO), DEMO)


@given(
    st.lists(LINKS, max_size=4),
    st.dictionaries(st.text(), VALUES, max_size=3),
    st.lists(st.integers(0), max_size=9),
)
def test_where_a_page_is_cut_on_its_way_makes_no_difference(
    links: list[dict[str, object]], others: dict[str, object], places: list[int]
) -> None:
    for key in ("files", "meta", "name"):
        others.pop(key, None)
    data = json.dumps({**others, "files": links, "name": "demo"}, indent=1).encode()
    assert build(cut(data, places)) == build(iter((data,)))


def test_a_number_that_is_cut_in_its_exponent_goes_on() -> None:
    data = b'{"files": [{"filename": "demo-1.0.tar.gz", "url": "../x", "size": 1.5e+10}], "name": "demo"}'
    for place in range(1, len(data)):
        assert build(iter((data[:place], data[place:]))) == build(iter((data,)))


@given(st.text(), st.lists(st.integers(0), max_size=9))
def test_text_that_is_no_page_raises_one_error_wherever_it_is_cut(text: str, places: list[int]) -> None:
    def outcome(chunks: Iterator[bytes]) -> str:
        with pytest.raises(NotAPageError) as caught:
            build(chunks)
        return str(caught.value)

    data = text.encode()
    assert outcome(cut(data, places)).isprintable()


@given(st.lists(st.integers(0), max_size=9))
def test_where_html_is_cut_makes_no_difference(places: list[int]) -> None:
    data = (
        '<!DOCTYPE html><!-- <a href="demo-0.tar.gz"> --><base href="/ü/">'
        "<a data-requires-python='>=3' href=\"demo-1.0.tar.gz#sha256=" + "ab" * 32 + '">x</a>'
        '<script>"<a href=\'demo-3.tar.gz\'>"</script><a href="demo-2.0.zip?x=1&amp;y=2">y'
    ).encode()
    page = build_page(read_html_page(cut(data, places), URL.target), Place(URL, DEMO), DEMO)
    first, second = page.files("")
    assert (first.filename, first.requires_python, first.sha256) == ("demo-1.0.tar.gz", ">=3", "ab" * 32)
    assert second.url == "https://index.example/ü/demo-2.0.zip?x=1&y=2"


def test_html_that_takes_for_ever_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_wheeltag.system.pagehtml._MAX_PROCESSOR_SECONDS", 0.05)
    with pytest.raises(NotAPageError, match="more to come"):
        build_page(read_html_page(iter([b"<" * 10_000] * 1000), URL.target), Place(URL, DEMO), DEMO)


def listed(count: int) -> Iterator[bytes]:
    rows = [
        {
            "filename": f"demo-{n % 7}.{n % 3}-py{n}-none-any.whl",
            "url": f"demo-{n % 7}.{n % 3}-py{n}-none-any.whl",
        }
        for n in range(count)
    ]
    yield json.dumps({"files": rows}).encode()


def test_the_files_of_a_version_are_those_of_all_files_in_the_same_order() -> None:
    page = build(listed(200))
    files = page.files("source")
    assert len(files) == 200
    for version in ("1.0", "1", "2.1", "1.0.0", "9"):
        expected = [file for file in files if Version(file.filename.split("-")[1]) == Version(version)]
        assert list(page.of_version(Version(version), "source")) == expected


def test_a_kept_page_is_read_as_it_was() -> None:
    stamp = Stamp(12.5, 30, '"tag"', "yesterday", is_storable=False)
    for page in (build(listed(20)), build(listed(0)), None):
        data = b"".join(dump_kept(KeptPage(stamp, page)))
        assert load_kept(data) == KeptPage(stamp, page)


@given(st.integers(0), st.integers(1, 255))
def test_any_changed_byte_of_a_kept_page_is_noticed(place: int, change: int) -> None:
    data = bytearray(b"".join(dump_kept(KeptPage(Stamp(1.0), build(listed(3))))))
    original = load_kept(bytes(data))
    data[place % len(data)] ^= change
    try:
        found = load_kept(bytes(data))
    except DamagedPageError:
        return
    assert found == original


@given(st.binary(max_size=200))
def test_anything_else_is_no_kept_page(data: bytes) -> None:
    for text in (data, b"wheeltag page 1 00000000\n" + data):
        with pytest.raises(DamagedPageError):
            load_kept(text)


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("demo-1.0-py3-none-any.whl", "demo", "1.0"),
        ("python-dateutil-2.8.tar.gz", "python-dateutil", "2.8"),
        ("python_dateutil-2.8-1.tar.bz2", "python-dateutil", "2.8-1"),
        ("demo-tools-1.0.tar.gz", "demo", None),
        ("demo-tools-1.0.zip", "demo-tools", "1.0"),
        ("demo.exe", "demo", None),
        ("demo-1.0.exe", "demo", None),
    ],
)
def test_versions_are_cut_out_of_file_names(filename: str, name: str, version: str | None) -> None:
    assert split_version(filename, canonicalize_name(name)) == version


@given(st.text(min_size=1))
def test_what_is_shown_can_be_printed(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= 121
