"""A simple index on loopback: honest by default, and as hostile as a test wants it."""

import gzip
import json
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.answers import Answer, Request
from pytest_wheeltag.workshop.negotiation import FORMATS, JSON_V1, accepts_gzip, choose_format
from pytest_wheeltag.workshop.pages import (
    ProjectState,
    ServedFile,
    ServedProject,
    project_list,
    project_page,
    quote_name,
    render_project,
    render_project_list,
)
from pytest_wheeltag.workshop.served import Claims, read_served_file
from pytest_wheeltag.workshop.server import LoopbackServer

_SIMPLE = "/simple/"
_FILES = "/files/"
_METADATA = ".metadata"
_SUFFIXES = (".whl", ".tar.gz", ".zip", _METADATA)


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """How an index behaves; the defaults are those of a plain index without caching headers.

    ``formats`` are the content types that it can give, the preferred first; ``has_ranges`` answers range
    requests for files; ``has_etags`` gives validators and answers 304; ``cache_control`` is that header's value,
    empty for none; ``has_gzip`` compresses pages for clients that accept it; ``credentials`` are the user and
    password that everything asks for.
    """

    formats: tuple[str, ...] = FORMATS
    has_ranges: bool = True
    has_etags: bool = False
    cache_control: str = ""
    has_gzip: bool = True
    credentials: tuple[str, str] | None = None


