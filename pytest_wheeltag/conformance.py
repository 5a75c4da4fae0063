"""Scenarios against installers on one screen: publish, install, read back, compare with what was written by hand."""

import ast
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.core.scenario import (
    Cast,
    Expected,
    Form,
    Found,
    Install,
    Publish,
    Scenario,
    Shelf,
    Step,
    Tamper,
    Withdraw,
    describe_difference,
    list_casts,
)
from pytest_wheeltag.core.scenarioresult import ScenarioResult, title_of
from pytest_wheeltag.core.verdict import InstalledWheel, Outcome
from pytest_wheeltag.errors import InapplicableError, UnavailableError, UninstallableError
from pytest_wheeltag.subjects.subject import Subject
from pytest_wheeltag.system.environment import Environment, remove_environment
from pytest_wheeltag.system.images import EnvironmentImages
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.intact import find_alterations
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop.locks import Pin, render_lock
from pytest_wheeltag.workshop.stage import MARK, Stage, list_shelves, open_stage

OpenSubject = Callable[[Workplace, Path], Subject]
_BUILT = "_built.py"


@dataclass(frozen=True)
class Trial:
    """Where scenarios are played: a folder, a machine, and the installer, opened anew for each installation.

    ``open_subject`` is given where to install from and the folder of the installer's cache; ``images`` are for all
    environments that are made on the way.
    """

    installer: InstallerName
    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    open_subject: OpenSubject
    images: EnvironmentImages = field(default_factory=EnvironmentImages, repr=False)


def run_scenarios(
    scenarios: Iterable[Scenario], interpreters: Sequence[Interpreter], trial: Trial, *, at_once: int = 1
) -> Iterator[ScenarioResult]:
    """Play each scenario on every choice of interpreters for its roles; skipped where they are too few.

    Results come in the order of the scenarios; ``at_once`` are played side by side, each in a folder of its own.
    """
    parts = [part for scenario in scenarios for part in list_parts(scenario, interpreters)]
    pool = ThreadPoolExecutor(at_once, "wheeltag-scenario")
    try:
        yield from pool.map(lambda part: play_part(part, trial), parts)
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Part:
    """A scenario with those who play in it; ``cast`` is None where there are too few."""

    scenario: Scenario
    cast: Cast | None

    @property
    def title(self) -> str:
        """The scenario's identifier with the interpreters, as item ids have it."""
        return title_of(self.scenario, self.cast.labels if self.cast else ())


def list_parts(scenario: Scenario, interpreters: Iterable[Interpreter]) -> tuple[Part, ...]:
    """List a scenario with every choice of interpreters, at least one part."""
    casts = tuple(list_casts(scenario, interpreters))
    return tuple(Part(scenario, cast) for cast in casts or (None,))


def play_part(part: Part, trial: Trial) -> ScenarioResult:
    """Play a scenario in a folder of its own, which is gone afterwards."""
    if part.cast is None:
        roles = len(part.scenario.roles)
        needed = f"needs {roles} interpreters of one implementation, each of another version"
        return ScenarioResult(trial.installer, part.scenario, (), Outcome.SKIPPED, needed)
    with TemporaryDirectory(dir=trial.folder) as folder:
        return run_scenario(part.scenario, part.cast, replace(trial, folder=Path(folder)))


def run_scenario(scenario: Scenario, cast: Cast, trial: Trial) -> ScenarioResult:
    """Play one scenario with an empty cache in the beginning, until something is not as it must be."""
    with open_stage(trial.folder / "warm") as stage:
        play = _Play(scenario, cast, trial, stage)
        failure = play.find_failure()
    result = ScenarioResult(trial.installer, scenario, cast.labels, Outcome.PASSED)
    if failure is None:
        return result
    if failure.is_inapplicable:
        return replace(result, outcome=Outcome.SKIPPED, message=failure.problem)
    is_cold = _fails_cold(scenario, cast, trial, failure.number)
    hint = "with an empty cache too" if is_cold else "as expected with an empty cache"
    message = f"{failure.tell(scenario, cast)}; {hint}"
    return replace(
        result,
        outcome=Outcome.FAILED,
        message=message,
        is_cold=is_cold,
        invocations=play.invocations,
    )


def _fails_cold(scenario: Scenario, cast: Cast, trial: Trial, number: int) -> bool:
    """Tell whether an installation goes wrong as well where none was before it; those are counted from 1."""
    last = scenario.steps.index(scenario.installs[number - 1])
    before = [step for step in scenario.steps[:last] if isinstance(step, Publish | Withdraw)]
    alone = replace(scenario, steps=(*before, scenario.installs[number - 1]))
    with open_stage(trial.folder / "cold") as stage:
        return _Play(alone, cast, trial, stage).find_failure() is not None


@dataclass(frozen=True)
class _Failure:
    """What is not as it must be, after the installation ``number`` (from 1)."""

    number: int
    problem: str
    is_inapplicable: bool = False

    def tell(self, scenario: Scenario, cast: Cast) -> str:
        """Say which installation, after which others."""
        labels = [cast.interpreters[step.role].label for step in scenario.installs[: self.number]]
        before = f", after {', '.join(labels[:-1])}" if labels[1:] else ""
        return f"installed on {labels[-1]}{before}: {self.problem}"


