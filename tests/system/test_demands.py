import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.references import ReferenceKind
from pytest_wheeltag.core.requirements import Demand, UnnamedDemand
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.demands import DemandReader

WHEEL = "demo-1.0-py3-none-any.whl"


@pytest.fixture
def reader(tmp_path: Path) -> DemandReader:
    """Give a reader for a folder with a wheel, an archive and some trees."""
    for tree, file in (
        ("tree", "pyproject.toml"),
        ("old", "setup.py"),
        ("odd.zip", "setup.py"),
        ("top/sub", "setup.py"),
    ):
        (tmp_path / tree).mkdir(parents=True)
        (tmp_path / tree / file).touch()
    (tmp_path / "empty").mkdir()
    for file in (WHEEL, "demo-1.0.tar.gz", "notes.txt"):
        (tmp_path / file).touch()
    return DemandReader(tmp_path, tmp_path / "top")


def unnamed(demand: Demand | UnnamedDemand) -> UnnamedDemand:
    assert isinstance(demand, UnnamedDemand)
    return demand


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("./tree", ReferenceKind.TREE, "tree"),
        ("./tree/../old", ReferenceKind.TREE, "old"),
        ("old/", ReferenceKind.TREE, "old"),
        ("./odd.zip", ReferenceKind.TREE, "odd.zip/"),
        ("~/sub", ReferenceKind.TREE, "top/sub"),
        ("file:./tree", ReferenceKind.TREE, "tree"),
        ("file:top#subdirectory=sub", ReferenceKind.TREE, "top"),
        (WHEEL, ReferenceKind.WHEEL, WHEEL),
        (f"tree/../{WHEEL}", ReferenceKind.WHEEL, WHEEL),
        ("demo-1.0.tar.gz", ReferenceKind.ARCHIVE, "demo-1.0.tar.gz"),
    ],
)
def test_a_path_leads_to_what_lies_there(
    reader: DemandReader, text: str, kind: ReferenceKind, path: str
) -> None:
    expected = (reader.folder / path).as_uri() + ("/" if path.endswith("/") else "")
    for written in (text, f"{text}[B_b,a] ; os_name == 'x'"):
        demand = unnamed(reader.requirement(written, "-r"))
        assert (demand.reference.kind, demand.reference.url) == (kind, expected)
        assert demand.origin == "-r"
    assert sorted(demand.extras) == ["a", "b-b"]
    assert str(demand.marker) == 'os_name == "x"'


def test_relative_paths_start_from_the_folder_that_is_given(reader: DemandReader) -> None:
    demand = unnamed(reader.requirement("./sub", "ini", reader.folder / "top"))
    assert demand.reference.url == (reader.folder / "top" / "sub").as_uri()
    absolute = unnamed(reader.requirement(str(reader.folder / "tree"), "ini"))
    assert absolute.reference.url == (reader.folder / "tree").as_uri()


def test_a_bare_word_is_a_name_even_where_a_folder_has_it(reader: DemandReader) -> None:
    for text in ("tree", "Tree[a]>=1.0 ; os_name == 'x'", "tree;", "tree.txt"):
        demand = reader.requirement(text, "-r")
        assert isinstance(demand, Demand)
        assert demand.reference is None
    assert unnamed(reader.editable("tree", "-e")).reference.is_editable


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://me:secret@x.example/demo-1.0.tar.gz", "https://x.example/demo-1.0.tar.gz"),
        (f"HTTP://x.example/a;b/{WHEEL}#sha256={64 * 'A'}", f"http://x.example/a;b/{WHEEL}"),
        ("https://x.example/demo-1.0.zip?token=secret", "https://x.example/demo-1.0.zip"),
    ],
)
def test_an_address_may_be_asked_for_without_a_name(reader: DemandReader, text: str, url: str) -> None:
    demand = unnamed(reader.requirement(f"{text} ; os_name == 'x'", "-r"))
    assert demand.reference.shown_url == url
    assert str(demand.marker) == 'os_name == "x"'
    assert "secret" not in repr(demand) + str(demand)
    assert unnamed(reader.requirement(f"{text.partition('#')[0]}[a]", "-r")).extras == {"a"}


