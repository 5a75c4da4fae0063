"""One stop of a course that is carried out: what the installer left there, read from disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.likeness import Holding
from pytest_wheeltag.core.report import InstallerName
from pytest_wheeltag.core.verdict import InstalledDistribution, InstalledWheel
from pytest_wheeltag.courserun import CourseRun
from pytest_wheeltag.matrix import Arrival, Stop, environment_at
from pytest_wheeltag.system.holding import read_holding
from pytest_wheeltag.system.installed import read_by_name


@dataclass(frozen=True)
class Visit:
    """The stop ``number`` of a course, counted from 0; looking at it carries the course out."""

    run: CourseRun
    number: int

    @property
    def stop(self) -> Stop:
        """Which interpreter it is, and what is wanted there."""
        return self.run.course.stops[self.number]

    @property
    def before(self) -> tuple[Stop, ...]:
        """The stops that came before it, as far as there was an interpreter."""
        return tuple(each for each in self.run.course.stops[: self.number] if each.interpreter)

    @property
    def interpreter(self) -> Interpreter:
        """Its interpreter; raises ``ValueError`` where there is none."""
        return self.environment.interpreter

    @property
    def installer(self) -> InstallerName:
        """The installer that came by."""
        return self.run.outcome.installer

    @property
    def arrival(self) -> Arrival:
        """What came of it."""
        return self.run.outcome.arrivals[self.number]

    @cached_property
    def environment(self) -> ExistingEnvironment:
        """The environment that was made; raises ``ValueError`` where there is no interpreter."""
        return environment_at(self.stop, self.arrival)

    @cached_property
    def distributions(self) -> Mapping[str, InstalledDistribution]:
        """What is installed there, by normalised name; nothing where there is no environment."""
        return read_by_name(self.environment) if self.arrival.prefix else {}

    def find(self, name: str) -> InstalledDistribution | None:
        """Find what is installed under a name, or came of a path or an address that was asked for under it."""
        return self.distributions.get(name) or self._find_direct(name)

    def _find_direct(self, name: str) -> InstalledDistribution | None:
        """Find what came of a path or an address, if its project is called otherwise than its folder or file."""
        asked = self.run.request.requirements
        urls = {str(each.reference) for each in asked if each.reference and each.name == name}
        wheels = (each for each in self.distributions.values() if isinstance(each, InstalledWheel))
        return next((each for each in wheels if each.direct_url in urls), None)

    def hold(self, wheel: InstalledWheel) -> Holding:
        """Read what is installed there of a distribution."""
        return read_holding(self.environment, wheel)
