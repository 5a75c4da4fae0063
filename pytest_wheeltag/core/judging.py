"""How an installed distribution is judged: the order in which verdicts are looked for."""

from dataclasses import replace

from packaging.utils import canonicalize_name

from pytest_wheeltag.core.candidates import Candidate, Offer, Reason
from pytest_wheeltag.core.comparison import Comparison, Subject
from pytest_wheeltag.core.identity import Examination, Identification, Listed
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.tags import pips_own_tags
from pytest_wheeltag.core.verdict import (
    InstalledWheel,
    MalformedDistribution,
    Outcome,
    Property,
    Silence,
    UnwheeledDistribution,
    Verdict,
    VerdictKind,
    WheelIdentity,
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


def judge_intact(
    wheel: InstalledWheel, interpreter: Interpreter, found: Examination, silence: Silence | None = None
) -> Verdict:
    """Judge the property ``intact``; ``silence`` is why nothing published could be compared with.

    Gives ``incompatible``, ``altered``, ``direct``, the kind of the silence or ``intact``, the first that applies.
    """
    alone = judge_alone(wheel, interpreter)
    subject = Subject(wheel, interpreter)
    if alone and alone.kind is VerdictKind.INCOMPATIBLE:
        verdict = alone
    elif found.alterations or found.misfits:
        verdict = subject.verdict(VerdictKind.ALTERED, _altered(found))
    elif alone and alone.kind is VerdictKind.DIRECT:
        verdict = alone
    elif silence:
        verdict = subject.verdict(silence.kind, silence.message)
    else:
        verdict = _intact(subject, found)
    return replace(verdict, property=Property.INTACT, warnings=(*verdict.warnings, *found.warnings))


def _altered(found: Examination) -> str:
    misfits, altered = _shorten(found.misfits), _shorten(found.alterations)
    clauses = []
    if found.misfits and found.published:
        what = f"it is `{found.really.file.filename}`" if found.really else misfits
        clauses.append(f"not the published `{found.published.file.filename}` that WHEEL names: {what}")
    if found.alterations:
        clauses.append(f"not as RECORD lists it: {altered}")
    return "; ".join(clauses)


def _shorten(clauses: tuple[str, ...]) -> str:
    more = f"; and {len(clauses) - _ALTERATIONS_SHOWN} more" if len(clauses) > _ALTERATIONS_SHOWN else ""
    return "; ".join(clauses[:_ALTERATIONS_SHOWN]) + more


def _intact(subject: Subject, found: Examination) -> Verdict:
    published = found.really or found.published
    if published is None:
        return subject.verdict(
            VerdictKind.INTACT, "every file is as RECORD lists it; there is no published file to compare with"
        )
    filename = published.file.filename
    message = f"every file is as RECORD lists it and as in the published `{filename}`"
    differs = (f"{subject.title}: WHEEL says `{subject.written}`, it is the published `{filename}`",)
    verdict = subject.verdict(VerdictKind.INTACT, message, warnings=differs if found.really else ())
    return replace(verdict, installed=_identify(subject, published))


def _identify(subject: Subject, published: Listed) -> WheelIdentity:
    """Give what a report tells of an installed wheel of which it is known which published file it is."""
    rank = subject.interpreter.ranking.rank(published.wheel.tags)
    return WheelIdentity(
        subject.wheel.tags, subject.wheel.build, rank, published.file.filename, published.file.sha256
    )


def judge(
    installed: InstalledWheel,
    interpreter: Interpreter,
    offer: Offer | Silence,
    identified: Identification | None = None,
) -> Verdict:
    """Judge an installed wheel against what is on offer to its interpreter.

    ``identified`` says which published file it is where WHEEL leaves that open, and None where nobody asked. Gives the
    first verdict that applies, in the order of ``VerdictKind``; ``judge_alone`` comes first.
    """
    subject = Subject(installed, interpreter)
    if isinstance(offer, Silence):
        return subject.verdict(offer.kind, offer.message)
    if not offer.is_listed:
        return subject.verdict(VerdictKind.UNLISTED, describe_unlisted(subject))
    if offer.best is None:
        return subject.verdict(VerdictKind.BUILT, _built(subject, offer))
    if identified is None:
        return Comparison(subject, offer, offer.best).verdict()
    verdict = _judge_identified(subject, offer, offer.best, identified.really)
    return replace(verdict, warnings=(*verdict.warnings, *identified.warnings))


def describe_unlisted(subject: Subject) -> str:
    """Say that no index lists what is installed."""
    return f"no index knows this version (installed `{subject.tags}`)"


def _judge_identified(subject: Subject, offer: Offer, best: Candidate, really: Listed | None) -> Verdict:
    if really is None or subject.is_published_as(really.wheel):
        return Comparison(subject, offer, best).verdict()
    build = "".join(map(str, really.wheel.build)) or None
    wheel = replace(subject.wheel, tags=(really.wheel.tags,), build=build)
    other = Subject(wheel, subject.interpreter)
    clause = f"WHEEL says `{subject.written}`, it is the published `{really.file.filename}`"
    judged = Comparison(other, offer, best).verdict()
    message = judged.message.removeprefix(f"{subject.title} on {subject.interpreter.label}: ")
    verdict = subject.verdict(VerdictKind.MISLABELLED, f"{clause}: {message}", best)
    if judged.outcome is Outcome.PASSED:
        verdict = replace(verdict, warnings=(*judged.warnings, f"{subject.title}: {clause}"))
    return replace(verdict, outcome=judged.outcome, installed=_identify(subject, really))


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
