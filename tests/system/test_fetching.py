"""What is kept of an index: the cache, the snapshot of a run, and what happens to damaged entries."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.candidates import ProjectFiles
from pytest_wheeltag.errors import OfflineError, UnreachableError
from pytest_wheeltag.system.connections import NetworkSettings
from pytest_wheeltag.system.fetching import ACCEPT, IndexAccess
from pytest_wheeltag.system.index import IndexSources, SimpleIndex
from pytest_wheeltag.system.pooled import PooledTransport
from pytest_wheeltag.system.proxies import Proxies
from pytest_wheeltag.system.run import RunSnapshot
from pytest_wheeltag.system.transport import TransportLimits
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.workshop.answers import Answer
from pytest_wheeltag.workshop.index import LocalIndex

DEMO = canonicalize_name("demo")
JSON = "application/vnd.pypi.simple.v1+json"
# An index that is not on this machine, as far as anybody can tell: loopback is never cached.
FAR = "http://user:s3cr3t@index.example/simple/"


def page(version: str) -> Answer:
    name = f"demo-{version}-py3-none-any.whl"
    listed = {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": "ab" * 32}}
    return Answer.of_json({"meta": {"api-version": "1.0"}, "name": "demo", "files": [listed]})


@dataclass
class Far:
    """The far index: a server on loopback that stands in as the proxy to it, a cache, and a clock."""

    server: LocalIndex
    cache: Path
    now: float = 1_000_000.0
    run: str | None = None
    is_offline: bool = False
    opened: list[PooledTransport] = field(default_factory=list)

    def transport(self) -> PooledTransport:
        proxies = Proxies((("http", parse_url(self.server.origin)),))
        limits = TransportLimits(tries=1, stall_seconds=2.0)
        self.opened.append(PooledTransport(NetworkSettings(proxies=proxies, limits=limits)))
        return self.opened[-1]

    def index(self, url: str = FAR) -> SimpleIndex:
        snapshot = RunSnapshot(self.cache, self.run) if self.run else None
        access = IndexAccess(self.transport(), self.cache, snapshot, self.is_offline, lambda: self.now)
        return SimpleIndex(IndexSources((parse_url(url),)), access)

    def versions(self) -> list[str]:
        return versions(self.index().files(DEMO))

    @property
    def count(self) -> int:
        return len(self.server.requests)


def versions(found: ProjectFiles) -> list[str]:
    return [file.filename.split("-")[1] for file in found.files]


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    with LocalIndex() as server:
        server.answer("demo", page("1"))
        made = Far(server, tmp_path / "cache")
        yield made
        for transport in made.opened:
            transport.close()


def entries(far: Far) -> list[Path]:
    return [path for path in far.cache.rglob("demo-*") if path.suffix != ".lock"]


def test_a_page_is_asked_for_as_pip_does(far: Far) -> None:
    assert far.versions() == ["1"]
    (request,) = far.server.requests
    assert request.path == "http://index.example/simple/demo/"
    assert request.headers["accept"] == ACCEPT
    assert "s3cr3t" not in str(request)


@pytest.mark.parametrize(
    ("headers", "good_for"),
    [
        ({}, 600),
        ({"Cache-Control": "max-age=30"}, 30),
        ({"Cache-Control": "public, MAX-AGE = 30 ,must-revalidate"}, 30),
        ({"Cache-Control": "max-age=30", "Age": "10"}, 20),
        ({"Cache-Control": "max-age=junk"}, 0),
        ({"Cache-Control": "no-cache, max-age=30"}, 0),
        ({"Cache-Control": "no-store"}, 0),
        ({"Expires": "-1"}, 0),
        ({"Date": "Mon, 01 Jan 2024 00:00:00 GMT", "Expires": "Mon, 01 Jan 2024 00:01:00 GMT"}, 60),
    ],
)
def test_a_page_is_good_for_as_long_as_the_server_says(
    far: Far, headers: dict[str, str], good_for: int
) -> None:
    first = page("1")
    far.server.answer("demo", replace(first, headers={**first.headers, **headers}), page("2"))
    far.versions()
    if good_for:
        far.now += good_for - 1
        assert far.versions() == ["1"]
        far.now += 1
    assert far.versions() == ["2"]
    assert far.count == 2


def test_what_must_not_be_stored_is_not(far: Far) -> None:
    far.server.answer("demo", page("1").with_headers(Cache_Control="no-store"))
    far.versions()
    assert entries(far) == []


def test_nothing_of_the_credentials_is_on_disk(far: Far) -> None:
    far.run = "run"
    far.versions()
    written = [path for path in far.cache.rglob("*") if path.is_file()]
    assert len(entries(far)) == 2
    assert not any(b"s3cr3t" in path.read_bytes() or "s3cr3t" in str(path) for path in written)
    if os.name == "posix":
        assert {path.stat().st_mode & 0o077 for path in entries(far)} == {0}


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_an_expired_page_is_asked_for_with_its_validator(far: Far, header: str) -> None:
    validator = '"tag"' if header == "ETag" else "Mon, 01 Jan 2024 00:00:00 GMT"
    first = page("1")
    unchanged = Answer(304, {"Cache-Control": "max-age=5"})
    far.server.answer(
        "demo", replace(first, headers={**first.headers, header: validator}), unchanged, page("2")
    )
    far.versions()
    far.now += 600
    assert far.versions() == ["1"]
    asked = far.server.requests[1].headers
    assert asked["if-none-match" if header == "ETag" else "if-modified-since"] == validator
    far.now += 4
    assert far.versions() == ["1"]
    far.now += 1
    assert far.versions() == ["2"]
    assert far.count == 3


def test_an_answer_of_not_modified_without_a_question_is_an_error(far: Far) -> None:
    far.server.answer("demo", Answer(304))
    with pytest.raises(Exception, match="304"):
        far.versions()


def test_a_clock_that_was_set_back_makes_nothing_fresh(far: Far) -> None:
    far.versions()
    far.server.answer("demo", page("2"))
    far.now -= 1
    assert far.versions() == ["2"]


def test_users_and_indexes_do_not_share_pages(far: Far) -> None:
    far.versions()
    other_user = far.index("http://other:x@index.example/simple/")
    other_path = far.index("http://user@index.example/other/simple/")
    far.server.answer("demo", page("2"))
    far.server.answer("/other/simple/demo/", page("3"))
    assert versions(other_user.files(DEMO)) == ["2"]
    assert versions(other_path.files(DEMO)) == ["3"]


def test_offline_any_age_will_do_and_what_is_not_there_is_an_error(far: Far) -> None:
    absent = canonicalize_name("absent")
    far.versions()
    far.index().files(absent)
    far.now += 1_000_000
    far.is_offline = True
    assert far.versions() == ["1"]
    assert far.index().files(absent).files == ()
    with pytest.raises(OfflineError) as caught:
        far.index().files(canonicalize_name("unknown"))
    assert "s3cr3t" not in str(caught.value)
    assert far.count == 2


def test_that_a_project_is_absent_is_asked_each_time(far: Far) -> None:
    far.server.answer("demo", Answer.of_status(404), page("1"))
    assert far.versions() == []
    assert far.versions() == ["1"]


def test_a_run_sees_each_page_as_it_was_first(far: Far) -> None:
    absent = canonicalize_name("absent")
    far.run = "run"
    assert far.versions() == ["1"]
    assert far.index().files(absent).sources == ()
    far.now += 10_000
    far.server.answer("demo", page("2"))
    far.server.answer("absent", page("1"))
    assert far.versions() == ["1"]
    assert far.index().files(absent).sources == ()
    assert far.count == 2
    far.run = "another"
    assert far.versions() == ["2"]


def test_a_run_sees_even_what_must_not_be_cached(far: Far) -> None:
    far.run = "run"
    far.server.answer("demo", page("1").with_headers(Cache_Control="no-store"), page("2"))
    assert far.versions() == far.versions() == ["1"]


def test_what_failed_is_asked_again_by_the_next_process(far: Far) -> None:
    far.run = "run"
    far.server.answer("demo", Answer.of_status(500), page("1"))
    with pytest.raises(UnreachableError):
        far.versions()
    assert far.versions() == ["1"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def write_lines(path: Path) -> None:
    path.write_bytes(b"wheeltag page 1 00000000\n[]\nnull\n")


DAMAGES: list[Callable[[Path], object]] = [
    cut,
    flip,
    write_lines,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"\0" * 100),
    lambda path: path.write_bytes(b"[" * 100_000),
    replace_by_folder,
    *([replace_by_fifo] if hasattr(os, "mkfifo") else []),
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", ["index-v1", "runs-v1"])
def test_a_damaged_entry_costs_one_download_and_one_warning(
    far: Far, place: str, damage: Callable[[Path], object]
) -> None:
    far.run = "run"
    far.versions()
    for path in entries(far):
        if path.is_relative_to(far.cache / "runs-v1") and place == "index-v1":
            path.unlink()
        else:
            damage(path)
    index = far.index()
    assert versions(index.files(DEMO)) == ["1"]
    assert far.count == 2
    warnings = [warning for warning in index.warnings if f"{os.sep}{place}{os.sep}" in warning]
    assert len(warnings) <= 1
    assert all("the cache cannot be used here" in warning for warning in warnings)
    assert index.warnings


def test_a_cache_that_cannot_be_written_is_a_warning(far: Far) -> None:
    far.run = "run"
    far.cache.write_text("in the way")
    index = far.index()
    assert versions(index.files(DEMO)) == ["1"]
    assert index.warnings


SCRIPT = """
import json, sys
from pathlib import Path
from packaging.utils import canonicalize_name
from pytest_wheeltag.system.connections import NetworkSettings
from pytest_wheeltag.system.fetching import IndexAccess
from pytest_wheeltag.system.index import IndexSources, SimpleIndex
from pytest_wheeltag.system.pooled import PooledTransport
from pytest_wheeltag.system.proxies import Proxies
from pytest_wheeltag.system.run import RunSnapshot
from pytest_wheeltag.system.urls import parse_url

