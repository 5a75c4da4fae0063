"""Backends are real here, the environments that they run in are all one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.source import Material, RequestedSettings
from pytest_wheeltag.system.bench import Bench
from pytest_wheeltag.system.buildrecords import BuildRecords
from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.keptsources import KeptSources
from pytest_wheeltag.system.recipes import Recipe, Recipes
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.transport import FakeTransport
from pytest_wheeltag.system.workbench import Workbench
from pytest_wheeltag.workshop import Recipe as Wish
from pytest_wheeltag.workshop import SdistSpec
from pytest_wheeltag.workshop.sdists import build_sdist, write_source_tree

FOO = canonicalize_name("foo")
SPEC = SdistSpec("foo", "1.0", build_requires=("tool",), recipe=Wish(dynamic_requires=("further",)))


@dataclass
class FakeOutfitter:
    """Has everything in its one environment, and remembers what it was asked for."""

    environment: Environment
    gathered: list[tuple[str, ...]] = field(default_factory=list)
    requirements: tuple[str, ...] = ()

    def gather(self, requires: tuple[str, ...], origin: str, interpreter: Interpreter) -> "FakeOutfitter":
        assert (origin, interpreter) == ("the build of foo 1.0", self.environment.interpreter)
        self.gathered.append(requires)
        return replace(self, requirements=tuple(f"{each}==1" for each in requires))

    @contextmanager
    def open(self) -> Iterator[Environment]:
        self.gathered.append(("opened",))
        yield self.environment


@pytest.fixture
def outfitter(make_environment: Callable[[str], Environment]) -> FakeOutfitter:
    return FakeOutfitter(make_environment("env"))


@pytest.fixture
def recipes(outfitter: FakeOutfitter, tmp_path: Path) -> Recipes:
    cache = tmp_path / "cache"
    sources = KeptSources(cache, Downloads(FakeTransport({})))
    bench = Bench(Workbench(cache, WheelStore(cache), sources), outfitter.environment.interpreter)
    return Recipes(bench, BuildRecords(cache), outfitter)


def archive_in(folder: Path) -> Material:
    reference = Reference(build_sdist(SPEC, folder).as_uri(), ReferenceKind.ARCHIVE)
    return Material(reference.file, reference)


def tree_in(folder: Path) -> Material:
    reference = Reference(write_source_tree(SPEC, folder).as_uri(), ReferenceKind.TREE)
    return Material(reference.file, reference)


def find(recipes: Recipes, material: Material) -> Recipe:
    return recipes.find(material, FOO, "foo 1.0")


def test_a_backend_is_asked_once_what_it_needs_besides(
    recipes: Recipes, outfitter: FakeOutfitter, tmp_path: Path
) -> None:
    recipe = find(recipes, archive_in(tmp_path))

    assert recipe.piece.system.requires == ("tool",)
    assert recipe.outfit.requirements == ("tool==1", "further==1")
    assert outfitter.gathered == [("tool",), ("opened",), ("tool", "further")]
    assert find(recipes, archive_in(tmp_path)).key == recipe.key
    assert outfitter.gathered[3:] == [("tool",), ("tool", "further")]


def test_an_archive_whose_hash_is_known_is_not_opened_again(recipes: Recipes, tmp_path: Path) -> None:
    material = archive_in(tmp_path)
    recipe = find(recipes, material)
    (tmp_path / SPEC.filename).unlink()

    known = replace(material, file=replace(material.file, hashes=(("sha256", recipe.piece.digest),)))

    assert find(recipes, known).key == recipe.key


def test_what_was_asked_for_counts(recipes: Recipes, tmp_path: Path) -> None:
    material = archive_in(tmp_path)
    plain = find(recipes, material)
    told = find(replace(recipes, settings=RequestedSettings({FOO: (("a", "1"),)})), material)

    assert told.settings == (("a", "1"),)
    assert told.key != plain.key


def test_a_tree_counts_with_its_content_and_its_place(recipes: Recipes, tmp_path: Path) -> None:
    one, other = tree_in(tmp_path / "one"), tree_in(tmp_path / "other")
    first = find(recipes, one)
    assert find(recipes, one).key == first.key
    assert find(recipes, other).piece.digest == first.piece.digest
    assert find(recipes, other).key != first.key
    assert first.piece.place == str(tmp_path / "one" / "foo-1.0")
    assert recipes.is_current(first)

    (tmp_path / "one" / "foo-1.0" / "late.py").write_text("")

    assert not recipes.is_current(first)
    assert find(recipes, one).key != first.key


def test_an_archive_stays_what_it_is(recipes: Recipes, tmp_path: Path) -> None:
    recipe = find(recipes, archive_in(tmp_path))
    (tmp_path / SPEC.filename).unlink()

    assert recipes.is_current(recipe)
    assert recipe.piece.place == ""
