"""The pages of a simple index, as HTML (PEP 503) and as JSON (PEP 691)."""

import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

API_VERSION = "1.4"

ProjectState = Literal["active", "archived", "quarantined", "deprecated"]


@dataclass(frozen=True)
class ServedFile:
    """A file on an index: its bytes, and what the index claims of it.

    ``yanked`` is None or the reason, which may be empty; ``upload_time`` is a UTC time as RFC 3339 text, empty
    if not told; ``metadata`` is the content of the PEP 658 file beside it, None for none; ``size`` None is not
    told; ``url`` replaces the true address.
    """

    project: str
    filename: str
    version: str
    content: bytes
    hashes: tuple[tuple[str, str], ...] = ()
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str = ""
    metadata: bytes | None = None
    metadata_hashes: tuple[tuple[str, str], ...] = ()
    size: int | None = None
    url: str = ""


@dataclass(frozen=True)
class ServedProject:
    """A project's page: its normalized name, its files in listed order and its status (PEP 792)."""

    name: str
    files: tuple[ServedFile, ...] = ()
    status: ProjectState | None = None
    status_reason: str = ""

    @property
    def offered(self) -> tuple[ServedFile, ...]:
        """The files that the page lists: none while it is quarantined (PEP 792)."""
        return () if self.status == "quarantined" else self.files


Link = Callable[[ServedFile], str]


def project_page(project: ServedProject, link: Link) -> dict[str, Any]:
    """Give the project's page as data for JSON; ``link`` gives each file's address."""
    status: dict[str, str] = {"status": project.status or "active"}
    if project.status_reason:
        status["reason"] = project.status_reason
    return {
        "meta": {"api-version": API_VERSION},
        "name": project.name,
        "project-status": status,
        "versions": sorted({served.version for served in project.offered}),
        "files": [_file_entry(served, link(served)) for served in project.offered],
    }


def _file_entry(served: ServedFile, url: str) -> dict[str, Any]:
    metadata = None if served.metadata is None else dict(served.metadata_hashes) or True
    optional = {
        "requires-python": served.requires_python,
        # An empty reason is a yank as well, which JSON tells by true.
        "yanked": True if served.yanked == "" else served.yanked,
        "upload-time": served.upload_time or None,
        "core-metadata": metadata,
        "dist-info-metadata": metadata,
        "size": served.size,
    }
    entry = {"filename": served.filename, "url": url, "hashes": dict(served.hashes)}
    return entry | {key: value for key, value in optional.items() if value is not None}


def project_list(names: Iterable[str]) -> dict[str, Any]:
    """Give the list of projects as data for JSON."""
    return {"meta": {"api-version": API_VERSION}, "projects": [{"name": name} for name in names]}


def render_project(project: ServedProject, link: Link) -> str:
    """Give the project's page as HTML (PEP 503, 592, 629, 714, 792)."""
    meta = {"pypi:project-status": project.status or "", "pypi:project-status-reason": project.status_reason}
    anchors = (_anchor(served, link(served)) for served in project.offered)
    return _render_page(f"Links for {project.name}", anchors, meta)


def _anchor(served: ServedFile, url: str) -> str:
    algorithms = dict(served.hashes)
    best = "sha256" if "sha256" in algorithms else next(iter(algorithms), "")
    fragment = f"#{best}={algorithms[best]}" if best else ""
    attributes = {
        "href": url + fragment,
        "data-requires-python": served.requires_python,
        "data-yanked": served.yanked,
        "data-core-metadata": _metadata_claim(served),
        "data-dist-info-metadata": _metadata_claim(served),
    }
    return _render_link(served.filename, attributes)


def _metadata_claim(served: ServedFile) -> str | None:
    if served.metadata is None:
        return None
    return ",".join(f"{name}={digest}" for name, digest in served.metadata_hashes[:1]) or "true"


def render_project_list(names: Iterable[str], link: Callable[[str], str]) -> str:
    """Give the list of projects as HTML."""
    return _render_page("Simple index", (_render_link(name, {"href": link(name)}) for name in names), {})


def render_links(files: Iterable[ServedFile], link: Link) -> str:
    """Give a page of links to all files, as ``--find-links`` reads it."""
    return _render_page("Links", (_anchor(served, link(served)) for served in files), {})


def _render_link(text: str, attributes: Mapping[str, str | None]) -> str:
    given = (f'{key}="{html.escape(value)}"' for key, value in attributes.items() if value is not None)
    return f"<a {' '.join(given)}>{html.escape(text)}</a><br>"


def _render_page(title: str, anchors: Iterable[str], meta: Mapping[str, str]) -> str:
    told = {"pypi:repository-version": API_VERSION} | {key: value for key, value in meta.items() if value}
    lines = [f'<meta name="{key}" content="{html.escape(value)}">' for key, value in told.items()]
    head = "\n".join(
        ("<!DOCTYPE html>", "<html><head>", *lines, f"<title>{html.escape(title)}</title>", "</head><body>")
    )
    return "\n".join((head, *anchors, "</body></html>", ""))


def quote_name(filename: str) -> str:
    """Give a file name as one component of a URL's path."""
    return quote(filename, safe="")
