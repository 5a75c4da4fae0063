from collections.abc import Mapping

import pytest

from pytest_wheeltag.errors import InterruptedAnswerError, UnreachableError
from pytest_wheeltag.system.ranges import RangedFile, fetch_tail
from pytest_wheeltag.system.transport import OK, PARTIAL, FakeTransport, Request, Response
from pytest_wheeltag.system.urls import parse_url

URL = parse_url("https://files.example/foo.whl")
CONTENT = bytes(range(256)) * 4096


def answering(status: int, body: bytes, content_range: str = "") -> FakeTransport:
    headers: Mapping[str, str] = {"Content-Range": content_range} if content_range else {}
    return FakeTransport({str(URL): (status, headers, body)})


def part(file: RangedFile, start: int, count: int) -> bytes:
    file.seek(start)
    return file.read(count)


class Refusing(FakeTransport):
    def __init__(self, status: int) -> None:
        super().__init__({})
        self.status = status

    def get(self, request: Request) -> Response:
        raise UnreachableError(
            str(request.url), f"expected an answer, found {self.status}", status=self.status
        )


def test_the_tail_is_held_and_not_asked_for_again() -> None:
    transport = answering(
        PARTIAL, CONTENT[-100:], f"bytes {len(CONTENT) - 100}-{len(CONTENT) - 1}/{len(CONTENT)}"
    )

    tail = fetch_tail(transport, URL)

    assert tail is not None
    assert tail.seek(0, 2) == len(CONTENT)
    assert part(tail, len(CONTENT) - 50, 20) == CONTENT[-50:-30]
    assert tail.read() == CONTENT[-30:]
    assert tail.read(9) == b""
    assert part(tail, -9, 0) == b""
    assert [dict(request.headers) for request in transport.requests] == [{"Range": "bytes=-524288"}]


def test_what_lies_before_the_tail_is_asked_for() -> None:
    transport = answering(PARTIAL, CONTENT[:65536], f"bytes 0-65535/{len(CONTENT)}")
    tail = RangedFile(transport, URL, CONTENT[-100:], len(CONTENT))

    assert tail.readable()
    assert tail.seekable()
    assert part(tail, 0, 10) == CONTENT[:10]
    assert tail.seek(90, 1) == 100
    assert tail.read(1000) == CONTENT[100:1100]
    assert [dict(request.headers) for request in transport.requests] == [{"Range": "bytes=0-65535"}]


@pytest.mark.parametrize(
    "transport",
    [answering(OK, CONTENT), Refusing(416), Refusing(501), Refusing(405)],
    ids=["200", "416", "501", "405"],
)
def test_a_server_that_gives_no_parts_is_known_by_its_answer(transport: FakeTransport) -> None:
    assert fetch_tail(transport, URL) is None


@pytest.mark.parametrize(
    "transport",
    [Refusing(403), answering(PARTIAL, b"x"), answering(PARTIAL, b"x", "bytes */9"), answering(404, b"")],
    ids=["403", "no-place", "no-span", "404"],
)
def test_other_answers_are_errors(transport: FakeTransport) -> None:
    with pytest.raises(UnreachableError):
        fetch_tail(transport, URL)


def test_a_part_that_is_too_short_is_an_interrupted_answer() -> None:
    with pytest.raises(InterruptedAnswerError):
        fetch_tail(answering(PARTIAL, b"x", "bytes 0-8/9"), URL)
    with pytest.raises(InterruptedAnswerError):
        RangedFile(answering(PARTIAL, b"x", "bytes 0-8/9"), URL, b"", 9).read()


def test_another_part_than_the_one_asked_for_is_an_error() -> None:
    with pytest.raises(UnreachableError, match="the part that was asked for"):
        RangedFile(answering(PARTIAL, b"x" * 9, "bytes 1-9/10"), URL, b"", 9).read()
