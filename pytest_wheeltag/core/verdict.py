"""Whether an installed distribution is the one that its interpreter likes best."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from packaging.utils import canonicalize_name

from pytest_wheeltag.errors import UsageError


class Outcome(StrEnum):
    """What a verdict means for a test run."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class VerdictKind(StrEnum):
    """The verdicts, in their order of precedence: the first that applies is given."""

    MALFORMED = "malformed"
    UNWHEELED = "unwheeled"
    INCOMPATIBLE = "incompatible"
    ALTERED = "altered"
    OPAQUE = "opaque"
    UNFAITHFUL = "unfaithful"
    DISAGREEING = "disagreeing"
    DIRECT = "direct"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    UNLISTED = "unlisted"
    MISLABELLED = "mislabelled"
    AMBIGUOUS = "ambiguous"
    INFERIOR = "inferior"
    BUILT = "built"
    REBUILT = "rebuilt"
    BEST = "best"
    TRANSPARENT = "transparent"
    FAITHFUL = "faithful"
    AGREEING = "agreeing"
    INTACT = "intact"
    IRREPRODUCIBLE = "irreproducible"
    MISSING_PYTHON = "missing-python"
    UNINSTALLABLE = "uninstallable"

    @property
    def outcome(self) -> Outcome:
        """What it means for a test run where nothing is accepted and nothing strict.

        ``MISLABELLED`` passes where the file that it really is passes.
        """
        if self in _FAILING:
            return Outcome.FAILED
        return Outcome.SKIPPED if self in _SKIPPING else Outcome.PASSED


_FAILING = frozenset(
    {
        VerdictKind.MALFORMED,
        VerdictKind.INCOMPATIBLE,
        VerdictKind.ALTERED,
        VerdictKind.OPAQUE,
        VerdictKind.UNFAITHFUL,
        VerdictKind.DISAGREEING,
        VerdictKind.UNREACHABLE,
        VerdictKind.MISLABELLED,
        VerdictKind.INFERIOR,
        VerdictKind.REBUILT,
        VerdictKind.MISSING_PYTHON,
        VerdictKind.UNINSTALLABLE,
    }
)
_SKIPPING = frozenset(
    {VerdictKind.UNWHEELED, VerdictKind.UNKNOWN, VerdictKind.UNLISTED, VerdictKind.IRREPRODUCIBLE}
)


@dataclass(frozen=True)
class Silence:
    """Why there is no offer to weigh against, as the verdict that follows and a clause.

    An index could not be asked (``UNREACHABLE``), nothing is known offline (``UNKNOWN``), or a lock does not hold it
    (``UNLISTED``) or takes it from elsewhere (``DIRECT``).
    """

    kind: VerdictKind
    message: str


class Property(StrEnum):
    """The questions that can be asked of an installed distribution, or of the installer that put it there."""

    BEST = "best"
    TRANSPARENT = "transparent"
    FAITHFUL = "faithful"
    AGREEING = "agreeing"
    INTACT = "intact"

    @property
    def is_of_installer(self) -> bool:
        """Whether only an installer can have it: an environment alone does not tell."""
        return self in {Property.TRANSPARENT, Property.FAITHFUL, Property.AGREEING}

    @property
    def kind(self) -> VerdictKind:
        """The verdict under which what has it passes."""
        return VerdictKind(self.value)


@dataclass(frozen=True)
class InstalledWheel:
    """A distribution as read back from disk, with what its WHEEL file says.

    ``name`` and ``version`` are as METADATA spells them; ``tags`` are the ``Tag`` lines of WHEEL, of which
    at least one is valid; ``build`` is its ``Build`` line; ``installer`` the content of INSTALLER;
    ``direct_url`` where it was installed from, credentials removed, if direct_url.json is there;
    ``location`` is the dist-info folder; ``findings`` are oddities that do not keep it from being judged.
    """

    name: str
    version: str
    tags: tuple[str, ...]
    build: str | None = None
    installer: str | None = None
    direct_url: str | None = None
    location: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class MalformedDistribution:
    """A distribution that cannot be judged since its dist-info cannot be read, is there twice, or names no tag.

    ``problem`` is one clause that says what was expected and found.
    """

    name: str
    version: str
    problem: str
    location: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnwheeledDistribution:
    """A distribution that has no wheel tags, or that another package manager owns; ``reason`` is one clause."""

    name: str
    version: str
    reason: str
    location: str = ""
    findings: tuple[str, ...] = ()


InstalledDistribution = InstalledWheel | MalformedDistribution | UnwheeledDistribution


@dataclass(frozen=True)
class WheelIdentity:
    """One side of a comparison: tags as in the file name or WHEEL, rank counted from 1, None where unknown."""

    tags: tuple[str, ...]
    build: str | None = None
    rank: int | None = None
    filename: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What was found of one distribution in one environment, with the sentence that says so.

    ``property`` is the question that was asked (``best``); ``outcome`` follows from ``kind`` unless an
    accept entry or strictness changed it; ``accepted`` is true where an entry turned a failure into a pass.
    """

    name: str
    version: str
    kind: VerdictKind
    outcome: Outcome
    message: str
    property: Property = Property.BEST
    installed: WheelIdentity | None = None
    best: WheelIdentity | None = None
    warnings: tuple[str, ...] = ()
    accepted: bool = False


@dataclass(frozen=True)
class Acceptance:
    """A finding that shall pass: a verdict, of one distribution or (``name`` None) of all, and the reason."""

    kind: VerdictKind
    name: str | None = None
    reason: str = ""

    def covers(self, verdict: Verdict) -> bool:
        """Tell whether a verdict is the finding meant."""
        return verdict.kind is self.kind and self.name in (None, canonicalize_name(verdict.name))


@dataclass(frozen=True)
class Policy:
    """What changes an outcome after judging: skipped ones fail if strict, accepted failures pass."""

    acceptances: tuple[Acceptance, ...] = ()
    is_strict: bool = False

    def apply(self, verdict: Verdict) -> Verdict:
        """Give the verdict with the outcome that this policy wants."""
        outcome = verdict.outcome
        if self.is_strict and outcome is Outcome.SKIPPED:
            outcome = Outcome.FAILED
        covering = next((each for each in self.acceptances if each.covers(verdict)), None)
        if covering is None or outcome is not Outcome.FAILED:
            return replace(verdict, outcome=outcome)
        reason = f" (accepted: {covering.reason})" if covering.reason else " (accepted)"
        return replace(verdict, outcome=Outcome.PASSED, accepted=True, message=verdict.message + reason)


def parse_acceptance(text: str, *, setting: str = "--wheeltag-accept") -> Acceptance:
    """Parse ``VERDICT``, ``NAME:VERDICT`` or ``NAME: VERDICT: reason``; raises ``UsageError`` naming ``setting``."""
    parts = [part.strip() for part in text.split(":", 2)]
    is_named = len(parts) > 1 and parts[1] in _KINDS
    if parts[0] in _KINDS and not is_named:
        return Acceptance(VerdictKind(parts[0]), reason=": ".join(filter(None, parts[1:])))
    if is_named and parts[0]:
        reason = parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 - name, verdict, reason
        return Acceptance(VerdictKind(parts[1]), canonicalize_name(parts[0]), reason)
    raise UsageError(setting, text, f"`VERDICT` or `NAME:VERDICT` with one of {_listed(_KINDS)}")


_KINDS = frozenset(VerdictKind)


def _listed(kinds: Iterable[VerdictKind]) -> str:
    return ", ".join(kind for kind in VerdictKind if kind in kinds)
