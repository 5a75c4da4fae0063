"""What hostile and odd indexes answer: the rows of `safety.md`, table B, against a real server."""

import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import ProjectFiles
from pytest_wheeltag.errors import CatalogueError, OfflineError, PageError, UnreachableError
from pytest_wheeltag.system.connections import NetworkSettings
from pytest_wheeltag.system.credentials import collect_credentials
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.index import IndexSources, SimpleIndex, Strategy, index_sources
from pytest_wheeltag.system.pages import PagePolicy
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.pooled import PooledTransport
from pytest_wheeltag.system.transport import LateTransport, TransportLimits
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.workshop.answers import Answer, Drip
from pytest_wheeltag.workshop.index import IndexOptions, LocalIndex
from pytest_wheeltag.workshop.pages import ProjectState

DEMO = canonicalize_name("demo")
WHEEL = "demo-1.0-py3-none-any.whl"
DIGEST = "ab" * 32
OTHER_DIGEST = "cd" * 32
HTML = "text/html; charset=utf-8"
JSON = "application/vnd.pypi.simple.v1+json"

# Long enough for two loaded cores, short enough to wait for.
LIMITS = TransportLimits(
    stall_seconds=0.6, total_seconds=5.0, rate_window_seconds=0.4, pause_seconds=0.01, retry_after_seconds=1.0
)

PLAIN = PagePolicy()

Ask = Callable[..., ProjectFiles]


