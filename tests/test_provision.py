import json
import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.errors import (
    CatalogueError,
    InstallationError,
    ResolutionError,
    UsageError,
    WheeltagError,
)
from pytest_wheeltag.supplies import ProvisionOptions
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.installation import InstallReport
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.linker import LinkOptions
from pytest_wheeltag.system.links import LinkMode
from pytest_wheeltag.system.transaction import Transaction, open_transaction
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import FAULTS, Answer, LocalIndex, WheelMaker

Make = Callable[[str], Environment]
Die = Callable[[InstallTarget], Path]


def versions(environment: Environment) -> dict[str, str]:
    found = read_installed(environment.as_existing())
    assert all(isinstance(each, InstalledWheel) for each in found)
    return {each.name: each.version for each in found}


def taken(report: InstallReport) -> list[str]:
    return [choice.artefact.file.filename for choice in report.installed]


def test_the_closure_is_installed_and_runs(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    index.add(make_wheel("foo", requires=["Bar.Baz>=1", "old; python_version < '3'"]))
    index.add(make_wheel("bar-baz", "1.5"))
    environment = make_environment("env")

    report = place.provisioner.install(environment, parse_request(["foo"]))

    assert taken(report) == ["bar_baz-1.5-py3-none-any.whl", "foo-1.0-py3-none-any.whl"]
    assert (report.removed, report.kept, report.warnings) == ((), (), ())
    assert versions(environment) == {"bar-baz": "1.5", "foo": "1.0"}
    code = "import json, foo, bar_baz; print(json.dumps([foo.__version__, bar_baz.__version__]))"
    done = subprocess.run([environment.python, "-I", "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) == ["1.0", "1.5"]


def test_only_what_was_asked_for_is_marked_as_requested(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    index.add(make_wheel("foo", requires=["bar"]))
    index.add(make_wheel("bar"))
    environment = make_environment("env")

    place.provisioner.install(environment, parse_request(["foo"]))

    requested = {path.parent.name for path in environment.site_packages.glob("*.dist-info/REQUESTED")}
    assert requested == {"foo-1.0.dist-info"}


def test_the_best_tag_is_taken_from_one_store_upwards_and_downwards(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    make_environment: Make,
    running_interpreter: Interpreter,
) -> None:
    minor = running_interpreter.version_info[1]
    for each in (minor - 1, minor):
        index.add(make_wheel("foo", tag=f"py3{each}-none-any"))
    # What an interpreter accepts is known without running it: a stand-in for the one before.
    older_facts = replace(running_interpreter.facts, version=(3, minor - 1), version_nodot=f"3{minor - 1}")
    older = replace(running_interpreter, facts=older_facts)
    first, second = make_environment("first"), make_environment("second")

    for environment in (replace(first, interpreter=older), second):
        place.provisioner.install(environment, parse_request(["foo"]))

    tags = [
        (each.site_packages / "foo-1.0.dist-info" / "WHEEL").read_text(encoding="utf-8").splitlines()[-1]
        for each in (first, second)
    ]
    assert tags == [f"Tag: py3{minor - 1}-none-any", f"Tag: py3{minor}-none-any"]


def test_what_is_there_is_kept_and_another_version_is_replaced(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    index.add(make_wheel("bar"))
    for version in ("1.0", "2.0"):
        index.add(make_wheel("foo", version, requires=["bar"], files={f"foo/v{version[0]}.py": ""}))
    environment = make_environment("env")
    place.provisioner.install(environment, parse_request(["foo==1"]))

    again = place.provisioner.install(environment, parse_request(["foo==1.0"]))
    upgraded = place.provisioner.install(environment, parse_request(["foo>1"]))

    assert (taken(again), [choice.name for choice in again.kept]) == ([], ["bar", "foo"])
    assert (taken(upgraded), upgraded.removed) == (["foo-2.0-py3-none-any.whl"], ("foo 1.0",))
    assert [choice.name for choice in upgraded.kept] == ["bar"]
    assert versions(environment) == {"bar": "1.0", "foo": "2.0"}
    assert [path.name for path in (environment.site_packages / "foo").iterdir()] == ["v2.py"]


def test_constraints_bound_without_asking(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    for version in ("1.0", "2.0"):
        index.add(make_wheel("foo", version))
    environment = make_environment("env")

    place.provisioner.install(environment, parse_request(["foo"], ["foo<2", "absent==1"]))

    assert versions(environment) == {"foo": "1.0"}


def test_without_dependencies_only_what_is_named_is_installed(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    index.add(make_wheel("foo", requires=["absent"]))
    environment = make_environment("env")

    bare = place.with_options(ProvisionOptions(with_dependencies=False))
    bare.provisioner.install(environment, parse_request(["foo"]))

    assert versions(environment) == {"foo": "1.0"}


@pytest.mark.parametrize(
    ("mode", "links"), [(LinkMode.HARDLINK, 2), (LinkMode.COPY, 1)], ids=["hardlink", "copy"]
)
@pytest.mark.skipif(os.name != "posix", reason="link counts are POSIX's")
def test_the_link_mode_is_obeyed(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    make_environment: Make,
    mode: LinkMode,
    links: int,
) -> None:
    index.add(make_wheel("foo"))
    environment = make_environment("env")

    place.with_links(LinkOptions(mode)).provisioner.install(environment, parse_request(["foo"]))

    assert (environment.site_packages / "foo" / "__init__.py").stat().st_nlink == links


def test_the_clock_can_be_turned_back(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    index.add(make_wheel("foo", "1.0"), upload_time="2025-01-01T00:00:00Z")
    index.add(make_wheel("foo", "2.0"), upload_time="2026-01-01T00:00:00Z")

    sources = replace(place.sources, exclude_newer=datetime(2025, 6, 1, tzinfo=UTC))
    earlier = replace(place, sources=sources)

    for where, version in ((place, "2.0"), (earlier, "1.0")):
        (choice,) = where.provisioner.resolve(parse_request(["foo"]), running_interpreter).choices
        assert str(choice.version) == version


def test_nothing_is_written_where_one_wheel_is_refused(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    index.add(make_wheel("foo", requires=["bar"]))
    index.add(make_wheel("bar", faults=[FAULTS["record-missing"]]))
    environment = make_environment("env")

    with pytest.raises(WheeltagError) as caught:
        place.provisioner.install(environment, parse_request(["foo"]))

    assert "bar-1.0-py3-none-any.whl" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert versions(environment) == {}


def test_a_doubtful_wheel_is_told_or_refused_where_that_is_asked(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    index.add(make_wheel("foo", wheel_tags=["py2-none-any"]))
    strict = place.with_options(ProvisionOptions(policy=WheelPolicy(strict=True)))

    with pytest.raises(WheeltagError, match="py2-none-any"):
        strict.provisioner.install(make_environment("strict"), parse_request(["foo"]))

    report = place.provisioner.install(make_environment("env"), parse_request(["foo"]))
    (warning,) = report.warnings
    assert "py2-none-any" in warning


def test_a_file_that_is_not_what_the_index_promised_leaves_nothing(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    served = index.add(make_wheel("foo"))
    other = make_wheel("bar").read_bytes()
    index.answer(served.filename, Answer(body=other))
    environment = make_environment("env")

    with pytest.raises(WheeltagError, match=r"foo-1\.0-py3-none-any\.whl"):
        place.provisioner.install(environment, parse_request(["foo"]))

    assert versions(environment) == {}
    assert not list(place.cache.glob("wheels-v1/*/*/manifest*"))


@pytest.mark.parametrize(
    ("requirement", "words"),
    [("absent", "no index has a project of this name"), ("foo>5", "foo")],
)
def test_what_cannot_be_had_is_one_line(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    running_interpreter: Interpreter,
    requirement: str,
    words: str,
) -> None:
    index.add(make_wheel("foo"))

    with pytest.raises(ResolutionError) as caught:
        place.provisioner.resolve(parse_request([requirement]), running_interpreter)

    assert words in str(caught.value)
    assert running_interpreter.label in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_index_that_does_not_answer_stops_the_call(
    place: Workplace, index: LocalIndex, running_interpreter: Interpreter
) -> None:
    index.answer("foo", Answer.of_status(403))

    with pytest.raises(CatalogueError, match="403"):
        place.provisioner.resolve(parse_request(["foo"]), running_interpreter)


def test_uninstalling_takes_the_named_and_leaves_the_others(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    index.add(make_wheel("Foo.Bar", requires=["baz"]))
    index.add(make_wheel("baz"))
    environment = make_environment("env")
    place.provisioner.install(environment, parse_request(["foo-bar"]))

    with pytest.raises(InstallationError, match="absent"):
        place.provisioner.uninstall(environment, ["foo-bar", "absent"])
    assert versions(environment) == {"Foo.Bar": "1.0", "baz": "1.0"}

    report = place.provisioner.uninstall(environment, ["FOO_bar", "foo.bar"])
    assert (report.removed, report.warnings) == (("foo_bar 1.0",), ())
    assert versions(environment) == {"baz": "1.0"}


def test_an_uninstallation_says_what_it_undid_first(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make, die_at_work: Die
) -> None:
    index.add(make_wheel("foo"))
    environment = make_environment("env")
    place.provisioner.install(environment, parse_request(["foo"]))
    taken = die_at_work(environment.target)

    report = place.provisioner.uninstall(environment, ["foo"])

    assert report.removed == ("foo 1.0",)
    (told,) = report.warnings
    assert told == f"what an interrupted installation had begun has been undone: `{environment.prefix}`"
    assert taken.read_text(encoding="utf-8") == "it is back"


def test_what_another_process_left_between_resolving_and_linking_is_told(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    make_environment: Make,
    die_at_work: Die,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index.add(make_wheel("foo"))
    environment = make_environment("env")

    def meet_a_dead_process(cache: Path, target: InstallTarget) -> AbstractContextManager[Transaction]:
        die_at_work(target)
        return open_transaction(cache, target)

    monkeypatch.setattr("pytest_wheeltag.system.environment.open_transaction", meet_a_dead_process)
    report = place.provisioner.install(environment, parse_request(["foo"]))

    (told,) = report.warnings
    assert told.startswith("what an interrupted installation had begun has been undone")


def test_fetching_fills_the_store_and_a_second_install_downloads_nothing(
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    make_environment: Make,
    running_interpreter: Interpreter,
) -> None:
    served = index.add(make_wheel("foo"))
    request = parse_request(["foo"])

    (choice,) = place.provisioner.provide(request, running_interpreter).choices
    assert (choice.name, index.count(served.filename)) == ("foo", 1)

    for name in ("one", "two"):
        place.provisioner.install(make_environment(name), request)
    assert index.count(served.filename) == 1


def test_a_damaged_entry_of_the_store_costs_one_download(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker, make_environment: Make
) -> None:
    served = index.add(make_wheel("foo"))
    request = parse_request(["foo"])
    place.provisioner.install(make_environment("one"), request)
    (stored,) = place.cache.glob("wheels-v1/**/foo/__init__.py")
    Path(stored).chmod(0o644)
    Path(stored).write_text("damaged", encoding="utf-8")

    told: list[str] = []
    environment = make_environment("two")
    replace(place, warn=told.append).provisioner.install(environment, request)

    assert "damaged" not in (environment.site_packages / "foo" / "__init__.py").read_text(encoding="utf-8")
    assert index.count(served.filename) == 2
    assert len(told) == 1


def test_a_marker_that_cannot_be_decided_is_a_usage_error(
    place: Workplace, running_interpreter: Interpreter
) -> None:
    with pytest.raises(UsageError, match="os_name"):
        place.provisioner.resolve(parse_request(["foo; os_name ~= 'posix'"]), running_interpreter)
