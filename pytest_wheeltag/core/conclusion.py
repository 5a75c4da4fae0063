"""What a property of an installer comes to, once its environment stands beside another: a conclusion becomes a verdict."""

from dataclasses import dataclass, replace

from pytest_wheeltag.core.comparison import Subject
from pytest_wheeltag.core.verdict import Outcome, Property, Verdict, VerdictKind

# What cannot be judged at all cannot be compared either.
_BEFORE = frozenset({VerdictKind.MALFORMED, VerdictKind.UNWHEELED, VerdictKind.INCOMPATIBLE})
_OTHERWISE = frozenset(
    {VerdictKind.DIRECT, VerdictKind.UNREACHABLE, VerdictKind.UNKNOWN, VerdictKind.UNLISTED}
)


@dataclass(frozen=True)
class Conclusion:
    """The verdict that a comparison asks for, the clause that says why, and what is to be said besides."""

    kind: VerdictKind
    clause: str
    warnings: tuple[str, ...] = ()


def conclude(judged: Verdict, subject: Subject, asked: Property, found: Conclusion) -> Verdict:
    """Give the verdict for a property; ``judged`` is the one for ``best``.

    A fault that was found counts before `direct`, `unreachable`, `unknown` and `unlisted`, which are given where
    there is none: like `altered`, it needs no index.
    """
    is_fault = found.kind.outcome is Outcome.FAILED
    if judged.kind in _BEFORE or (judged.kind in _OTHERWISE and not is_fault):
        return replace(judged, property=asked)
    verdict = subject.verdict(found.kind, found.clause, warnings=found.warnings)
    return replace(verdict, best=judged.best, property=asked)
