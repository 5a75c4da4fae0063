"""Whether an installer takes the file that pip takes, on the same index and interpreter."""

from dataclasses import dataclass

from pytest_wheeltag.core.candidates import is_wheel
from pytest_wheeltag.core.conclusion import Conclusion
from pytest_wheeltag.core.distinfo import is_same_version
from pytest_wheeltag.core.likeness import Holding, describe_differences, find_differences, has_same_tags
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.verdict import Verdict, VerdictKind

_BUILT = frozenset({VerdictKind.BUILT, VerdictKind.REBUILT})
_RIGHT = frozenset({VerdictKind.BEST, VerdictKind.AMBIGUOUS})


@dataclass(frozen=True)
class Take:
    """What one installer took: what its environment holds, the verdict for ``best``, and the file's name.

    ``installer`` is its name and version; ``filename`` is as it told, empty where it did not.
    """

    installer: str
    holding: Holding
    judged: Verdict
    filename: str = ""

    @property
    def is_built(self) -> bool:
        """Whether it was built from source."""
        return not is_wheel(self.filename) if self.filename else self.judged.kind in _BUILT

    @property
    def shown(self) -> str:
        """The file, by its name as far as it is known, else as its dist-info spells it."""
        wheel = self.holding.wheel
        title = f"{wheel.name} {wheel.version}"
        if self.is_built:
            source = f" from {quoted(self.filename)}" if self.filename else ""
            return f"{title} `{self.holding.tags}`, built{source}"
        best = self.judged.best if self.judged.kind is VerdictKind.BEST else None
        known = self.filename or (best and best.filename) or ""
        return quoted(known or _spell(self.holding))


def _spell(holding: Holding) -> str:
    """Spell the name that the file must have had."""
    wheel = holding.wheel
    name, build = wheel.name.replace("-", "_"), f"{wheel.build}-" if wheel.build else ""
    return f"{name}-{wheel.version}-{build}{holding.short_tags}.whl"


def judge_agreement(ours: Take, pips: Take) -> Conclusion:
    """Compare what lies there with what pip left: version, tags, build tag, and the content of a published file.

    Where both may be right, since files tie, a yank decides or the order of ``linux_*`` differs between versions
    of packaging, it is ``ambiguous``.
    """
    here, there = ours.holding, pips.holding
    both = f"installed {ours.shown}, {pips.installer} takes {pips.shown}"
    if not is_same_version(here.wheel.version, there.wheel.version):
        return Conclusion(VerdictKind.DISAGREEING, both)
    if pips.is_built and (ours.is_built or has_same_tags(here.wheel, there.wheel)):
        return Conclusion(VerdictKind.AGREEING, f"built from source, as {pips.installer} does")
    if not has_same_tags(here.wheel, there.wheel):
        doubt = _doubt(ours.judged, pips.judged)
        if doubt:
            return Conclusion(VerdictKind.AMBIGUOUS, f"{both}, and both may: {doubt}")
        return Conclusion(VerdictKind.DISAGREEING, both)
    if differences := find_differences(here, there):
        clause = f"{both}: {describe_differences(differences, f'with {pips.installer}')}"
        return Conclusion(VerdictKind.DISAGREEING, clause)
    return Conclusion(VerdictKind.AGREEING, f"{pips.installer} takes {pips.shown} too")


def _doubt(ours: Verdict, pips: Verdict) -> str:
    """Give why installers may rightly differ here, empty where one of the two is wrong."""
    if {ours.kind, pips.kind} - _RIGHT or VerdictKind.AMBIGUOUS not in {ours.kind, pips.kind}:
        return ""
    doubtful = ours if ours.kind is VerdictKind.AMBIGUOUS else pips
    return doubtful.message.partition(": ")[2]
