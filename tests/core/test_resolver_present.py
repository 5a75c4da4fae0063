"""What is installed already is kept, upgraded or passed over as pip does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.present import Present, PresentDistribution, Upgrade
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.resolution import Resolution
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.errors import ResolutionError, UnreachableError
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.imagined_releases import ImaginedWorld

KEEP, REQUESTED, EAGER, REINSTALL = Upgrade
PLAIN = {
    "foo 1": ["bar"],
    "foo 2": ["bar"],
    "foo 3": ["bar>=2"],
    "bar 1": [],
    "bar 2": [],
    "bar 3": [],
    "bar 4a1": [],
}


def resolved(
    world: ImaginedWorld | Mapping[str, Sequence[str]],
    installed: Sequence[str],
    *requirements: str,
    upgrade: Upgrade = KEEP,
    constraints: Sequence[str] = (),
) -> Resolution:
    imagined = world if isinstance(world, ImaginedWorld) else ImaginedWorld(world)
    split = (each.split(" ") for each in sorted(installed))
    there = tuple(PresentDistribution(canonicalize_name(name), Version(version)) for name, version in split)
    sources = replace(imagined.sources, present=Present(there, upgrade))
    return resolve(parse_request(requirements, constraints), Screen(imagine_interpreter()), sources)


def outcome(resolution: Resolution) -> tuple[list[str], list[str]]:
    """Give what is kept, and what is chosen."""
    kept = [f"{each.name} {each.version}" for each in resolution.kept]
    return kept, [f"{each.name} {each.version}" for each in resolution.choices]


RULES: tuple[tuple[Upgrade, Sequence[str], Sequence[str], tuple[list[str], list[str]]], ...] = (
    # Kept as long as it fits, be it asked for by name or not.
    (KEEP, ["foo 1", "bar 1"], ["foo"], (["bar 1", "foo 1"], [])),
    (KEEP, ["foo 1"], ["foo"], (["foo 1"], ["bar 3"])),
    (KEEP, ["bar 2"], ["foo"], (["bar 2"], ["foo 3"])),
    (KEEP, ["foo 1", "bar 1"], ["foo>=2,<3"], (["bar 1"], ["foo 2"])),
    # The newest of what is new comes first, and what is there gives way to it.
    (KEEP, ["bar 1"], ["foo"], ([], ["bar 3", "foo 3"])),
    (KEEP, ["foo 1", "bar 1"], ["foo>2"], ([], ["bar 3", "foo 3"])),
    (KEEP, ["bar 3"], ["foo<3", "bar<3"], ([], ["bar 2", "foo 2"])),
    # A pre-release that is there is as good as any, even where it is not published.
    (KEEP, ["bar 4a1"], ["bar"], (["bar 4a1"], [])),
    (KEEP, ["bar 5rc1"], ["bar>1"], (["bar 5rc1"], [])),
    # `--upgrade`: what is asked for by name, dependencies only where they must.
    (REQUESTED, ["foo 1", "bar 2"], ["foo"], (["bar 2"], ["foo 3"])),
    (REQUESTED, ["foo 1", "bar 1"], ["foo<3"], (["bar 1"], ["foo 2"])),
    (REQUESTED, ["foo 1", "bar 2"], ["foo[x]"], (["bar 2"], ["foo 3"])),
    (REQUESTED, ["foo 3", "bar 2"], ["foo"], (["bar 2", "foo 3"], [])),
    # Inserted by version: newer than anything published, it stays.
    (REQUESTED, ["bar 9"], ["bar"], (["bar 9"], [])),
    (REQUESTED, ["bar 2.5"], ["bar<3"], (["bar 2.5"], [])),
    (REQUESTED, ["bar 2.5"], ["bar"], ([], ["bar 3"])),
    (REQUESTED, ["bar 4a1"], ["bar"], (["bar 4a1"], [])),
    # `--upgrade-strategy eager`: dependencies too.
    (EAGER, ["foo 1", "bar 1"], ["foo"], ([], ["bar 3", "foo 3"])),
    (EAGER, ["foo 3", "bar 3"], ["foo"], (["bar 3", "foo 3"], [])),
    (EAGER, ["foo 3", "bar 2"], ["foo", "bar<3"], (["bar 2", "foo 3"], [])),
    # `--force-reinstall`: as if nothing were there.
    (REINSTALL, ["foo 1", "bar 1"], ["foo"], ([], ["bar 3", "foo 3"])),
    (REINSTALL, ["foo 9", "bar 3"], ["foo"], ([], ["bar 3", "foo 3"])),
)


@pytest.mark.parametrize(("upgrade", "installed", "requirements", "expected"), RULES)
def test_what_becomes_of_what_is_installed(
    upgrade: Upgrade,
    installed: Sequence[str],
    requirements: Sequence[str],
    expected: tuple[list[str], list[str]],
) -> None:
    assert outcome(resolved(PLAIN, installed, *requirements, upgrade=upgrade)) == expected


def test_what_is_installed_and_not_needed_is_no_matter() -> None:
    assert outcome(resolved(PLAIN, ["other 1"], "bar")) == ([], ["bar 3"])


def test_what_is_kept_needs_no_index() -> None:
    world = ImaginedWorld(PLAIN)

    assert outcome(resolved(world, ["foo 1", "bar 1"], "foo")) == (["bar 1", "foo 1"], [])
    assert world.asked == []


def test_what_is_kept_is_kept_although_the_index_fails() -> None:
    world = ImaginedWorld(
        PLAIN, failures={"bar": UnreachableError("https://index.example/bar/", "found 403")}
    )

    assert outcome(resolved(world, ["bar 1"], "bar")) == (["bar 1"], [])
    with pytest.raises(UnreachableError):
        resolved(world, ["bar 1"], "bar", upgrade=REQUESTED)


def test_what_it_declares_by_itself_counts_not_what_is_published() -> None:
    world = ImaginedWorld(PLAIN, installed={"foo 2": ["bar<2"]})

    assert outcome(resolved(world, ["foo 2"], "foo")) == (["foo 2"], ["bar 1"])


def test_its_requires_python_is_no_matter() -> None:
    """Whoever installed it took that decision: pip does not ask again, and would break what runs."""
    world = ImaginedWorld({"foo 1": [], "foo 2": []}, requires_python={"foo 2": "<3"})

    assert outcome(resolved(world, ["foo 2"], "foo")) == (["foo 2"], [])
    assert outcome(resolved(world, [], "foo")) == ([], ["foo 1"])


def test_it_gives_way_where_what_it_needs_conflicts() -> None:
    world = ImaginedWorld({"foo 1": ["bar<2"], "foo 2": ["bar"], "bar 1": [], "bar 2": []})

    assert outcome(resolved(world, ["foo 1", "bar 1"], "foo", "bar>=2")) == ([], ["bar 2", "foo 2"])


def test_the_extras_of_what_is_kept_are_brought_in() -> None:
    world = ImaginedWorld({"foo 1": ["bar; extra == 'x'"], "foo 2": ["bar; extra == 'x'"], "bar 1": []})

    assert outcome(resolved(world, ["foo 1"], "foo[x]")) == (["foo 1"], ["bar 1"])
    assert outcome(resolved(world, ["foo 1", "bar 1"], "foo[x]", upgrade=EAGER)) == (["bar 1"], ["foo 2"])


def test_constraints_bound_what_is_kept() -> None:
    assert outcome(resolved(PLAIN, ["bar 3"], "bar", constraints=["bar<3"])) == ([], ["bar 2"])
    assert outcome(resolved(PLAIN, ["bar 2"], "bar", constraints=["bar<3"])) == (["bar 2"], [])
    with pytest.raises(ResolutionError):
        resolved(PLAIN, ["bar 3"], "bar>=3", constraints=["bar<3"])


def test_who_asked_for_what_is_kept_is_told() -> None:
    resolution = resolved(PLAIN, ["foo 1", "bar 1"], "foo")

    assert [(edge.name, edge.by) for edge in resolution.edges] == [("bar", "foo"), ("foo", None)]
    assert resolution.warnings == ()
