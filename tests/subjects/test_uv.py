import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.errors import InapplicableError, UninstallableError
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.subjects.uv import UvSubject
from pytest_wheeltag.subjects.uvsync import UvSyncSubject
from pytest_wheeltag.system.environment import open_environment
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker

OLD = "--requirement --constraint --only-binary --no-binary --config-setting --prerelease"
NEW = (
    "--requirements --constraints --build-constraints --only-binary --no-binary --config-setting --prerelease "
    "--index-strategy --exclude-newer --require-hashes --no-verify-hashes --config-settings-package --no-index"
)
# Stands for uv: it tells its options, writes down what it was told, locks what it is asked to, and installs nothing.
STAND_IN = """
import json, os, pathlib, sys
def main():
    words = sys.argv[1:]
    if words == ["--version"]:
        return print("uv {version} (stand-in)")
    if "--help" in words:
        return print("{options}".replace(" ", chr(10)))
    files = {{}}
    for word in words:
        name, _, path = word.partition("=")
        if path.endswith(".txt"):
            files[name] = pathlib.Path(path).read_text().splitlines()
    project = pathlib.Path("pyproject.toml")
    told = dict(words=words, files=files, variables=dict(os.environ), folder=os.getcwd())
    told["project"] = project.read_text() if project.exists() else ""
    with open({log!r}, "a") as stream:
        stream.write(json.dumps(told) + chr(10))
    if words[0] == "lock":
        pathlib.Path("uv.lock").write_text({lock!r})
    print("DEBUG Selecting: foo==1.0 [compatible] (foo-1.0-py2-none-any.whl)")
    print("DEBUG Selecting: foo==1.0 [compatible] (foo-1.0-py3-none-any.whl)")
    print("DEBUG Selecting: other==1.0 [compatible] (other-1.0-py3-none-any.whl)")
    print(" + bar==2.0 (from http://index.example/bar-2.0.tar.gz)")
    print(" + foo==1.0")
    if "broken" in os.environ:
        sys.exit("error: Failed to do it\\n  Caused by: somebody")
"""
LOCK = """
version = 1
requires-python = ">=3.8"
[[package]]
name = "foo"
version = "1.0"
source = {{ registry = "http://index.example/simple" }}
sdist = {{ url = "http://index.example/foo-1.0.tar.gz", hash = "sha256:{}" }}
wheels = [
    {{ url = "http://index.example/foo-1.0-py3-none-any.whl", hash = "sha256:{}" }},
    {{ url = "http://index.example/foo-1.0-py2.py3-none-any.whl", hash = "sha256:{}" }},
    {{ url = "http://index.example/foo-1.0-cp35-cp35m-win32.whl", hash = "sha256:{}" }},
]
""".format(*("0123"[number] * 64 for number in range(4)))


