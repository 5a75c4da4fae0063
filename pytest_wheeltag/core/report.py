"""What was judged: where, by which installer, in which order."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, Literal

from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.core.verdict import Outcome, Property, Verdict, VerdictKind, WheelIdentity

Kind = Literal["audited", "provisioned", "target"]


@dataclass(frozen=True)
class InterpreterSummary:
    """What a report tells of an interpreter: ``tags`` counts what it accepts; what is not known is None.

    A target has no executable; of one that was not found only the label is known.
    """

    label: str
    executable: str | None = None
    implementation: str | None = None
    version: str | None = None
    best_tag: str | None = None
    tags: int | None = None


@dataclass(frozen=True)
class InstallerName:
    """The installer that made an environment, with its version."""

    name: str
    version: str


@dataclass(frozen=True)
class AbsentPackage:
    """What a lock holds and an environment does not; ``is_needed`` unless extras, groups or markers may leave it out."""

    name: str
    version: str | None
    is_needed: bool


@dataclass(frozen=True)
class LockSummary:
    """The lock that an environment was judged by; ``misfits`` say in one line each why it may not be meant for it.

    ``origin`` is its path as shown, ``digest`` the SHA-256 of its bytes; ``is_telling`` is whether it says what is
    installed where no further extras and groups are asked for.
    """

    origin: str
    format: str
    format_version: str
    digest: str
    is_telling: bool = True
    absent: tuple[AbsentPackage, ...] = ()
    misfits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Where a verdict belongs: one environment, with the installer and the order of interpreters that made it.

    ``identifier`` is the report's id; ``path`` the environment's folder; ``installer``, ``order`` and
    ``fingerprint`` are None where nothing was installed or they are not known, ``lock`` where indexes say what is
    published.
    """

    identifier: str
    kind: Kind
    interpreter: InterpreterSummary
    path: str = ""
    installer: InstallerName | None = None
    order: tuple[str, ...] | None = None
    fingerprint: str | None = None
    lock: LockSummary | None = None


@dataclass(frozen=True)
class JudgedEnvironment:
    """One environment with all that was found in it, sorted by name, version, property."""

    scene: Scene
    verdicts: tuple[Verdict, ...]


def audited_scene(identifier: str, environment: ExistingEnvironment) -> Scene:
    """Give the scene of an environment that was found, not made."""
    summary = summarize_interpreter(environment.interpreter)
    return Scene(identifier, "audited", summary, path=printable(environment.prefix))


def target_scene(target: Interpreter) -> Scene:
    """Give the scene of an interpreter that is not here."""
    return Scene(target.label, "target", summarize_interpreter(target))


@dataclass(frozen=True)
class Tally:
    """How many verdicts passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def is_unjudged(self) -> bool:
        """Whether nothing at all was judged: no pass and no failure."""
        return not (self.passed or self.failed)


@dataclass(frozen=True)
class AuditReport:
    """All that one run judged, environments by id; the same verdict twice counts once."""

    environments: tuple[JudgedEnvironment, ...]

    @property
    def tally(self) -> Tally:
        """How many of its verdicts passed, failed and were skipped."""
        outcomes = [verdict.outcome for each in self.environments for verdict in each.verdicts]
        return Tally(
            *(outcomes.count(outcome) for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED))
        )

    @property
    def is_only_unreachable(self) -> bool:
        """Whether all that failed is that an index could not be asked."""
        verdicts = (verdict for each in self.environments for verdict in each.verdicts)
        failed = [verdict.kind for verdict in verdicts if verdict.outcome is Outcome.FAILED]
        return bool(failed) and set(failed) == {VerdictKind.UNREACHABLE}


def tell_apart(labels: Iterable[str]) -> tuple[str, ...]:
    """Give each label an id of its own: labels that repeat get ``@2``, ``@3``."""
    seen: Counter[str] = Counter()
    identifiers = []
    for label in labels:
        seen[label] += 1
        identifiers.append(label if seen[label] == 1 else f"{label}@{seen[label]}")
    return tuple(identifiers)


def summarize_interpreter(interpreter: Interpreter) -> InterpreterSummary:
    """Give what a report tells of an interpreter; one that is not here has no executable."""
    return InterpreterSummary(
        interpreter.label,
        printable(interpreter.executable) or None,
        interpreter.implementation,
        interpreter.version,
        interpreter.ranking.tags[0],
        len(interpreter.ranking.tags),
    )


def collect_report(findings: Iterable[tuple[Scene, Verdict]]) -> AuditReport:
    """Gather verdicts by environment in the report's order, equal ones once (``--dist each`` gives them twice).

    Of the findings of an environment one is enough that tells its lock.
    """
    by_scene: dict[Scene, dict[Verdict, None]] = {}
    locks: dict[Scene, LockSummary] = {}
    for scene, verdict in findings:
        bare = replace(scene, lock=None)
        by_scene.setdefault(bare, {})[verdict] = None
        if scene.lock is not None:
            locks[bare] = scene.lock
    judged = (
        JudgedEnvironment(
            replace(scene, lock=locks.get(scene)),
            tuple(sorted(verdicts, key=lambda each: (each.name, each.version, each.property))),
        )
        for scene, verdicts in by_scene.items()
    )
    return AuditReport(tuple(sorted(judged, key=lambda each: natural_order(each.scene.identifier))))


def natural_order(text: str) -> list[tuple[str, int]]:
    """Give a sort key by which the numbers in a text count by size: 3.9 comes before 3.10."""
    parts = re.split(r"([0-9]+)", text)
    return [(text, int(number or 0)) for text, number in zip_longest(parts[::2], parts[1::2], fillvalue="")]


def pack(scene: Scene, verdict: Verdict) -> dict[str, Any]:
    """Turn a finding into builtins, which travel between processes; ``unpack`` reads them back."""
    return {"scene": _plain(scene), "verdict": _plain(verdict)}


def unpack(packed: Mapping[str, Any]) -> tuple[Scene, Verdict]:
    """Read back what ``pack`` gave."""
    scene = dict(packed["scene"])
    scene["interpreter"] = InterpreterSummary(**scene["interpreter"])
    scene["installer"] = scene["installer"] and InstallerName(**scene["installer"])
    scene["order"] = scene["order"] and tuple(scene["order"])
    scene["lock"] = scene["lock"] and _lock_summary(scene["lock"])
    verdict = dict(packed["verdict"])
    verdict["kind"] = VerdictKind(verdict["kind"])
    verdict["outcome"] = Outcome(verdict["outcome"])
    verdict["property"] = Property(verdict["property"])
    verdict["warnings"] = tuple(verdict["warnings"])
    for side in ("installed", "best"):
        verdict[side] = verdict[side] and _identity(verdict[side])
    return Scene(**scene), Verdict(**verdict)


def _lock_summary(values: Mapping[str, Any]) -> LockSummary:
    absent = tuple(AbsentPackage(**each) for each in values["absent"])
    return LockSummary(**{**values, "absent": absent, "misfits": tuple(values["misfits"])})


def _identity(values: Mapping[str, Any]) -> WheelIdentity:
    return WheelIdentity(**{**values, "tags": tuple(values["tags"])})


def _plain(value: Any) -> Any:  # noqa: ANN401 - turns any value of ours into builtins
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
