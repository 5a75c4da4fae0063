"""The scenarios against our own installer, which passes all, and against wrong ones, which fail exactly those they should."""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest
from packaging.pylock import Pylock
from packaging.utils import parse_wheel_filename

from pytest_wheeltag.conformance import OpenSubject, Trial, run_scenario, run_scenarios
from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request, UnnamedDemand
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.scenario import Cast, Scenario, list_casts
from pytest_wheeltag.core.scenarioresult import ScenarioResult
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
OTHER_INTERPRETERS = ("built-*", "locks-built-py3", *OTHER_BUILDS)
OTHER_CONTENT = (
    *("content-*", "local-*", "hashes-built-before", "hashes-cached-other"),
    *("locks-hash-not-cached", "locks-updated"),
    *("record-without-hashes", "record-of-another", "record-lies-first"),
    *OTHER_INTERPRETERS,
)
RELEASES = (
    *OTHER_CONTENT,
    *("hashes-right-of-several", "locks-right-of-several", "locks-sdist-and-wheel", "record-other-python"),
    *("later-better-tag", "later-higher-build", "later-other-python", "later-withdrawn"),
    *("order-abi3-upwards", "order-compiled-*", "order-compressed-set", "order-dependency", "order-pyxy-*"),
    *("order-build-tags-upwards", "order-manylinux-upwards"),
    *("source-after-wheel", "source-other-python", "source-then-wheel", "source-wheel-appears"),
)
WRONG = {
    "name": (*RELEASES, "later-version", "order-requires-python", "choice-yanked", "choice-prerelease"),
    "name-and-version": RELEASES,
    "file-name": OTHER_CONTENT,
    "no-interpreter": OTHER_INTERPRETERS,
    "no-build-inputs": OTHER_BUILDS,
    # It knows what was asked of a build, not what that led to.
    "trusting-links": ("links-*", "record-edited", "settings-build-requirement"),
    "trusting-record": (
        "record-without-hashes",
        "record-of-another",
        "record-lies-first",
        "record-other-python",
    ),
}


Results = tuple[ScenarioResult, ...]
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
class RecordTruster:
    """Keeps single files under what the RECORD of their archive says of them, and takes them for what it says."""

    cache: Path
    place: Workplace
    folder: Path

    @property
    def name(self) -> InstallerName:
        return InstallerName("trusting-record", "1.0")

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        with failing_as(self.name.name, interpreter, request):
            place = replace(self.place, sources=replace(self.place.sources, cache=self.cache))
            environment = place.maker.make(prefix, interpreter)
            for choice in place.provisioner.install(environment, request).installed:
                if not choice.is_built:
                    self._exchange(environment.site_packages, _read_record(choice.artefact.file.url))
            environment.complete()
        return Account()

    def _exchange(self, site: Path, rows: Sequence[str]) -> None:
        for row in rows:
            path = row.partition(",")[0]
            if ".dist-info/" in path:
                continue
            kept = self.folder / "kept" / hashlib.sha256(row.encode()).hexdigest()
            kept.parent.mkdir(parents=True, exist_ok=True)
            if not kept.exists():
                shutil.copyfile(site / path, kept)
            (site / path).unlink()
            shutil.copyfile(kept, site / path)


def _fetch(url: str) -> bytes:
    with urlopen(url) as stream:  # noqa: S310 - on loopback or a file of ours
        return bytes(stream.read())


def _read_record(url: str) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(_fetch(url))) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/RECORD"))
        return archive.read(name).decode().splitlines()


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


@dataclass(frozen=True)
class LockSkimmer:
    """Takes from a lock which files there are, and never looks at their hashes."""

    place: Workplace
    folder: Path

    @property
    def name(self) -> InstallerName:
        return InstallerName("skimming-locks", "1.0")

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        with failing_as(self.name.name, interpreter, request):
            place = replace(self.place, sources=replace(self.place.sources, cache=self.folder / "wheeltag"))
            environment = place.maker.make(prefix, interpreter)
            place.provisioner.install(environment, self._skim(request))
            environment.complete()
        return Account()

    def _skim(self, request: Request) -> Request:
        if request.lock is None:
            return request
        table = request.lock.pylock.to_dict()
        for package in table["packages"]:
            for file in (*package.get("wheels", ()), *filter(None, [package.get("sdist")])):
                file["hashes"] = {"sha256": hashlib.sha256(_fetch(file["url"])).hexdigest()}
        pylock = Pylock.from_dict(table)
        return replace(request, lock=replace(request.lock, pylock=pylock, digest=repr(table)))