origin, cache = sys.argv[1:]
transport = PooledTransport(NetworkSettings(proxies=Proxies((("http", parse_url(origin)),))))
access = IndexAccess(transport, Path(cache), RunSnapshot(Path(cache), "run"))
index = SimpleIndex(IndexSources((parse_url("http://index.example/simple/"),)), access)
names = [canonicalize_name(f"demo{number}") for number in range(5)]
index.prefetch(names)
print(json.dumps([[file.filename for file in index.files(name).files] for name in names]))
transport.close()
"""


def test_processes_of_one_run_download_each_page_once(far: Far) -> None:
    for number in range(5):
        name = f"demo{number}"
        pages = [
            Answer.of_json(
                {"files": [{"filename": f"{name}-{version}.tar.gz", "url": f"/{name}-{version}.tar.gz"}]}
            )
            for version in range(4)
        ]
        far.server.answer(name, *(replace(answer, delay_seconds=0.1) for answer in pages))
    command = [sys.executable, "-c", SCRIPT, far.server.origin, str(far.cache)]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for _ in range(4)
    ]
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [json.loads(output) for output in outputs] == [[[f"demo{n}-0.tar.gz"] for n in range(5)]] * 4
    assert far.count == 5


def test_answers_from_the_cache_load_no_network_code(far: Far) -> None:
    far.index("http://index.example/simple/").files(canonicalize_name("demo"))
    script = (
        "import sys; from pathlib import Path; from pytest_wheeltag.system.fetching import IndexAccess;"
        "from pytest_wheeltag.system.index import IndexSources, SimpleIndex;"
        "from pytest_wheeltag.system.urls import parse_url;"
        "url = parse_url('http://index.example/simple/');"
        "index = SimpleIndex(IndexSources((url,)), IndexAccess(None, Path(sys.argv[1]), clock=lambda: 1_000_000.0));"
        "assert len(index.files('demo').files) == 1;"
        "print(sorted({'ssl', 'urllib3', 'truststore', 'filelock', 'distlib'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, str(far.cache)]
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    ).stdout
    assert output.strip() == "[]"