def entry(**changes: object) -> dict[str, object]:
    honest = {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": {"sha256": DIGEST}}
    return {key: value for key, value in (honest | changes).items() if value is not ...}


def page(*entries: object, **changes: object) -> dict[str, object]:
    honest = {"meta": {"api-version": "1.1"}, "name": "demo", "files": list(entries), "versions": ["1.0"]}
    return {key: value for key, value in (honest | changes).items() if value is not ...}


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as running:
        yield running


@pytest.fixture
def transport() -> Iterator[PooledTransport]:
    opened = PooledTransport(NetworkSettings(limits=LIMITS))
    yield opened
    opened.close()


@pytest.fixture
def ask(index: LocalIndex, transport: PooledTransport) -> Ask:
    def ask_index(
        answer: Answer | None = None, name: NormalizedName = DEMO, policy: PagePolicy = PLAIN
    ) -> ProjectFiles:
        if answer is not None:
            index.answer(name, answer)
        urls = (parse_url(index.url),)
        return SimpleIndex(IndexSources(urls, policy=policy), IndexAccess(transport)).files(name)

    return ask_index


@pytest.mark.parametrize(
    "answer",
    [
        Answer.of_json(page(entry())),
        Answer.of_json(page(entry()), f"{JSON}; charset=utf-8"),
        Answer.of_text(f'<a href="/files/{WHEEL}#sha256={DIGEST}">{WHEEL}</a>'),
        Answer.of_text(
            f"<!DOCTYPE html><A HREF='../../files/{WHEEL}#sha256={DIGEST.upper()}'>x</A>",
            "application/vnd.pypi.simple.v1+html",
        ),
        Answer.of_text(f'<base href="/files/"><a href="{WHEEL}#sha256={DIGEST}">cut for displ..&gt;</a>'),
    ],
    ids=["json", "json with charset", "html", "html, upper case", "html with base"],
)
def test_pages_of_all_forms_give_the_same_file(ask: Ask, index: LocalIndex, answer: Answer) -> None:
    found = ask(answer)
    (file,) = found.files
    assert (file.filename, file.url) == (WHEEL, index.file_url(WHEEL))
    assert (file.sha256, file.source) == (DIGEST, index.url)
    assert (found.warnings, found.sources) == ((), (index.url,))


def test_all_that_a_json_page_tells_of_a_file_is_kept(ask: Ask) -> None:
    told = entry(
        size=12,
        yanked="broken",
        **{
            "requires-python": ">=3.9",
            "upload-time": "2024-05-06T07:08:09.123456Z",
            "core-metadata": {"sha256": OTHER_DIGEST},
            "hashes": {"sha256": DIGEST, "sha512": "ef" * 64},
        },
    )
    (file,) = ask(Answer.of_json(page(told))).files
    assert (file.size, file.yanked, file.requires_python) == (12, "broken", ">=3.9")
    assert file.upload_time is not None
    assert file.upload_time.isoformat() == "2024-05-06T07:08:09.123456+00:00"
    assert file.metadata_hashes == (("sha256", OTHER_DIGEST),)
    assert dict(file.hashes) == {"sha256": DIGEST, "sha512": "ef" * 64}


def test_all_that_an_html_page_tells_of_a_file_is_kept(ask: Ask) -> None:
    attributes = f'data-requires-python="&gt;=3.9" data-yanked data-core-metadata="sha256={OTHER_DIGEST}"'
    (file,) = ask(Answer.of_text(f'<a href="/f/{WHEEL}#sha256={DIGEST}" {attributes}>x</a>')).files
    assert (file.yanked, file.requires_python) == ("", ">=3.9")
    assert file.metadata_hashes == (("sha256", OTHER_DIGEST),)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer.of_json(page(entry()), HTML), ["text/html", '{"meta"']),
        (Answer.of_text("<html></html>", JSON), ["offset 0", JSON, "<html>"]),
        (Answer.of_text('{"files": [{"filename": "demo', JSON), ["offset 24", JSON]),
        (Answer.of_text('{"files": [{}', JSON), ["the end at offset 13"]),
        (Answer.of_json(page(files=None)), ["a list of `files`", "null", "offset"]),
        (Answer.of_json(page(files=...)), ["`files`"]),
        (Answer.of_json([]), ["`{`", "offset 0"]),
        (Answer.of_text("", JSON), ["the end at offset 0"]),
        (Answer.of_text("", HTML), ["nothing"]),
        (Answer.of_text("\xff", JSON), ["offset 0"]),
        (replace(Answer.of_json({}), body=b'{"files": [], "x": "\xff"}'), ["UTF-8"]),
        (Answer.of_text('{"files": ' + "[" * 200_000, JSON), ["depth"]),
        (Answer.of_text('{"files": []} {}', JSON), ["the end of the JSON text", "offset 14"]),
        (Answer.of_text('{"files": [], "files": []}', JSON), ["one list of files"]),
        (Answer.of_json(page(entry()), "application/octet-stream"), ["octet-stream", "Content-Type"]),
        (Answer.of_json(page(entry()), "application/json"), ["application/json", "Content-Type"]),
        (Answer.of_json(page(entry(), meta={"api-version": "2.0"})), ["version 1", "2.0"]),
        (Answer.of_text('<meta name="pypi:repository-version" content="2.0">'), ["version 1", "2.0"]),
        (Answer.of_json(page(entry(), name="other")), ["page of demo", "other"]),
        (
            Answer.of_json(page(entry(), entry(hashes={"sha256": OTHER_DIGEST}))),
            [WHEEL, DIGEST, OTHER_DIGEST],
        ),
        (Answer.of_text("<a " + "x" * 3_000_000), ["a tag without an end"]),
        (Answer(headers={"Content-Type": JSON, "Content-Encoding": "gzip"}, body=b"{}"), ["gzip"]),
        (Answer(headers={"Content-Type": JSON, "Content-Encoding": "br"}, body=b"{}"), ["gzip", "br"]),
    ],
)
def test_what_is_no_page_stops_with_what_was_found(ask: Ask, answer: Answer, told: list[str]) -> None:
    with pytest.raises(CatalogueError) as caught:
        ask(answer)
    assert isinstance(caught.value, PageError | UnreachableError)
    message = str(caught.value)
    assert all(part in message for part in told), message
    assert "\n" not in message
    assert message.endswith("/simple/demo/`")


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ({"hashes": {"sha256": "xyz" * 20}}, "no digest"),
        ({"hashes": {"sha256": "abcd"}}, "no digest"),
        ({"hashes": {"sha256": None}}, "no digest"),
        ({"hashes": {"md5": "ab" * 16}}, "wheeltag_allow_md5"),
        ({"filename": "other-1.0-py3-none-any.whl", "url": "/other-1.0-py3-none-any.whl"}, "this project"),
        ({"filename": "other-1.0.tar.gz", "url": "/other-1.0.tar.gz"}, "this project"),
        ({"filename": f"../../{WHEEL}"}, "plain file name"),
        ({"filename": f"..\\{WHEEL}"}, "plain file name"),
        ({"filename": "demo-1.0-py3-none-\x1b[31many.whl"}, "plain file name"),
        ({"url": "/files/demo-1.0-py2-none-any.whl"}, "differ"),
        ({"url": f"/files/..%2f{WHEEL}"}, "differ"),
        ({"url": "/files/?" + WHEEL}, "differ"),
        ({"url": f"file:///tmp/{WHEEL}"}, "file of this machine"),
        ({"url": f"FILE:/tmp/{WHEEL}"}, "file of this machine"),
        ({"url": f"ftp://index.example/{WHEEL}"}, "none of http"),
        ({"url": f"http://[bad/{WHEEL}"}, "cannot be read"),
        ({"url": ...}, "no address"),
        ({"url": 7}, "no address"),
        ({"filename": None}, "no address"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_left_out_with_the_reason(
    ask: Ask, link: dict[str, object], reason: str
) -> None:
    good = entry(filename="demo-2.0-py3-none-any.whl", url="/files/demo-2.0-py3-none-any.whl")
    found = ask(Answer.of_json(page(entry(**link), good)))
    assert [file.filename for file in found.files] == ["demo-2.0-py3-none-any.whl"]
    (warning,) = found.warnings
    assert reason in warning
    assert warning.isprintable()


def test_an_entry_that_is_no_object_is_left_out(ask: Ask) -> None:
    found = ask(Answer.of_json(page(entry(), 7, None, [])))
    assert len(found.files) == 1
    assert "3 files are left out" in found.warnings[0]


def test_files_without_hashes_count_with_a_warning_unless_strict(ask: Ask) -> None:
    answer = Answer.of_json(page(entry(hashes={})))
    found = ask(answer)
    assert len(found.files) == 1
    assert found.warnings == ("demo: 1 files without a hash",)
    strict = ask(answer, policy=PagePolicy(is_strict=True))
    assert strict.files == ()
    assert "wheeltag_strict_wheels" in strict.warnings[1]


def test_md5_counts_where_it_is_allowed(ask: Ask) -> None:
    answer = Answer.of_json(page(entry(hashes={"md5": "AB" * 16})))
    (file,) = ask(answer, policy=PagePolicy(allow_md5=True)).files
    assert file.hashes == (("md5", "ab" * 16),)


def test_the_same_file_twice_with_one_hash_is_no_conflict(ask: Ask) -> None:
    assert len(ask(Answer.of_json(page(entry(), entry()))).files) == 2


def test_files_of_other_kinds_are_nobodys_business(ask: Ask) -> None:
    old = [
        entry(filename=name, url=f"/{name}") for name in ("demo-1.0.exe", "demo-1.0-py2.7.egg", "index.html")
    ]
    found = ask(Answer.of_json(page(*old)))
    assert (found.files, found.warnings) == ((), ())


@pytest.mark.parametrize("name", ["demo-1.0.tar.bz2", "demo-1.0.tgz", "demo-1.0-1.tar.gz", "Demo-1.0.zip"])
def test_source_archives_of_old_are_listed(ask: Ask, name: str) -> None:
    assert [
        file.filename for file in ask(Answer.of_json(page(entry(filename=name, url=f"/{name}")))).files
    ] == [name]


def test_links_above_a_list_of_files_are_no_files(ask: Ask) -> None:
    text = f'<a href="../">up</a><a href="#top">top</a><a href="">none</a><a href="/f/{WHEEL}">x</a>'
    found = ask(Answer.of_text(text))
    assert [file.filename for file in found.files] == [WHEEL]
    assert found.warnings == ("demo: 1 files without a hash",)


def test_credentials_in_links_of_a_page_are_dropped(ask: Ask) -> None:
    (file,) = ask(Answer.of_json(page(entry(url=f"https://user:s3cr3t@files.example/{WHEEL}")))).files
    assert file.url == f"https://files.example/{WHEEL}"


def test_a_link_without_a_scheme_keeps_that_of_the_page(ask: Ask) -> None:
    (file,) = ask(Answer.of_json(page(entry(url=f"//files.example/{WHEEL}")))).files
    assert file.url == f"http://files.example/{WHEEL}"


def test_a_quoted_plus_is_a_plus(ask: Ask) -> None:
    name = "demo-1.0+cpu-py3-none-any.whl"
    (file,) = ask(Answer.of_json(page(entry(filename=name, url="/demo-1.0%2Bcpu-py3-none-any.whl")))).files
    assert file.filename == name
    assert file.url.endswith("demo-1.0%2Bcpu-py3-none-any.whl")


@pytest.mark.parametrize("status", ["archived", "deprecated", "quarantined"])
def test_what_a_project_says_of_itself_is_a_warning(
    ask: Ask, index: LocalIndex, status: ProjectState
) -> None:
    index.set_status("demo", status, "moved")
    assert ask().warnings == (f"demo is {status}: moved",)
    index.options = replace(index.options, formats=("text/html",))
    assert ask().warnings == (f"the project is {status}: moved",)


def test_a_project_that_is_not_there_has_no_files(ask: Ask) -> None:
    found = ask()
    assert (found.files, found.sources) == ((), ())


@pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503, 400, 418])
def test_an_answer_that_is_none_stops_and_names_the_status(ask: Ask, status: int) -> None:
    with pytest.raises(UnreachableError, match=f"found {status}") as caught:
        ask(Answer.of_status(status))
    assert caught.value.status == status
    assert caught.value.remedy


