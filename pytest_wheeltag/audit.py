"""The way back: an environment as it lies on disk becomes verdicts."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen, screen_release
from pytest_wheeltag.core.distinfo import parse_version
from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.judging import judge, judge_alone, judge_intact, judge_unread
from pytest_wheeltag.core.ledger import Ledger
from pytest_wheeltag.core.lockneeds import compare_with_lock
from pytest_wheeltag.core.report import LockSummary
from pytest_wheeltag.core.resolution import Catalogue
from pytest_wheeltag.core.verdict import (
    InstalledDistribution,
    InstalledWheel,
    Property,
    Silence,
    Verdict,
    VerdictKind,
)
from pytest_wheeltag.errors import CatalogueError, OfflineError
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.intact import find_alterations

# What is read back has a version; were there one that is none, no index would list it.
_NO_VERSION = Version("0+none")


class Auditor:
    """Judges environments against what a catalogue offers, be it a lock; it never runs anything of them.

    ``exclude_newer`` is the moment (UTC) after which uploads do not count.
    """

    def __init__(self, catalogue: Catalogue, *, exclude_newer: datetime | None = None) -> None:
        self._catalogue = catalogue
        self._exclude_newer = exclude_newer

    def compare_lock(self, names: Iterable[str], interpreter: Interpreter) -> LockSummary | None:
        """Say what the lock holds that is not among the installed names, None where indexes are asked."""
        if not isinstance(self._catalogue, Ledger):
            return None
        return compare_with_lock(self._catalogue, interpreter, {canonicalize_name(each) for each in names})

    def audit(
        self, environment: ExistingEnvironment, asked: Property = Property.BEST, *, inherited: bool = False
    ) -> tuple[Verdict, ...]:
        """Ask one question of every distribution; with ``inherited`` also of those of its base and user site."""
        distributions = read_installed(environment, inherited=inherited)
        if asked is Property.BEST:
            self.prefetch(distributions, environment.interpreter)
        return tuple(self.judge(each, environment, asked) for each in distributions)

    def prefetch(self, distributions: Iterable[InstalledDistribution], interpreter: Interpreter) -> None:
        """Ask the indexes side by side for all that judging ``best`` of these distributions will need."""
        wheels = (each for each in distributions if isinstance(each, InstalledWheel))
        weighed = (each for each in wheels if judge_alone(each, interpreter) is None)
        self._catalogue.prefetch(canonicalize_name(each.name) for each in weighed)

    def judge(
        self,
        distribution: InstalledDistribution,
        environment: ExistingEnvironment,
        asked: Property = Property.BEST,
    ) -> Verdict:
        """Ask one question of one distribution; the indexes are asked only where the offer decides."""
        interpreter = environment.interpreter
        if not isinstance(distribution, InstalledWheel):
            return replace(judge_unread(distribution, interpreter), property=asked)
        if asked is Property.INTACT:
            return judge_intact(distribution, interpreter, find_alterations(environment, distribution))
        alone = judge_alone(distribution, interpreter)
        return self._heed_lock(alone) if alone else self._weigh(distribution, interpreter)

    def _heed_lock(self, verdict: Verdict) -> Verdict:
        """Add to what was installed directly that the lock says otherwise."""
        if verdict.kind is not VerdictKind.DIRECT or not isinstance(self._catalogue, Ledger):
            return verdict
        doubt = self._catalogue.doubt_of_direct(canonicalize_name(verdict.name))
        return (
            replace(verdict, warnings=(*verdict.warnings, f"{verdict.name}: {doubt}")) if doubt else verdict
        )

    def _weigh(self, wheel: InstalledWheel, interpreter: Interpreter) -> Verdict:
        name, version = canonicalize_name(wheel.name), parse_version(wheel.version) or _NO_VERSION
        try:
            release = self._catalogue.release(name, version)
        except OfflineError as error:
            return judge(wheel, interpreter, Silence(VerdictKind.UNKNOWN, str(error)))
        except CatalogueError as error:
            return judge(wheel, interpreter, Silence(VerdictKind.UNREACHABLE, str(error)))
        screen = Screen(interpreter, self._exclude_newer)
        offer = release.silence or screen_release(name, version, release.files, screen)
        verdict = judge(wheel, interpreter, offer)
        return replace(verdict, warnings=(*verdict.warnings, *release.warnings))
