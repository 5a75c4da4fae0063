from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, parse_wheel_name
from pytest_wheeltag.core.changes import Change, plan_change, plan_removal
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_demand
from pytest_wheeltag.core.resolution import Choice, Edge, Resolution
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import RemovalError
from pytest_wheeltag.system.compiler import Bytecode
from pytest_wheeltag.system.delivery import Delivery
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.environment import Environment, EnvironmentMaker, Site
from pytest_wheeltag.system.installation import InstallOptions, carry_out
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.workshop import WheelSpec
from pytest_wheeltag.workshop.imagined import imagine_file

Stored = Callable[[WheelSpec], StoreEntry]


@pytest.fixture
def environment(interpreter: Interpreter, tmp_path: Path) -> Environment:
    return EnvironmentMaker(tmp_path / "cache", {}).make(tmp_path / "made", interpreter).complete()


def delivered(*entries: StoreEntry) -> Delivery:
    """Give a delivery of wheels from an index, the first of them asked for by name."""
    choices = []
    for entry in entries:
        filename = f"{entry.wheel.name}-{entry.wheel.version}-py3-none-any.whl"
        artefact = Candidate(imagine_file(filename), parse_wheel_name(filename), 1)
        choices.append(Choice(canonicalize_name(entry.wheel.name), Version(entry.wheel.version), artefact))
    first = choices[0].name
    resolution = Resolution(tuple(choices), (Edge(first, None, parse_demand(first)),))
    return Delivery(resolution, dict(zip((each.name for each in choices), entries, strict=True)))


def installed(environment: Environment) -> dict[str, str]:
    return {each.name: each.version for each in read_installed(environment.as_existing())}


def planned(delivery: Delivery, environment: Environment) -> Change:
    return plan_change(delivery.resolution, read_installed(environment.as_existing()))


def test_what_is_replaced_goes_and_what_was_chosen_comes(environment: Environment, stored: Stored) -> None:
    site = Site(environment)
    old = delivered(stored(WheelSpec("foo", "1.0")), stored(WheelSpec("bar", "1.0")))
    carry_out(planned(old, environment), site, old)
    assert installed(environment) == {"foo": "1.0", "bar": "1.0"}
    new = delivered(stored(WheelSpec("foo", "2.0")))

    report = carry_out(planned(new, environment), site, new)

    assert installed(environment) == {"foo": "2.0", "bar": "1.0"}
    assert report.installed == new.choices
    assert (report.removed, report.kept, report.warnings) == (("foo 1.0",), (), ())


def test_only_what_was_asked_for_by_name_is_requested(environment: Environment, stored: Stored) -> None:
    delivery = delivered(stored(WheelSpec("foo", "1.0")), stored(WheelSpec("bar", "1.0")))
    carry_out(planned(delivery, environment), Site(environment), delivery)
    assert [path.parent.name for path in environment.site_packages.glob("*/REQUESTED")] == [
        "foo-1.0.dist-info"
    ]


def test_a_change_with_nothing_to_install_uninstalls(environment: Environment, stored: Stored) -> None:
    delivery = delivered(stored(WheelSpec("foo", "1.0")), stored(WheelSpec("bar", "1.0")))
    carry_out(planned(delivery, environment), Site(environment), delivery)
    found = read_installed(environment.as_existing())

    report = carry_out(plan_removal(["Foo"], found, str(environment.prefix)), Site(environment))

    assert (report.installed, report.removed) == ((), ("foo 1.0",))
    assert installed(environment) == {"bar": "1.0"}


def test_one_that_cannot_be_taken_out_leaves_all(environment: Environment, stored: Stored) -> None:
    old = delivered(stored(WheelSpec("foo", "1.0")), stored(WheelSpec("bar", "1.0")))
    carry_out(planned(old, environment), Site(environment), old)
    new = delivered(stored(WheelSpec("foo", "2.0")), stored(WheelSpec("bar", "2.0")))
    change = planned(new, environment)
    (environment.site_packages / "bar-1.0.dist-info" / "RECORD").unlink()
    before = sorted(environment.prefix.rglob("*"))

    with pytest.raises(RemovalError, match=r"^bar 1.0 is not taken out"):
        carry_out(change, Site(environment), new)
    assert sorted(environment.prefix.rglob("*")) == before


def test_an_error_in_the_midst_of_a_transaction_leaves_all_as_it_was(
    environment: Environment, stored: Stored, tmp_path: Path
) -> None:
    old = delivered(stored(WheelSpec("foo", "1.0")))
    carry_out(planned(old, environment), Site(environment), old)
    new = delivered(stored(WheelSpec("foo", "2.0")), stored(WheelSpec("bar", "1.0")))
    lacking = replace(new, entries={new.choices[0].name: new.entries[new.choices[0].name]})
    before = sorted(environment.prefix.rglob("*"))

    def change() -> None:
        with environment.hold(tmp_path / "cache") as site:
            carry_out(planned(new, environment), site, lacking)

    with pytest.raises(KeyError):
        change()
    assert sorted(environment.prefix.rglob("*")) == before


def test_bytecode_is_made_where_it_is_wanted(environment: Environment, stored: Stored) -> None:
    delivery = delivered(stored(WheelSpec("foo", "1.0")))
    options = InstallOptions(bytecode=Bytecode.ALL)
    report = carry_out(planned(delivery, environment), Site(environment), delivery, options)
    assert report.warnings == ()
    assert list(environment.site_packages.rglob("foo/__pycache__/__init__.*.pyc"))


def test_a_wheel_that_was_built_here_for_others_is_taken_and_told(
    environment: Environment, stored: Stored
) -> None:
    entry = stored(WheelSpec("foo", "1.0", tag="cp27-none-any"))
    source = Source(canonicalize_name("foo"), Version("1.0"), Material(imagine_file("foo-1.0.tar.gz")))
    choice = Choice(source.name, source.version, source)
    delivery = Delivery(Resolution((choice,)), {choice.name: entry})
    (told,) = carry_out(planned(delivery, environment), Site(environment), delivery).warnings
    label = environment.interpreter.label
    assert told == f"foo 1.0: built by {label}, though its tag is for others: `cp27-none-any`"
    assert installed(environment) == {"foo": "1.0"}