def test_redirects_are_followed(ask: Ask, index: LocalIndex) -> None:
    index.answer("/elsewhere/demo/", Answer.of_json(page(entry(url=WHEEL))))
    (file,) = ask(Answer.of_redirect("/elsewhere/demo/")).files
    assert file.url.endswith(f"/elsewhere/demo/{WHEEL}")


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("", "no Location"),
        ("file:///etc/passwd", "a file"),
        ("ftp://x.example/", "another"),
        (".", "too many redirects"),
    ],
)
def test_redirects_to_nowhere_stop(ask: Ask, location: str, told: str) -> None:
    with pytest.raises(UnreachableError, match=told):
        ask(Answer.of_redirect(location))


def test_a_redirect_loop_is_followed_ten_times(ask: Ask, index: LocalIndex) -> None:
    with pytest.raises(UnreachableError, match=r"too many redirects \(10\)"):
        ask(Answer.of_redirect("."))
    assert index.count("demo") == 11


@pytest.mark.parametrize(
    "answer",
    [
        replace(Answer.of_json(page(entry())), drip=Drip(size=1, pause_seconds=0.05)),
        replace(
            Answer.of_json(page(entry())).with_headers(Transfer_Encoding="chunked"),
            body=b"0" * 1000,
            drip=Drip(size=1, pause_seconds=0.05),
        ),
        Answer(delay_seconds=30.0),
    ],
    ids=["a body that drips", "the length of a chunk that drips", "silence"],
)
def test_a_server_that_keeps_us_waiting_is_left(ask: Ask, answer: Answer) -> None:
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        ask(answer)
    # By its pace, within about a second, before the time for the whole answer is up.
    assert time.monotonic() - started < LIMITS.total_seconds


