import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, PublishedFile, parse_wheel_name
from pytest_wheeltag.core.changes import Change
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.references import Reference, parse_reference
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.core.verdict import InstalledDistribution, MalformedDistribution
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.presence import find_newly_broken, find_same, read_present
from pytest_wheeltag.workshop import WheelMaker, lay, make_environment
from pytest_wheeltag.workshop.environments import FakeEnvironment
from pytest_wheeltag.workshop.imagined import imagine_interpreter

FOO = canonicalize_name("foo")


@pytest.fixture
def fake(tmp_path: Path) -> FakeEnvironment:
    return make_environment(tmp_path / "env")


@pytest.fixture
def make_wheel(tmp_path: Path) -> WheelMaker:
    return WheelMaker(tmp_path / "wheels")


def describe(fake: FakeEnvironment) -> ExistingEnvironment:
    return ExistingEnvironment(str(fake.path), imagine_interpreter(), (str(fake.site_packages),))


def installed(fake: FakeEnvironment) -> tuple[InstalledDistribution, ...]:
    return read_installed(describe(fake))


def chosen(wheel: Path, reference: Reference | None) -> Choice:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    file = PublishedFile(wheel.name, wheel.as_uri(), (("sha256", digest),))
    return Choice(FOO, Version("1.0"), Candidate(file, parse_wheel_name(wheel.name), 1), reference)


def test_what_has_a_dist_info_and_a_version_may_be_kept(
    fake: FakeEnvironment, make_wheel: WheelMaker
) -> None:
    place = lay(make_wheel("Foo.Bar"), fake)
    (fake.site_packages / "egg-1.0.egg-info").write_text("Metadata-Version: 1.0\nName: egg\nVersion: 1.0\n")
    malformed = MalformedDistribution("broken", "1.0", "expected METADATA, found none")
    nameless = replace(installed(fake)[-1], version="no version")
    assert read_present((*installed(fake), malformed, nameless)) == (
        PresentDistribution(canonicalize_name("foo-bar"), Version("1.0"), str(place)),
    )


def test_the_very_file_is_the_same_and_nothing_else_is(fake: FakeEnvironment, make_wheel: WheelMaker) -> None:
    wheel = make_wheel("foo")
    reference = parse_reference(wheel.as_uri(), "the test")
    choice = chosen(wheel, reference)
    assert find_same([choice], installed(fake)) == frozenset()
    place = lay(wheel, fake)
    assert find_same([choice], installed(fake)) == frozenset()
    (place / "direct_url.json").write_bytes(reference.render_direct_url(choice.file.sha256))
    assert find_same([choice], installed(fake)) == {FOO}
    # Chosen from an index, or built anew with other content.
    assert find_same([chosen(wheel, None)], installed(fake)) == frozenset()
    other = make_wheel("foo", files={"foo/more.py": ""})
    assert find_same([chosen(other, reference)], installed(fake)) == frozenset()


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"{}"])
def test_what_does_not_say_where_it_came_from_is_not_the_same(
    fake: FakeEnvironment, make_wheel: WheelMaker, content: bytes
) -> None:
    wheel = make_wheel("foo")
    (lay(wheel, fake) / "direct_url.json").write_bytes(content)
    choice = chosen(wheel, parse_reference(wheel.as_uri(), "the test"))
    assert find_same([choice], installed(fake)) == frozenset()


def test_a_tree_is_never_the_same(fake: FakeEnvironment, make_wheel: WheelMaker, tmp_path: Path) -> None:
    tree = parse_reference(f"{tmp_path.as_uri()}/", "the test")
    direct_url = tree.render_direct_url(None)
    (lay(make_wheel("foo"), fake) / "direct_url.json").write_bytes(direct_url)
    source = Source(FOO, Version("1.0"), Material(tree.file, tree))
    assert find_same([Choice(FOO, Version("1.0"), source, tree)], installed(fake)) == frozenset()


def test_what_a_change_breaks_is_told_where_more_is_installed(
    fake: FakeEnvironment, make_wheel: WheelMaker
) -> None:
    wheel = make_wheel("foo")
    lay(make_wheel("needy", requires=["foo>=2", "absent"]), fake)
    before = installed(fake)
    lay(wheel, fake)
    change = Change((chosen(wheel, None),))
    (told,) = find_newly_broken(describe(fake), before, change)
    assert told == "needy 1.0 requires foo>=2, but foo 1.0 is installed"
    assert list(find_newly_broken(describe(fake), before, Change())) == []
    assert list(find_newly_broken(describe(fake), (), change)) == []