class Stand:
    """A uv of some version and options on the loopback index, and what it was told."""

    def __init__(self, place: Workplace, index: LocalIndex, make_wheel: WheelMaker, folder: Path) -> None:
        self.place = place
        self._source = place
        self.folder = folder
        self.kind: type[UvSubject] = UvSubject
        self._index = index
        self._make_wheel = make_wheel

    def publish(self, options: str = NEW, version: str = "9.0") -> None:
        log = str(self.folder / "told.jsonl")
        code = STAND_IN.format(options=options, version=version, log=log, lock=LOCK)
        entry_points = {f"uv-{version}.dist-info/entry_points.txt": "[console_scripts]\nuv = standin:main\n"}
        self._index.add(self._make_wheel("uv", version, files={"standin.py": code, **entry_points}))

    def subject(self, **variables: str) -> UvSubject:
        environ = {**self.place.environ, "PATH": "", **variables}
        lodging = Lodging(self.folder / "home", self.folder / "kept", self._source)
        return self.kind(replace(self.place, environ=environ), lodging, "")

    def told(self) -> list[dict[str, Any]]:
        lines = (self.folder / "told.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def with_sources(self, **changes: Any) -> None:  # noqa: ANN401 - fields of several types
        self.place = replace(self.place, sources=replace(self.place.sources, **changes))


@pytest.fixture
def stand(place: Workplace, index: LocalIndex, make_wheel: WheelMaker, tmp_path: Path) -> Stand:
    return Stand(place, index, make_wheel, tmp_path)


@pytest.fixture
def ask(stand: Stand, running_interpreter: Interpreter, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Let a uv install something, and give what it was told."""

    def provision(request: Request, options: str = NEW, **variables: str) -> dict[str, Any]:
        stand.publish(options)
        stand.subject(**variables).provision(tmp_path / "env", running_interpreter, request)
        return stand.told()[-1]

    return provision


def test_it_is_fetched_and_says_which_files_it_resolved(
    stand: Stand, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    stand.publish()
    subject = stand.subject()

    account = subject.provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert (subject.name.name, subject.name.version) == ("uv", "9.0")
    found = [(each.name, each.version, each.filename, each.sha256) for each in account.resolved or ()]
    assert found == [
        ("bar", "2.0", "bar-2.0.tar.gz", None),
        ("foo", "1.0", "foo-1.0-py3-none-any.whl", None),
    ]
    assert account.invocations[-1].command[1:4] == ("pip", "install", "--verbose")
    assert " + foo==1.0" in account.invocations[-1].output
    assert open_environment(tmp_path / "env", running_interpreter) is not None
    assert not list((tmp_path / "env").glob(".wheeltag-*"))


def test_it_sees_its_own_cache_and_home_and_the_index_alone(
    ask: Callable[..., dict[str, Any]], index: LocalIndex, tmp_path: Path
) -> None:
    told = ask(parse_request(["foo<2 ; python_version > '2'"], ["bar<3"]), UV_INDEX="https://user.example/")

    assert f"--cache-dir={tmp_path / 'kept' / 'uv'}" in told["words"]
    assert told["files"]["--requirements"] == [f"--index-url {index.url}", 'foo<2 ; python_version > "2"']
    assert told["files"]["--constraints"] == ["bar<3"]
    variables = told["variables"]
    assert variables["VIRTUAL_ENV"] == told["folder"] == str(tmp_path / "env")
    assert Path(variables["HOME"]).is_relative_to(tmp_path / "kept")
    assert variables["UV_NO_CONFIG"] == "1"
    assert "UV_INDEX" not in variables


def test_all_that_chooses_is_handed_over(
    stand: Stand, ask: Callable[..., dict[str, Any]], index: LocalIndex, tmp_path: Path
) -> None:
    (tmp_path / "links").mkdir()
    stand.with_sources(
        extra_index_urls=("http://user:secret@index.example/simple/",),
        find_links=(str(tmp_path / "links"), str(tmp_path / "absent")),
        exclude_newer=datetime(2026, 11, 1, 12, tzinfo=UTC),
    )
    kinds = NameControl(frozenset({"one"}), frozenset({"two"}))
    controls = Controls(kinds, prereleases=NameControl(frozenset({":all:"})))
    bounds = parse_request((), ["wheel<1"]).constraints
    options = replace(stand.place.options, controls=controls, build_constraints=bounds)
    stand.place = stand.place.with_options(options)
    demands = tuple(
        replace(demand, config_settings=(("key", "a=b"),)) for demand in parse_request(["foo"]).requirements
    )

    told = ask(Request(demands))

    assert told["files"]["--requirements"] == [
        f"--index-url {index.url}",
        "--extra-index-url http://user:secret@index.example/simple/",
        f"--find-links {(tmp_path / 'links').as_uri()}",
        "foo",
    ]
    assert told["files"]["--build-constraints"] == ["wheel<1"]
    expected = {"--index-strategy=unsafe-best-match", "--exclude-newer=2026-11-01T12:00:00Z"}
    expected |= {"--only-binary=one", "--no-binary=two", "--prerelease=allow", "--config-setting=key=a=b"}
    assert expected <= set(told["words"])


def test_the_first_index_that_has_a_name_is_what_it_takes_by_itself(
    stand: Stand, ask: Callable[..., dict[str, Any]]
) -> None:
    stand.with_sources(extra_index_urls=("http://index.example/simple/",), strategy=Strategy.FIRST)

    assert not [word for word in ask(parse_request(["foo"]))["words"] if "strategy" in word]


def test_hashes_are_required_where_we_require_them(ask: Callable[..., dict[str, Any]]) -> None:
    request = replace(parse_request(["foo==1.0"]), hash_rule=HashRule.REQUIRED)

    assert "--require-hashes" in ask(request)["words"]


def test_config_settings_that_differ_are_told_by_project(ask: Callable[..., dict[str, Any]]) -> None:
    foo, bar = parse_request(["foo", "bar"]).requirements
    request = Request((replace(foo, config_settings=(("a", "1"),)), bar))

    assert "--config-settings-package=foo:a=1" in ask(request)["words"]


def test_offline_it_is_told_of_this_machine_alone(stand: Stand, ask: Callable[..., dict[str, Any]]) -> None:
    stand.with_sources(extra_index_urls=("https://index.example/simple/",), is_offline=True)

    assert "index.example" not in json.dumps(ask(parse_request(["foo"]))["files"])


@pytest.mark.parametrize(
    ("request_", "change", "problem"),
    [
        (replace(parse_request(["foo"]), hash_rule=HashRule.REQUIRED), {}, "knows no `--require-hashes`"),
        (
            parse_request(["foo"]),
            {"extra_index_urls": ("http://index.example/",)},
            "knows no `--index-strategy`",
        ),
        (
            parse_request(["foo"]),
            {"exclude_newer": datetime(2026, 1, 1, tzinfo=UTC)},
            "knows no `--exclude-newer`",
        ),
    ],
)
def test_what_an_old_one_cannot_be_told_is_not_tried(
    stand: Stand, ask: Callable[..., dict[str, Any]], request_: Request, change: dict[str, Any], problem: str
) -> None:
    stand.with_sources(**change)

    with pytest.raises(
        InapplicableError, match=f"^uv 9.0 cannot install foo on .*its `uv pip install` {problem}"
    ):
        ask(request_, OLD)
    assert not (stand.folder / "told.jsonl").exists()


def test_what_no_uv_can_be_told_is_not_tried_either(stand: Stand, ask: Callable[..., dict[str, Any]]) -> None:
    controls = Controls(wheels_first=NameControl(frozenset({":all:"})))
    stand.place = stand.place.with_options(replace(stand.place.options, controls=controls))

    with pytest.raises(InapplicableError, match="it knows no `--prefer-binary`"):
        ask(parse_request(["foo"]))


def test_its_last_word_is_told_with_all_that_it_printed(
    stand: Stand, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    stand.publish()

    with pytest.raises(UninstallableError, match=r"error: Failed to do it; Caused by: somebody$") as caught:
        stand.subject(broken="1").provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))

    assert [each.status for each in caught.value.invocations] == [1]
    assert open_environment(tmp_path / "env", running_interpreter) is None


def test_a_sync_asks_by_a_project_and_resolves_what_its_lock_holds(
    stand: Stand, running_interpreter: Interpreter, index: LocalIndex, tmp_path: Path
) -> None:
    stand.kind = UvSyncSubject
    stand.publish("--locked --find-links --index-strategy")
    subject = stand.subject()

    account = subject.provision(tmp_path / "env", running_interpreter, parse_request(["Foo[x]<2"], ["bar<3"]))

    assert (subject.name.name, subject.name.version) == ("uv-sync", "9.0")
    lock, sync = stand.told()
    assert (lock["words"][0], *sync["words"][:2]) == ("lock", "sync", "--locked")
    assert lock["words"][1:] == sync["words"][2:]
    major, minor = running_interpreter.version_info[:2]
    assert f'requires-python = "=={major}.{minor}.*"' in sync["project"]
    assert 'dependencies = ["Foo[x]<2"]' in sync["project"]
    assert 'constraint-dependencies = ["bar<3"]' in sync["project"]
    assert sync["variables"]["UV_INDEX_URL"] == index.url
    assert sync["variables"]["UV_PROJECT_ENVIRONMENT"] == str(tmp_path / "env")
    resolved = {str(each.name): each for each in account.resolved or ()}
    # Which of the release's files it was the lock does not say.
    assert resolved["foo"].filename is None
    assert ("foo-1.0-py3-none-any.whl", "1" * 64) in resolved["foo"].among
    assert resolved["bar"].filename == "bar-2.0.tar.gz"
    assert not list(tmp_path.glob(".project-*"))


def test_a_sync_names_trees_that_are_edited(
    stand: Stand, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    stand.kind = UvSyncSubject
    stand.publish("--locked")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "pyproject.toml").write_text('[project]\nname = "leaf"\n', encoding="utf-8")
    demand = stand.place.reader.editable(str(tree), "-e")

    stand.subject().provision(tmp_path / "env", running_interpreter, Request((demand,)))

    project = tomllib.loads(stand.told()[-1]["project"])
    assert project["project"]["dependencies"] == ["leaf"]
    assert project["tool"]["uv"]["sources"] == {"leaf": {"path": str(tree), "editable": True}}


def test_a_sync_cannot_be_given_hashes(
    stand: Stand, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    stand.kind = UvSyncSubject
    stand.publish("--locked")
    request = replace(parse_request(["foo==1.0"]), hash_rule=HashRule.REQUIRED)

    with pytest.raises(InapplicableError, match="a project's requirements have no hashes"):
        stand.subject().provision(tmp_path / "env", running_interpreter, request)


@pytest.mark.parametrize("version", ["0.4.3", "0.1.0"])
def test_an_old_sync_knows_no_environment_of_ours(
    stand: Stand, running_interpreter: Interpreter, tmp_path: Path, version: str
) -> None:
    stand.kind = UvSyncSubject
    stand.publish("--locked", version)

    with pytest.raises(InapplicableError, match=r"before 0\.4\.4 its `uv sync` knows no environment"):
        stand.subject().provision(tmp_path / "env", running_interpreter, parse_request(["foo"]))
