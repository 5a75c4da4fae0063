"""Properties of installers through the plugin: ours has them, wrong ones on the machine's interpreters have not."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from json import loads
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.subjects import roster
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.subjects.wheeltag import WheeltagSubject
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop.packed import pack_installed
from pytest_wheeltag.workshop.sdists import Recipe

# The itinerary is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Itinerary = Any

FOO = "--wheeltag-require=foo"
ALL = [f"--wheeltag-property={each}" for each in ("best", "transparent", "faithful", "agreeing")]
FAULTY = "--wheeltag-installer=faulty"


@dataclass(frozen=True)
class CacheByName:
    """Resolves as ours does; what it installed once of a project it installs again, if its tags will do."""

    place: Workplace
    lodging: Lodging
    version: str = ""

    @property
    def name(self) -> InstallerName:
        return InstallerName("faulty", "1.0")

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        account = WheeltagSubject(self.place, self.lodging.cache / "own").provision(
            prefix, interpreter, request
        )
        environment = Environment(prefix, interpreter)
        for wheel in read_installed(environment.as_existing()):
            if isinstance(wheel, InstalledWheel):
                self._exchange(wheel, environment)
        return account

    def _exchange(self, wheel: InstalledWheel, environment: Environment) -> None:
        kept, site = self.lodging.cache / "kept" / canonicalize_name(wheel.name), environment.site_packages
        tags = next(kept.glob("*.dist-info/WHEEL"), None)
        if tags is None:
            for each in (Path(wheel.location), site / wheel.name):
                shutil.copytree(each, kept / each.name)
        elif environment.interpreter.ranking.best_rank(_read_tags(tags)):
            shutil.copytree(kept, site, dirs_exist_ok=True)


def _read_tags(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an installer that is wrong."""
    monkeypatch.setitem(roster.SUBJECTS, "faulty", CacheByName)


@pytest.fixture
def upwards(tmp_path: Path) -> list[str]:
    """Give the options for three interpreters, the oldest first, that the pip of this environment supports."""
    finder = InterpreterFinder(tmp_path / "interpreters", this_machine(os.environ))
    labels = {each.label for each in finder.find_all() if each.is_final}
    minors = [minor for minor in range(10, 14) if f"cpython3.{minor}" in labels][:3]
    if len(minors) < 3:
        pytest.skip("needs three interpreters")
    return [f"--wheeltag-python=3.{minor}" for minor in minors]


@pytest.fixture
def publish_seed(itinerary: Itinerary) -> Callable[[], None]:
    """Publish a wheel for each Python, and the pip that is here."""

    def publish() -> None:
        itinerary.publish("foo", *(f"py3{minor}-none-any" for minor in range(10, 14)), requires=["bar"])
        itinerary.publish("bar")
        itinerary.index.add(pack_installed("pip", itinerary.make_wheel.folder))

    return publish


def verdicts(report: dict[str, Any], name: str = "foo") -> dict[str, dict[str, str]]:
    """Give the verdicts on a distribution by environment, each by property."""
    return {
        each["id"]: {row["property"]: row["verdict"] for row in each["distributions"] if row["name"] == name}
        for each in report["environments"]
    }


def messages(report: dict[str, Any], asked: str) -> list[str]:
    return [
        row["message"]
        for each in report["environments"]
        for row in each["distributions"]
        if (row["name"], row["property"]) == ("foo", asked)
    ]


