"""What an installer was asked and what it printed, as lines for a report."""

import shlex
from collections.abc import Iterable, Iterator

from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.core.text import printable

_SHOWN_LINES = 40
_SHOWN_CHARACTERS = 500


def render_account(account: Account) -> tuple[str, ...]:
    """Give each command as it can be typed, with the end of its output; none where no command was run."""
    return tuple(line for each in account.invocations for line in _render(each))


def _render(invocation: Invocation) -> Iterator[str]:
    yield f"$ {printable(shlex.join(invocation.command))}"
    lines = invocation.output.splitlines()
    if len(lines) > _SHOWN_LINES:
        yield f"… ({len(lines) - _SHOWN_LINES} lines before)"
    yield from _cut(lines[-_SHOWN_LINES:])
    if invocation.status:
        yield f"(exit status {invocation.status})"


def _cut(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        shown = printable(line[:_SHOWN_CHARACTERS])
        yield f"{shown}…" if len(line) > _SHOWN_CHARACTERS else shown
