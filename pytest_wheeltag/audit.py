"""The way back: an environment as it lies on disk becomes verdicts."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen, screen_release
from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.judging import Silence, judge, judge_alone, judge_unread
from pytest_wheeltag.core.resolution import Catalogue
from pytest_wheeltag.core.verdict import InstalledDistribution, InstalledWheel, Verdict, VerdictKind
from pytest_wheeltag.errors import CatalogueError, OfflineError
from pytest_wheeltag.system.installed import read_installed


class Auditor:
    """Judges environments against what a catalogue offers; it never runs anything of them.

    ``exclude_newer`` is the moment (UTC) after which uploads do not count.
    """

    def __init__(self, catalogue: Catalogue, *, exclude_newer: datetime | None = None) -> None:
        self._catalogue = catalogue
        self._exclude_newer = exclude_newer

    def audit(self, environment: ExistingEnvironment, *, inherited: bool = False) -> tuple[Verdict, ...]:
        """Judge every distribution of an environment; with ``inherited`` also those of its base and user site."""
        distributions = read_installed(environment, inherited=inherited)
        self.prefetch(distributions, environment.interpreter)
        return tuple(self.judge(each, environment.interpreter) for each in distributions)

    def prefetch(self, distributions: Iterable[InstalledDistribution], interpreter: Interpreter) -> None:
        """Ask the indexes side by side for all that judging these distributions will need."""
        wheels = (each for each in distributions if isinstance(each, InstalledWheel))
        weighed = (each for each in wheels if judge_alone(each, interpreter) is None)
        self._catalogue.prefetch(canonicalize_name(each.name) for each in weighed)

    def judge(self, distribution: InstalledDistribution, interpreter: Interpreter) -> Verdict:
        """Judge one distribution, asking the indexes only where the offer decides."""
        if not isinstance(distribution, InstalledWheel):
            return judge_unread(distribution, interpreter)
        return judge_alone(distribution, interpreter) or self._weigh(distribution, interpreter)

    def _weigh(self, wheel: InstalledWheel, interpreter: Interpreter) -> Verdict:
        name, version = canonicalize_name(wheel.name), Version(wheel.version)
        try:
            release = self._catalogue.release(name, version)
        except OfflineError as error:
            return judge(wheel, interpreter, Silence(VerdictKind.UNKNOWN, str(error)))
        except CatalogueError as error:
            return judge(wheel, interpreter, Silence(VerdictKind.UNREACHABLE, str(error)))
        offer = screen_release(name, version, release.files, Screen(interpreter, self._exclude_newer))
        verdict = judge(wheel, interpreter, offer)
        return replace(verdict, warnings=(*verdict.warnings, *release.warnings))
