"""The way back: an environment as it lies on disk becomes verdicts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Offer, Screen, screen_release
from pytest_wheeltag.core.comparison import Subject
from pytest_wheeltag.core.controls import Controls
from pytest_wheeltag.core.distinfo import parse_version
from pytest_wheeltag.core.identity import (
    Examination,
    Identification,
    find_named,
    is_in_question,
    list_wheels,
)
from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.judging import (
    describe_unlisted,
    judge,
    judge_alone,
    judge_intact,
    judge_unread,
)
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
from pytest_wheeltag.errors import CatalogueError, OfflineError, WheelError
from pytest_wheeltag.system.contents import InstalledContents
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.intact import Alteration, examine_files
from pytest_wheeltag.system.provenance import Provenance

# What is read back has a version; were there one that is none, no index would list it.
_NO_VERSION = Version("0+none")


class Auditor:
    """Judges environments against what a catalogue offers, be it a lock; it never runs anything of them.

    ``exclude_newer`` is the moment (UTC) after which uploads do not count. ``provenance`` finds out which published
    file was installed; without it WHEEL is believed. Of projects that ``controls`` take from sources alone no
    published wheel is compared with what is installed.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        provenance: Provenance | None = None,
        *,
        exclude_newer: datetime | None = None,
        controls: Controls | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._provenance = provenance
        self._exclude_newer = exclude_newer
        self._controls = controls or Controls()

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
        self.prefetch(distributions, environment.interpreter, asked)
        return tuple(self.judge(each, environment, asked) for each in distributions)

    def prefetch(
        self,
        distributions: Iterable[InstalledDistribution],
        interpreter: Interpreter,
        asked: Property = Property.BEST,
    ) -> None:
        """Ask the indexes side by side for all that judging these distributions will need."""
        wheels = (each for each in distributions if isinstance(each, InstalledWheel))
        weighed = [each for each in wheels if judge_alone(each, interpreter) is None]
        self._catalogue.prefetch(canonicalize_name(each.name) for each in weighed)
        if asked is not Property.INTACT or self._provenance is None:
            return
        offers = ((each, self._ask(each, interpreter)) for each in weighed)
        self._provenance.records.prefetch(
            listed.file
            for each, asked_for in offers
            if isinstance(asked_for, _Asked)
            for listed in find_named(Subject(each, interpreter), asked_for.offer)
        )

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
        contents = InstalledContents(environment, distribution)
        if asked is Property.INTACT:
            return self._examine(contents)
        alone = judge_alone(distribution, interpreter)
        return self._heed_lock(alone) if alone else self._weigh(contents)

    def examine_as(
        self, wheel: InstalledWheel, environment: ExistingEnvironment, filename: str
    ) -> Examination | None:
        """Compare an installed wheel with the published one of this name; None where that cannot be asked about."""
        contents = InstalledContents(environment, wheel)
        asked = self._ask(wheel, environment.interpreter)
        if self._provenance is None or isinstance(asked, Silence):
            return None
        listed = list_wheels(asked.offer)
        named = [each for each in listed if each.file.filename == filename]
        altered = tuple(examine_files(contents))
        if not named or not all(each.path for each in altered):
            return None
        try:
            others = [each for each in listed if each not in named]
            return self._provenance.examine(contents, altered, named, others)
        except (CatalogueError, WheelError):
            return None

    def _heed_lock(self, verdict: Verdict) -> Verdict:
        """Add to what was installed directly that the lock says otherwise."""
        if verdict.kind is not VerdictKind.DIRECT or not isinstance(self._catalogue, Ledger):
            return verdict
        doubt = self._catalogue.doubt_of_direct(canonicalize_name(verdict.name))
        return (
            replace(verdict, warnings=(*verdict.warnings, f"{verdict.name}: {doubt}")) if doubt else verdict
        )

    def _weigh(self, contents: InstalledContents) -> Verdict:
        """Judge what is installed by what is on offer; its RECORD is looked at only where WHEEL leaves a question."""
        wheel, interpreter = contents.wheel, contents.environment.interpreter
        asked = self._ask(wheel, interpreter)
        if isinstance(asked, Silence):
            return judge(wheel, interpreter, asked)
        identified: Identification | None = None
        if self._provenance and is_in_question(Subject(wheel, interpreter), asked.offer):
            try:
                identified = self._provenance.identify(contents, list_wheels(asked.offer))
            except CatalogueError as error:
                return judge(wheel, interpreter, _silence(error))
        verdict = judge(wheel, interpreter, asked.offer, identified)
        return replace(verdict, warnings=(*verdict.warnings, *asked.warnings))

    def _examine(self, contents: InstalledContents) -> Verdict:
        """Compare files with RECORD, and where that can be read, both with the published file."""
        wheel, interpreter = contents.wheel, contents.environment.interpreter
        altered = tuple(examine_files(contents))
        found = Examination(tuple(each.clause for each in altered))
        alone = judge_alone(wheel, interpreter)
        is_settled = alone and alone.kind in {VerdictKind.INCOMPATIBLE, VerdictKind.DIRECT}
        if self._provenance is None or is_settled or not all(each.path for each in altered):
            return judge_intact(wheel, interpreter, found)
        asked = self._ask(wheel, interpreter)
        if isinstance(asked, Silence):
            return judge_intact(wheel, interpreter, found, asked)
        if not asked.offer.is_listed:
            unlisted = Silence(VerdictKind.UNLISTED, describe_unlisted(Subject(wheel, interpreter)))
            return judge_intact(wheel, interpreter, found, unlisted)
        try:
            found = self._compare(self._provenance, contents, altered, asked.offer)
        except CatalogueError as error:
            return judge_intact(wheel, interpreter, found, _silence(error))
        except WheelError as error:
            return judge_intact(wheel, interpreter, found, Silence(VerdictKind.UNKNOWN, str(error)))
        return judge_intact(wheel, interpreter, replace(found, warnings=(*found.warnings, *asked.warnings)))

    def _compare(
        self,
        provenance: Provenance,
        contents: InstalledContents,
        altered: tuple[Alteration, ...],
        offer: Offer,
    ) -> Examination:
        if not self._controls.takes_wheels(offer.name):
            return Examination(tuple(each.clause for each in altered))
        subject = Subject(contents.wheel, contents.environment.interpreter)
        named = find_named(subject, offer)
        listed = list_wheels(offer) if offer.candidates else ()
        return provenance.examine(contents, altered, named, [each for each in listed if each not in named])

    def _ask(self, wheel: InstalledWheel, interpreter: Interpreter) -> "_Asked | Silence":
        name, version = canonicalize_name(wheel.name), parse_version(wheel.version) or _NO_VERSION
        try:
            release = self._catalogue.release(name, version)
        except CatalogueError as error:
            return _silence(error)
        if release.silence:
            return release.silence
        offer = screen_release(name, version, release.files, Screen(interpreter, self._exclude_newer))
        return _Asked(offer, release.warnings)


@dataclass(frozen=True)
class _Asked:
    """What the indexes said of a release; ``warnings`` are one line each."""

    offer: Offer
    warnings: tuple[str, ...]


def _silence(error: CatalogueError) -> Silence:
    kind = VerdictKind.UNKNOWN if isinstance(error, OfflineError) else VerdictKind.UNREACHABLE
    return Silence(kind, str(error))
