import codecs
import locale
import os
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.documents import Document, DocumentReader
from pytest_wheeltag.system.urls import Url, parse_url

PLACE = parse_url("https://me:secret@x.example/a/c.txt?token=secret")


@pytest.fixture
def reader(tmp_path: Path) -> DocumentReader:
    return DocumentReader(tmp_path / "work", tmp_path / "home")


def text_of(data: bytes) -> str:
    return Document(parse_url("file:///r.txt"), "r.txt", data).text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("r.txt", "work/r.txt"),
        ("./a/../r.txt", "work/r.txt"),
        ("../r.txt", "r.txt"),
        ("~/r.txt", "home/r.txt"),
        ("ü#.txt", "work/ü#.txt"),
    ],
)
def test_a_path_starts_from_the_folder_or_from_the_file_that_names_it(
    reader: DocumentReader, text: str, path: str
) -> None:
    root = reader.home.parent
    assert reader.locate(text, "-r").file_path == root / path
    base = parse_url((root / "work" / "base.txt").as_uri())
    assert reader.locate(text, "-r", base) == reader.locate(text, "-r")
    assert reader.locate((root / path).as_uri(), "-r", base).file_path == root / path


def test_an_address_starts_from_the_address_that_names_it(reader: DocumentReader) -> None:
    found = reader.locate("../b.txt", "-r", PLACE)
    assert (str(found), found.password) == ("https://x.example/b.txt", "secret")
    assert reader.locate("https://y.example/b.txt", "-r", PLACE).password is None
    for text in ("file:///etc/passwd", "ftp://x.example/b.txt", "//["):
        with pytest.raises(UsageError, match=r"^c\.txt:1: expected an address, or a path beside"):
            reader.locate(text, "c.txt:1", PLACE)


def test_what_is_no_place_is_an_error_without_secrets(reader: DocumentReader) -> None:
    for text in (
        "ftp://me:secret@x.example/b.txt",
        "https://",
        "\ud800",
        "file:x",
        "https://x\n\x00/b",
        "'https://me:secret@x'",
    ):
        with pytest.raises(UsageError, match=r"^-r: expected (a URL|the path or address)") as caught:
            reader.locate(text, "-r")
        assert "secret" not in str(caught.value)
        assert str(caught.value).isprintable()


def test_a_file_is_read_whole_and_shown_as_it_lies_in_the_folder(reader: DocumentReader) -> None:
    reader.folder.mkdir()
    (reader.folder / "r.txt").write_bytes(b"foo\r\n")
    (reader.folder.parent / "other.txt").write_bytes(b"bar")
    document = reader.read(reader.locate("r.txt", "-r"), "-r")
    assert (document.name, document.shown, document.text) == ("r.txt", "r.txt", "foo\r\n")
    other = reader.read(reader.locate("../other.txt", "-r"), "-r")
    assert (other.shown, other.text) == (str(reader.folder.parent / "other.txt"), "bar")
    assert reader.is_there(other.url)
    assert not reader.is_there(reader.locate("gone", "-r"))
    assert not reader.is_there(reader.locate("x" * 5000, "-r"))


@pytest.mark.parametrize("name", ["gone.txt", "folder", "x" * 5000, "nul\0"])
def test_what_cannot_be_read_is_an_error_that_says_why(reader: DocumentReader, name: str) -> None:
    (reader.folder / "folder").mkdir(parents=True)
    url = parse_url(reader.folder.as_uri()).child(name)
    with pytest.raises(UsageError, match=r"^-r: expected a file that can be read \(.+\)") as caught:
        reader.read(url, "-r")
    assert str(caught.value).isprintable()


def test_an_address_is_fetched_where_there_is_somebody_to_fetch(reader: DocumentReader) -> None:
    asked: list[Url] = []

    def fetch(url: Url) -> bytes:
        asked.append(url)
        return b"foo"

    with pytest.raises(UsageError, match=r"^-r: expected the path of a file.*`https://x\.example/a/c\.txt`$"):
        reader.read(PLACE, "-r")
    document = DocumentReader(reader.folder, reader.home, fetch).read(PLACE, "-r")
    assert (document.name, document.shown, document.text) == ("c.txt", "https://x.example/a/c.txt", "foo")
    assert asked == [PLACE]


def test_nothing_larger_than_16_megabytes_is_read(reader: DocumentReader) -> None:
    large = DocumentReader(reader.folder, reader.home, lambda _: b"x" * ((16 << 20) + 1))
    with pytest.raises(UsageError, match="at most 16777216 bytes"):
        large.read(PLACE, "-r")
    reader.folder.mkdir()
    with (reader.folder / "r.txt").open("wb") as file:
        os.truncate(file.fileno(), (16 << 20) + 1)
    with pytest.raises(UsageError, match="at most 16777216 bytes"):
        reader.read(reader.locate("r.txt", "-r"), "-r")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("fööß".encode(), "fööß"),
        (codecs.BOM_UTF8 + "fö".encode(), "fö"),
        ("fö".encode("utf-16"), "fö"),
        ("fö".encode("utf-32"), "fö"),
        (codecs.BOM_UTF16_BE + "fö".encode("utf-16-be"), "fö"),
        (codecs.BOM_UTF32_BE + "fö".encode("utf-32-be"), "fö"),
        (b"# -*- coding: latin-1 -*-\nf\xf6", "# -*- coding: latin-1 -*-\nfö"),
        (b"\n# vim: set fileencoding=cp1252 :\n\x80", "\n# vim: set fileencoding=cp1252 :\n€"),
    ],
)
def test_a_file_may_name_its_encoding(data: bytes, text: str) -> None:
    assert text_of(data) == text


def test_what_is_not_utf8_may_be_in_the_encoding_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "getencoding", lambda: "cp1252")
    assert text_of(b"\x80") == "€"


@pytest.mark.parametrize(
    "data", [b"\xff", b"# coding: no-such-encoding\n", b"# coding: hex\n", b"# coding: ascii\n\xf6"], ids=str
)
def test_what_is_no_text_is_an_error(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "getencoding", lambda: "utf-8")
    with pytest.raises(UsageError, match=r"^r\.txt: expected a text file in UTF-8"):
        text_of(data)
