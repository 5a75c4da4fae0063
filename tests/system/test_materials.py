import gzip
import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.pyproject import BuildSystem
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.source import Material
from pytest_wheeltag.errors import BuildError, SdistError, SourceError
from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.keptsources import KeptSources
from pytest_wheeltag.system.materials import Materials
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.transport import FakeTransport
from pytest_wheeltag.system.workbench import BuildOptions, Workbench

PYPROJECT = '[build-system]\nrequires = ["tool"]\nbuild-backend = "tool.api"\n'


@pytest.fixture
def materials(tmp_path: Path) -> Materials:
    cache = tmp_path / "cache"
    sources = KeptSources(cache, Downloads(FakeTransport({})))
    return Materials(Workbench(cache, WheelStore(cache), sources, BuildOptions(dict(os.environ))))


def tree(folder: Path, files: dict[str, str | bytes]) -> Material:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reference = Reference(folder.as_uri(), ReferenceKind.TREE)
    return Material(reference.file, reference)


def archive(folder: Path, files: dict[str, str | bytes]) -> Material:
    """Pack the same into an archive whose top folder is ``foo-1.0``."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as writer:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            entry = tarfile.TarInfo(f"foo-1.0/{name}")
            entry.size = len(data)
            writer.addfile(entry, io.BytesIO(data))
    folder.mkdir()
    path = folder / "foo-1.0.tar.gz"
    path.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return Material(PublishedFile(path.name, path.as_uri()))


Maker = Callable[[Path, dict[str, str | bytes]], Material]
KINDS = pytest.mark.parametrize("make", [tree, archive])


@KINDS
def test_a_material_is_opened_and_says_how_it_is_built(
    make: Maker, materials: Materials, tmp_path: Path
) -> None:
    material = make(tmp_path / "foo", {"pyproject.toml": PYPROJECT, "foo.py": "x = 1"})
    with materials.open(material) as opened:
        assert (opened.folder / "foo.py").read_text() == "x = 1"
        assert opened.read_system() == BuildSystem(("tool",), "tool.api")
        digest = opened.digest
    with materials.open(material) as again:
        assert again.digest == digest
    changed = make(tmp_path / "bar", {"pyproject.toml": PYPROJECT, "foo.py": "x = 2"})
    with materials.open(changed) as other:
        assert other.digest != digest


def test_one_without_a_pyproject_is_built_as_of_old(materials: Materials, tmp_path: Path) -> None:
    with materials.open(tree(tmp_path / "foo", {"setup.py": ""})) as opened:
        assert opened.read_system() == BuildSystem()


@KINDS
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[build-system]", r"expected a list of requirements \(PEP 518\) in `build-system.requires`, found none"),
        ("[build-system", r"expected TOML, found"),
        (b"x = '\xff'", "expected UTF-8, found a byte 0xff"),
        ("#" * (17 << 20), "expected at most 16777216 bytes, found 17825792"),
    ],
    ids=["incomplete", "broken", "no-text", "huge"],
)  # fmt: skip
def test_one_that_does_not_say_how_it_is_built_cannot_be(
    make: Maker, content: str | bytes, problem: str, materials: Materials, tmp_path: Path
) -> None:
    material = make(tmp_path / "foo", {"pyproject.toml": content})
    with (
        materials.open(material) as opened,
        pytest.raises(
            SourceError, match=rf"^pyproject.toml of foo(-1.0.tar.gz)? cannot be used, {problem}"
        ) as caught,
    ):
        opened.read_system()
    assert isinstance(caught.value, BuildError)
    assert caught.value.output.last_lines == ()


@KINDS
def test_what_holds_no_project_is_refused(make: Maker, materials: Materials, tmp_path: Path) -> None:
    material = make(tmp_path / "foo", {"README": ""})
    with (
        pytest.raises(SourceError, match=r"expected a pyproject.toml or a setup.py, found neither$"),
        materials.open(material),
    ):
        raise AssertionError


def test_the_project_may_lie_in_a_subdirectory(materials: Materials, tmp_path: Path) -> None:
    material = tree(tmp_path / "foo", {"inner/setup.py": ""})
    assert material.reference is not None

    def below(subdirectory: str) -> Material:
        assert material.reference is not None
        return replace(material, reference=replace(material.reference, subdirectory=subdirectory))

    with materials.open(below("inner")) as opened:
        assert opened.folder == tmp_path / "foo" / "inner"
    with (
        pytest.raises(SourceError, match=r"setup.py in `outer`, found neither"),
        materials.open(below("outer")),
    ):
        raise AssertionError


def test_an_archive_is_unpacked_anew_for_each_opening_and_nothing_stays(
    materials: Materials, tmp_path: Path
) -> None:
    material = archive(tmp_path / "foo", {"setup.py": ""})
    with materials.open(material) as first, materials.open(material) as second:
        (first.folder / "left.py").write_text("")
        assert not (second.folder / "left.py").exists()
    with pytest.raises(RuntimeError), materials.open(material):
        raise RuntimeError
    assert not first.folder.exists()
    assert not list((tmp_path / "cache").rglob("setup.py"))


def test_an_archive_that_is_refused_leaves_nothing(materials: Materials, tmp_path: Path) -> None:
    (tmp_path / "foo-1.0.tar.gz").write_bytes(b"no archive")
    file = PublishedFile("foo-1.0.tar.gz", (tmp_path / "foo-1.0.tar.gz").as_uri())
    with pytest.raises(SdistError), materials.open(Material(file)):
        raise AssertionError
    with materials.reserve() as folder:
        assert [path for path in folder.parent.iterdir() if path.is_dir()] == [folder]
