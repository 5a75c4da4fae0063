from collections.abc import Callable
from pathlib import Path

from pytest_wheeltag.core.likeness import Holding
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.fingerprint import fingerprint_environment
from pytest_wheeltag.system.holding import read_holding
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker

MakeEnvironment = Callable[[str], Environment]


def hold(environment: Environment) -> Holding:
    (wheel,) = read_installed(environment.as_existing())
    assert isinstance(wheel, InstalledWheel)
    return read_holding(environment.as_existing(), wheel)


def install(place: Workplace, environment: Environment) -> Holding:
    place.provisioner.install(environment, parse_request(["foo"]))
    return hold(environment)


def test_two_environments_of_one_wheel_hold_the_same_wherever_they_lie(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: MakeEnvironment
) -> None:
    scripts = {"scripts/run": "#!python\nprint(1)\n"}
    points = {"console_scripts": {"foo": "foo:main"}}
    index.add(make_wheel("foo", data=scripts, entry_points=points))
    one, other = make_environment("one"), make_environment("a-much-longer-name-of-another")

    held = install(place, one)

    assert held.files == install(place, other).files
    assert {path.partition("/")[0] for path in held.files} == {"foo", "foo-1.0.dist-info", "run"}
    names = {path.rpartition("/")[2] for path in held.files}
    assert not names & {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def test_it_tells_what_lies_on_disk_where_the_fingerprint_tells_what_record_says(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: MakeEnvironment
) -> None:
    index.add(make_wheel("foo"))
    environment = make_environment("one")
    before, known = install(place, environment), fingerprint_environment(environment.as_existing())
    module = environment.site_packages / "foo" / "__init__.py"
    content = module.read_bytes()
    module.unlink()
    module.write_bytes(content + b"# more\n")

    assert fingerprint_environment(environment.as_existing()) == known
    changed = hold(environment).files
    assert {path for path in changed if changed[path] != before.files[path]} == {"foo/__init__.py"}
    module.unlink()
    assert hold(environment).files["foo/__init__.py"] == ""


def test_without_record_there_is_nothing_to_hold(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: MakeEnvironment
) -> None:
    index.add(make_wheel("foo"))
    environment = make_environment("one")
    install(place, environment)
    Path(environment.site_packages, "foo-1.0.dist-info", "RECORD").unlink()

    assert hold(environment).files == {}


def test_a_record_of_which_only_the_beginning_can_be_read_tells_of_no_file(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: MakeEnvironment
) -> None:
    index.add(make_wheel("foo"))
    environment = make_environment("one")
    install(place, environment)
    record = environment.site_packages / "foo-1.0.dist-info" / "RECORD"
    content = record.read_bytes()
    record.unlink()
    record.write_bytes(content + b"one column\n")

    assert hold(environment).files == {}
