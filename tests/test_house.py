"""What holds for the repository as a whole: its documents, its imports, its public names."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from distlib.index import DEFAULT_INDEX

import pytest_wheeltag

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_wheeltag"
# What a clone holds beside these is made by tools.
FOLDERS = (".ci", "benchmarks", "changelog.d", "docs", "pytest_wheeltag", "tests")
MADE_BY_TOOLS = frozenset({"__pycache__", "_build"})


def house_files() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and MADE_BY_TOOLS.isdisjoint(path.parts):
                yield path


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    # From the root: `-c` and import-linter look for the package in the working folder.
    command = [sys.executable, *arguments]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", timeout=120, check=False
    )


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    tool: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    return tool


def sh_blocks(markdown: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)


def test_the_first_two_sh_blocks_of_the_readme_are_one_line_each() -> None:
    main_job, tests = sh_blocks((ROOT / "README.md").read_text("utf-8"))
    assert main_job.count("\n") == tests.count("\n") == 1
    assert "pytest --wheeltag-check" in main_job
    assert "[test]" in tests


@pytest.mark.skipif(sys.platform == "win32", reason="continuous integration runs bash and awk")
def test_continuous_integration_runs_the_readme_second_sh_block(tmp_path: Path) -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    function = re.search(r"^readme_block\(\) \{.*?^\}$", script, re.MULTILINE | re.DOTALL)
    assert function
    (tmp_path / "block").write_text(f"{function[0]}\nreadme_block 2\n", "utf-8")
    completed = subprocess.run(
        ["bash", tmp_path / "block"],  # noqa: S607 - the one that .ci/run has
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert completed.stdout == sh_blocks((ROOT / "README.md").read_text("utf-8"))[1]


def test_public_names_are_those_of_the_docs() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = re.split(r"^## ", page, flags=re.MULTILINE)[-1]
    assert section.startswith("Public names\n")
    assert re.findall(r"^- `(\w+)`", section, re.MULTILINE) == pytest_wheeltag.__all__


@pytest.mark.parametrize("name", pytest_wheeltag.__all__)
def test_each_public_name_is_found_and_documented(name: str) -> None:
    value = getattr(pytest_wheeltag, name)
    assert value.__name__ == name
    assert value.__doc__
    assert name in dir(pytest_wheeltag)


def test_unknown_public_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Wheel'"):
        _ = pytest_wheeltag.Wheel


def test_the_package_root_imports_nothing_of_ours_by_itself() -> None:
    listing = (
        "import sys, pytest_wheeltag; print(*(m for m in sys.modules if m.startswith('pytest_wheeltag')))"
    )
    assert run_python("-c", listing).stdout.split() == ["pytest_wheeltag"]


def test_imports_point_down() -> None:
    linted = run_python(
        "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_each_room_stands_in_the_import_table(settings: dict[str, Any]) -> None:
    layers = next(
        contract["layers"] for contract in settings["importlinter"]["contracts"] if "layers" in contract
    )
    known = {room.strip().strip("()") for layer in layers for room in layer.split("|")}
    assert {f"pytest_wheeltag.{room}" for room in rooms()} <= known


def test_each_room_stands_on_the_page_that_explains_the_building() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = {room.rstrip("/") for room in re.findall(r"`([a-z]+/?)`", page)}
    assert {room.rpartition(".")[2] for room in rooms()} <= named


def test_imports_inside_functions_are_where_the_page_says() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    _, _, section = page.partition("these alone import inside a function:\n")
    table = section.strip().partition("\n\n")[0]
    listed = re.findall(r"`([a-z.]+)`", " ".join(row.split("|")[1] for row in table.splitlines()))
    late = {path for path in PACKAGE.rglob("*.py") if "# noqa: PLC0415" in path.read_text("utf-8")}
    assert sorted(listed) == sorted(
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") for path in late
    )


def rooms() -> Iterator[str]:
    for folder, prefix in ((PACKAGE, ""), (PACKAGE / "core", "core."), (PACKAGE / "system", "system.")):
        for path in folder.iterdir():
            is_package = (path / "__init__.py").is_file() and path.name not in {"core", "system"}
            is_module = path.suffix == ".py" and not path.name.startswith("__")
            if is_package or is_module:
                yield prefix + path.stem


def test_no_file_names_a_registry_by_its_host() -> None:
    host = urlsplit(DEFAULT_INDEX).hostname
    assert host
    # A pattern, not a text: this file is searched too.
    named = re.compile(rb"files\.pythonhosted\.org|" + re.escape(host.encode()))
    naming = [path for path in house_files() if named.search(path.read_bytes().lower())]
    assert naming == []


def test_changelog_fragments_are_well_named(settings: dict[str, Any]) -> None:
    types = "|".join(fragment_type["directory"] for fragment_type in settings["towncrier"]["type"])
    pattern = re.compile(rf"(\d+|\+[a-z0-9-]+)\.({types})(\.\d+)?\.md")
    fragments = list((ROOT / "changelog.d").iterdir())
    assert [path.name for path in fragments if not pattern.fullmatch(path.name)] == []
    assert [path.name for path in fragments if not path.read_text("utf-8").strip()] == []