@pytest.mark.parametrize("is_cut_first", [True, False], ids=["cut", "truncated"])
def test_an_answer_that_breaks_off_is_asked_for_again(
    ask: Ask, index: LocalIndex, is_cut_first: bool
) -> None:
    broken = Answer(is_cut=True) if is_cut_first else Answer.of_json(page(entry())).truncated(5)
    index.answer("demo", broken, Answer.of_json(page(entry())))
    assert len(ask().files) == 1
    assert index.count("demo") == 2


def test_a_wrong_content_length_is_an_error_in_the_end(ask: Ask) -> None:
    with pytest.raises(CatalogueError, match=r"offset|bytes|whole"):
        ask(Answer.of_text("<a", HTML).truncated(50))


@pytest.mark.parametrize("is_gzip", [True, False])
def test_a_page_over_the_limit_is_refused(ask: Ask, is_gzip: bool) -> None:
    body = b'{"files": [' + b" " * 80_000_000
    headers = {"Content-Type": JSON} | ({"Content-Encoding": "gzip"} if is_gzip else {})
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="at most 64000000 bytes"):
        ask(Answer(headers=headers, body=gzip.compress(body, 1) if is_gzip else body))
    assert time.monotonic() - started < 5


def test_a_page_of_too_many_files_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_wheeltag.system.pages.MAX_FILES", 10)
    with pytest.raises(PageError, match="at most 10 files"):
        ask(Answer.of_json(page(*[entry()] * 11)))


@pytest.mark.parametrize("name", ["..", "../../x", "dé", "a/b", "", "-a", "a" * 300, "a?b", "a%2fb"])
def test_a_name_that_cannot_be_is_asked_of_nobody(ask: Ask, index: LocalIndex, name: str) -> None:
    found = ask(name=NormalizedName(name))
    assert found.files == ()
    assert "no index can hold" in found.warnings[0]
    assert index.requests == ()


