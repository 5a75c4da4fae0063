"""Whether the file that an installer says it resolved is the one that it installed."""

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.candidates import is_wheel, parse_wheel_name
from pytest_wheeltag.core.comparison import Subject
from pytest_wheeltag.core.conclusion import Conclusion
from pytest_wheeltag.core.distinfo import is_same_version
from pytest_wheeltag.core.identity import Examination
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.verdict import VerdictKind

_MAX_SHOWN = 3


def judge_faithfulness(
    subject: Subject, told: ResolvedFile | None, installer: str, examined: Examination | None = None
) -> Conclusion:
    """Compare what lies there with what the installer said it resolved, ``told`` None where it does not say.

    ``examined`` is what came of comparing it with the published file of the name that was told; where that is not
    known, version, tags and build tag count, and a build number that WHEEL does not tell fits any. Of a source only
    the version is known.
    """
    if told is None:
        return Conclusion(VerdictKind.UNKNOWN, f"{installer} does not say which file it resolved")
    wheel, named = subject.wheel, told.filename
    if not is_same_version(wheel.version, told.version):
        return _unfaithful(subject, f"{told.name} {told.version}", installer)
    if named is None:
        return _judge_among(subject, told, installer)
    if not is_wheel(named):
        return Conclusion(VerdictKind.FAITHFUL, f"built from what was resolved, {quoted(named)}")
    return _judge_wheel(subject, named, installer, examined)


def _judge_wheel(subject: Subject, named: str, installer: str, examined: Examination | None) -> Conclusion:
    if examined is None and not _fits(subject, named):
        return _unfaithful(subject, named, installer)
    if examined is not None and (examined.misfits or examined.really):
        return _another(subject, named, installer, examined)
    return Conclusion(VerdictKind.FAITHFUL, f"installed `{subject.tags}`, as resolved: {quoted(named)}")


def _judge_among(subject: Subject, told: ResolvedFile, installer: str) -> Conclusion:
    """Compare with all files that a lock admits: one of the wheels must lie there, or it was built from a source."""
    names = [filename for filename, _ in told.among]
    if not names:
        clause = f"{installer} names no file that it resolved, only the version"
        return Conclusion(VerdictKind.UNKNOWN, clause)
    fitting = next((each for each in names if is_wheel(each) and _fits(subject, each)), None)
    if fitting:
        clause = f"installed `{subject.tags}`, one of {len(names)} files that it resolved: {quoted(fitting)}"
        return Conclusion(VerdictKind.FAITHFUL, clause)
    if all(map(is_wheel, names)):
        return _unfaithful(subject, f"one of {', '.join(names[:_MAX_SHOWN])}", installer)
    clause = f"{installer} resolved {len(names)} files, a source among them: it may have been built"
    return Conclusion(VerdictKind.UNKNOWN, clause)


def _unfaithful(subject: Subject, resolved: str, installer: str, details: str = "") -> Conclusion:
    installed = f"installed `{subject.tags}` of version {subject.wheel.version}"
    clause = f"{installed}, although {installer} resolved {quoted(resolved)}{details}"
    return Conclusion(VerdictKind.UNFAITHFUL, clause)


def _another(subject: Subject, resolved: str, installer: str, examined: Examination) -> Conclusion:
    """Say which published file lies there by its RECORD, or how it differs from the one that was resolved."""
    really = examined.really
    if really is not None:
        return _unfaithful(subject, resolved, installer, f": it is {quoted(really.file.filename)}")
    return _unfaithful(subject, resolved, installer, f": {examined.misfits[0]}" if examined.misfits else "")


def _fits(subject: Subject, filename: str) -> bool:
    try:
        named = parse_wheel_name(filename)
    except ValueError:
        return False
    return subject.has_tags_of(named) and (not subject.build or subject.build == named.build)
