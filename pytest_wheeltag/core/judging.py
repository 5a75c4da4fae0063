"""How an installed distribution is judged: the order in which verdicts are looked for."""

from collections.abc import Iterable
from dataclasses import replace

from packaging.utils import canonicalize_name

from pytest_wheeltag.core.candidates import Offer, Reason
from pytest_wheeltag.core.comparison import Comparison, Subject
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.tags import pips_own_tags
from pytest_wheeltag.core.verdict import (
    InstalledWheel,
    MalformedDistribution,
    Property,
    Silence,
    UnwheeledDistribution,
    Verdict,
    VerdictKind,
)

_ALTERATIONS_SHOWN = 3


def judge_unread(
    distribution: MalformedDistribution | UnwheeledDistribution, interpreter: Interpreter
) -> Verdict:
    """Judge what is no wheel that could be read: ``malformed`` or ``unwheeled``."""
    match distribution:
        case MalformedDistribution(problem=clause):
            kind = VerdictKind.MALFORMED
        case UnwheeledDistribution(reason=clause):
            kind = VerdictKind.UNWHEELED
    # Of what cannot be read the version may be unknown.
    title = f"{distribution.name} {distribution.version}".rstrip()
    return Verdict(
        canonicalize_name(distribution.name),
        distribution.version,
        kind,
        kind.outcome,
        f"{title} on {interpreter.label}: {clause}",
        warnings=distribution.findings,
    )


def judge_alone(wheel: InstalledWheel, interpreter: Interpreter) -> Verdict | None:
    """Judge a wheel that needs no index: it cannot run here, was installed directly, or has a tag that only pip knows.

    None means that the offer decides.
    """
    subject = Subject(wheel, interpreter)
    tags = interpreter.ranking.tags
    is_pips = bool(subject.expansion & pips_own_tags(interpreter.facts))
    if subject.rank is None and not is_pips:
        message = (
            f"installed `{subject.tags}`, none of which is among the {len(tags)} tags that this interpreter "
            f"supports, from `{tags[0]}` on"
        )
        return subject.verdict(VerdictKind.INCOMPATIBLE, message)
    if wheel.direct_url is not None:
        return subject.verdict(
            VerdictKind.DIRECT, f"installed `{subject.tags}` directly from `{wheel.direct_url}`"
        )
    if subject.rank is None:
        message = f"installed `{subject.tags}`, which pip accepts here and `packaging.tags.sys_tags` does not"
        return subject.verdict(VerdictKind.AMBIGUOUS, message)
    return None


def judge_intact(wheel: InstalledWheel, interpreter: Interpreter, alterations: Iterable[str]) -> Verdict:
    """Judge the property ``intact``: ``alterations`` say how files differ from RECORD, a clause each.

    Gives ``incompatible``, ``altered``, ``direct`` or ``intact``, the first that applies.
    """
    alone = judge_alone(wheel, interpreter)
    if alone and alone.kind is VerdictKind.INCOMPATIBLE:
        return replace(alone, property=Property.INTACT)
    found = tuple(alterations)
    subject = Subject(wheel, interpreter)
    if found:
        shown = "; ".join(found[:_ALTERATIONS_SHOWN])
        more = f"; and {len(found) - _ALTERATIONS_SHOWN} more" if len(found) > _ALTERATIONS_SHOWN else ""
        verdict = subject.verdict(VerdictKind.ALTERED, f"not as RECORD lists it: {shown}{more}")
    elif alone and alone.kind is VerdictKind.DIRECT:
        verdict = alone
    else:
        verdict = subject.verdict(VerdictKind.INTACT, "every file is as RECORD lists it")
    return replace(verdict, property=Property.INTACT)


def judge(installed: InstalledWheel, interpreter: Interpreter, offer: Offer | Silence) -> Verdict:
    """Judge an installed wheel against what is on offer to its interpreter.

    Gives the first verdict that applies, in the order of ``VerdictKind``; ``judge_alone`` comes first.
    """
    subject = Subject(installed, interpreter)
    if isinstance(offer, Silence):
        return subject.verdict(offer.kind, offer.message)
    if not offer.is_listed:
        return subject.verdict(
            VerdictKind.UNLISTED, f"no index knows this version (installed `{subject.tags}`)"
        )
    if offer.best is None:
        return subject.verdict(VerdictKind.BUILT, _built(subject, offer))
    return Comparison(subject, offer, offer.best).verdict()


def _built(subject: Subject, offer: Offer) -> str:
    own = subject.find_rejection(offer, Reason.REQUIRES_PYTHON) or subject.find_rejection(offer, Reason.NEWER)
    if own:
        return (
            f"no published wheel is compatible; installed is `{subject.tags}`, as in `{own.file.filename}`, "
            f"but {own.reason}: {own.detail}"
        )
    miss = offer.nearest_miss
    if miss is None:
        return f"built from source as `{subject.tags}`: no wheel of this version is published"
    return (
        f"built from source as `{subject.tags}`: no published wheel is compatible, the nearest is "
        f"`{miss.file.filename}`, but {miss.reason}: {miss.detail}"
    )
