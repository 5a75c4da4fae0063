"""Which files would be taken, and which interpreters there are: as JSON and as lines."""

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_wheeltag.core.candidates import Candidate
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
    rank = choice.artefact.rank if isinstance(choice.artefact, Candidate) else None
    return {
        "name": choice.name,
        "version": str(choice.version),
        "filename": choice.file.filename,
        "sha256": choice.file.sha256,
        "url": choice.file.shown_url,
        # What is built from source has no tag before it is built.
        "tag": None if rank is None else interpreter.ranking.tags[rank - 1],
        "rank": rank,
    }


def render_choices(choices: Iterable[Choice], interpreter: Interpreter) -> Iterator[str]:
    """Give one line per chosen file: its name, and the rank of its best tag, or that it is a source."""
    of = len(interpreter.ranking.tags)
    yield from align([_name(each), _describe(each, of)] for each in choices)


def _name(choice: Choice) -> str:
    """Give what tells a file apart: a folder's name does not."""
    return f"{choice.name} {choice.version}" if choice.is_tree else choice.file.filename


def _describe(choice: Choice, of: int) -> str:
    if isinstance(choice.artefact, Candidate):
        return f"rank {choice.artefact.rank} of {of}"
    where = f", {choice.reference}" if choice.reference else ""
    return f"built from source{where}"


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
