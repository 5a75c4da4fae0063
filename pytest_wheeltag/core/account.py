"""What an installer says of one installation: kept for the report and compared with what lies there, never believed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from packaging.utils import NormalizedName

from pytest_wheeltag.core.invocation import Invocation


@dataclass(frozen=True)
class ResolvedFile:
    """A file that an installer says it resolved; ``filename`` and ``sha256`` are None where it does not tell.

    Where it only says that it is one of several files of a release, as a lock does, ``among`` are their names with
    their SHA-256, which is None where it is not told: more than one, or none at all.
    """

    name: NormalizedName
    version: str
    filename: str | None = None
    sha256: str | None = None
    among: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Account:
    """What was asked of an installer and what it printed; ``resolved`` is None where it cannot say what it resolved."""

    invocations: tuple[Invocation, ...] = ()
    resolved: tuple[ResolvedFile, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Give it in the types of JSON."""
        return asdict(self)


def account_from_json(values: Mapping[str, Any]) -> Account:
    """Read back what ``to_json`` gave."""
    invocations, resolved = values["invocations"], values["resolved"]
    return Account(
        tuple(Invocation(tuple(each["command"]), each["output"], each["status"]) for each in invocations),
        None if resolved is None else tuple(ResolvedFile(**each) for each in resolved),
    )