class _Play:
    def __init__(self, scenario: Scenario, cast: Cast, trial: Trial, stage: Stage) -> None:
        self._scenario = scenario
        self._cast = cast
        self._bench = trial
        self._stage = stage
        self._environments: list[Environment] = []
        self._cache = stage.folder / "installer"
        self.invocations: tuple[Invocation, ...] = ()

    def find_failure(self) -> _Failure | None:
        """Play the steps until one fails; the environments are gone afterwards."""
        try:
            return next(filter(None, map(self._perform, self._scenario.steps)), None)
        finally:
            for environment in self._environments:
                remove_environment(environment.prefix)

    def _perform(self, step: Step) -> _Failure | None:
        artefacts = self._scenario.artefacts
        if isinstance(step, Publish):
            self._stage.publish(step, artefacts, self._cast)
        elif isinstance(step, Withdraw):
            self._stage.withdraw(step, artefacts, self._cast)
        elif isinstance(step, Tamper):
            _write_in_place(self._environments[step.number - 1].site_packages / step.project / MARK)
        else:
            return self._install(step)
        return None

    def _install(self, step: Install) -> _Failure | None:
        interpreter = self._cast.interpreters[step.role]
        number = len(self._environments) + 1
        environment = Environment(self._stage.folder / f"{number}-{interpreter.label}", interpreter)
        self._environments.append(environment)
        place = self._place(step)
        subject = self._bench.open_subject(place, self._cache)
        try:
            account = subject.provision(environment.prefix, interpreter, self._request(step, place))
        except InapplicableError as error:
            return _Failure(number, str(error), is_inapplicable=True)
        except UnavailableError:
            # Of an installer that is not there nothing can be said.
            raise
        except UninstallableError as error:
            self.invocations += error.invocations
            return None if step.may_be_refused else _Failure(number, str(error))
        self.invocations += account.invocations
        if step.is_refused:
            return _Failure(number, "expected to be refused, found it installed")
        problem = next(self._differences(step, environment), None)
        return _Failure(number, problem) if problem else None

    def _differences(self, step: Install, environment: Environment) -> Iterator[str]:
        for project, expected in step.expected.items():
            if clause := describe_difference(
                self._fill(expected), read_found(environment, project), self._cast
            ):
                yield f"`{project}`: {clause}"
        existing = environment.as_existing()
        for distribution in read_installed(existing):
            if isinstance(distribution, InstalledWheel) and not self._is_doubtful(distribution.name, step):
                yield from (
                    f"`{distribution.name}`: {each}" for each in find_alterations(existing, distribution)
                )

    def _is_doubtful(self, project: str, step: Install) -> bool:
        """Tell whether the RECORD of what is expected proves nothing: only the archive's bytes count."""
        expected = step.expected.get(project)
        return expected is not None and bool(self._scenario.artefacts[expected.artefact].record)

    def _fill(self, expected: Expected) -> Expected:
        environment = expected.environment and {
            name: self._cast.fill(value) for name, value in expected.environment.items()
        }
        return replace(expected, environment=environment)

    def _request(self, step: Install, place: Workplace) -> Request:
        path = self._write_lock(step) if step.lock else self._write_requirements(step)
        asked = place.reader.file(str(path), "-r").request
        settings = tuple(sorted(step.settings.items()))
        demands = tuple(replace(each, config_settings=settings) for each in asked.requirements)
        return replace(
            asked, requirements=demands, constraints=parse_request((), step.constraints).constraints
        )

    def _write_requirements(self, step: Install) -> Path:
        path = self._stage.folder / "requirements.txt"
        lines = [self._cast.fill(each, self._locate) for each in step.requirements]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    def _locate(self, kind: str, name: str) -> str:
        return self._stage.locate(name, kind, self._scenario.artefacts, self._cast)

    def _write_lock(self, step: Install) -> Path:
        path = self._stage.folder / "pylock.toml"
        pins = [self._pin(name, step.lock_hashes.get(name, name)) for name in step.lock]
        path.write_text(render_lock(pins), encoding="utf-8")
        return path

    def _pin(self, name: str, hashed: str) -> Pin:
        is_wheel = self._scenario.artefacts[name].form is Form.WHEEL
        filename, url = (self._locate(kind, name) for kind in ("filename", "url"))
        return Pin(filename, url, self._locate("sha256", hashed), is_wheel)

    def _place(self, step: Install) -> Workplace:
        """Give where an installation takes things from: the shelves that it is told of, and nothing else."""
        kept = {
            name: each for name, each in self._bench.environ.items() if not name.startswith(("PIP_", "UV_"))
        }
        indexes = [self._stage.index_url(shelf) for shelf in list_shelves(step.shelves)]
        sources = SourceOptions(
            self._cache / "wheeltag",
            index_url=indexes[0] if indexes else None,
            extra_index_urls=tuple(indexes[1:]),
            find_links=(str(self._stage.find_links),) if Shelf.FOLDER in step.shelves else (),
            no_index=not indexes,
            is_alone=True,
        )
        environ = {**kept, "PIP_CONFIG_FILE": os.devnull, **step.environment}
        place = Workplace(sources, environ, images=self._bench.images)
        controls = Controls(NameControl(frozenset(step.only_binary), frozenset(step.no_binary)))
        bounds = parse_request((), step.build_constraints).constraints
        return place.with_options(replace(place.options, controls=controls, build_constraints=bounds))


def read_found(environment: Environment, project: str) -> Found:
    """Read back which artefact an environment holds of a project, and what it tells of its build."""
    folder = environment.site_packages / project.replace("-", "_")
    told = {**_read_constants(folder / MARK), **_read_constants(folder / _BUILT)}
    return Found(str(told.pop("ARTEFACT", "nothing")), told)


def _read_constants(path: Path) -> dict[str, object]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {name: ast.literal_eval(value) for name, value in (line.split(" = ", 1) for line in lines)}


def _write_in_place(path: Path) -> None:
    """Write into a file as an editor does that keeps it: whoever shares it through a link sees it."""
    path.chmod(path.stat().st_mode | stat.S_IWUSR)
    with path.open("r+", encoding="utf-8") as stream:
        stream.write("ARTEFACT = 'tampered'\n")
        stream.truncate()
