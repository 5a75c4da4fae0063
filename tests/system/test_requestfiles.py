import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.askedfor import AskedFor
from pytest_wheeltag.core.candidates import parse_wheel_name
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.references import ReferenceKind
from pytest_wheeltag.core.requirements import Demand, UnnamedDemand
from pytest_wheeltag.errors import PyprojectError, UsageError, WheeltagError
from pytest_wheeltag.system.requestfiles import RequestReader, Selection

PROJECT = """
[project]
name = "demo"
version = "1.0"
dependencies = ["foo>=1"]
[project.optional-dependencies]
fast = ["quick"]
all = ["demo[fast]", "more"]
[dependency-groups]
test = ["tester", {include-group = "lint"}]
lint = ["linter"]
"""
LOCK = """
lock-version = "1.0"
created-by = "test"
extras = ["fast"]
dependency-groups = ["test"]
packages = []
"""
WHEEL = "demo-1.0-py3-none-any.whl"
WHEEL_URL = f"https://x.example/{WHEEL}"
GIVEN = "https://given.example/simple"
HASH = f"--hash=sha256:{'0a' * 32}"


@pytest.fixture
def reader(tmp_path: Path) -> RequestReader:
    (tmp_path / "sub").mkdir()
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    (tmp_path / "sub" / "pylock.dev.toml").write_text(LOCK, "utf-8")
    return RequestReader(tmp_path, {"HOME": str(tmp_path), "NAME": "foo"})


def shown(asked: AskedFor) -> list[str]:
    return [f"{each.text} {each.origin}" for each in asked.request.requirements]


def test_a_text_is_a_requirement_or_an_editable_tree(reader: RequestReader, tmp_path: Path) -> None:
    assert isinstance(reader.requirement("foo>1", "-"), Demand)
    assert isinstance(reader.requirement(".", "-"), UnnamedDemand)
    editable = reader.editable("~[fast]", "-e", tmp_path / "sub")
    assert editable.reference is not None
    assert editable.reference.is_editable


def test_a_requirements_file_is_read_with_the_variables_of_the_environment(
    reader: RequestReader, tmp_path: Path
) -> None:
    (tmp_path / "r.txt").write_text("${NAME}\n-c sub/c.txt\n", "utf-8")
    (tmp_path / "sub" / "c.txt").write_text("${NAME}<2\n", "utf-8")
    for location in ("r.txt", "sub/../r.txt", "~/r.txt", (tmp_path / "r.txt").as_uri()):
        asked = reader.file(location, "-r")
        assert shown(asked) == ["foo r.txt:1"]
        assert [each.text for each in asked.request.constraints] == ["foo<2"]
    assert [each.text for each in reader.constraints("sub/c.txt", "-c").request.constraints] == ["foo<2"]


def test_a_file_that_is_not_there_is_an_error_that_names_its_origin(reader: RequestReader) -> None:
    for read in (reader.file, reader.constraints):
        with pytest.raises(
            UsageError, match=r"^-r: expected a file that can be read \(.*\), found: `gone\.txt`$"
        ):
            read("gone.txt", "-r")


