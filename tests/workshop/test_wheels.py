import base64
import csv
import hashlib
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.wheels import (
    Spelling,
    WheelSpec,
    build_wheel,
    expand_tag,
    pack_wheel,
    wheel_files,
)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_wheel_is_named_by_its_specification(tmp_path: Path) -> None:
    path = build_wheel(WheelSpec("Foo.Bar", "1.0", tag="cp311-abi3-win_amd64", build="1x"), tmp_path / "new")
    assert path == tmp_path / "new" / "foo_bar-1.0-1x-cp311-abi3-win_amd64.whl"
    name, version, build, tags = parse_wheel_filename(path.name)
    assert (name, str(version), build, len(tags)) == ("foo-bar", "1.0", (1, "x"), 1)


def test_the_same_specification_gives_the_same_bytes() -> None:
    assert pack_wheel(WheelSpec("foo", "1.0")) == pack_wheel(WheelSpec("foo", "1.0"))
    assert pack_wheel(WheelSpec("foo", "1.0")) != pack_wheel(WheelSpec("foo", "1.0", tag="py2-none-any"))


def test_a_wheel_without_files_holds_a_module_that_says_what_it_is(tmp_path: Path) -> None:
    path = build_wheel(WheelSpec("Foo-Bar", "1.0", tag="py311-none-any"), tmp_path)
    names: dict[str, object] = {}
    exec(contents(path)["foo_bar/__init__.py"], names)  # noqa: S102 - the sample's own code
    assert (names["__version__"], names["TAG"]) == ("1.0", "py311-none-any")


def test_record_lists_every_file_with_hash_and_size(tmp_path: Path) -> None:
    spec = WheelSpec("foo", "1.0", files={'a,"b.py': "1", "c/d.txt": b"2"}, data={"scripts/run": "3"})
    files = contents(build_wheel(spec, tmp_path))
    rows = list(csv.reader(files["foo-1.0.dist-info/RECORD"].decode().splitlines()))
    assert [row[0] for row in rows] == list(files)
    assert rows[-1] == ["foo-1.0.dist-info/RECORD", "", ""]
    for path, digest, size in rows[:-1]:
        expected = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={expected}", str(len(files[path])))


def test_metadata_says_what_was_asked_for() -> None:
    spec = WheelSpec(
        "Foo",
        "1.0",
        requires=("bar>1", "baz; extra == 'x'"),
        requires_python=">=3.8",
        extras=("x",),
        headers=(("Summary", "a sample"),),
        description="Long.",
    )
    parsed = Metadata.from_email(wheel_files(spec)["foo-1.0.dist-info/METADATA"])
    assert (parsed.name, str(parsed.version), parsed.summary) == ("Foo", "1.0", "a sample")
    assert [str(requirement) for requirement in parsed.requires_dist or ()] == ["bar>1", 'baz; extra == "x"']
    assert (str(parsed.requires_python), parsed.provides_extra) == (">=3.8", ["x"])
    assert (parsed.description or "").strip() == "Long."


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        (WheelSpec("foo", "1"), ["Root-Is-Purelib: true", "Tag: py3-none-any"]),
        (WheelSpec("foo", "1", tag="cp39-cp39-win32"), ["Root-Is-Purelib: false", "Tag: cp39-cp39-win32"]),
        (
            WheelSpec("foo", "1", wheel_tags=("py2-none-any",), build="3", root_is_purelib=False),
            ["Root-Is-Purelib: false", "Tag: py2-none-any", "Build: 3"],
        ),
        (WheelSpec("foo", "1", wheel_tags=()), ["Root-Is-Purelib: true"]),
    ],
)
def test_wheel_says_what_was_asked_for(spec: WheelSpec, lines: list[str]) -> None:
    wheel = wheel_files(spec)["foo-1.dist-info/WHEEL"].decode().splitlines()
    assert wheel == ["Wheel-Version: 1.0", "Generator: pytest-wheeltag", *lines]


def test_compressed_tag_sets_expand_in_order() -> None:
    assert expand_tag("py2.py3-none-a.b") == (
        "py2-none-a",
        "py2-none-b",
        "py3-none-a",
        "py3-none-b",
    )


def test_every_place_can_spell_the_name_in_its_own_way(tmp_path: Path) -> None:
    spelling = Spelling("Foo.Bar", "foo.bar", "FOO_BAR")
    spec = WheelSpec("foo-bar", "1", spelling=spelling, data={"scripts/run": ""})
    path = build_wheel(spec, tmp_path)
    folders = {name.partition("/")[0] for name in contents(path)}
    assert path.name == "Foo.Bar-1-py3-none-any.whl"
    assert folders == {"foo_bar", "foo.bar-1.dist-info", "FOO_BAR-1.data"}


def test_scripts_are_executable_and_other_files_are_not(tmp_path: Path) -> None:
    spec = WheelSpec("foo", "1", files={"a.py": "", "b": ""}, data={"scripts/run": ""}, modes={"b": 0o100777})
    with zipfile.ZipFile(build_wheel(spec, tmp_path)) as archive:
        modes = [entry.external_attr >> 16 for entry in archive.infolist()]
    assert modes[:3] == [0o100644, 0o100777, 0o100755]


@pytest.mark.parametrize("points", ["[a]\nb = c:d\n", {"a": {"b": "c:d"}}])
def test_entry_points_are_text_or_a_mapping(points: str | dict[str, dict[str, str]]) -> None:
    files = wheel_files(WheelSpec("foo", "1", entry_points=points))
    assert files["foo-1.dist-info/entry_points.txt"] == b"[a]\nb = c:d\n"


def test_accidents_are_refused() -> None:
    with pytest.raises(UsageError, match="joined by `-`, found: `py3-none`"):
        WheelSpec("foo", "1", tag="py3-none")
    with pytest.raises(UsageError, match="requires: expected a sequence of texts, found: `bar`"):
        WheelSpec("foo", "1", requires="bar")