def test_names_are_compared_as_packaging_does(ask: Ask, index: LocalIndex) -> None:
    name = canonicalize_name("Foo.Bar__baz")
    listed = entry(filename="Foo.Bar__baz-1.0-py3-none-any.whl", url="/Foo.Bar__baz-1.0-py3-none-any.whl")
    index.answer(name, Answer.of_json(page(listed, name="foo-bar.Baz")))
    assert len(ask(name=name).files) == 1
    assert index.count("/simple/foo-bar-baz/") == 1


def test_a_release_has_the_files_of_its_version_only(index: LocalIndex, transport: PooledTransport) -> None:
    names = [
        f"demo-{version}-py3-none-any.whl" for version in ("1.0", "1.0.0", "2.0", "1", "junk", "1.0.post1")
    ]
    index.answer("demo", Answer.of_json(page(*(entry(filename=name, url=f"/{name}") for name in names))))
    simple = SimpleIndex(IndexSources((parse_url(index.url),)), IndexAccess(transport))
    found = simple.release(DEMO, Version("1.0"))
    assert [file.filename for file in found.files] == [names[0], names[1], names[3]]
    assert simple.release(DEMO, Version("3")).files == ()
    assert [file.filename for file in simple.files(DEMO).files] == names
    assert index.count("demo") == 1


def two_indexes(strategy: Strategy, transport: PooledTransport, *indexes: LocalIndex) -> SimpleIndex:
    urls = tuple(parse_url(index.url) for index in indexes)
    return SimpleIndex(IndexSources(urls, strategy=strategy), IndexAccess(transport))


def test_indexes_are_pooled_in_order_and_a_name_on_both_is_told(
    index: LocalIndex, transport: PooledTransport
) -> None:
    with LocalIndex() as second:
        index.answer("demo", Answer.of_json(page(entry())))
        second.answer("demo", Answer.of_json(page(entry(hashes={"sha256": OTHER_DIGEST}))))
        found = two_indexes(Strategy.MERGE, transport, index, second).files(DEMO)
        assert [file.source for file in found.files] == [index.url, second.url]
        assert found.sources == (index.url, second.url)
        several, conflict = found.warnings
        assert several == f"demo: on several indexes: `{index.url}`, `{second.url}`"
        assert DIGEST in conflict
        assert OTHER_DIGEST in conflict


def test_the_first_index_that_has_the_name_may_be_the_only_one(
    index: LocalIndex, transport: PooledTransport
) -> None:
    with LocalIndex() as second, LocalIndex() as third:
        for each in (second, third):
            each.answer("demo", Answer.of_json(page(entry())))
        found = two_indexes(Strategy.FIRST, transport, index, second, third).files(DEMO)
        assert found.sources == (second.url,)
        assert (index.count("demo"), third.requests) == (1, ())


@pytest.mark.parametrize("strategy", list(Strategy))
@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_no_index_falls_out_silently(
    index: LocalIndex, transport: PooledTransport, strategy: Strategy, status: int
) -> None:
    with LocalIndex() as second:
        index.answer("demo", Answer.of_status(status))
        second.answer("demo", Answer.of_json(page(entry())))
        with pytest.raises(UnreachableError, match=str(status)):
            two_indexes(strategy, transport, index, second).files(DEMO)


def test_an_index_that_is_not_running_is_asked_once_for_all_projects(transport: PooledTransport) -> None:
    with LocalIndex() as gone:
        url = gone.url
    simple = SimpleIndex(IndexSources((parse_url(url),)), IndexAccess(transport))
    names = [canonicalize_name(f"demo{number}") for number in range(50)]
    started = time.monotonic()
    simple.prefetch(names)
    for name in names:
        with pytest.raises(UnreachableError, match="refused"):
            simple.files(name)
    assert time.monotonic() - started < 2


def test_one_project_that_fails_does_not_take_the_others_along(
    index: LocalIndex, transport: PooledTransport
) -> None:
    index.answer("broken", Answer.of_status(500))
    index.answer("demo", Answer.of_json(page(entry())))
    simple = SimpleIndex(IndexSources((parse_url(index.url),)), IndexAccess(transport))
    simple.prefetch([canonicalize_name("broken"), DEMO])
    assert len(simple.files(DEMO).files) == 1
    for _ in range(2):
        with pytest.raises(UnreachableError, match="500"):
            simple.files(canonicalize_name("broken"))
    assert index.count("broken") == LIMITS.tries


