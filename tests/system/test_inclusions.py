from pathlib import Path

import pytest

from pytest_wheeltag.core.askedfor import AskedFor
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.requirements import Demand
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.demands import DemandReader
from pytest_wheeltag.system.documents import DocumentReader
from pytest_wheeltag.system.inclusions import InclusionReader
from pytest_wheeltag.system.urls import Url


class Folder:
    """A folder of requirements files, and what lies at addresses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.remote: dict[str, bytes] = {}
        documents = DocumentReader(path, path / "home", self.fetch)
        self.documents = documents
        self.reader = InclusionReader(documents, DemandReader(path, path / "home"), {"NAME": "foo"})

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text, "utf-8")

    def fetch(self, url: Url) -> bytes:
        return self.remote[str(url)]

    def read(self, text: str = "", name: str = "r.txt", *, is_constraints: bool = False) -> AskedFor:
        if text:
            self.write(name, text)
        document = self.documents.read(self.documents.locate(name, "-r"), "-r")
        return self.reader.read(document, is_constraints=is_constraints)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def requirements(asked: AskedFor) -> list[str]:
    return [f"{each.text} {each.origin}" for each in asked.request.requirements]


def constraints(asked: AskedFor) -> list[str]:
    return [f"{each.text} {each.origin}" for each in asked.request.constraints]


def test_a_file_asks_for_what_its_lines_ask_for(folder: Folder) -> None:
    folder.write("tree/pyproject.toml", "")
    folder.remote["https://x.example/r.txt"] = b"baz"
    first = f"${{NAME}}>=1 # why\nbar --hash=sha256:{'00' * 32} -C a=b\n"
    asked = folder.read(f"{first}-e ./tree -C c=d\n-r https://x.example/r.txt\n")
    foo, bar, tree, baz = asked.request.requirements
    assert (foo.text, foo.origin) == ("foo>=1", "r.txt:1")
    assert (bar.hashes, bar.config_settings) == ((("sha256", "00" * 32),), (("a", "b"),))
    assert tree.reference is not None
    assert (tree.reference.is_editable, tree.config_settings) == (True, (("c", "d"),))
    assert (baz.text, baz.origin) == ("baz", "https://x.example/r.txt:1")
    assert asked.request.checks_hashes


def test_files_include_others_from_where_they_lie_and_requirements_start_from_the_folder(
    folder: Folder,
) -> None:
    folder.write("tree/setup.py", "")
    folder.write("reqs/dev.txt", "-r base.txt\n-c ../bounds.txt\n./tree\n")
    folder.write("reqs/base.txt", "foo\n-c bounds.txt\n")
    folder.write("reqs/bounds.txt", "foo<3\n")
    folder.write("bounds.txt", f"bar<2\n-c reqs/bounds.txt\nbaz==1 --hash=sha256:{'00' * 32}\n")
    asked = folder.read("-r reqs/dev.txt\nlast\n")
    tree = (folder.path / "tree").as_uri()
    base = str(Path("reqs/base.txt"))
    assert requirements(asked) == [f"foo {base}:1", f"{tree} {Path('reqs/dev.txt')}:3", "last r.txt:2"]
    bounds = str(Path("reqs/bounds.txt"))
    assert constraints(asked) == [
        f"foo<3 {bounds}:1",
        "bar<2 bounds.txt:1",
        f"foo<3 {bounds}:1",
        "baz==1 bounds.txt:3",
    ]
    assert asked.request.constraints[-1].hashes
    assert asked.request.checks_hashes


def test_constraints_of_another_machine_are_fetched(folder: Folder) -> None:
    folder.remote["https://x.example/a/c.txt"] = b"-c ../b/d.txt\nfoo<2\n"
    folder.remote["https://x.example/b/d.txt"] = b"bar<2\n"
    asked = folder.read("-c https://me:secret@x.example/a/c.txt?token=secret\n")
    assert constraints(asked) == ["bar<2 https://x.example/b/d.txt:1", "foo<2 https://x.example/a/c.txt:2"]
    assert "secret" not in repr(asked)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"r.txt": "-r r.txt"}, r"^r\.txt:1: expected a file that does not include itself.*`r\.txt`$"),
        ({"r.txt": "-c ./x/../r.txt"}, r"^r\.txt:1: .*does not include itself"),
        ({"r.txt": "\n-r a.txt", "a.txt": "-c b.txt", "b.txt": "-c r.txt"}, r"^b\.txt:1: .*does not include itself"),
        ({f"{n}.txt": f"-r {n + 1}.txt" for n in range(60)} | {"r.txt": "-r 0.txt"}, r"^49\.txt:1: expected at most 50 files in each other"),
        (
            {f"{n}.txt": f"-r {n + 1}.txt\n" * 2 for n in range(20)} | {"r.txt": "-r 0.txt", "20.txt": ""},
            r"^\d+\.txt:[12]: expected at most 50 files in each other and 1000 in all",
        ),
    ],
    ids=["itself", "constraints", "others", "deep", "wide"],
)  # fmt: skip
def test_inclusions_end(folder: Folder, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        folder.write(name, text)
    with pytest.raises(UsageError, match=message):
        folder.read()


def test_a_file_may_be_included_twice(folder: Folder) -> None:
    folder.write("a.txt", "foo")
    assert requirements(folder.read("-r a.txt\n-r a.txt")) == ["foo a.txt:1"] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-e .", r"^c\.txt:1: expected a requirement by name in a constraints file"),
        ("-r r.txt", r"^c\.txt:1: expected `-c` in a constraints file"),
        ("foo[a]", r"^c\.txt:1: expected a requirement by name without extras"),
        ("https://x.example/foo-1.0.zip", r"^c\.txt:1: expected a requirement by name without extras"),
    ],
)
def test_constraints_only_bound(folder: Folder, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        folder.read(text, "c.txt", is_constraints=True)
    folder.write("c.txt", text)
    with pytest.raises(UsageError, match=message):
        folder.read("-c c.txt")


def test_a_project_or_a_lock_is_no_requirements_file(folder: Folder) -> None:
    for name in ("pyproject.toml", "pylock.dev.toml"):
        folder.write(name, "")
        with pytest.raises(UsageError, match=r"^r\.txt:1: .*is given by itself"):
            folder.read(f"-r {name}")


def test_a_file_that_is_not_there_is_told_with_the_line_that_names_it(folder: Folder) -> None:
    with pytest.raises(
        UsageError, match=r"^r\.txt:2: expected a file that can be read \(.*\), found: `gone\.txt`$"
    ):
        folder.read("\n-r gone.txt")


def test_options_are_put_together(folder: Folder) -> None:
    folder.write("reqs/links/x.whl", "")
    folder.write(
        "reqs/a.txt", "-f links\n-f others\n-f https://me:secret@x.example/links\n--trusted-host h:1\n"
    )
    text = "--extra-index-url https://a.example\n-i https://me:secret@b.example/simple --extra-index-url https://c.example\n"
    asked = folder.read(
        f"{text}-r reqs/a.txt\n--extra-index-url simple\n--pre --no-binary foo\nbar --only-binary foo\n"
    )
    options = asked.options
    assert options.index_url == "https://me:secret@b.example/simple"
    assert options.extra_index_urls == ("https://c.example/", (folder.path / "simple").as_uri())
    assert options.find_links == (
        (folder.path / "reqs" / "links").as_uri(),
        (folder.path / "others").as_uri(),
        "https://me:secret@x.example/links",
    )
    assert options.trusted_hosts == ("h:1",)
    assert not options.no_index
    assert [f"{each.name} {each.value}" for each in options.control_options] == [
        "--pre ",
        "--no-binary foo",
        "--only-binary foo",
    ]
    assert "secret" not in repr(asked)
    assert folder.read("--no-index").options.no_index


def test_find_links_of_a_file_on_another_machine_start_from_the_folder(folder: Folder) -> None:
    folder.remote["https://x.example/a/r.txt"] = b"-f links"
    assert folder.read("-r https://x.example/a/r.txt").options.find_links == (
        (folder.path / "links").as_uri(),
    )


def test_hashes_are_required_or_waived(folder: Folder) -> None:
    assert folder.read("--require-hashes").request.hash_rule is HashRule.REQUIRED
    assert folder.read("--no-require-hashes").request.hash_rule is HashRule.WAIVED
    with pytest.raises(UsageError, match="one of the two"):
        folder.read("--no-require-hashes\n--require-hashes")


def test_what_counts_for_nothing_is_told(folder: Folder) -> None:
    asked = folder.read("foo --pre\n--use-feature=fast-deps\n")
    assert asked.warnings == (
        "r.txt:1: `--pre` counts for nothing on this line",
        "r.txt:2: `--use-feature` counts for nothing on this line",
    )
    assert asked.options.control_options == ()


@pytest.mark.parametrize("option", ["-i", "--extra-index-url", "-f"])
def test_an_address_that_is_none_is_told_without_its_password(folder: Folder, option: str) -> None:
    with pytest.raises(UsageError, match=r"^r\.txt:1: expected a URL") as caught:
        folder.read(f"{option} ftp://me:secret@x.example")
    assert "secret" not in str(caught.value)


def test_a_large_file_is_read_in_its_time(folder: Folder) -> None:
    asked = folder.read("\n".join(f"demo-{number}==1.0" for number in range(5000)))
    assert len(asked.request.requirements) == 5000
    assert all(isinstance(each, Demand) for each in asked.request.requirements)
