"""What an installer says of one installation: kept for the report and compared with what lies there, never believed."""

from dataclasses import dataclass

from packaging.utils import NormalizedName


@dataclass(frozen=True)
class Invocation:
    """One command of an installer: its arguments, what it printed (both streams), and its exit status."""

    command: tuple[str, ...]
    output: str
    status: int


@dataclass(frozen=True)
class ResolvedFile:
    """A file that an installer says it resolved; ``filename`` and ``sha256`` are None where it does not tell."""

    name: NormalizedName
    version: str
    filename: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Account:
    """What was asked of an installer and what it printed; ``resolved`` is None where it cannot say what it resolved."""

    invocations: tuple[Invocation, ...] = ()
    resolved: tuple[ResolvedFile, ...] | None = None