class LocalIndex(LoopbackServer):
    """A simple index (PEP 503, 592, 658, 691, 700, 714, 792) on 127.0.0.1, for use in a ``with`` block.

    Files are added and removed while it runs; ``answer`` replaces what it says at an address.
    """

    def __init__(self, options: IndexOptions | None = None) -> None:
        super().__init__(self._choose_answer)
        self.options = options or IndexOptions()
        self._projects: dict[str, ServedProject] = {}
        self._overrides: dict[str, tuple[Answer | None, ...]] = {}
        self._state = threading.RLock()

    @property
    def url(self) -> str:
        """The index's address, without credentials, ending with ``/simple/``."""
        return self.origin + _SIMPLE

    @property
    def authenticated_url(self) -> str:
        """The index's address with its credentials, where it has any."""
        user = ":".join(map(quote_name, self.options.credentials)) + "@" if self.options.credentials else ""
        return self.url.replace("://", f"://{user}", 1)

    def file_url(self, filename: str) -> str:
        """Give the address of a file, whether or not it is on the index."""
        return f"{self.origin}{_FILES}{quote_name(filename)}"

    def add(self, path: Path, **claims: Unpack[Claims]) -> ServedFile:
        """List a wheel or an sdist, with claims of its own where ``claims`` has none.

        Raises ``UsageError`` where the index has a file of that name: remove it first.
        """
        served = read_served_file(path, claims)
        with self._state:
            if self._find(served.filename):
                setting = "file to add to the index"
                raise UsageError(
                    setting, served.filename, "a file that is not on the index yet, or `remove` first"
                )
            project = self._projects.get(served.project, ServedProject(served.project))
            self._projects[served.project] = replace(project, files=(*project.files, served))
        return served

    def remove(self, filename: str) -> None:
        """Take a file off the index; its project's page stays. ``KeyError`` where there is none."""
        with self._state:
            served = self._find(filename)
            if served is None:
                raise KeyError(filename)
            project = self._projects[served.project]
            kept = tuple(other for other in project.files if other != served)
            self._projects[served.project] = replace(project, files=kept)

    def set_status(self, project: str, status: ProjectState, reason: str = "") -> None:
        """Give a project, which need not have files, a status (PEP 792)."""
        name = canonicalize_name(project)
        with self._state:
            known = self._projects.get(name, ServedProject(name))
            self._projects[name] = replace(known, status=status, status_reason=reason)

    def page(self, project: str) -> dict[str, Any]:
        """Give the project's JSON page as data, to be changed and answered; ``KeyError`` where there is none."""
        with self._state:
            return project_page(self._projects[canonicalize_name(project)], self._link)

    def answer(self, target: str, *answers: Answer | None) -> None:
        """Replace what is answered at a path (``/…``), for a file or for a project's page.

        The answers are given one after the other, the last for good; None is the honest answer.
        """
        with self._state:
            self._overrides[unquote(self.path_of(target))] = answers

    def path_of(self, target: str) -> str:
        """Give the path of a path, a file name or a project's name."""
        if target.startswith("/"):
            return target
        with self._state:
            is_file = target.endswith(_SUFFIXES) or self._find(target) is not None
        return _FILES + quote_name(target) if is_file else f"{_SIMPLE}{canonicalize_name(target)}/"

    def count(self, target: str, method: str = "GET") -> int:
        """Tell how often a path, a file or a project's page was asked for."""
        path = unquote(self.path_of(target))
        asked = (request.path for request in self.requests if request.method == method)
        # Clients differ in what they quote: `+` is `%2B` for some.
        return sum(unquote(urlsplit(address).path) == path for address in asked)

    def _find(self, filename: str) -> ServedFile | None:
        files = (served for project in self._projects.values() for served in project.files)
        return next((served for served in files if served.filename == filename), None)

    def _link(self, served: ServedFile) -> str:
        # Relative, as many real indexes have it: clients must join it with the page's address.
        return served.url or f"../..{_FILES}{quote_name(served.filename)}"

    def _choose_answer(self, request: Request) -> Answer:
        path = urlsplit(request.path).path
        if not self._is_authorized(request):
            challenge = Answer.of_status(HTTPStatus.UNAUTHORIZED)
            return challenge.with_headers(WWW_Authenticate='Basic realm="pytest-wheeltag"')
        return self._pop_override(unquote(path)) or self._honest_answer(request, path)

    def _is_authorized(self, request: Request) -> bool:
        if self.options.credentials is None:
            return True
        token = b64encode(":".join(self.options.credentials).encode()).decode()
        return request.headers.get("authorization") == f"Basic {token}"

    def _pop_override(self, path: str) -> Answer | None:
        with self._state:
            answers = self._overrides.get(path)
            if not answers:
                return None
            self._overrides[path] = answers[1:] or answers
            return answers[0]

    def _honest_answer(self, request: Request, path: str) -> Answer:
        if path.startswith(_FILES):
            return self._file_answer(request, unquote(path.removeprefix(_FILES)))
        if path.rstrip("/") == _SIMPLE.rstrip("/"):
            return self._list_answer(request) if path == _SIMPLE else Answer.of_redirect(_SIMPLE)
        if path.startswith(_SIMPLE):
            return self._project_answer(request, path)
        return Answer.of_status(HTTPStatus.NOT_FOUND)

    def _file_answer(self, request: Request, filename: str) -> Answer:
        with self._state:
            served = self._find(filename)
            beside = None if served else self._find(filename.removesuffix(_METADATA))
        sidecar = beside.metadata if beside else None
        body = served.content if served else sidecar
        if body is None:
            return Answer.of_status(HTTPStatus.NOT_FOUND)
        answer = self._cacheable(
            request, Answer(headers={"Content-Type": "application/octet-stream"}, body=body)
        )
        return (
            answer.ranged(request) if self.options.has_ranges and answer.status == HTTPStatus.OK else answer
        )

    def _project_answer(self, request: Request, path: str) -> Answer:
        name = unquote(path.removeprefix(_SIMPLE)).rstrip("/")
        canonical = f"{_SIMPLE}{canonicalize_name(name)}/"
        if path != canonical:
            return Answer.of_redirect(canonical, HTTPStatus.MOVED_PERMANENTLY)
        with self._state:
            project = self._projects.get(name)
        if project is None:
            return Answer.of_status(HTTPStatus.NOT_FOUND)
        return self._page_answer(
            request, lambda: project_page(project, self._link), lambda: render_project(project, self._link)
        )

    def _list_answer(self, request: Request) -> Answer:
        with self._state:
            names = sorted(self._projects)
        return self._page_answer(
            request, lambda: project_list(names), lambda: render_project_list(names, lambda name: f"{name}/")
        )

    def _page_answer(self, request: Request, data: Callable[[], Any], text: Callable[[], str]) -> Answer:
        offered = self.options.formats
        # An index with one form has never heard of negotiation.
        content_type = (
            choose_format(request.headers.get("accept", ""), offered) if offered[1:] else offered[0]
        )
        if content_type is None:
            return Answer.of_status(HTTPStatus.NOT_ACCEPTABLE)
        body = json.dumps(data()) if content_type == JSON_V1 else text()
        page = Answer.of_text(body, content_type).with_headers(Vary="Accept, Accept-Encoding")
        return self._cacheable(request, self._compressed(request, page))

    def _compressed(self, request: Request, page: Answer) -> Answer:
        if not self.options.has_gzip or not accepts_gzip(request.headers.get("accept-encoding", "")):
            return page
        return replace(page.with_headers(Content_Encoding="gzip"), body=gzip.compress(page.body, mtime=0))

    def _cacheable(self, request: Request, answer: Answer) -> Answer:
        """Give the answer with the caching headers that the options allow."""
        if self.options.cache_control:
            answer = answer.with_headers(Cache_Control=self.options.cache_control)
        return answer.conditional(request) if self.options.has_etags else answer