@dataclass(frozen=True)
class EagerInstaller:
    """Takes the wheel of the highest version on the first index, whoever should rather not have it."""

    place: Workplace
    folder: Path

    @property
    def name(self) -> InstallerName:
        return InstallerName("eager", "1.0")

    def provision(self, prefix: Path, interpreter: Interpreter, request: Request) -> Account:
        (demand,) = request.requirements
        project = str(demand.name)
        asked = HttpRequest(  # noqa: S310 - on loopback
            f"{self.place.sources.index_url}{project}/",
            headers={"Accept": "application/vnd.pypi.simple.v1+json"},
        )
        with urlopen(asked) as stream:  # noqa: S310 - as above
            names = [each["filename"] for each in json.load(stream)["files"]]
        wheels = [each for each in names if each.endswith(".whl") and ("==1" not in demand.text)]
        best = max(wheels, key=lambda each: parse_wheel_filename(each)[1])
        url = f"{str(self.place.sources.index_url).removesuffix('simple/')}files/{best}"
        place = replace(self.place, sources=replace(self.place.sources, cache=self.folder / "wheeltag"))
        environment = place.maker.make(prefix, interpreter)
        direct = Request((UnnamedDemand(Reference(url, ReferenceKind.WHEEL), "eager"),))
        place.provisioner.install(environment, direct)
        environment.complete()
        return Account()


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


def play_all(open_subject: OpenSubject, interpreters: Sequence[Interpreter], folder: Path) -> Results:
    if len({each.label for each in interpreters}) < 2:
        pytest.skip("needs a second interpreter")
    trial = Trial(InstallerName("it", "1.0"), folder, os.environ, open_subject)
    return tuple(run_scenarios(SCENARIOS, interpreters, trial, at_once=4))


def identify(results: Results, outcome: Outcome) -> set[str]:
    return {each.scenario.identifier for each in results if each.outcome is outcome}


def test_our_own_installer_passes(interpreters: Sequence[Interpreter], tmp_path: Path) -> None:
    results = play_all(WheeltagSubject, interpreters, tmp_path)

    assert [(each.title, each.message) for each in results if each.outcome is not Outcome.PASSED] == []
    assert len(results) == len(SCENARIOS)


def must_fail(patterns: Iterable[str]) -> set[str]:
    return {
        each.identifier
        for each in SCENARIOS
        if any(fnmatch(each.identifier, pattern) for pattern in patterns)
    }


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_installer_fails_what_it_should_and_nothing_else(
    name: str, interpreters: Sequence[Interpreter], cache: Path, tmp_path: Path
) -> None:
    fault = next((each for each in FAULTS if each.name == name), None)
    installer = partial(FaultyInstaller, fault, cache) if fault else partial(RecordTruster, cache)

    results = play_all(installer, interpreters, tmp_path)

    assert identify(results, Outcome.FAILED) == must_fail(WRONG[name])
    assert identify(results, Outcome.SKIPPED) == set()
    # With an empty cache nothing is wrong with any of them.
    assert {each.is_cold for each in results if each.outcome is Outcome.FAILED} == {False}


LOCK_HASHES = ("locks-hash-other", "locks-hash-other-sdist", "locks-replaced")


def test_who_skims_locks_fails_where_their_hashes_count(
    interpreters: Sequence[Interpreter], tmp_path: Path
) -> None:
    results = play_all(LockSkimmer, interpreters, tmp_path)

    assert identify(results, Outcome.FAILED) == set(LOCK_HASHES)
    assert {each.is_cold for each in results if each.outcome is Outcome.FAILED} == {True}


# What asks how a file is chosen, which the wrong caches leave to ours.
CHOOSING = {
    CarelessInstaller: [
        "hashes-index-other",
        "locks-best-of-several",
        "order-abi3-shared",
        "order-build-tags",
        "order-manylinux",
        "order-tag-over-build",
        "source-only-binary",
    ],
    EagerInstaller: ["choice-older-wheel", "choice-prerelease", "choice-two-indexes", "choice-yanked"],
}


@pytest.mark.parametrize(
    ("installer", "identifier"), [(kind, each) for kind, names in CHOOSING.items() for each in names]
)
def test_who_chooses_wrongly_fails_with_an_empty_cache_too(
    installer: OpenSubject, identifier: str, interpreters: Sequence[Interpreter], tmp_path: Path
) -> None:
    (scenario,) = (each for each in SCENARIOS if each.identifier == identifier)
    trial = Trial(InstallerName("it", "1.0"), tmp_path, os.environ, installer)

    result = run_scenario(scenario, cast_for(scenario, interpreters), trial)

    assert (result.outcome, result.is_cold) == (Outcome.FAILED, True)


def test_each_scenario_is_failed_by_some_wrong_installer() -> None:
    patterns = [pattern for each in WRONG.values() for pattern in each]
    chosen = [name for names in CHOOSING.values() for name in names]
    assert must_fail((*patterns, *LOCK_HASHES, *chosen)) == {each.identifier for each in SCENARIOS}
