import pytest

from pytest_wheeltag.workshop.answers import Answer, Request

FILE = Answer(body=b"0123456789")


def request(**headers: str) -> Request:
    return Request("GET", "/", {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_ranges(asked: str, status: int, body: bytes, content_range: str | None) -> None:
    answer = FILE.ranged(request(range=asked))
    assert (answer.status, answer.body, answer.headers.get("Content-Range")) == (status, body, content_range)
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_range_of_another_version_gives_the_whole() -> None:
    assert FILE.ranged(request(range="bytes=1-2", if_range=FILE.etag)).status == 206
    assert FILE.ranged(request(range="bytes=1-2", if_range='"old"')).status == 200


@pytest.mark.parametrize("held", [FILE.etag, f'"a", W/{FILE.etag}', "*"])
def test_what_the_client_holds_is_not_sent_again(held: str) -> None:
    answer = FILE.conditional(request(if_none_match=held))
    assert (answer.status, answer.body) == (304, b"")


def test_what_the_client_does_not_hold_is_sent_with_its_validator() -> None:
    answer = FILE.conditional(request(if_none_match='"old"'))
    assert (answer.status, answer.headers["Etag"]) == (200, FILE.etag)
    assert FILE.etag != FILE.with_headers(Content_Encoding="gzip").etag


def test_short_ways_to_answers() -> None:
    assert Answer.of_json({"a": 1}).body == b'{"a": 1}'
    assert Answer.of_status(429, retry_after="2").headers["Retry-After"] == "2"
    assert Answer.of_redirect("/x").headers == {"Location": "/x"}
    assert FILE.truncated(5).length == 15
