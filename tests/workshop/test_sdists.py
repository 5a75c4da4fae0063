import json
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.sourcemetadata import parse_static_metadata
from pytest_wheeltag.workshop.sdists import (
    Recipe,
    SdistSpec,
    build_sdist,
    pack_sdist,
    source_files,
    write_source_tree,
)

CALL = """
import json, sys
sys.path.insert(0, "build_backend")
import backend
hook, arguments = sys.argv[1], json.loads(sys.argv[2])
print(getattr(backend, hook)(*arguments))
"""


def call(tree: Path, hook: str, *arguments: object) -> str:
    command = [sys.executable, "-c", CALL, hook, json.dumps(arguments)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


def built(tmp_path: Path, recipe: Recipe, settings: object = None) -> dict[str, object]:
    tree = write_source_tree(SdistSpec("foo", "1.0", recipe=recipe), tmp_path)
    filename = call(tree, "build_wheel", str(tmp_path), settings)
    with zipfile.ZipFile(tmp_path / filename) as archive:
        names: dict[str, object] = {"FILENAME": filename}
        if "foo/_built.py" in archive.namelist():
            exec(archive.read("foo/_built.py"), names)  # noqa: S102 - the sample's own code
    return names


def test_an_sdist_holds_one_folder_and_repeats(tmp_path: Path) -> None:
    spec = SdistSpec("Foo.Bar", "1.0", requires=("baz",), build_requires=("hatchling",))
    path = build_sdist(spec, tmp_path / "new")
    assert path == tmp_path / "new" / "foo_bar-1.0.tar.gz"
    assert path.read_bytes() == pack_sdist(spec)
    with tarfile.open(path) as archive:
        assert {name.partition("/")[0] for name in archive.getnames()} == {"foo_bar-1.0"}
        stream = archive.extractfile("foo_bar-1.0/PKG-INFO")
        assert stream is not None
        assert b"Requires-Dist: baz\n" in stream.read()
        stream = archive.extractfile("foo_bar-1.0/pyproject.toml")
        assert stream is not None
        assert b'requires = ["hatchling"]' in stream.read()


def test_a_plain_build_does_not_depend_on_the_interpreter(tmp_path: Path) -> None:
    assert built(tmp_path, Recipe()) == {"FILENAME": "foo-1.0-py3-none-any.whl"}


def test_tag_and_content_can_depend_on_the_interpreter(tmp_path: Path) -> None:
    seen = built(tmp_path, Recipe(tag="py{major}{minor}-none-any", witnesses_interpreter=True))
    assert seen["FILENAME"] == "foo-1.0-py{}{}-none-any.whl".format(*sys.version_info)
    assert seen["INTERPRETER"] == sys.version.split()[0]
    assert seen["IMPLEMENTATION"] == sys.implementation.name


def test_builds_witness_settings_environment_and_distributions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHEELTAG_SAMPLE", "1")
    recipe = Recipe(
        witnesses_settings=True,
        environment=("WHEELTAG_SAMPLE", "WHEELTAG_UNSET"),
        distributions=("packaging",),
    )
    seen = built(tmp_path, recipe, {"a": "b"})
    assert seen["SETTINGS"] == {"a": "b"}
    assert seen["ENVIRONMENT"] == {"WHEELTAG_SAMPLE": "1", "WHEELTAG_UNSET": None}
    assert list(seen["DISTRIBUTIONS"]) == ["packaging"]  # type: ignore[call-overload] # a mapping, made by exec


def test_irreproducible_builds_differ(tmp_path: Path) -> None:
    recipe = Recipe(is_irreproducible=True)
    assert built(tmp_path / "a", recipe)["NONCE"] != built(tmp_path / "b", recipe)["NONCE"]


def test_builds_can_fail(tmp_path: Path) -> None:
    tree = write_source_tree(SdistSpec("foo", "1.0", recipe=Recipe(failure="no compiler here")), tmp_path)
    assert "RuntimeError: no compiler here" in call(tree, "build_wheel", str(tmp_path))


def test_the_other_hooks(tmp_path: Path) -> None:
    spec = SdistSpec("foo", "1.0", entry_points="[a]\nb = c\n", recipe=Recipe(dynamic_requires=("bar",)))
    tree = write_source_tree(spec, tmp_path)
    assert call(tree, "get_requires_for_build_wheel") == "['bar']"
    assert call(tree, "prepare_metadata_for_build_wheel", str(tmp_path)) == "foo-1.0.dist-info"
    assert (tmp_path / "foo-1.0.dist-info" / "entry_points.txt").read_text() == "[a]\nb = c\n"
    with zipfile.ZipFile(tmp_path / call(tree, "build_editable", str(tmp_path))) as archive:
        assert archive.read("__editable__.foo.pth").decode() == f"{tree / 'src'}\n"
    with tarfile.open(tmp_path / call(tree, "build_sdist", str(tmp_path))) as archive:
        assert "foo-1.0/build_backend/recipe.json" in archive.getnames()
        assert not any("__pycache__" in name for name in archive.getnames())


def test_a_static_one_promises_what_its_wheel_declares() -> None:
    spec = SdistSpec("foo", "1.0", requires=["bar"])
    plain, static = (source_files(replace(spec, is_static=each))["PKG-INFO"] for each in (False, True))

    assert parse_static_metadata(plain) is None
    promised = parse_static_metadata(static)
    assert promised is not None
    assert [each.plain for each in promised.requires] == ["bar"]
