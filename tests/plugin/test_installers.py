"""An installer that somebody else brings: by an entry point, for the plugin and for the command alike."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.cli import main

# The itinerary is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Itinerary = Any

# A real little installer, and a wrong one: it takes the first file of the page, and no dependency.
MITTEN = """
import shutil, zipfile
from pathlib import Path
from urllib.request import urlopen
from pytest_wheeltag.core.account import Account, ResolvedFile
from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.subjects.subject import failing_as

class Mitten:
    def __init__(self, place, lodging, version):
        self.place, self.lodging, self.version = place, lodging, version

    @property
    def name(self):
        return InstallerName("mitten", self.version or "0.5")

    def provision(self, prefix, interpreter, request):
        with failing_as("mitten", interpreter, request):
            environment = self.place.maker.make(prefix, interpreter)
            resolved = tuple(self._put(demand, environment) for demand in request.requirements)
            environment.complete()
        said = "".join(f"took {each.filename}\\n" for each in resolved)
        return Account((Invocation(("mitten", "--into", "it"), said, 0),), resolved)

    def _put(self, demand, environment):
        file = self.place.opened.catalogue.files(demand.name).files[0]
        self.lodging.cache.mkdir(parents=True, exist_ok=True)
        kept = self.lodging.cache / file.filename
        with urlopen(file.url) as answer, kept.open("wb") as stream:
            shutil.copyfileobj(answer, stream)
        with zipfile.ZipFile(kept) as archive:
            archive.extractall(environment.site_packages)
        next(environment.site_packages.glob("*.dist-info")).joinpath("INSTALLER").write_text("pip")
        return ResolvedFile(demand.name, file.filename.split("-")[1], file.filename, file.sha256)
"""
# Another one, which installs nothing at all: its command fails.
THIMBLE = """
import sys
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.subjects.attempt import Attempt
from pytest_wheeltag.subjects.seclusion import seclude_at

class Thimble:
    name = InstallerName("thimble", "0.1")

    def __init__(self, place, lodging, version):
        self.place, self.lodging = place, lodging

    def provision(self, prefix, interpreter, request):
        seen = seclude_at(self.place, self.lodging.cache)
        attempt = Attempt(self.name, interpreter, request, seen)
        attempt.run(sys.executable, "-c", "print('it looks for foo', flush=True); raise SystemExit('error: no thread')")
"""
SCENARIO = """
title = "A wheel for every Python is listed before a fitting one"
class = "order"
property = "best"
guards = "a rule"
roles = ["one"]
artefacts.pure.wheel = "foo-1.0-py3-none-any.whl"
artefacts.fitting.wheel = "foo-1.0-{one.py}-none-any.whl"
steps = [
    { publish = ["pure", "fitting"] },
    { install = "foo", on = "one", expect.foo = "fitting" },
]
"""
HERE = f"--wheeltag-python={sys.executable}"


@pytest.fixture(autouse=True)
def _brought_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "brought"
    (folder / "mitten-1.0.dist-info").mkdir(parents=True)
    (folder / "mitten.py").write_text(MITTEN, encoding="utf-8")
    metadata = "Metadata-Version: 2.1\nName: mitten\nVersion: 1.0\n"
    (folder / "mitten-1.0.dist-info" / "METADATA").write_text(metadata, encoding="utf-8")
    (folder / "thimble.py").write_text(THIMBLE, encoding="utf-8")
    named = ("mitten = mitten:Mitten", "thimble = thimble:Thimble", "broken = no_such_module:Nothing")
    lines = "".join(f"{each}\n" for each in ("[pytest_wheeltag.subjects]", *named))
    (folder / "mitten-1.0.dist-info" / "entry_points.txt").write_text(lines, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    for module in ("mitten", "thimble"):
        monkeypatch.delitem(sys.modules, module, raising=False)


def test_its_environments_are_judged_and_a_failure_shows_what_it_printed(
    itinerary: Itinerary, own_tags: Callable[[], tuple[str, str]]
) -> None:
    better, worse = own_tags()
    itinerary.publish("foo", worse, better)

    result = itinerary.run("--wheeltag-require=foo", HERE, "--wheeltag-installer=mitten==2.0")

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            f"foo 1.0 on *: installed `{worse}`, better published `{better}`*",
            "*Captured output of the installer call*",
            "$ mitten --into it",
            f"took foo-1.0-{worse}.whl",
        ]
    )
    result.stdout.fnmatch_lines(["*(by mitten 2.0)*"])


def test_what_passes_shows_nothing_of_it(itinerary: Itinerary) -> None:
    itinerary.publish("foo")

    result = itinerary.run("--wheeltag-require=foo", HERE, "--wheeltag-installer=mitten", "-rA")

    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*mitten --into*")


def test_what_pip_printed_is_shown_where_it_fails(itinerary: Itinerary) -> None:
    result = itinerary.run("--wheeltag-require=absent", HERE, "--wheeltag-installer=pip", "-n0")

    result.stdout.fnmatch_lines(
        ["*pip * cannot install absent*", "*Captured output of the installer call*", "$ *pip* install *"]
    )
    result.stdout.fnmatch_lines(["ERROR: No matching distribution found for absent", "(exit status 1)"])


def test_the_command_plays_the_scenarios_against_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--scenario", "order-build-tags", "--scenario", "later-version"]
    status = main(["conformance", "--installer", "mitten", *options, "--cache-dir", str(tmp_path / "cache")])

    printed = capsys.readouterr().out
    assert status == 1
    assert "FAILED mitten 0.5: order-build-tags" in printed


@pytest.mark.parametrize(
    ("installer", "shown"),
    [
        ("mitten", ["$ mitten --into it", "took foo-1.0-py*-none-any.whl"]),
        ("thimble", ["$ *python* -c *", "it looks for foo", "error: no thread", "(exit status 1)"]),
    ],
)
def test_a_scenario_that_it_fails_shows_what_was_run(
    pytester: pytest.Pytester, installer: str, shown: list[str]
) -> None:
    (pytester.path / "mine.toml").write_text(SCENARIO, encoding="utf-8")
    chosen = ("--wheeltag-only", "--wheeltag-conformance", "--wheeltag-scenario-file=mine.toml")

    result = pytester.runpytest(*chosen, HERE, f"--wheeltag-installer={installer}")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["guards: a rule", "*Captured output of the installer call*", *shown])


def test_one_that_cannot_be_loaded_is_one_line(itinerary: Itinerary) -> None:
    result = itinerary.run("--wheeltag-require=foo", HERE, "--wheeltag-installer=broken")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: *(ModuleNotFoundError: *'no_such_module'), found: `broken = no_such_module:Nothing`"]
    )


def test_a_mistaken_name_names_it_too(itinerary: Itinerary) -> None:
    result = itinerary.run("--wheeltag-require=foo", HERE, "--wheeltag-installer=miten")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*`mitten`*the nearest is `mitten`, found: `miten`"])
