import pytest

from pytest_wheeltag.core.bare import BareMetadata, without_extras
from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.resolution import Resolution, Sources
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.errors import ResolutionError
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.imagined_releases import ImaginedWorld


def resolve_bare(world: ImaginedWorld, *requirements: str) -> Resolution:
    sources = Sources(world.sources.catalogue, BareMetadata(world.sources.metadata))
    request = without_extras(parse_request(requirements))
    return resolve(request, Screen(imagine_interpreter()), sources)


def pins(resolution: Resolution) -> list[str]:
    return [f"{choice.name} {choice.version}" for choice in resolution.choices]


@pytest.mark.parametrize("requirement", ["foo", "foo>=1", "foo[more]", "foo[absent]; python_version>='3'"])
def test_neither_dependencies_nor_extras_count(requirement: str) -> None:
    world = ImaginedWorld({"foo 1.0": ["bar", "baz; extra == 'more'"], "bar 1.0": []})

    resolution = resolve_bare(world, requirement)

    assert pins(resolution) == ["foo 1.0"]
    assert resolution.warnings == ()
    assert resolution.requested == {"foo"}


def test_versions_that_exclude_each_other_are_taken_together() -> None:
    world = ImaginedWorld({"foo 1.0": ["bar<1"], "bar 1.0": []})

    assert pins(resolve_bare(world, "foo", "bar")) == ["bar 1.0", "foo 1.0"]


def test_requires_python_of_metadata_counts() -> None:
    world = ImaginedWorld({"foo 1.0": [], "foo 2.0": []}, requires_python={"foo 2.0": ">=3.14"})

    assert pins(resolve_bare(world, "foo")) == ["foo 1.0"]
    with pytest.raises(ResolutionError, match="Python"):
        resolve_bare(world, "foo==2.0")


def test_where_the_index_tells_requires_python_no_metadata_is_asked_for() -> None:
    filename = "foo-1.0-py3-none-any.whl"
    world = ImaginedWorld({"foo 1.0": ["bar"]}, facts={filename: {"requires_python": ">=3.8"}})

    assert pins(resolve_bare(world, "foo")) == ["foo 1.0"]
    assert "foo 1.0" not in world.asked


def test_constraints_keep_their_place() -> None:
    request = without_extras(parse_request(["foo[more]>=1"], ["foo<3"]))

    assert [demand.text for demand in request.requirements] == ["foo>=1"]
    assert [demand.text for demand in request.constraints] == ["foo<3"]
