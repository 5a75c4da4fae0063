from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.urls import Url, parse_location, parse_url


def test_credentials_are_kept_but_never_shown() -> None:
    url = parse_url("https://user:s3cr3t%2F%40@Index.Example:8443/simple?token=s3cr3t")
    assert (url.username, url.password) == ("user", "s3cr3t/@")
    assert url.secret == "https://user:s3cr3t%2F%40@index.example:8443/simple?token=s3cr3t"
    assert url.target == "https://index.example:8443/simple?token=s3cr3t"
    assert str(url) == "https://index.example:8443/simple"
    assert "s3cr3t" not in repr(url) + str(url) + f"{url.child('demo')!r}"
    assert "user" not in repr(url)


@given(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1), st.text(min_size=1))
def test_what_a_url_keeps_it_gives_back_to_whoever_parses_its_secret(username: str, password: str) -> None:
    url = Url("https", "index.example", "/simple/", username=username, password=password)
    assert parse_url(url.secret) == url


@pytest.mark.parametrize(
    "text",
    [
        "https://user:s3cr3t@[bad/simple",
        "https://user:s3cr3t/@host:x/",
        "https://user:s3cr3t@host:99999999/",
        "ftp://user:s3cr3t@index.example/",
        "git+https://user:s3cr3t@index.example/",
        "https://",
        "file:relative",
        "https://index.example/a\x00b?s3cr3t",
        "javascript:alert(1)",
    ],
)
def test_what_cannot_be_asked_is_a_usage_error_without_secrets(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_url(text)
    assert "s3cr3t" not in str(caught.value)
    assert "scheme" in str(caught.value)


def test_a_project_below_an_index_is_quoted() -> None:
    index = parse_url("https://index.example/simple")
    assert str(index.child("demo")) == "https://index.example/simple/demo/"
    assert str(index.child("../x%2f?")) == "https://index.example/simple/..%2Fx%252f%3F/"


@pytest.mark.parametrize(
    ("link", "expected", "keeps_login"),
    [
        ("../files/x.whl", "https://index.example/files/x.whl", True),
        ("/x.whl", "https://index.example/x.whl", True),
        ("//other.example/x.whl", "https://other.example/x.whl", False),
        ("http://index.example/x.whl", "http://index.example/x.whl", False),
        ("https://index.example:444/x.whl", "https://index.example:444/x.whl", False),
        ("https://index.example:443/x.whl", "https://index.example:443/x.whl", True),
    ],
)
def test_credentials_follow_a_link_only_within_their_origin(
    link: str, expected: str, keeps_login: bool
) -> None:
    joined = parse_url("https://user:pass@index.example/simple/").join(link)
    assert str(joined) == expected
    assert (joined.username == "user") is keeps_login


def test_paths_and_addresses_are_told_apart(tmp_path: Path) -> None:
    def parse(text: str) -> Url:
        return parse_location(text, home=tmp_path / "home", folder=tmp_path, setting="find-links")

    assert parse("https://index.example/x").host == "index.example"
    assert parse("wheel house").file_path == tmp_path / "wheel house"
    assert parse("~/wheels").file_path == tmp_path / "home" / "wheels"
    assert parse((tmp_path / "ü").as_uri()).file_path == tmp_path / "ü"
    assert parse("file://localhost/x").host == ""


@pytest.mark.parametrize(
    ("text", "is_loopback"),
    [
        ("http://localhost:8000/", True),
        ("http://127.1.2.3/", True),
        ("http://[::1]:80/", True),
        ("http://x.localhost/", True),
        ("http://127.0.0.1.example/", False),
        ("https://index.example/", False),
    ],
)
def test_loopback_is_known_by_its_address(text: str, is_loopback: bool) -> None:
    assert parse_url(text).is_loopback is is_loopback


def test_names_in_other_alphabets_are_asked_for_in_ascii() -> None:
    assert parse_url("https://bücher.example/").host == "xn--bcher-kva.example"
