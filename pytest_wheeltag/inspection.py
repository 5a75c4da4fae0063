"""What lies at a stop, judged by any property: alone, beside what an empty cache gives, beside pip, beside what was said."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations, islice

from packaging.utils import canonicalize_name

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.agreement import Take, judge_agreement
from pytest_wheeltag.core.comparison import Subject
from pytest_wheeltag.core.conclusion import Conclusion, conclude
from pytest_wheeltag.core.distinfo import is_same_version
from pytest_wheeltag.core.faithfulness import judge_faithfulness
from pytest_wheeltag.core.likeness import Holding
from pytest_wheeltag.core.transparency import WITH_EMPTY_CACHE, judge_transparency
from pytest_wheeltag.core.verdict import InstalledWheel, Outcome, Property, Verdict, VerdictKind
from pytest_wheeltag.matrix import Stop
from pytest_wheeltag.sidetrips import Sidetrips
from pytest_wheeltag.subjects.newestpip import UNKNOWN
from pytest_wheeltag.visit import Visit

# Of more than four interpreters not every smaller order is tried.
_MOST_ORDERS = 10
_NOT_OF_ORDER = frozenset(
    {VerdictKind.UNREACHABLE, VerdictKind.MISSING_PYTHON, VerdictKind.UNINSTALLABLE, VerdictKind.UNKNOWN}
)
_UNTOLD = frozenset({VerdictKind.UNREACHABLE, VerdictKind.UNKNOWN})


@dataclass(frozen=True)
class Inspector:
    """Judges what an installer left; what else has to be installed for that, ``sidetrips`` do when it is needed."""

    auditor: Auditor
    sidetrips: Sidetrips

    def prefetch(self, visit: Visit, asked: Property) -> None:
        """Ask the indexes side by side for all that judging an environment by a property will need."""
        self.auditor.prefetch(visit.distributions.values(), visit.environment.interpreter, asked)

    def list_names(self, visit: Visit, asked: Property) -> frozenset[str]:
        """Name all that is installed there, and all that would have to be."""
        beside = self._visit_beside(visit.stop, asked)
        return frozenset(visit.distributions) | frozenset(beside.distributions if beside else ())

    def judge(self, visit: Visit, name: str, asked: Property) -> Verdict:
        """Judge one distribution; of a failure after other interpreters the smallest order is told that shows it."""
        verdict = self._judge(visit, name, asked)
        is_fault = verdict.outcome is Outcome.FAILED and verdict.kind not in _NOT_OF_ORDER
        if not is_fault or not visit.before:
            return verdict
        order = self._find_order(visit, verdict)
        return replace(verdict, message=f"{verdict.message}; {order}")

    def _judge(self, visit: Visit, name: str, asked: Property) -> Verdict:
        distribution = visit.find(name)
        if distribution is None:
            return self._judge_absent(visit, name, asked)
        judged = self.auditor.judge(
            distribution, visit.environment, Property.BEST if asked.is_of_installer else asked
        )
        if not asked.is_of_installer:
            return judged
        if not isinstance(distribution, InstalledWheel):
            return replace(judged, property=asked)
        subject = Subject(distribution, visit.environment.interpreter)
        match asked:
            case Property.TRANSPARENT:
                found = self._compare_with_cold(visit, distribution)
            case Property.AGREEING:
                found = self._compare_with_pip(visit, distribution, judged)
            case _:
                found = self._compare_with_told(visit, subject)
        return conclude(judged, subject, asked, found)

    def _judge_absent(self, visit: Visit, name: str, asked: Property) -> Verdict:
        """Judge what is not there: it was asked for, or another installation has it."""
        arrival, beside = visit.arrival, None
        kind, problem = arrival.kind, arrival.problem
        if not problem:
            kind, problem = VerdictKind.UNINSTALLABLE, "the installer reports success, and it is not there"
        if kind is VerdictKind.UNINSTALLABLE and visit.stop.interpreter:
            beside = self._visit_beside(visit.stop, asked)
        counterpart = beside.find(name) if beside else None
        where = WITH_EMPTY_CACHE if asked is Property.TRANSPARENT else "by pip"
        if counterpart and arrival.prefix and name not in visit.stop.names:
            kind = VerdictKind.OPAQUE if asked is Property.TRANSPARENT else VerdictKind.DISAGREEING
            problem = f"not installed, {where} it is"
        elif counterpart:
            problem += f"; {where} it can be installed"
        version = counterpart.version if counterpart else ""
        title = f"{name} {version}".rstrip()
        message = f"{title} on {visit.stop.label}: {problem}"
        return Verdict(name, version, kind, kind.outcome, message, property=asked)

    def _visit_beside(self, stop: Stop, asked: Property) -> Visit | None:
        """Give the environment with which one is compared for a property."""
        if asked is Property.TRANSPARENT:
            return self.sidetrips.go_cold(stop)
        return self.sidetrips.go_with_pip(stop) if asked is Property.AGREEING else None

    def _compare_with_told(self, visit: Visit, subject: Subject) -> Conclusion:
        told = _find_told(visit, subject.wheel)
        examined = None
        if told and told.filename and is_same_version(told.version, subject.wheel.version):
            examined = self.auditor.examine_as(subject.wheel, visit.environment, told.filename)
        return judge_faithfulness(subject, told, _shown(visit), examined)

    def _compare_with_cold(self, visit: Visit, wheel: InstalledWheel) -> Conclusion:
        cold = self.sidetrips.go_cold(visit.stop)
        holding = _hold(cold, wheel)
        if isinstance(holding, str):
            kind = cold.arrival.kind if cold.arrival.kind in _UNTOLD else VerdictKind.OPAQUE
            return Conclusion(kind, f"depends on the cache: installed, and {WITH_EMPTY_CACHE} {holding}")

        def ask_again() -> Holding | None:
            again = _hold(self.sidetrips.go_cold_again(visit.stop), wheel)
            return again if isinstance(again, Holding) else None

        return judge_transparency(visit.hold(wheel), holding, ask_again)

    def _compare_with_pip(self, visit: Visit, wheel: InstalledWheel, judged: Verdict) -> Conclusion:
        beside = self.sidetrips.go_with_pip(visit.stop)
        holding = _hold(beside, wheel)
        if isinstance(holding, str):
            return Conclusion(_kind_of_pips(beside), f"installed, and with {_shown(beside)} {holding}")
        told = _find_told(beside, holding.wheel)
        pips_verdict = self.auditor.judge(holding.wheel, beside.environment)
        pips = Take(_shown(beside), holding, pips_verdict, (told and told.filename) or "")
        return judge_agreement(Take(_shown(visit), visit.hold(wheel), judged), pips)

    def _find_order(self, visit: Visit, verdict: Verdict) -> str:
        """Find the smallest order that shows a fault, by going through smaller ones with an empty cache each."""

        def shows(stops: Iterable[Stop]) -> bool:
            trip = self.sidetrips.go_through(tuple(stops))
            return self._judge(trip, verdict.name, verdict.property).kind is verdict.kind

        stop, before = visit.stop, visit.before
        if verdict.kind is not VerdictKind.OPAQUE and shows((stop,)):
            return f"installed alone {WITH_EMPTY_CACHE} too"
        smaller = (chosen for size in range(1, len(before)) for chosen in combinations(before, size))
        tried = islice(dict.fromkeys(smaller), _MOST_ORDERS)
        shown = next((chosen for chosen in tried if shows((*chosen, stop))), before)
        return f"installed first on {', '.join(each.label for each in shown)}, then on {stop.label}"


def _shown(visit: Visit) -> str:
    return f"{visit.installer.name} {visit.installer.version}"


def _hold(visit: Visit, wheel: InstalledWheel) -> Holding | str:
    """Give what another installation holds of a distribution, or a clause on why it holds nothing."""
    if not visit.arrival.prefix:
        return f"it cannot be: {visit.arrival.problem}"
    found = visit.find(canonicalize_name(wheel.name))
    if isinstance(found, InstalledWheel):
        return visit.hold(found)
    return "it is not" if found is None else "it cannot be read"


def _kind_of_pips(visit: Visit) -> VerdictKind:
    """Tell that pip takes nothing from that pip could not be asked."""
    if visit.installer.version == UNKNOWN:
        return VerdictKind.UNKNOWN
    return visit.arrival.kind if visit.arrival.kind in _UNTOLD else VerdictKind.DISAGREEING


def _find_told(visit: Visit, wheel: InstalledWheel) -> ResolvedFile | None:
    """Give what the installer said that it resolved under a distribution's name, None where it does not say."""
    name = canonicalize_name(wheel.name)
    told = visit.arrival.account.resolved or ()
    return next((each for each in told if each.name == name), None)
