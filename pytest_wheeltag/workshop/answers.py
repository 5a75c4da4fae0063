"""What a server on loopback is asked and answers, honestly or not."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Self

_RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)", re.ASCII)


@dataclass(frozen=True)
class Request:
    """What a client asks: method, path with query, and headers by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]

    def span(self, size: int) -> tuple[int, int] | None:
        """Give the first and the last byte that are asked for of ``size``, None for all; an empty span is not there."""
        match = _RANGE.fullmatch(self.headers.get("range", ""))
        return _span(match["first"], match["last"], size) if match and any(match.groups()) else None


@dataclass(frozen=True)
class AnsweredRequest(Request):
    """A request with the status of its answer, 0 where the connection was cut without one."""

    status: int


@dataclass(frozen=True)
class Drip:
    """A body that comes in pieces of ``size`` bytes with pauses between them, for ``limit_seconds`` at most."""

    size: int = 1
    pause_seconds: float = 0.1
    limit_seconds: float = 30.0


@dataclass(frozen=True)
class Answer:
    """What a server answers.

    ``length`` None states the body's length, another number a lie; a body with ``Transfer-Encoding`` among the
    headers is sent as it is. ``delay_seconds`` pass before anything is sent, a minute at most. ``is_cut``
    closes the connection without an answer.
    """

    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None
    delay_seconds: float = 0.0
    drip: Drip | None = None
    is_cut: bool = False

    @classmethod
    def of_text(cls, text: str, content_type: str = "text/html; charset=utf-8") -> Self:
        """Give an answer of text."""
        return cls(headers={"Content-Type": content_type}, body=text.encode())

    @classmethod
    def of_json(cls, data: object, content_type: str = "application/vnd.pypi.simple.v1+json") -> Self:
        """Give an answer of JSON, a simple repository page where nothing else is said."""
        return cls.of_text(json.dumps(data), content_type)

    @classmethod
    def of_status(cls, status: int, *, retry_after: str = "") -> Self:
        """Give an answer that is only a status, with ``Retry-After`` (seconds or a date) where asked."""
        headers = {"Content-Type": "text/plain"} | ({"Retry-After": retry_after} if retry_after else {})
        return cls(status, headers, f"{status}\n".encode())

    @classmethod
    def of_redirect(cls, location: str, status: int = HTTPStatus.FOUND) -> Self:
        """Give a redirect."""
        return cls(status, {"Location": location})

    def truncated(self, missing: int = 1) -> Self:
        """Give the answer with as many bytes announced but never sent."""
        return replace(self, length=len(self.body) + missing)

    def with_headers(self, **headers: str) -> Self:
        """Give the answer with headers added; an underscore stands for a dash."""
        added = {name.replace("_", "-").title(): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **added})

    @property
    def etag(self) -> str:
        """A strong validator of body and content type (RFC 9110 8.8.3)."""
        variant = self.headers.get("Content-Type", "") + self.headers.get("Content-Encoding", "")
        return f'"{hashlib.sha256(variant.encode() + self.body).hexdigest()[:32]}"'

    def conditional(self, request: Request) -> Self:
        """Give the answer with its ETag, or 304 where the client holds it (RFC 9110 13.1.2)."""
        tagged = self.with_headers(ETag=self.etag)
        held = [
            part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")
        ]
        if self.etag in held or held == ["*"]:
            return replace(tagged, status=HTTPStatus.NOT_MODIFIED, body=b"")
        return tagged

    def ranged(self, request: Request) -> Self:
        """Give the part asked for: 206, 416, or the whole where no single range is asked (RFC 9110 14)."""
        whole = self.with_headers(Accept_Ranges="bytes")
        guard = request.headers.get("if-range", self.etag)
        span = request.span(len(self.body))
        if span is None or guard != self.etag:
            return whole
        first, last = span
        if first > last:
            refused = whole.with_headers(Content_Range=f"bytes */{len(self.body)}")
            return replace(refused, status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, body=b"")
        part = whole.with_headers(Content_Range=f"bytes {first}-{last}/{len(self.body)}")
        return replace(part, status=HTTPStatus.PARTIAL_CONTENT, body=self.body[first : last + 1])


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) else (size, size - 1)
    return int(first), min(int(last), size - 1) if last else size - 1