@pytest.mark.parametrize(
    ("text", "name", "marker"),
    [
        ("demo @ https://x.example/demo-1.0.zip", "demo", "None"),
        ("demo@https://x.example/demo-1.0.zip;os_name=='x'", "demo", 'os_name == "x"'),
        ("demo[a] @ https://x.example/a;b/demo-1.0.zip ; os_name=='x'", "demo", 'os_name == "x"'),
        ("Demo @ file:./tree", "demo", "None"),
        ("demo@file:tree", "demo", "None"),
        ("https://x.example/demo-1.0.zip#egg=De_mo", "de-mo", "None"),
        ("https://x.example/demo-1.0.zip#egg=demo[a]", "demo", "None"),
        ("file:./tree#egg=demo ; os_name=='x'", "demo", 'os_name == "x"'),
    ],
)
def test_an_address_may_have_a_name(reader: DemandReader, text: str, name: str, marker: str) -> None:
    demand = reader.requirement(text, "-r")
    assert isinstance(demand, Demand)
    assert (demand.name, str(demand.marker)) == (name, marker)
    assert demand.reference is not None
    assert demand.extras == ({"a"} if "[a]" in text else set())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./gone", "a path where there is a wheel"),
        ("gone.whl", "a path where there is a wheel"),
        ("./notes.txt", "a requirements file is given by `-r`"),
        ("./empty", "pyproject.toml or setup.py in it"),
        ("file:empty", "pyproject.toml or setup.py in it"),
        ("file:x https://me:secret@x.example/demo", "a path where there is a wheel"),
        ("file:gone.zip", "a path where there is a wheel"),
        ("demo @ file:gone", "pyproject.toml or setup.py in it"),
        ("file:tree#subdirectory=gone", "pyproject.toml or setup.py in it"),
        ("file:tree#egg=demo>1", "after `egg=`"),
        ("demo @ ./tree", "an address with the scheme"),
        ("https://x.example/wheel.whl", "a wheel whose file name can be read"),
        ("demo @ https://x.example/wheel.whl", "a wheel whose file name can be read"),
        (f"https://x.example/-{WHEEL}", "a wheel whose file name can be read"),
        ("https://x.example/page", "a wheel (`.whl`), a source archive"),
        ("git+https://me:secret@x.example/demo#egg=demo", "clone it and take the folder"),
        ("git@x.example:demo/demo", "clone it and take the folder"),
        ("demo @ git+ssh://git@x.example/demo", "clone it and take the folder"),
        ("./tree ; os_nam == 'x'", "a marker after the semicolon"),
        ("./tree ; " + "(" * 3000, "a marker after the semicolon"),
        ("./tree ; " + "(" * 30000, "at most 10000 characters"),
        ("./tree" + "[" * 9000 + "]]", "a path where there is"),
        ("./tree[]", "a path where there is"),
        ("./tree[,]", "names of extras in brackets"),
        ("tree ; os_nam == 'x'", "a marker after the semicolon"),
        ("tree>=one ; os_name == 'x'", "a requirement by name"),
        ("tree/\0", "a path where there is a wheel"),
        ("file:///tree\0", "a path on this machine"),
        ("./" + "x" * 5000, "a path where there is a wheel"),
        ("", "a requirement by name"),
    ],
    ids=lambda value: value[:20].replace("/", "|") if isinstance(value, str) else None,
)
def test_what_cannot_be_installed_is_an_error_that_says_why(
    reader: DemandReader, text: str, expected: str
) -> None:
    with pytest.raises(UsageError) as caught:
        reader.requirement(text, "r.txt:3")
    assert caught.value.setting == "r.txt:3"
    assert expected in caught.value.expected
    assert str(caught.value).isprintable()
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="there it is a share")
def test_a_file_of_another_machine_is_an_error(reader: DemandReader) -> None:
    with pytest.raises(UsageError, match="a path on this machine"):
        reader.requirement(f"file://other.example/{WHEEL}", "-r")
    assert reader.requirement(f"file://localhost{reader.folder.as_posix()}/{WHEEL}", "-r").reference


