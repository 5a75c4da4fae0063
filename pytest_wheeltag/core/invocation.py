"""What was run, and what it printed; errors carry it too, so it stands below them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Invocation:
    """One command of an installer: its arguments, what it printed (both streams), and its exit status.

    Of much output only the end is there; nothing of it is a secret.
    """

    command: tuple[str, ...]
    output: str
    status: int


@dataclass(frozen=True)
class BuildOutput:
    """What a build printed: its last lines, and the path of a file with all of it, empty where it printed nothing."""

    last_lines: tuple[str, ...] = ()
    log: str = ""
