"""The scenarios against our own installer, which passes all, and against wrong ones, which fail exactly those they should."""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from packaging.utils import parse_wheel_filename

from pytest_wheeltag.conformance import Trial, run_scenario
from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request, UnnamedDemand
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.scenario import Cast, Scenario, list_casts
from pytest_wheeltag.core.verdict import Outcome
from pytest_wheeltag.repertoire import load_scenarios, pick_neighbours
from pytest_wheeltag.subjects.subject import failing_as
from pytest_wheeltag.subjects.wheeltag import WheeltagSubject
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.workplace import Workplace

SCENARIOS = load_scenarios()
# What each wrong installer must fail, as patterns of identifiers; everything else it must pass.
OTHER_BUILDS = ("settings-*",)
OTHER_INTERPRETERS = ("built-*", *OTHER_BUILDS)
OTHER_CONTENT = ("content-*", "local-*", "hashes-built-before", "hashes-cached-other", *OTHER_INTERPRETERS)
RELEASES = (
    *OTHER_CONTENT,
    "hashes-right-of-several",
    *("later-better-tag", "later-higher-build", "later-other-python", "later-withdrawn"),
    *("order-abi3-upwards", "order-compiled-*", "order-compressed-set", "order-dependency", "order-pyxy-*"),
    *("source-after-wheel", "source-other-python", "source-then-wheel", "source-wheel-appears"),
)
WRONG = {
    "name": (*RELEASES, "later-version", "order-requires-python"),
    "name-and-version": RELEASES,
    "file-name": OTHER_CONTENT,
    "no-interpreter": OTHER_INTERPRETERS,
    "no-build-inputs": OTHER_BUILDS,
    # It knows what was asked of a build, not what that led to.
    "trusting-links": ("links-*", "settings-build-requirement"),
}


Key = Callable[[Choice, Interpreter, str], str]
Put = Callable[[Path, Path], object]


@dataclass(frozen=True)
class Fault:
    """What a wrong installer keeps things under, and how it puts them into environments."""

    name: str
    key: Key
    put: Put = shutil.copyfile


@dataclass(frozen=True)
class FaultyInstaller:
    """Chooses and builds as ours does, from ``cache``; what it installs comes from its own folder where it can."""

    fault: Fault
    cache: Path
    place: Workplace
    folder: Path

    @property
    def name(self) -> InstallerName:
        return InstallerName(self.fault.name, "1.0")

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        with failing_as(self.name.name, interpreter, request):
            self._provision(prefix, interpreter, request)
        return Account()

    def _provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> None:
        place = replace(self.place, sources=replace(self.place.sources, cache=self.cache))
        environment = place.maker.make(prefix, interpreter)
        inputs = repr((place.options, [each.config_settings for each in request.requirements]))
        inputs += place.environ.get("CFLAGS", "")
        choices = place.provisioner.resolve(request, interpreter).choices
        kept = [self._locate(self.fault.key(choice, interpreter, inputs)) for choice in choices]
        if not all(folder.exists() for folder in kept):
            place.provisioner.install(environment, request)
        for choice, folder in zip(choices, kept, strict=True):
            self._exchange(environment.site_packages, choice, folder)
        environment.complete()

    def _locate(self, key: str) -> Path:
        return self.folder / "kept" / hashlib.sha256(key.encode()).hexdigest()[:16]

    def _exchange(self, site: Path, choice: Choice, folder: Path) -> None:
        """Keep what was installed of a project if nothing is kept, and install what is kept."""
        if not folder.exists():
            for path in (site / choice.name, *site.glob(f"{choice.name}-*.dist-info")):
                shutil.copytree(path, folder / path.name)
        for path in [each for each in folder.rglob("*") if each.is_file()]:
            target = site / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            self.fault.put(path, target)


def _by_name(choice: Choice, _: Interpreter, __: str) -> str:
    return choice.name


def _by_release(choice: Choice, _: Interpreter, __: str) -> str:
    return f"{choice.name} {choice.version}"


def _by_filename(choice: Choice, _: Interpreter, __: str) -> str:
    return choice.artefact.file.filename


def _digest(choice: Choice) -> str:
    """Hash what lies at the address of what was chosen, whatever it is."""
    if choice.artefact.file.sha256:
        return choice.artefact.file.sha256
    url = choice.artefact.file.url
    tree = Path(urlsplit(url).path)
    if url.startswith("file:") and tree.is_dir():
        return hashlib.sha256(b"".join(each.read_bytes() for each in sorted(tree.rglob("*.py")))).hexdigest()
    with urlopen(url) as stream:  # noqa: S310 - on loopback or a file of ours
        return hashlib.sha256(stream.read()).hexdigest()


def _by_hash(choice: Choice, _: Interpreter, __: str) -> str:
    return _digest(choice)


