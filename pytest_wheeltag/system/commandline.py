"""What a command asks for: requirements and the files that hold more of them, read one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pytest_wheeltag.core.askedfor import AskedFor
from pytest_wheeltag.core.requirements import (
    COMMAND_LINE,
    ConfigSettings,
    Demand,
    Request,
    UnnamedDemand,
    parse_config_setting,
)
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.requestfiles import RequestReader, Selection


@dataclass(frozen=True)
class CommandLine:
    """The texts of a command line that ask for something, each list in its order; ``origin`` names it in messages."""

    requirements: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    editables: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    config_settings: tuple[str, ...] = ()
    origin: str = COMMAND_LINE

    @property
    def names_files(self) -> bool:
        """Whether files or groups are named, which may well ask for nothing."""
        return bool(self.files or self.groups)


def read_command_line(line: CommandLine, reader: RequestReader) -> Iterator[AskedFor]:
    """Read everything that is asked for, in pip's order; raises ``UsageError``, which names text, file and line.

    Config settings are for what is asked for directly, not for what stands in files.
    """
    settings = tuple(parse_config_setting(each, "--config-settings") for each in line.config_settings)
    named = [reader.requirement(each, line.origin) for each in line.requirements]
    trees = [
        reader.editable(each, "-e" if line.origin == COMMAND_LINE else line.origin) for each in line.editables
    ]
    yield AskedFor(Request(tuple(_tell(each, settings) for each in (*named, *trees))))
    yield from (reader.group(each, "--group") for each in line.groups)
    if line.extras and not line.files:
        raise UsageError("--extra", line.extras[0], "a pyproject.toml or a pylock.toml, given with `-r`")
    selection = Selection(frozenset(line.extras))
    yield from (reader.file(each, "-r", selection) for each in line.files)
    yield from (reader.constraints(each, "-c") for each in line.constraints)


def _tell(demand: Demand | UnnamedDemand, settings: ConfigSettings) -> Demand | UnnamedDemand:
    return replace(demand, config_settings=(*settings, *demand.config_settings)) if settings else demand
