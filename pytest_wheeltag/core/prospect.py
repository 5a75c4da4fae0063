"""What a target would take of each distribution: a wheel, a source to build it from, or nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from packaging.utils import NormalizedName

from pytest_wheeltag.core.candidates import Candidate
from pytest_wheeltag.core.comparison import identify
from pytest_wheeltag.core.foreign import Target
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.verdict import Verdict, VerdictKind, WheelIdentity


@dataclass(frozen=True)
class Prospect:
    """What a target would take of one distribution.

    ``choice`` is None where no file of it will do; ``version`` is empty where not even a version is known.
    ``problem`` says in one clause why it is no wheel, and is empty where it is one; ``is_direct`` tells that it comes
    from an address or a path, so that nothing published is missing.
    """

    name: NormalizedName
    version: str
    choice: Choice | None = None
    problem: str = ""
    is_direct: bool = False

    def refused(self, problem: str) -> "Prospect":
        """Give the same distribution as one of which nothing will do, for this reason."""
        return replace(self, choice=None, problem=problem, is_direct=False)


@dataclass(frozen=True)
class Forecast:
    """What a target would take of a request, sorted by name.

    Where that cannot be said at all, ``prospects`` is empty, ``problem`` tells why, and ``kind`` what that is for a verdict.
    """

    target: Target
    prospects: tuple[Prospect, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""
    kind: VerdictKind = VerdictKind.UNINSTALLABLE

    def verdicts(self, names: Iterable[str]) -> tuple[Verdict, ...]:
        """Judge every distribution; where nothing can be said, those that were asked for by name."""
        if self.problem:
            return tuple(self._unforeseen(name) for name in names)
        return tuple(self._judge(each) for each in self.prospects)

    def _unforeseen(self, name: str) -> Verdict:
        message = f"{name} on {self.target.label}: {self.problem}"
        return Verdict(name, "", self.kind, self.kind.outcome, message)

    def _judge(self, prospect: Prospect) -> Verdict:
        kind, clause, best = self._describe(prospect)
        title = f"{prospect.name} {prospect.version}".rstrip()
        message = f"{title} on {self.target.label}: {clause}"
        return Verdict(prospect.name, prospect.version, kind, kind.outcome, message, best=best)

    def _describe(self, prospect: Prospect) -> tuple[VerdictKind, str, WheelIdentity | None]:
        choice = prospect.choice
        if choice is None:
            kind = VerdictKind.DIRECT if prospect.is_direct else VerdictKind.UNINSTALLABLE
            return kind, prospect.problem, None
        where = f"`{choice.reference or choice.file.filename}`"
        if not isinstance(choice.artefact, Candidate):
            kind = VerdictKind.DIRECT if choice.reference else VerdictKind.BUILT
            return kind, f"built from source, {where}{': ' * bool(prospect.problem)}{prospect.problem}", None
        kind = VerdictKind.DIRECT if choice.reference else VerdictKind.BEST
        rank = choice.artefact.rank
        clause = f"{where} (rank {rank} of {len(self.target.ranking.tags)})"
        return kind, clause, identify(choice.artefact)
