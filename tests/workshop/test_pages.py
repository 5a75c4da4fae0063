from html.parser import HTMLParser

import pytest

from pytest_wheeltag.workshop.pages import (
    ServedFile,
    ServedProject,
    project_list,
    project_page,
    quote_name,
    render_project,
    render_project_list,
)

PLAIN = ServedFile("foo", "foo-1.0.tar.gz", "1.0", b"", size=3)
FULL = ServedFile(
    project="foo",
    filename="foo-1.0-py3-none-any.whl",
    version="1.0",
    content=b"",
    hashes=(("md5", "aa"), ("sha256", "bb")),
    requires_python=">=3.8,<4",
    yanked='"bad" & <worse>',
    upload_time="2026-01-02T03:04:05.000000Z",
    metadata=b"",
    metadata_hashes=(("sha256", "cc"),),
    size=7,
)


class Anchors(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.anchors: list[dict[str, str | None]] = []
        self.meta: dict[str | None, str | None] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.anchors.append(dict(attrs))
        if tag == "meta":
            self.meta[dict(attrs)["name"]] = dict(attrs)["content"]


def link(served: ServedFile) -> str:
    return f"../{served.filename}"


def test_json_tells_everything() -> None:
    page = project_page(ServedProject("foo", (FULL,)), link)
    assert page["meta"] == {"api-version": "1.4"}
    assert (page["name"], page["versions"], page["project-status"]) == ("foo", ["1.0"], {"status": "active"})
    assert page["files"] == [
        {
            "filename": "foo-1.0-py3-none-any.whl",
            "url": "../foo-1.0-py3-none-any.whl",
            "hashes": {"md5": "aa", "sha256": "bb"},
            "requires-python": ">=3.8,<4",
            "yanked": '"bad" & <worse>',
            "upload-time": "2026-01-02T03:04:05.000000Z",
            "core-metadata": {"sha256": "cc"},
            "dist-info-metadata": {"sha256": "cc"},
            "size": 7,
        }
    ]


def test_json_leaves_out_what_is_not_known() -> None:
    page = project_page(ServedProject("foo", (PLAIN,)), link)
    assert page["files"] == [
        {"filename": "foo-1.0.tar.gz", "url": "../foo-1.0.tar.gz", "hashes": {}, "size": 3}
    ]


@pytest.mark.parametrize(("reason", "told"), [("", True), ("bad", "bad")])
def test_a_yank_needs_no_reason(reason: str, told: object) -> None:
    page = project_page(ServedProject("foo", (ServedFile("foo", "f", "1", b"", yanked=reason),)), link)
    assert page["files"][0]["yanked"] == told


def test_html_tells_the_same() -> None:
    (anchor,) = Anchors(render_project(ServedProject("foo", (FULL,)), link)).anchors
    assert anchor == {
        "href": "../foo-1.0-py3-none-any.whl#sha256=bb",
        "data-requires-python": ">=3.8,<4",
        "data-yanked": '"bad" & <worse>',
        "data-core-metadata": "sha256=cc",
        "data-dist-info-metadata": "sha256=cc",
    }


def test_html_leaves_out_what_is_not_known() -> None:
    (anchor,) = Anchors(render_project(ServedProject("foo", (PLAIN,)), link)).anchors
    assert anchor == {"href": "../foo-1.0.tar.gz"}


def test_a_status_is_told_in_both_forms() -> None:
    project = ServedProject("foo", (PLAIN,), "archived", "done")
    assert project_page(project, link)["project-status"] == {"status": "archived", "reason": "done"}
    parsed = Anchors(render_project(project, link))
    assert (parsed.meta["pypi:project-status"], parsed.meta["pypi:project-status-reason"]) == (
        "archived",
        "done",
    )
    assert len(parsed.anchors) == 1


def test_a_quarantined_project_offers_nothing() -> None:
    assert project_page(ServedProject("foo", (PLAIN,), "quarantined"), link)["files"] == []


def test_lists_of_projects() -> None:
    assert project_list(["a"]) == {"meta": {"api-version": "1.4"}, "projects": [{"name": "a"}]}
    assert Anchors(render_project_list(["a"], lambda name: f"{name}/")).anchors == [{"href": "a/"}]


def test_names_are_one_component_of_a_url() -> None:
    assert quote_name("foo-1+l/o.whl") == "foo-1%2Bl%2Fo.whl"
