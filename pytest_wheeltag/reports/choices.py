"""Which files would be taken, and which interpreters there are: as JSON and as lines."""

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.report import summarize_interpreter
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.reports.json_report import interpreter_to_json
from pytest_wheeltag.reports.terminal import align


def choices_to_json(choices: Iterable[Choice], interpreter: Interpreter) -> dict[str, Any]:
    """Give the chosen files as plain JSON values, sorted by name; addresses without credentials."""
    files = (_file(choice, interpreter) for choice in sorted(choices, key=lambda each: each.name))
    return {"interpreter": interpreter_to_json(summarize_interpreter(interpreter)), "files": list(files)}


def _file(choice: Choice, interpreter: Interpreter) -> dict[str, Any]:
    candidate = choice.candidate
    return {
        "name": choice.name,
        "version": str(choice.version),
        "filename": candidate.file.filename,
        "sha256": candidate.file.sha256,
        "url": candidate.file.shown_url,
        "tag": interpreter.ranking.tags[candidate.rank - 1],
        "rank": candidate.rank,
    }


def render_choices(choices: Iterable[Choice], interpreter: Interpreter) -> Iterator[str]:
    """Give one line per chosen file: its name, and the rank of its best tag."""
    of = len(interpreter.ranking.tags)
    rows = [[each.candidate.file.filename, f"rank {each.candidate.rank} of {of}"] for each in choices]
    yield from align(rows)


def interpreters_to_json(interpreters: Iterable[Interpreter]) -> dict[str, Any]:
    """Give the interpreters found as plain JSON values."""
    listed = [
        {"label": each.label, **interpreter_to_json(summarize_interpreter(each))} for each in interpreters
    ]
    return {"interpreters": listed}


def render_interpreters(interpreters: Iterable[Interpreter]) -> Iterator[str]:
    """Give one line per interpreter: label, version, best tag, executable."""
    yield from align(
        [each.label, each.version, each.ranking.tags[0], each.executable] for each in interpreters
    )
