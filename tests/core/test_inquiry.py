"""Whoever follows the way of another search must end where a search of its own would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.dependencies import ReleaseMetadata, parse_dependency
from pytest_wheeltag.core.foreign import Target, parse_target
from pytest_wheeltag.core.pathways import Pathways
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.core.resolution import Artefact, Impasse, Resolution, SearchPathways, Sources
from pytest_wheeltag.core.resolver import try_to_resolve
from pytest_wheeltag.core.search import Search
from pytest_wheeltag.core.usualtargets import USUAL_TARGETS, parse_targets
from pytest_wheeltag.errors import ResolutionError
from pytest_wheeltag.workshop.imagined_releases import ImaginedNeeds, ImaginedWorld

NAMES = ("a", "b", "c", "d")
VERSIONS = ("1", "2", "3a1", "3")
TAGS = (
    "py3-none-any",
    "cp312-cp312-win_amd64",
    "cp313-cp313t-manylinux_2_28_x86_64",
    "cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp310-abi3-macosx_11_0_arm64",
    "pp311-pypy311_pp73-manylinux_2_28_x86_64",
    "cp311-cp311-musllinux_1_2_aarch64",
)
MARKERS = (
    "",
    "",
    "; extra == 'x'",
    "; sys_platform == 'win32'",
    "; python_version < '3.12'",
    "; platform_machine == 'aarch64' and extra == 'x'",
    "; implementation_name == 'pypy'",
)
BOUNDS = ("", "", "==1", "<3", ">=2", ">=3a1", "!=2")
EXTRAS = ("", "", "[x]")
PYTHONS = ("", "", ">=3.11", "<3.13")


@dataclass(frozen=True)
class Publication:
    """What is published of a release: its files, what the index says of them, and what METADATA does."""

    tags: Sequence[str]
    has_source: bool
    is_yanked: bool
    file_python: str
    python: str
    requires: Sequence[str]
    # What the wheel with the second tag declares besides.
    further: Sequence[str]


@dataclass(frozen=True)
class FileNeeds(ImaginedNeeds):
    """Metadata that may differ from wheel to wheel of a release."""

    further: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def metadata(self, artefact: Artefact | PresentDistribution) -> ReleaseMetadata:
        """Give what a file declares."""
        told = super().metadata(artefact)
        lines = (
            () if isinstance(artefact, PresentDistribution) else self.further.get(artefact.file.filename, ())
        )
        return replace(told, requires=(*told.requires, *map(parse_dependency, lines)))


def publish(world: Mapping[str, Publication]) -> Sources:
    filenames: dict[str, list[str]] = {}
    facts: dict[str, dict[str, object]] = {}
    further: dict[str, Sequence[str]] = {}
    for release, told in world.items():
        stem = release.replace(" ", "-")
        filenames[release] = [f"{stem}-{tag}.whl" for tag in told.tags]
        filenames[release] += [f"{stem}.tar.gz"] * told.has_source
        further |= dict.fromkeys(filenames[release][1:2], told.further)
        for each in filenames[release]:
            facts[each] = {
                "requires_python": told.file_python or None,
                "yanked": "" if told.is_yanked else None,
            }
    imagined = ImaginedWorld(
        {release: told.requires for release, told in world.items()},
        filenames,
        facts,
        {release: told.python for release, told in world.items()},
    )
    return replace(imagined.sources, metadata=FileNeeds(imagined, further))


@cache
def usual_targets() -> tuple[Target, ...]:
    found = parse_targets(USUAL_TARGETS)
    return *found, *(each.opened() for each in found[::7])


def look(request: Request, screen: Screen, sources: Sources) -> Resolution | str:
    found = try_to_resolve(request, screen, sources)
    return str(found.explain()) if isinstance(found, Impasse) else found


requirements = st.tuples(st.sampled_from(NAMES), st.sampled_from(EXTRAS), st.sampled_from(BOUNDS)).map(
    "".join
)
lines = st.tuples(requirements, st.sampled_from(MARKERS)).map("".join)
needs = st.lists(lines, max_size=2)
releases = st.tuples(st.sampled_from(NAMES), st.sampled_from(VERSIONS)).map(" ".join)
publications = st.builds(
    Publication,
    st.lists(st.sampled_from(TAGS), max_size=3, unique=True),
    st.booleans(),
    st.integers(0, 5).map(lambda number: number == 0),
    st.sampled_from(PYTHONS),
    st.sampled_from(PYTHONS),
    needs,
    needs,
)
worlds = st.dictionaries(releases, publications, min_size=4, max_size=9)
controls = st.sampled_from(
    (Controls(), Controls(NameControl.of([":all:"])), Controls(wheels_first=NameControl.of([":all:"])))
)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(worlds, st.lists(lines, min_size=1, max_size=2), controls)
def test_every_target_is_told_what_a_search_of_its_own_finds(
    world: Mapping[str, Publication], roots: Sequence[str], chosen: Controls
) -> None:
    sources, request = publish(world), parse_request(roots)
    pathways: SearchPathways = Pathways()
    different = set()
    for target in usual_targets():
        screen = Screen(target, controls=chosen)
        own = look(request, screen, sources)
        assert look(request, screen, replace(sources, pathways=pathways)) == own
        different.add(own if isinstance(own, str) else tuple(each.file.filename for each in own.choices))
    event(f"{min(len(different), 4)} different answers")


def test_who_is_told_the_same_does_not_search(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ImaginedWorld(
        {"foo 1": ["bar", "win; sys_platform == 'win32'"], "bar 1": [], "win 1": []},
        {"bar 1": ["bar-1-cp312-cp312-win32.whl", "bar-1-cp312-cp312-win_amd64.whl", "bar-1.tar.gz"]},
    )
    sources = replace(world.sources, pathways=Pathways())
    request = parse_request(["foo"])
    try_to_resolve(request, Screen(parse_target("cp312-win32")), sources)
    try_to_resolve(request, Screen(parse_target("cp312-musllinux_1_2_x86_64")), sources)
    monkeypatch.setattr(Search, "get_dependencies", None)

    windows = try_to_resolve(request, Screen(parse_target("cp312-win_amd64")), sources)
    mac = try_to_resolve(request, Screen(parse_target("cp312-macosx_11_0_arm64")), sources)

    assert isinstance(windows, Resolution)
    assert [each.file.filename for each in windows.choices] == [
        "bar-1-cp312-cp312-win_amd64.whl",
        "foo-1-py3-none-any.whl",
        "win-1-py3-none-any.whl",
    ]
    assert isinstance(mac, Resolution)
    assert [each.file.filename for each in mac.choices] == ["bar-1.tar.gz", "foo-1-py3-none-any.whl"]
    assert [edge.by for edge in mac.edges] == ["foo", None]


def test_that_nothing_fits_is_found_again_with_the_reason_of_whoever_asks() -> None:
    world = ImaginedWorld({"foo 1": []}, {"foo 1": ["foo-1-cp312-cp312-win32.whl"]})
    sources = replace(world.sources, pathways=Pathways())
    targets = [parse_target(f"cp31{minor}-musllinux_1_2_x86_64") for minor in (2, 3)]

    found = [try_to_resolve(parse_request(["foo"]), Screen(target), sources) for target in targets]

    reasons = [each.explain() for each in found if isinstance(each, Impasse)]
    assert [reason.interpreter for reason in reasons] == [target.label for target in targets]
    assert all(isinstance(reason, ResolutionError) for reason in reasons)
    assert "no tag of it is accepted" in reasons[1].problem


def test_another_request_goes_its_own_way() -> None:
    world = ImaginedWorld({"foo 1": [], "foo 2": [], "bar 1": []})
    sources = replace(world.sources, pathways=Pathways())
    screen = Screen(parse_target("cp312-win32"))
    asked = ["foo", "foo<2", "bar"]

    found = [try_to_resolve(parse_request([each]), screen, sources) for each in asked * 2]

    chosen = [
        [str(choice.version) for choice in each.choices] for each in found if isinstance(each, Resolution)
    ]
    assert chosen == [["2"], ["1"], ["1"]] * 2