def _by_hash_and_interpreter(choice: Choice, interpreter: Interpreter, _: str) -> str:
    return _digest(choice) + interpreter.version * choice.is_built


def _by_everything(choice: Choice, interpreter: Interpreter, inputs: str) -> str:
    return _by_hash_and_interpreter(choice, interpreter, inputs) + inputs


FAULTS = (
    Fault("name", _by_name),
    Fault("name-and-version", _by_release),
    Fault("file-name", _by_filename),
    Fault("no-interpreter", _by_hash),
    Fault("no-build-inputs", _by_hash_and_interpreter),
    Fault("trusting-links", _by_everything, os.link),
)


@dataclass(frozen=True)
class CarelessInstaller:
    """Takes the first wheel listed that is accepted at all, minds no hash and builds whatever it is told."""

    place: Workplace
    folder: Path

    @property
    def name(self) -> InstallerName:
        return InstallerName("careless", "1.0")

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        place = self.place.with_options(replace(self.place.options, controls=Controls()))
        demands = tuple(replace(each, hashes=()) for each in request.requirements)
        careless = replace(request, requirements=demands)
        environment = place.maker.make(prefix, interpreter)
        (choice,) = place.provisioner.resolve(careless, interpreter).choices
        files = place.opened.catalogue.release(choice.name, choice.version).files
        wheels = (each for each in files if each.filename.endswith(".whl"))
        first = next((each for each in wheels if self._accepts(each.filename, interpreter)), None)
        if first is not None:
            careless = Request((UnnamedDemand(Reference(first.url, ReferenceKind.WHEEL), "careless"),))
        place.provisioner.install(environment, careless)
        environment.complete()
        return Account()

    def _accepts(self, filename: str, interpreter: Interpreter) -> bool:
        tags = parse_wheel_filename(filename)[3]
        return any(str(tag) in interpreter.ranking.tags for tag in tags)


@pytest.fixture(scope="session")
def interpreters(
    running_interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Sequence[Interpreter]:
    finder = InterpreterFinder(tmp_path_factory.mktemp("found"), this_machine(os.environ))
    return pick_neighbours(running_interpreter, finder.find_all())


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the cache that wrong installers build with."""
    return tmp_path_factory.mktemp("cache")


def cast_for(scenario: Scenario, interpreters: Sequence[Interpreter]) -> Cast:
    cast = next(iter(list_casts(scenario, interpreters)), None)
    if cast is None:
        pytest.skip("needs a second interpreter")
    return cast


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.identifier)
def test_our_own_installer_passes(
    scenario: Scenario, interpreters: Sequence[Interpreter], tmp_path: Path
) -> None:
    trial = Trial(
        InstallerName("wheeltag", "1.0"), tmp_path, os.environ, lambda place, _: WheeltagSubject(place)
    )

    result = run_scenario(scenario, cast_for(scenario, interpreters), trial)

    assert (result.outcome, result.message) == (Outcome.PASSED, "")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.identifier)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_wrong_installer_fails_what_it_should_and_nothing_else(
    fault: Fault, scenario: Scenario, interpreters: Sequence[Interpreter], cache: Path, tmp_path: Path
) -> None:
    installer = partial(FaultyInstaller, fault, cache)
    trial = Trial(InstallerName(fault.name, "1.0"), tmp_path, os.environ, installer)

    result = run_scenario(scenario, cast_for(scenario, interpreters), trial)

    must_fail = any(fnmatch(scenario.identifier, pattern) for pattern in WRONG[fault.name])
    assert (result.outcome is Outcome.FAILED) == must_fail, result.message
    # With an empty cache nothing is wrong with any of them.
    assert result.is_cold is (False if must_fail else None)


# What asks how a file is chosen, which the wrong caches leave to ours.
CHOOSING = [
    "hashes-index-other",
    "order-abi3-shared",
    "order-build-tags",
    "order-manylinux",
    "order-tag-over-build",
    "source-only-binary",
]


@pytest.mark.parametrize("identifier", CHOOSING)
def test_a_careless_installer_fails_with_an_empty_cache_too(
    identifier: str, interpreters: Sequence[Interpreter], tmp_path: Path
) -> None:
    (scenario,) = (each for each in SCENARIOS if each.identifier == identifier)
    trial = Trial(InstallerName("careless", "1.0"), tmp_path, os.environ, CarelessInstaller)

    result = run_scenario(scenario, cast_for(scenario, interpreters), trial)

    assert (result.outcome, result.is_cold) == (Outcome.FAILED, True)


def test_each_scenario_is_failed_by_some_wrong_installer() -> None:
    patterns = [pattern for each in WRONG.values() for pattern in each]
    assert [
        each.identifier for each in SCENARIOS if not any(fnmatch(each.identifier, one) for one in patterns)
    ] == CHOOSING
