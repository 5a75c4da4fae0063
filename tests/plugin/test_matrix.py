import json
import os
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.workshop import write_find_links

# The itinerary is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Itinerary = Any
Stage = Any

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])
HERE = f"--wheeltag-python={sys.executable}"
FOO = "--wheeltag-require=foo"


@pytest.fixture(scope="module")
def minors(tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """List the CPythons of the seed's case that are on this machine, by their second number."""
    finder = InterpreterFinder(tmp_path_factory.mktemp("interpreters"), this_machine(os.environ))
    found = {each.label for each in finder.find_all() if each.is_final}
    return [minor for minor in range(10, 14) if f"cpython3.{minor}" in found]


@pytest.fixture
def _worse_pip(itinerary: Itinerary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a pip on PATH that knows an older state of the world: wheels for the Python before this one."""
    if os.name != "posix":
        pytest.skip("the stand-in for pip is a shell script")
    minor = sys.version_info[1]
    wheels = [itinerary.make_wheel(name, tag=f"py3{minor - 1}-none-any") for name in ("bar", "baz")]
    wheels += [itinerary.make_wheel("foo", requires=["bar", "baz", "fine"]), itinerary.make_wheel("fine")]
    links = write_find_links(tmp_path / "older", wheels)
    pip = tmp_path / "path" / "pip"
    pip.parent.mkdir()
    pip.write_text(
        f"#!/bin/sh\nunset PIP_INDEX_URL\nexport PIP_NO_INDEX=1 PIP_FIND_LINKS='{links}'\n"
        f'exec "{sys.executable}" -m pip "$@"\n',
        encoding="utf-8",
    )
    pip.chmod(0o755)
    monkeypatch.setenv("PATH", f"{pip.parent}{os.pathsep}{os.environ['PATH']}")


def test_the_seeds_case_upwards_and_downwards_on_one_cache(itinerary: Itinerary, minors: list[int]) -> None:
    itinerary.publish("foo", *(f"py3{minor}-none-any" for minor in range(10, 14)))
    pythons = [f"--wheeltag-python=3.{minor}" for minor in minors]

    upwards = itinerary.run(FOO, *pythons)
    fetched = itinerary.downloads()
    downwards = itinerary.run(FOO, *reversed(pythons))

    assert fetched == [f"foo-1.0-py3{minor}-none-any.whl" for minor in minors]
    for result in (upwards, downwards):
        result.assert_outcomes(passed=2 * len(minors))
        assert result.ret == pytest.ExitCode.OK
    labels = [f"cpython3.{minor}" for minor in minors]
    upwards.stdout.fnmatch_lines([f"wheeltag: {' → '.join(labels)} (given)"])
    downwards.stdout.fnmatch_lines([f"wheeltag: {' → '.join(reversed(labels))} (given)"])
    assert itinerary.downloads() == fetched


def test_offline_from_a_folder_of_wheels(itinerary: Itinerary, minors: list[int], tmp_path: Path) -> None:
    wheels = [itinerary.make_wheel("foo", tag=f"py3{minor}-none-any") for minor in range(10, 14)]
    links = write_find_links(tmp_path / "links", wheels)
    pythons = [f"--wheeltag-python=3.{minor}" for minor in minors]
    sources = ["--wheeltag-no-index", f"--wheeltag-find-links={links}", "--wheeltag-offline"]

    result = itinerary.pytester.runpytest("--wheeltag-check", "--wheeltag-only", FOO, *pythons, *sources)

    result.assert_outcomes(passed=2 * len(minors))


def test_ids_are_those_of_the_interface(itinerary: Itinerary) -> None:
    assert itinerary.collect("--wheeltag-require=Foo.Bar", FOO, HERE) == [
        f"wheeltag::{LABEL}::foo",
        f"wheeltag::{LABEL}::foo-bar",
        f"wheeltag::{LABEL}::[dependencies]",
    ]
    properties = ["--wheeltag-property=best", "--wheeltag-property=intact"]
    assert itinerary.collect(FOO, HERE, "--wheeltag-python=3.99", "--wheeltag-orders=both", *properties) == [
        f"wheeltag::{label}[{order}][{asked}]::{name}"
        for order, labels in (("given", [LABEL, "cpython3.99"]), ("reversed", ["cpython3.99", LABEL]))
        for label in labels
        for asked in ("best", "intact")
        for name in ("foo", "[dependencies]")
    ]
    assert itinerary.collect(FOO, HERE, HERE, "--wheeltag-python=3.99", "--wheeltag-orders=all")[::2] == [
        f"wheeltag::{label}[{'-'.join(order)}]::foo"
        for order in (
            [LABEL, LABEL, "cpython3.99"],
            [LABEL, "cpython3.99", LABEL],
            ["cpython3.99", LABEL, LABEL],
        )
        for label in [each if order[:at].count(each) == 0 else f"{each}@2" for at, each in enumerate(order)]
    ]


def test_labels_that_an_audit_has_are_numbered_on(itinerary: Itinerary, stage: Stage) -> None:
    environment = stage.environment(("bar", "py3-none-any"))

    found = itinerary.collect(f"--wheeltag-env={environment.path}", FOO, HERE, HERE)

    assert found[::2] == [
        f"wheeltag::{LABEL}::bar",
        f"wheeltag::{LABEL}@2::[dependencies]",
        f"wheeltag::{LABEL}@3::[dependencies]",
    ]


def test_collecting_asks_and_installs_nothing(itinerary: Itinerary) -> None:
    itinerary.publish("foo")

    result = itinerary.run(FOO, HERE, "--collect-only")

    assert result.ret == pytest.ExitCode.OK
    assert not itinerary.index.requests
    assert not itinerary.environments()


def test_requirements_hold_where_their_markers_do(itinerary: Itinerary) -> None:
    itinerary.publish("foo")

    names = itinerary.collect(FOO, "--wheeltag-require=old; python_version < '3.0'", HERE)
    result = itinerary.run(FOO, "--wheeltag-require=old; python_version < '3.0'", HERE)

    assert names == [f"wheeltag::{LABEL}::foo", f"wheeltag::{LABEL}::[dependencies]"]
    result.assert_outcomes(passed=2)


def test_without_an_interpreter_the_running_one_is_meant(itinerary: Itinerary) -> None:
    assert itinerary.collect(FOO)[0] == f"wheeltag::{LABEL}::foo"


def test_a_printed_id_given_back_installs_all_stops_in_order(itinerary: Itinerary) -> None:
    itinerary.publish("foo")
    ids = itinerary.collect(FOO, HERE, HERE)
    report = itinerary.pytester.path / "report.json"

    result = itinerary.pytester.runpytest(
        "--wheeltag-check",
        f"--wheeltag-index-url={itinerary.index.url}",
        FOO,
        HERE,
        HERE,
        f"--wheeltag-json={report}",
        ids[2],
    )

    assert ids[2] == f"wheeltag::{LABEL}@2::foo"
    result.assert_outcomes(passed=1, deselected=3)
    (environment,) = json.loads(report.read_text(encoding="utf-8"))["environments"]
    assert environment["order"] == [LABEL, LABEL]
    # The folder of the second stop: the first was made before it.
    itinerary.pytester.makeconftest(
        """
        import pytest_wheeltag.subjects.wheeltag as ours
        provision = ours.WheeltagSubject.provision
        def told(self, prefix, *others):
            print("PROVISION", prefix.name)
            return provision(self, prefix, *others)
        ours.WheeltagSubject.provision = told
        def pytest_unconfigure():
            ours.WheeltagSubject.provision = provision
        """
    )
    told = itinerary.run(FOO, HERE, HERE, "-s", ids[2])
    told.stdout.fnmatch_lines([f"*PROVISION 0-{LABEL}", f"PROVISION 1-{LABEL}"])


@pytest.mark.usefixtures("_worse_pip")
def test_the_dependencies_are_judged_together_and_each_failure_told(itinerary: Itinerary) -> None:
    minor = sys.version_info[1]
    itinerary.publish("foo", requires=["bar", "baz", "fine"])
    itinerary.publish("fine")
    for name in ("bar", "baz"):
        itinerary.publish(name, f"py3{minor}-none-any", f"py3{minor - 1}-none-any")

    result = itinerary.run(FOO, HERE, "--wheeltag-installer=pip", "-v")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            f"wheeltag::{LABEL}::foo PASSED*",
            f"wheeltag::{LABEL}::[[]dependencies] FAILED*",
            f"bar 1.0 on {LABEL}: installed `py3{minor - 1}-none-any`, better published *",
            f"baz 1.0 on {LABEL}: installed `py3{minor - 1}-none-any`, better published *",
            f"{LABEL}: 2 inferior, 2 best (by pip {version('pip')})",
        ]
    )


def test_workers_share_the_expensive_work(itinerary: Itinerary) -> None:
    itinerary.publish("foo", requires=["bar"])
    itinerary.publish("bar")

    result = itinerary.run(FOO, HERE, HERE, "--wheeltag-orders=all", "-n", "2")

    result.assert_outcomes(passed=4)
    assert sorted(itinerary.downloads()) == ["bar-1.0-py3-none-any.whl", "foo-1.0-py3-none-any.whl"]
    assert itinerary.index.count("foo") <= 3
    assert not itinerary.environments()


def test_the_report_keeps_its_schema_and_its_bytes(itinerary: Itinerary) -> None:
    itinerary.publish("foo", requires=["bar"])
    itinerary.publish("bar")
    arguments = [FOO, HERE, HERE, "--wheeltag-python=3.99", "--wheeltag-orders=both"]
    properties = ["--wheeltag-property=best", "--wheeltag-property=intact"]

    paths = [itinerary.pytester.path / f"{number}.json" for number in range(3)]
    for path, workers in zip(paths, ([], [], ["-n", "2"]), strict=True):
        itinerary.run(*arguments, *properties, f"--wheeltag-json={path}", *workers)

    report = json.loads(paths[0].read_text(encoding="utf-8"))
    schema = files("pytest_wheeltag.reports").joinpath("schema.json").read_text(encoding="utf-8")
    jsonschema.validate(report, json.loads(schema))
    assert len({path.read_bytes() for path in paths}) == 1
    given, back = [LABEL, LABEL, "cpython3.99"], ["cpython3.99", LABEL, LABEL]
    found = {each["id"]: each for each in report["environments"]}
    assert sorted(found) == sorted(
        f"{label}[{order}]"
        for label in (LABEL, f"{LABEL}@2", "cpython3.99")
        for order in ("given", "reversed")
    )
    assert found[f"{LABEL}[given]"]["order"] == given
    assert found[f"{LABEL}[reversed]"]["order"] == back
    made = [each for each in report["environments"] if each["fingerprint"]]
    assert len(made) == 4
    assert len({each["fingerprint"] for each in made}) == 1
    for each in made:
        assert (each["kind"], each["path"]) == ("provisioned", None)
        assert each["installer"] == {"name": "wheeltag", "version": version("pytest-wheeltag")}
        assert [(row["name"], row["property"], row["verdict"]) for row in each["distributions"]] == [
            (name, asked, asked) for name in ("bar", "foo") for asked in ("best", "intact")
        ]
    assert report["summary"] == {"passed": 16, "failed": 4, "skipped": 0}


def test_ini_values_do_what_options_do(itinerary: Itinerary) -> None:
    itinerary.publish("foo", requires=["bar"])
    itinerary.publish("bar")
    (itinerary.pytester.path / "wanted.txt").write_text("foo  # of course\n", encoding="utf-8")
    itinerary.pytester.makeini(
        f"""
        [pytest]
        wheeltag_check_pythons =
            {sys.executable}
            {sys.executable}
        wheeltag_requires = bar
        wheeltag_requirements = wanted.txt
        wheeltag_orders = all
        wheeltag_properties = intact
        wheeltag_installer = wheeltag
        wheeltag_link_mode = copy
        """
    )

    assert itinerary.collect() == [
        f"wheeltag::{LABEL}{number}::{name}"
        for number in ("", "@2")
        for name in ("bar", "foo", "[dependencies]")
    ]
    report = itinerary.report()
    assert {row["property"] for each in report["environments"] for row in each["distributions"]} == {"intact"}


def test_requirements_and_constraints_come_from_files(itinerary: Itinerary, tmp_path: Path) -> None:
    for each in ("1.0", "2.0"):
        itinerary.publish("foo", version=each, requires=["bar"])
        itinerary.publish("bar", version=each)
    wanted, bounds = tmp_path / "wanted.txt", tmp_path / "bounds.txt"
    wanted.write_text("# ours\n\nfoo>=1\n", encoding="utf-8")
    bounds.write_text("bar<2  # for now\n", encoding="utf-8")

    report = itinerary.report(f"--wheeltag-requirements={wanted}", f"--wheeltag-constraint={bounds}", HERE)

    rows = report["environments"][0]["distributions"]
    assert [(row["name"], row["version"]) for row in rows] == [("bar", "1.0"), ("foo", "2.0")]