def test_our_own_installer_has_every_property_in_both_orders(
    itinerary: Itinerary, upwards: list[str], publish_seed: Callable[[], None]
) -> None:
    publish_seed()

    report = itinerary.report(FOO, *upwards, "--wheeltag-orders=both", *ALL)

    assert len(report["environments"]) == 6
    for name in ("foo", "bar"):
        for found in verdicts(report, name).values():
            assert found == {each: each for each in ("best", "transparent", "faithful", "agreeing")}
    assert report["summary"] == {"passed": 48, "failed": 0, "skipped": 0}
    schema = loads(files("pytest_wheeltag.reports").joinpath("schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    assert not itinerary.environments()
    # Each interpreter's wheel once for the user's cache, once for the empty one, once for pip, once for its RECORD.
    assert sorted(itinerary.downloads()).count("foo-1.0-py310-none-any.whl") == 4


@pytest.mark.usefixtures("faulty")
def test_a_cache_by_name_fails_every_property_upwards_and_none_downwards(
    itinerary: Itinerary, upwards: list[str], publish_seed: Callable[[], None]
) -> None:
    publish_seed()
    labels = [each.replace("--wheeltag-python=", "cpython") for each in upwards]
    first = labels[0].removeprefix("cpython").replace(".", "")

    report = itinerary.report(FOO, *upwards, "--wheeltag-orders=both", FAULTY, *ALL)

    good = {each: each for each in ("best", "transparent", "faithful", "agreeing")}
    bad = {"best": "inferior", "transparent": "opaque", "faithful": "unfaithful", "agreeing": "disagreeing"}
    assert verdicts(report) == {
        f"{label}[{order}]": bad if order == "given" and label != labels[0] else good
        for label in labels
        for order in ("given", "reversed")
    }
    for asked in bad:
        found = [each for each in messages(report, asked) if "installed first on" in each]
        assert [each.partition("; installed first on ")[2] for each in found] == [
            f"{labels[0]}, then on {label}" for label in labels[1:]
        ]
        assert f"`py{first}-none-any`" in found[0] or f"foo-1.0-py{first}-none-any.whl" in found[0]


@pytest.mark.usefixtures("faulty")
def test_what_was_built_on_one_interpreter_is_opaque_on_another_though_its_tag_says_nothing(
    itinerary: Itinerary, upwards: list[str]
) -> None:
    sdist = itinerary.make_wheel.sdist("foo", recipe=Recipe(witnesses_interpreter=True))
    itinerary.index.add(sdist)
    asked = [FOO, *upwards[:2], "--wheeltag-property=best", "--wheeltag-property=transparent"]
    labels = [each.replace("--wheeltag-python=", "cpython") for each in upwards]

    wrong = itinerary.report(*asked, FAULTY)
    ours = itinerary.report(*asked, "--wheeltag-orders=both")

    assert list(verdicts(wrong).values()) == [
        {"best": "built", "transparent": "transparent"},
        {"best": "built", "transparent": "opaque"},
    ]
    assert messages(wrong, "transparent")[1] == (
        f"foo 1.0 on {labels[1]}: depends on the cache: other content in `foo/_built.py`; "
        f"installed first on {labels[0]}, then on {labels[1]}"
    )
    assert {each["transparent"] for each in verdicts(ours).values()} == {"transparent"}


def test_a_build_that_never_repeats_is_told_apart(itinerary: Itinerary) -> None:
    itinerary.index.add(itinerary.make_wheel.sdist("foo", recipe=Recipe(is_irreproducible=True)))

    report = itinerary.report(FOO, "--wheeltag-property=transparent")

    ((row,),) = [each["distributions"] for each in report["environments"]]
    assert (row["verdict"], row["outcome"]) == ("transparent", "passed")
    assert row["warnings"] == ["foo 1.0: two builds with an empty cache differ, left out: `foo/_built.py`"]


def test_a_file_that_is_not_what_its_wheel_says_is_still_the_one_that_was_resolved(
    itinerary: Itinerary,
) -> None:
    itinerary.publish("foo", "py3-none-any", wheel_tags=["py2-none-any", "py3-none-any"])

    itinerary.run(FOO, "--wheeltag-property=faithful").assert_outcomes(passed=2)


def test_workers_share_what_is_installed_aside(itinerary: Itinerary) -> None:
    for name in ("foo", "bar", "baz"):
        itinerary.publish(name)
    asked = ["--wheeltag-require=foo", "--wheeltag-require=bar", "--wheeltag-require=baz"]
    here = f"--wheeltag-python={sys.executable}"

    result = itinerary.run(*asked, here, here, "--wheeltag-property=transparent", "-n", "2")

    result.assert_outcomes(passed=8)
    assert sorted(itinerary.downloads()) == [
        f"{name}-1.0-py3-none-any.whl" for name in ("bar", "bar", "baz", "baz", "foo", "foo")
    ]
    assert not itinerary.environments()


def test_nothing_is_installed_aside_unless_it_is_asked_for(itinerary: Itinerary) -> None:
    itinerary.publish("foo")

    itinerary.run(FOO, "--wheeltag-property=best").assert_outcomes(passed=2)

    assert itinerary.downloads() == ["foo-1.0-py3-none-any.whl"]


def test_without_a_pip_on_the_index_nothing_is_known_of_agreeing(itinerary: Itinerary) -> None:
    itinerary.publish("foo")

    result = itinerary.run(FOO, "--wheeltag-property=agreeing", "-rs")

    result.assert_outcomes(skipped=1, passed=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED*unknown: foo 1.0 on *pip unknown it cannot be: pip cannot install foo *"]
    )


def test_files_that_tie_are_no_disagreement(itinerary: Itinerary, monkeypatch: pytest.MonkeyPatch) -> None:
    for tag in ("py2.py3-none-any", "py3-none-any"):
        itinerary.publish("foo", tag)
    itinerary.index.add(pack_installed("pip", itinerary.make_wheel.folder))
    (other,) = (each for each in itinerary.make_wheel.folder.glob("foo-1.0-py2.py3-*"))

    def of_a_folder(place: Workplace, lodging: Lodging, _: str) -> WheeltagSubject:
        sources = replace(
            place.sources, no_index=True, index_url=None, find_links=(str(other.parent / "links"),)
        )
        return WheeltagSubject(replace(place, sources=sources), lodging.cache)

    (other.parent / "links").mkdir()
    shutil.copy(other, other.parent / "links")
    monkeypatch.setitem(roster.SUBJECTS, "faulty", of_a_folder)

    report = itinerary.report(FOO, FAULTY, "--wheeltag-property=agreeing")

    ((row,),) = [each["distributions"] for each in report["environments"]]
    assert (row["verdict"], row["outcome"]) == ("ambiguous", "passed")
    assert "differ only in the order of listing" in row["message"]


def test_an_environment_that_was_there_is_a_usage_error(itinerary: Itinerary) -> None:
    for arguments in ([], [FOO, f"--wheeltag-env={sys.prefix}"]):
        result = itinerary.run("--wheeltag-property=transparent", *arguments)

        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(
            [
                "ERROR: --wheeltag-property: expected `best` or `intact` of environments that are there already; for the others add `--wheeltag-require` and leave out `--wheeltag-env`, found: `transparent`"
            ]
        )


def test_a_fault_of_an_installer_can_be_accepted_by_its_verdict(
    itinerary: Itinerary, upwards: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(roster.SUBJECTS, "faulty", CacheByName)
    itinerary.publish("foo", *(f"py3{minor}-none-any" for minor in range(10, 14)))

    result = itinerary.run(
        FOO, FAULTY, *upwards[:2], "--wheeltag-property=transparent", "--wheeltag-accept=foo:opaque"
    )

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["foo 1.0 on *: depends on the cache: tags *, then on cpython* (accepted)"])