def test_what_is_for_some_machines_need_not_be_on_this_one(reader: DemandReader) -> None:
    for text in ("./gone.zip", "file:gone", "demo @ file:///gone/demo-1.0.zip"):
        assert reader.requirement(f"{text} ; os_name == 'x'", "-r").reference


@pytest.mark.parametrize(
    ("text", "extras"),
    [("./tree", ""), ("tree[a]", "a"), ("file:tree[a]", "a"), ("./tree[a] ; os_name == 'x'", "a"), (".", "")],
)
def test_a_tree_may_be_editable(reader: DemandReader, text: str, extras: str) -> None:
    demand = unnamed(reader.editable(text, "-e", reader.folder / "tree" if text == "." else None))
    assert demand.reference.is_editable
    assert demand.reference.url == (reader.folder / "tree").as_uri()
    assert "".join(demand.extras) == extras


def test_an_editable_tree_may_have_a_name(reader: DemandReader) -> None:
    for text in ("demo[a] @ file:tree", "file:tree#egg=demo"):
        demand = reader.editable(text, "-e")
        assert isinstance(demand, Demand)
        assert demand.reference is not None
        assert demand.reference.is_editable


@pytest.mark.parametrize(
    "text",
    [
        "demo",
        "demo>=1.0",
        f"./{WHEEL}",
        "./empty",
        "./gone",
        "demo @ https://x.example/demo-1.0.zip",
        "https://x.example/d.zip",
    ],
)
def test_nothing_else_is_editable(reader: DemandReader, text: str) -> None:
    with pytest.raises(UsageError, match="the folder of a source tree"):
        reader.editable(text, "-e")


def test_constraints_bound_a_project_that_they_name(reader: DemandReader) -> None:
    assert reader.constraint("demo<2 ; os_name == 'x'", "-c").text == "demo<2"
    assert reader.constraint("demo @ file:tree", "-c").reference
    named = reader.constraint(f"https://x.example/{WHEEL}", "-c")
    assert (named.name, named.reference is not None) == ("demo", True)
    for text in (
        "demo[a]",
        "./tree",
        "demo[a] @ file:tree",
        f"./{WHEEL}[a]",
        "https://x.example/demo-1.0.zip",
    ):
        with pytest.raises(UsageError, match=r"^-c: expected a requirement by name without extras"):
            reader.constraint(text, "-c")


def test_other_files_hold_names_alone(reader: DemandReader) -> None:
    assert reader.demand("demo[a]>1", "p").text == "demo[a]>1"
    for text in (WHEEL, "./tree", "demo @ file:tree", f"demo @ file:///gone/{WHEEL}"):
        with pytest.raises(UsageError, match=r"^p: "):
            reader.demand(text, "p")


PIECES = st.sampled_from(
    [
        "./",
        "tree",
        "file:",
        "https://",
        "@",
        "[a]",
        "[",
        "]",
        ";",
        " ",
        "os_name=='x'",
        WHEEL,
        "#egg=",
        "..",
        "~",
        "git+",
        ":",
    ]
)


@given(st.lists(PIECES | st.text(max_size=4), max_size=8).map("".join))
def test_whatever_a_text_holds_it_is_a_demand_or_a_usage_error(text: str) -> None:
    reader = DemandReader(Path(os.devnull).parent, Path(os.devnull).parent)
    for read in (reader.requirement, reader.editable, reader.constraint):
        with suppress(UsageError):
            assert str(read(text, "-r")).isprintable()
