import time

import pytest

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.references import parse_reference
from pytest_wheeltag.errors import UsageError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:hunter2@host.example/x.whl", "https://host.example/x.whl"),
        (
            "https:/me:hunter2@host.example/x-1.0-py3-none-any.whl",
            "https:/host.example/x-1.0-py3-none-any.whl",
        ),
        ("https:me:hunter2@host.example/x.whl", "https:host.example/x.whl"),
        ("HTTPS:/me:hunter2@host.example/x.whl", "HTTPS:/host.example/x.whl"),
        ("//me:hunter2@host.example/x", "host.example/x"),
        ("me:hunter2@host.example/x", "host.example/x"),
        ("hunter2@host.example:443/x", "host.example:443/x"),
        ("me://hunter2//@host.example/x", "me://host.example/x"),
        ("https://me:hun/ter2@more@host.example/x", "https://host.example/x"),
        ("https://me:hun\nter2@host.example/x", "https://host.example/x"),
        ("https://me:hun ter2@host.example/x", "https://host.example/x"),
        ("x @ https:/me:hunter2@host.example/x", "x @ https:/host.example/x"),
        ("x@https:/me:hunter2@host.example/x", "x@https:/host.example/x"),
        ("x[a,b] @ https://me:hunter2@host.example/x", "x[a,b] @ https://host.example/x"),
        ("x[a, b]@https://me:hunter2@host.example/x", "x[a, b]@https://host.example/x"),
        ("-e x @ https:/me:hunter2@host.example/x", "-e x @ https:/host.example/x"),
        ("foo -r https://me:hunter2@host.example/x", "foo -r https://host.example/x"),
        ("--index-url=https:/me:hunter2@host.example/x", "--index-url=https:/host.example/x"),
        ("hunter2@git:/me/x", "git:/me/x"),
        ("git+ssh:me:hunter2@host.example/x", "git+ssh:host.example/x"),
        ("git+https:/me:hunter2@host.example/x@v1", "git+https:/v1"),
        ("https://host.example/x?token=hunter2", "https://host.example/x"),
        ("https:/host.example/x?token=hunter2", "https:/host.example/x"),
        ("host.example/x?token=hunter2", "host.example/x"),
        ("host.example?token=hunter2", "host.example"),
        ("https://host.example/x ?token=hunter2", "https://host.example/x "),
    ],
)
def test_no_spelling_shows_a_password(text: str, shown: str) -> None:
    assert shown_address(text) == shown
    assert "hunter2" not in shown_address(text)


@pytest.mark.parametrize(
    "text",
    ["foo ? bar", "x @ https://host.example/x", "x@https://host.example/x", "./tree", "foo>=1; a == 'b'"],
)
def test_what_holds_no_secret_is_shown_as_it_is(text: str) -> None:
    assert shown_address(f" {text} ") == text


def test_what_is_long_or_cannot_be_printed_is_cut_and_escaped() -> None:
    assert shown_address("foo\x1b" + "x" * 1000) == "foo\\x1b" + "x" * 196


@pytest.mark.parametrize("text", ["a ", "a", "-", "a@", "http:", "a:@", "https://", "@ ", "a?", "--a="])
def test_whatever_somebody_writes_is_looked_at_in_linear_time(text: str) -> None:
    before = time.process_time()

    for each in (text * 100_000, text * 100_000 + ":", text * 100_000 + "@"):
        shown_address(each)

    assert time.process_time() - before < 2


@pytest.mark.parametrize("start", ["https:/", "https:", "git+ssh:", "//", ""])
def test_no_message_about_a_broken_address_shows_a_password(start: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(f"{start}me:hunter2@host.example/x-1.0-py3-none-any.whl", "the test")

    assert "hunter2" not in str(caught.value)
