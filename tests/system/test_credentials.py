from pathlib import Path

import pytest

from pytest_wheeltag.system.credentials import (
    Credentials,
    Keyring,
    KeyringAnswer,
    Login,
    LoginBook,
    collect_credentials,
)
from pytest_wheeltag.system.keyrings import FakeKeyring
from pytest_wheeltag.system.urls import parse_url

HOST = "index.example"


def tried(
    url: str, *addresses: str, netrc: dict[str, Login] | None = None, keyring: Keyring | None = None
) -> list[tuple[str, str, str] | None]:
    """Give all that is tried for an address that refuses everything."""
    credentials = Credentials(tuple(map(parse_url, addresses)), netrc or {}, keyring)
    logins = LoginBook(credentials).logins(parse_url(url))
    return [None if login is None else (login.username, login.password, login.source) for login in logins]


def test_of_two_logins_on_one_server_the_nearest_counts() -> None:
    both = f"https://a:1@{HOST}/team/one/", f"https://b:2@{HOST}/team/two/"
    keyring = FakeKeyring({(HOST, "key"): "ring"})
    for path, login in {"one": ("a", "1", "the URL"), "two": ("b", "2", "the URL")}.items():
        assert tried(f"https://{HOST}/team/{path}/x/", *both, keyring=keyring) == [login]
    assert keyring.questions == []
    assert tried(f"http://{HOST}/team/one/x/", *both, keyring=keyring) == [None]
    assert tried(f"https://{HOST}:8443/team/one/x/", *both, keyring=keyring) == [None]
    assert keyring.questions == []


def test_for_files_beside_both_indexes_each_login_is_tried() -> None:
    both = f"https://a:1@{HOST}/one/", f"https://b:2@{HOST}/two/"
    assert tried(f"https://{HOST}/files/x.whl", *both) == [("a", "1", "the URL"), ("b", "2", "the URL")]


def test_a_password_in_the_url_is_the_only_one_tried() -> None:
    keyring = FakeKeyring({(HOST, "a"): "ring"})
    netrc = {HOST: Login("net", "rc", "netrc")}
    assert tried(f"https://a:1@{HOST}/one/x/", f"https://a:1@{HOST}/one/", netrc=netrc, keyring=keyring) == [
        ("a", "1", "the URL")
    ]
    assert keyring.questions == []


def test_a_user_name_alone_waits_for_netrc_and_keyring() -> None:
    address = f"https://a@{HOST}:8443/one"
    service = f"https://{HOST}:8443/one/"
    keyring = FakeKeyring({(f"{HOST}:8443", "a"): "ring", (f"{HOST}:8443", "b"): "other"})
    assert tried(f"https://{HOST}:8443/one/x/", address, keyring=keyring) == [
        ("a", "", "the URL"),
        ("a", "ring", "keyring"),
    ]
    assert keyring.questions == [(service, "a"), (f"{HOST}:8443", "a")]
    netrc = {HOST: Login("net", "rc", "netrc")}
    assert tried(f"https://{HOST}:8443/one/x/", address, netrc=netrc, keyring=keyring) == [
        ("net", "rc", "netrc"),
        ("a", "ring", "keyring"),
    ]


def test_a_keyring_knows_the_user_too() -> None:
    keyring = FakeKeyring({(f"https://{HOST}/one/", "key"): "ring", (HOST, "other"): "other"})
    assert tried(f"https://{HOST}/files/x.whl", f"https://{HOST}/one/", keyring=keyring) == [
        None,
        ("key", "ring", "keyring"),
    ]
    assert keyring.questions == [(f"https://{HOST}/one/", None)]


def test_a_login_written_in_an_address_that_is_not_configured_is_its_own() -> None:
    keyring = FakeKeyring({})
    assert tried(f"https://a:1@{HOST}/x.whl", keyring=keyring) == [("a", "1", "the URL")]
    assert tried(f"https://a@{HOST}/x.whl", keyring=keyring) == [("a", "", "the URL")]
    assert keyring.questions == []


class OnceKeyring:
    """A keyring that fails when it is asked a second time."""

    def __init__(self, answer: KeyringAnswer) -> None:
        self.answer: KeyringAnswer | None = answer

    def ask(self, service: str, username: str | None) -> KeyringAnswer:
        assert self.answer is not None, f"asked again, for {service} and {username}"
        answer, self.answer = self.answer, None
        return answer


def test_a_keyring_that_failed_is_not_asked_again() -> None:
    keyring = OnceKeyring(KeyringAnswer(problem="it did not answer within 10 s"))
    addresses = parse_url(f"https://{HOST}/one/"), parse_url("https://other.example/simple/")
    book = LoginBook(Credentials(addresses, {}, keyring))
    for address in addresses:
        assert list(book.logins(address)) == [None]
        assert book.remedy(address, [None]).endswith(
            "(keyring was asked in vain: it did not answer within 10 s)"
        )


def test_what_the_keyring_told_is_tried_first_from_then_on() -> None:
    login = Login("key", "ring")
    book = LoginBook(Credentials((parse_url(f"https://{HOST}/one/"),), {}, OnceKeyring(KeyringAnswer(login))))
    assert [found and found.username for found in book.logins(parse_url(f"https://{HOST}/one/x/"))] == [
        None,
        "key",
    ]
    (found,) = book.logins(parse_url(f"https://{HOST}/files/x.whl"))
    assert found is not None
    assert (found.username, found.password) == ("key", "ring")
    assert list(book.logins(parse_url("https://other.example/one/x/"))) == [None]


@pytest.mark.parametrize(
    ("url", "login", "advice"),
    [
        ("https://files.example/x", None, "no credentials for this host: those of an index stay"),
        (f"https://{HOST}/one/x", None, "give credentials in the URL, in netrc or in keyring"),
        (f"https://{HOST}/one/x", Login("a", ""), "the user name alone is refused"),
        (f"https://{HOST}/one/x", Login("a", "s3cr3t", "netrc"), "user name and password from netrc are"),
    ],
    ids=["elsewhere", "none", "half", "wrong"],
)
def test_what_to_do_hangs_on_what_was_tried(url: str, login: Login | None, advice: str) -> None:
    book = LoginBook(Credentials((parse_url(f"https://{HOST}/one/"),)))
    remedy = book.remedy(parse_url(url), [None, login])
    assert remedy.startswith(advice)
    assert "s3cr3t" not in remedy


def test_netrc_is_by_host_and_has_no_default(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(
        f"machine {HOST} login net password s3cr3t\ndefault login all password all\n"
    )
    credentials = collect_credentials((), {}, tmp_path)
    (login,) = credentials.written(parse_url(f"https://{HOST}:8443/y"))
    assert (login.username, login.password, login.source) == ("net", "s3cr3t", "netrc")
    assert credentials.written(parse_url("https://elsewhere.example/")) == ()
    assert "s3cr3t" not in repr(credentials) + repr(login)
    assert collect_credentials((), {"NETRC": str(tmp_path / "none")}, tmp_path).hosts == {}


@pytest.mark.parametrize("text", ["machine", "\0"], ids=["cut", "binary"])
def test_a_netrc_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / ".netrc").write_text(text)
    assert collect_credentials((), {}, tmp_path).hosts == {}


def test_passwords_may_be_of_any_letters() -> None:
    assert Login("jürgen", "a:b").authorization == "Basic asO8cmdlbjphOmI="