def test_addresses_are_fetched_where_somebody_can(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    with pytest.raises(UsageError, match=r"nothing is fetched here, found: `https://x\.example/c\.txt`$"):
        RequestReader(tmp_path, environ).constraints("https://me:secret@x.example/c.txt", "-c")
    reader = RequestReader(tmp_path, environ, lambda url: f"foo<{url.password}".encode())
    (bound,) = reader.constraints("https://me:12@x.example/c.txt", "-c").request.constraints
    assert (bound.text, bound.origin) == ("foo<12", "https://x.example/c.txt:1")


def test_a_project_asks_for_its_dependencies_extras_and_groups(reader: RequestReader) -> None:
    assert shown(reader.file("pyproject.toml", "-r")) == ["foo>=1 pyproject.toml"]
    expected = ["foo>=1 pyproject.toml", "more pyproject.toml [all]", "quick pyproject.toml [fast]"]
    assert shown(reader.file("pyproject.toml[all]", "-r")) == expected
    assert shown(reader.file("pyproject.toml", "-r", Selection(frozenset({"All"})))) == expected
    grouped = reader.file("pyproject.toml", "-r", Selection(groups=frozenset({"lint"})))
    assert shown(grouped) == ["foo>=1 pyproject.toml", "linter pyproject.toml group lint"]


def test_a_project_that_cannot_be_read_is_an_error(reader: RequestReader, tmp_path: Path) -> None:
    path = tmp_path / "sub" / "pyproject.toml"
    for text, message in (
        ("[tool.x]", "with a `project` table"),
        ('[project]\nname = "x"\ndynamic = ["dependencies"]', "folder of the source tree"),
        ('[project]\nname = "x"\ndependencies = ["y @ file:///gone"]', "the folder of a source tree"),
        ("[project", "expected TOML"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises((UsageError, PyprojectError), match=message) as caught:
            reader.file("sub/pyproject.toml", "-r")
        assert str(Path("sub/pyproject.toml")) in str(caught.value)


def test_a_lock_is_read_with_what_is_wanted_of_it(reader: RequestReader, tmp_path: Path) -> None:
    asked = reader.file("sub/pylock.dev.toml[fast]", "-r", Selection(groups=frozenset({"test"})))
    assert asked.request.lock is not None
    assert asked.request.lock.origin == str(Path("sub/pylock.dev.toml"))
    assert asked.request.lock.folder == f"{(tmp_path / 'sub').as_uri()}/"
    assert asked.request.lock.extras == {"fast"}
    assert asked.request.lock.groups == frozenset({"test"})
    lock = reader.file("sub/pylock.dev.toml", "-r").request.lock
    assert lock is not None
    assert not lock.extras
    assert lock.groups is None
    with pytest.raises(UsageError, match="the nearest is `fast`"):
        reader.file("sub/pylock.dev.toml[fest]", "-r")


def test_a_lock_of_another_machine_keeps_the_credentials_that_it_was_asked_with(tmp_path: Path) -> None:
    reader = RequestReader(tmp_path, {"HOME": str(tmp_path)}, lambda _: LOCK.encode())
    lock = reader.file("https://me:secret@x.example/a/pylock.toml?x=y", "-r").request.lock
    assert lock is not None
    assert (lock.origin, lock.folder) == ("https://x.example/a/pylock.toml", "https://me:secret@x.example/a/")


def test_a_newer_lock_is_told(reader: RequestReader, tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(LOCK.replace('"1.0"', '"1.1"'), "utf-8")
    assert len(reader.file("pylock.toml", "-r").warnings) == 1


def test_only_projects_and_locks_have_extras_and_groups(reader: RequestReader, tmp_path: Path) -> None:
    (tmp_path / "r.txt").touch()
    with pytest.raises(UsageError, match="since extras and groups are wanted of it"):
        reader.file("r.txt", "-r", Selection(frozenset({"a"})))
    for location in ("pyproject.toml", "sub/pylock.dev.toml"):
        with pytest.raises(UsageError, match=r"^-c: expected a constraints file"):
            reader.constraints(location, "-c")


def test_a_group_is_that_of_the_folder_or_of_a_path(reader: RequestReader, tmp_path: Path) -> None:
    assert shown(reader.group("test", "--group")) == [
        "tester pyproject.toml group test",
        "linter pyproject.toml group test",
    ]
    for text in ("./pyproject.toml:lint", f"{tmp_path / 'pyproject.toml'}:lint"):
        assert shown(reader.group(text, "--group")) == ["linter pyproject.toml group lint"]
    lock = reader.group("sub/pylock.dev.toml:test", "--group").request.lock
    assert lock is not None
    assert lock.groups == frozenset({"test"})


@pytest.mark.parametrize(
    "text", ["", "pyproject.toml:", "r.txt:test", "https://x.example/pyproject.toml:test"]
)
def test_a_group_of_anything_else_is_an_error(reader: RequestReader, text: str) -> None:
    with pytest.raises(UsageError, match=r"^--group: expected `GROUP` or `PATH:GROUP`"):
        reader.group(text, "--group")


def test_a_group_that_there_is_not_is_an_error_with_the_nearest(reader: RequestReader) -> None:
    with pytest.raises(UsageError, match="the nearest is `lint`"):
        reader.group("lnt", "--group")


# What we and pip read alike, line by line: also what is wrong to both.
ALIKE = [
    "foo",
    "Foo_Bar.baz",
    "foo==1.0",
    "foo >=1.0, <2, !=1.5",
    "foo===weird",
    "foo~=1.4.2",
    "foo[b,A_a]>=1",
    "foo [a] == 1.*",
    "foo; python_version < '3.9'",
    "foo>=1;python_version<'3.9' and (os_name == 'a' or extra == 'b')",
    "foo ;",
    "foo>1 # comment",
    "foo#comment",
    "  foo  ",
    "foo \\\n  ==1.0",
    "foo \\\n# comment\nbar",
    "foo\\",
    "${NAME}==1.0\n${EMPTY}foo",
    "${NAME}",
    "${name}",
    "$NAME",
    f"foo==1.0 {HASH}",
    f"foo==1.0 \\\n  {HASH} \\\n  --hash sha512:{'AB' * 64}",
    "foo==1.0 --hash=md5:00",
    "foo==1.0 --hash=sha256",
    "foo==1.0 --hash",
    "foo -C a=b --config-settings=a=c --config-setting d=",
    "foo -C a",
    f"demo @ {WHEEL_URL}",
    f"demo[a] @ {WHEEL_URL} ; os_name == 'a'",
    f"demo@{WHEEL_URL}",
    f"demo @ {WHEEL_URL};os_name=='a'",
    f"demo @ {WHEEL_URL}#sha256={'0a' * 32}",
    WHEEL_URL,
    f"{WHEEL_URL} ; os_name == 'a'",
    f"{WHEEL_URL}#sha256={'0a' * 32}",
    "https://x.example/demo-1.0.tar.gz",
    "https://x.example/demo-1.0.zip#egg=demo",
    "https://x.example/demo-1.0.zip#egg=demo>1",
    "https://x.example/demo.whl",
    "./tree",
    "tree/",
    "./tree[a,b]",
    "./tree ; os_name == 'a'",
    "./tree[a];os_name == 'a'",
    "tree",
    "sub/../tree",
    "./empty",
    "./gone",
    "./notes.txt",
    WHEEL,
    f"./{WHEEL}[a] ; os_name == 'a'",
    "demo-1.0.tar.gz",
    "https://x.example/%2E/demo-1.0.zip?a=b",
    "-e ./tree",
    "-e tree[a,B]",
    "-etree",
    "--editable=./tree -C a=b",
    "-e foo",
    "-e foo==1.0",
    f"-e {WHEEL_URL}",
    "-r sub/more.txt",
    "-rsub/more.txt\n--requirement sub/more.txt",
    "-r gone.txt",
    "-r case.txt",
    "-c sub/more.txt",
    "--constraint=sub/more.txt\nfoo",
    "-r 'sub/more.txt'",
    "-i https://x.example/simple",
    "--pypi-url https://x.example/simple --extra-index-url https://y.example/simple",
    "--extra-index-url https://y.example/simple\n--index-url https://x.example/simple",
    "--extra-index-url https://y.example/simple\n--extra-index-url https://z.example/simple",
    "--no-index",
    "--trusted-host x.example --trusted-host y.example:8080",
    "-f https://x.example/links",
    "--find-links sub\n-f gone",
    "-r sub/links.txt",
    "--no-binary :all:\n--only-binary foo,Bar_baz",
    "--no-binary foo --no-binary :none:",
    "--only-binary=:all:,foo\n--no-binary foo",
    "foo --no-binary foo",
    "--no-binary",
    "--no-binary --pre",
    "--prefer-binary",
    "--pre",
    "--only-final foo\n--pre",
    "--all-releases foo --only-final :all:",
    "--require-hashes\nfoo",
    "--no-require-hashes",
    "--use-feature fast-deps",
    "--use-feature",
    "--pre=1",
    "--re sub/more.txt",
    "--req sub/more.txt",
    "--requirem sub/more.txt",
    "--bogus",
    "--no-deps",
    "foo --bogus=1",
    "-x",
    "foo bar",
    "foo=1.0",
    "foo==",
    "foo>=one",
    "foo[",
    "foo[a",
    "foo[]",
    "[a]",
    "foo; bogus == 'a'",
    "foo; python_version",
    "==1.0",
    "foo 'bar",
    "-e 'tree",
    '-f "a b"',
    "\ufefffoo",
    "foo\u2028bar",
    "foo\x0cbar",
    "foo\tbar",
]  # fmt: skip

# What pip reads and we refuse, each since pip drops something in silence or fails later on.
STRICTER = [
    "-e tree bar",
    f"foo==1.0 {HASH} ; os_name == 'a'",
    "-e tree -e tree",
    "-r sub/more.txt -c sub/more.txt",
    "foo -r sub/more.txt",
    "--",
    "-",
    "-e ./tree ; os_name == 'a'",
    "foo==1.0 --hash=sha256:xyz",
    "gone-1.0.zip",
    "file:///gone/tree",
    "demo @ ./tree",
    "demo @ https://x.example/page",
    "git+https://x.example/demo#egg=demo",
    "demo @ git+https://x.example/demo",
    "-e git+https://x.example/demo#egg=demo",
]  # fmt: skip

# What we read and pip does not.
WIDER = ["~/tree", "-e \"./tree ; os_name == 'a'\"", "--use-feature bogus"]

PIP = """
import json, os, sys
try:
    from pip._internal.index.collector import LinkCollector
    from pip._internal.index.package_finder import PackageFinder
    from pip._internal.models.format_control import FormatControl
    from pip._internal.models.release_control import ReleaseControl
    from pip._internal.models.search_scope import SearchScope
    from pip._internal.models.selection_prefs import SelectionPreferences
    from pip._internal.network.session import PipSession
    from pip._internal.req.constructors import install_req_from_parsed_requirement
    from pip._internal.req.req_file import parse_requirements
except ImportError as error:
    sys.exit(f"moved: {error}")

from optparse import Values

def read(text):
    with open("case.txt", "w", encoding="utf-8") as file:
        file.write(text)
    session = PipSession()
    scope = SearchScope.create([], ["https://given.example/simple"], no_index=False)
    finder = PackageFinder.create(
        link_collector=LinkCollector(session, scope),
        selection_prefs=SelectionPreferences(
            allow_yanked=True, format_control=FormatControl(), release_control=ReleaseControl()
        ),
    )
    options = Values({"require_hashes": False, "no_require_hashes": False, "features_enabled": []})
    wanted, bounds = [], []
    for parsed in parse_requirements("case.txt", session=session, finder=finder, options=options):
        settings = (parsed.options or {}).get("config_settings")
        found = install_req_from_parsed_requirement(parsed, config_settings=settings)
        (bounds if found.constraint else wanted).append({
            "name": found.name,
            "specifier": str(found.req.specifier) if found.req and not found.link else "",
            "url": found.link.url if found.link else None,
            "extras": sorted(found.extras),
            "marker": str(found.markers) if found.markers else None,
            "hashes": sorted((name, value.lower()) for name, each in found.hash_options.items() for value in each),
            "settings": found.config_settings or {},
            "editable": found.editable,
        })
    formats, releases = finder.format_control, finder.release_control
    return {
        "wanted": wanted,
        "bounds": bounds,
        "indexes": finder.index_urls,
        "no_index": finder.search_scope.no_index,
        "links": finder.find_links,
        "hosts": [host if port is None else f"{host}:{port}" for host, port in session.pip_trusted_origins],
        "formats": [sorted(formats.get_allowed_formats(each)) for each in ("foo", "bar-baz", "other")],
        "releases": [releases.allows_prereleases(each) for each in ("foo", "bar-baz", "other")],
        "wheels_first": finder.prefer_binary,
        "hashes": [options.require_hashes, options.no_require_hashes],
    }

def answer(text):
    try:
        return read(text)
    except Exception as error:
        return None

print(json.dumps([answer(text) for text in json.load(sys.stdin)]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with all that the lines speak of."""
    path = tmp_path_factory.mktemp("lines")
    for tree in ("tree", "empty", "sub"):
        (path / tree).mkdir()
    for file in (WHEEL, "demo-1.0.tar.gz", "notes.txt", "tree/pyproject.toml"):
        (path / file).touch()
    (path / "sub" / "more.txt").write_text("more>1\nother\n-c bounds.txt\n", "utf-8")
    (path / "sub" / "bounds.txt").write_text("bounded<2\n", "utf-8")
    (path / "sub" / "links.txt").write_text("-f ../sub\n-f gone\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, Any]:
    """Ask pip's own parser about all lines at once: what it read, None for an error."""
    lines = [*ALIKE, *STRICTER, *WIDER]
    run = subprocess.run(
        [sys.executable, "-c", PIP],
        cwd=folder,
        env={**os.environ, "NAME": "foo", "EMPTY": "", "PYTHONIOENCODING": "utf-8"},
        input=json.dumps(lines),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    if "moved: " in run.stderr or "No module named" in run.stderr:
        pytest.skip("pip is not here, or its internals moved")
    assert run.returncode == 0, run.stderr
    return dict(zip(lines, json.loads(run.stdout), strict=True))


def ours(folder: Path, text: str) -> dict[str, Any] | None:
    """Tell what we read, in the words of ``PIP``."""
    (folder / "case.txt").write_bytes(text.encode())
    try:
        asked = RequestReader(folder, {"NAME": "foo", "EMPTY": "", "HOME": str(folder)}).file(
            "case.txt", "-r"
        )
    except WheeltagError:
        return None
    options, controls = asked.options, asked.options.apply_to(Controls())
    names = [canonicalize_name(each) for each in ("foo", "bar-baz", "other")]
    kinds = {"binary": controls.takes_wheels, "source": controls.takes_sources}
    return {
        "wanted": [told(each) for each in asked.request.requirements],
        "bounds": [told(each) for each in asked.request.constraints],
        "indexes": [] if options.no_index else [options.index_url or GIVEN, *options.extra_index_urls],
        "no_index": options.no_index,
        "links": list(options.find_links),
        "hosts": list(options.trusted_hosts),
        "formats": [[kind for kind, takes in kinds.items() if takes(name)] for name in names],
        "releases": [controls.prereleases.decide(name) for name in names],
        "wheels_first": controls.wheels_first.decide(names[0]) is True,
        "hashes": [asked.request.hash_rule is each for each in (HashRule.REQUIRED, HashRule.WAIVED)],
    }


def told(demand: Demand | UnnamedDemand) -> dict[str, Any]:
    reference = demand.reference
    settings: dict[str, Any] = {}
    for key, value in demand.config_settings:
        settings[key] = value if key not in settings else [settings[key], value]
    return {
        "name": named(demand),
        "specifier": str(demand.requirement.specifier) if isinstance(demand, Demand) else "",
        "url": reference.url if reference else None,
        "extras": sorted(demand.extras),
        "marker": str(demand.marker) if demand.marker else None,
        "hashes": sorted(map(list, demand.hashes)),
        "settings": settings,
        "editable": reference is not None and reference.is_editable,
    }


def named(demand: Demand | UnnamedDemand) -> str | None:
    if isinstance(demand, Demand):
        return demand.name
    is_wheel = demand.reference.kind is ReferenceKind.WHEEL
    return parse_wheel_name(demand.reference.filename).name if is_wheel else None


def spelt_as_ours(answer: dict[str, Any] | None, folder: Path) -> dict[str, Any] | None:
    """Spell names, addresses and paths of pip's answer as we do."""
    if answer is None:
        return None
    for demand in (*answer["wanted"], *answer["bounds"]):
        demand["name"] = demand["name"] and canonicalize_name(demand["name"])
        demand["url"] = demand["url"] and urldefrag(demand["url"]).url
        demand["extras"] = sorted(map(canonicalize_name, demand["extras"]))
    links = [
        each if "://" in each else Path(os.path.normpath(folder / each)).as_uri() for each in answer["links"]
    ]
    return {**answer, "links": links}


@pytest.mark.parametrize("number", range(len(ALIKE)))
def test_we_read_a_line_as_pip_does(answers: dict[str, Any], folder: Path, number: int) -> None:
    text = ALIKE[number]
    assert ours(folder, text) == spelt_as_ours(answers[text], folder), text


@pytest.mark.parametrize("number", range(len(STRICTER)))
def test_we_refuse_where_pip_drops_something_or_fails_later(
    answers: dict[str, Any], folder: Path, number: int
) -> None:
    text = STRICTER[number]
    assert ours(folder, text) is None, text
    assert answers[text] is not None, f"pip refuses it too: {text}"


@pytest.mark.parametrize("number", range(len(WIDER)))
def test_we_read_a_little_more_than_pip(answers: dict[str, Any], folder: Path, number: int) -> None:
    text = WIDER[number]
    assert ours(folder, text) is not None, text
    assert answers[text] is None, f"pip reads it too: {text}"
