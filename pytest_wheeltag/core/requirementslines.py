"""The lines of a requirements or constraints file, each a value that says what it is about."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.hashes import Hashes, parse_hash
from pytest_wheeltag.core.lineoptions import (
    LineOption,
    OptionName,
    parse_line_options,
)
from pytest_wheeltag.core.requirements import ConfigSettings, parse_config_setting
from pytest_wheeltag.errors import UsageError

# As pip has it: a `#` inside a word is no comment. With `\s+#` a line of blanks would take quadratic time.
_COMMENT = re.compile(r"(?:^|(?<=\s))#")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}", re.ASCII)
# A line with the hashes of all files of a large release has some 20,000.
_MAX_LINE_CHARACTERS = 200_000

_SUBJECTS = frozenset({OptionName.EDITABLE, OptionName.REQUIREMENT, OptionName.CONSTRAINT})
_OF_A_REQUIREMENT = frozenset({OptionName.HASH, OptionName.CONFIG_SETTINGS})
_OF_AN_EDITABLE = frozenset({OptionName.EDITABLE, OptionName.CONFIG_SETTINGS})


@dataclass(frozen=True)
class OptionLine:
    """Options on a line of their own; ``origin`` is ``FILE:LINE``, the first where a line is continued.

    ``options`` are those that count, in order; ``ignored`` names those that count for nothing on such a line.
    """

    origin: str
    options: tuple[LineOption, ...] = ()
    ignored: tuple[OptionName, ...] = ()


@dataclass(frozen=True)
class RequirementLine(OptionLine):
    """A requirement as written; its file may have any of ``hashes``."""

    text: str = field(default="", repr=False)
    hashes: Hashes = ()
    config_settings: ConfigSettings = field(default=(), repr=False)


@dataclass(frozen=True)
class EditableLine(OptionLine):
    """A source tree that an environment shall lead to, as written."""

    text: str = field(default="", repr=False)
    config_settings: ConfigSettings = field(default=(), repr=False)


@dataclass(frozen=True)
class InclusionLine(OptionLine):
    """Another file whose lines count here: its path, or its address, as written."""

    location: str = field(default="", repr=False)
    is_constraints: bool = False


def parse_lines(text: str, filename: str, environ: Mapping[str, str]) -> tuple[OptionLine, ...]:
    r"""Parse a requirements file (pip's requirements file format) to the lines that say something.

    Lines that end in ``\`` go on with the next one; ``${NAME}`` stands for a variable of ``environ`` that is there and
    not empty. Raises ``UsageError``, which names ``filename`` and line.
    """
    lines = _join(text.removeprefix("\ufeff").splitlines())
    return tuple(_parse(line, origin) for line, origin in _clean(lines, filename, environ))


def _join(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Put continued lines together, with the number of the first; a comment ends them (pip does so first of all)."""
    first, parts = 0, list[str]()
    for number, line in enumerate(lines, start=1):
        first = first if parts else number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line.strip("\\"))
            continue
        # A comment that ends a continued line begins a word there.
        yield first, "".join((*parts, f" {line}" if is_comment else line))
        parts.clear()
    if parts:
        yield first, "".join(parts)


def _clean(
    lines: Iterable[tuple[int, str]], filename: str, environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Take comments and empty lines out and put variables in, each with its origin."""
    for number, line in lines:
        origin = f"{filename}:{number}"
        content = _COMMENT.split(line, maxsplit=1)[0].strip()
        if sum(map(len, _put_in(environ, content))) > _MAX_LINE_CHARACTERS:
            raise UsageError(
                origin, shown_address(content), f"at most {_MAX_LINE_CHARACTERS} characters in a line"
            )
        if content:
            yield "".join(_put_in(environ, content)), origin


def _put_in(environ: Mapping[str, str], content: str) -> Iterator[str]:
    end = 0
    for match in _VARIABLE.finditer(content):
        yield content[end : match.start()]
        yield environ.get(match[1]) or match[0]
        end = match.end()
    yield content[end:]


def _parse(line: str, origin: str) -> OptionLine:
    # Only from the first option on are there quotation marks as in a shell: a marker has its own.
    words = line.split(" ")
    start = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    requirement = " ".join(words[:start]).strip()
    options = parse_line_options(" ".join(words[start:]), origin)
    subjects = [each for each in options if each.name in _SUBJECTS]
    if len(subjects) + bool(requirement) > 1:
        raise UsageError(origin, shown_address(line), "one requirement, or one `-e`, `-r` or `-c`, to a line")
    if requirement:
        return _parse_requirement(requirement, options, origin)
    return _parse_subject(subjects[0], options, origin) if subjects else _parse_options(options, origin)


def _parse_requirement(text: str, options: tuple[LineOption, ...], origin: str) -> RequirementLine:
    counting, ignored = _divide(options, _OF_A_REQUIREMENT)
    hashes = tuple(parse_hash(each.value, origin) for each in options if each.name is OptionName.HASH)
    return RequirementLine(origin, counting, ignored, text, hashes, _parse_settings(options, origin))


def _parse_subject(subject: LineOption, options: tuple[LineOption, ...], origin: str) -> OptionLine:
    if subject.name is OptionName.EDITABLE:
        counting, ignored = _divide(options, _OF_AN_EDITABLE)
        return EditableLine(origin, counting, ignored, subject.value, _parse_settings(options, origin))
    counting, ignored = _divide(options, _SUBJECTS)
    return InclusionLine(origin, counting, ignored, subject.value, subject.name is OptionName.CONSTRAINT)


def _parse_options(options: tuple[LineOption, ...], origin: str) -> OptionLine:
    nowhere = _OF_A_REQUIREMENT | {OptionName.USE_FEATURE}
    counting = tuple(each for each in options if each.name not in nowhere)
    return OptionLine(origin, counting, tuple(each.name for each in options if each.name in nowhere))


def _divide(
    options: tuple[LineOption, ...], spent: frozenset[OptionName]
) -> tuple[tuple[LineOption, ...], tuple[OptionName, ...]]:
    """Tell the options that count beside a requirement, an editable or a file from those that do not."""
    counting = tuple(each for each in options if each.name.names_projects)
    ignored = (each.name for each in options if not each.name.names_projects and each.name not in spent)
    return counting, tuple(ignored)


def _parse_settings(options: tuple[LineOption, ...], origin: str) -> ConfigSettings:
    given = (each.value for each in options if each.name is OptionName.CONFIG_SETTINGS)
    return tuple(parse_config_setting(value, origin) for value in given)