def test_projects_are_asked_for_at_once_and_each_only_once(
    index: LocalIndex, transport: PooledTransport
) -> None:
    names = [canonicalize_name(f"demo{number}") for number in range(8)]
    for name in names:
        index.answer(name, replace(Answer.of_json(page(name=name)), delay_seconds=0.5))
    simple = SimpleIndex(IndexSources((parse_url(index.url),)), IndexAccess(transport))
    started = time.monotonic()
    simple.prefetch([*names, *names])
    assert time.monotonic() - started < 8 * 0.5
    simple.prefetch(names)
    assert all(simple.files(name).sources for name in names)
    assert len(index.requests) == 8


def test_an_index_with_credentials_shows_them_nowhere(tmp_path: Path) -> None:
    with LocalIndex(IndexOptions(credentials=("user", "s3cr3t"))) as index:
        index.answer("demo", Answer.of_json(page(entry())))
        index.answer("broken", Answer.of_status(403))
        url = parse_url(index.authenticated_url)
        settings = NetworkSettings(credentials=collect_credentials((url,), {}, tmp_path), limits=LIMITS)
        access = IndexAccess(PooledTransport(settings))
        simple = SimpleIndex(IndexSources((url,)), access)
        found = simple.files(DEMO)
        assert len(found.files) == 1
        assert "s3cr3t" not in repr(found) + repr(settings) + repr(access)
        with pytest.raises(UnreachableError) as caught:
            simple.files(canonicalize_name("broken"))
        assert "s3cr3t" not in str(caught.value) + repr(caught.value)
        with pytest.raises(UnreachableError, match=r"401.*give credentials"):
            SimpleIndex(
                IndexSources((parse_url(index.url),)), IndexAccess(PooledTransport(NetworkSettings()))
            ).files(DEMO)


def test_offline_nobody_is_asked(index: LocalIndex) -> None:
    def refuse() -> PooledTransport:
        raise AssertionError

    simple = SimpleIndex(
        IndexSources((parse_url(index.url),)), IndexAccess(LateTransport(refuse), is_offline=True)
    )
    with pytest.raises(OfflineError, match="cache"):
        simple.files(DEMO)
    assert index.requests == ()


def folder_index(root: Path, name: str, text: str) -> Path:
    (root / name).mkdir(parents=True)
    (root / name / "index.html").write_text(text)
    return root


def test_an_index_may_be_a_folder_offline_too(tmp_path: Path) -> None:
    text = f'<a href="{WHEEL}#sha256={DIGEST}">x</a><a href="file:///wheels/demo-2.0-py3-none-any.whl">y</a>'
    root = folder_index(tmp_path / "an index", "demo", text)
    url = parse_url(root.as_uri())
    simple = SimpleIndex(
        IndexSources((url,)), IndexAccess(LateTransport(lambda: pytest.fail("asked")), is_offline=True)
    )
    first, second = simple.files(DEMO).files
    assert first.url == (root / "demo" / WHEEL).as_uri()
    assert second.url == "file:///wheels/demo-2.0-py3-none-any.whl"
    assert simple.files(canonicalize_name("other")).sources == ()
    assert (simple.files(DEMO).warnings, simple.warnings) == ((), ())


def test_a_folder_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    url = parse_url((tmp_path / "none").as_uri())
    simple = SimpleIndex(
        IndexSources((url,), (url,)), IndexAccess(LateTransport(lambda: pytest.fail("asked")))
    )
    assert simple.files(DEMO).files == simple.files(canonicalize_name("other")).files == ()
    assert len(simple.warnings) == 2
    assert all("is not there" in warning for warning in simple.warnings)


def test_a_page_of_a_folder_that_is_none_stops(tmp_path: Path) -> None:
    root = folder_index(tmp_path, "demo", "{}")
    (root / "other" / "index.html").mkdir(parents=True)
    simple = SimpleIndex(
        IndexSources((parse_url(root.as_uri()),)), IndexAccess(LateTransport(lambda: pytest.fail("asked")))
    )
    with pytest.raises(PageError, match="expected HTML"):
        simple.files(DEMO)
    with pytest.raises(PageError, match="a folder"):
        simple.files(canonicalize_name("other"))


def test_sources_are_those_that_pip_has() -> None:
    default = parse_url("https://default.example/simple/")
    one, two = parse_url("https://one.example/"), parse_url("https://two.example/")
    assert index_sources(PipConfiguration(), lambda: default).index_urls == (default,)
    both = PipConfiguration(index_url=one, extra_index_urls=(two,), find_links=(two,))
    assert index_sources(both, lambda: default) == IndexSources((one, two), (two,))
    none = replace(both, no_index=True)
    assert index_sources(none, lambda: default) == IndexSources((), (two,))
