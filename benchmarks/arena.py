"""Where a measurement takes place: one folder for everything, one index, one interpreter, a clean environment."""

import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from distlib.index import DEFAULT_INDEX

from pytest_wheeltag.core.interpreter import Interpreter, parse_interpreter_spec
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace

# It would keep both sides from writing bytecode, and is set on some machines only.
_UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
_UNWANTED_OF_TOOLS = ("PIP_", "UV_", "WHEELTAG_")


def default_index() -> str:
    """Give the address of the public index, which is written into no file of ours."""
    parts = urlsplit(str(DEFAULT_INDEX))
    return urlunsplit(parts._replace(path="/simple/"))


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Give environment variables without those that would make one side do another work."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _UNWANTED and not name.startswith(_UNWANTED_OF_TOOLS)
    }


@dataclass(frozen=True)
class Arena:
    """Where everybody works: all on one device, so that links are possible; ``python`` is a specification."""

    folder: Path
    python: str = sys.executable
    index_url: str = field(default_factory=default_index)
    environ: Mapping[str, str] = field(default_factory=lambda: clean(os.environ), repr=False)

    def open_workplace(self) -> Workplace:
        """Give a workplace as a test run has it, that has seen no page of the index yet."""
        sources = SourceOptions(self.folder / "cache", index_url=self.index_url, is_alone=True)
        return Workplace(sources, self.environ, run_id=uuid.uuid4().hex)

    @cached_property
    def interpreter(self) -> Interpreter:
        """The interpreter that environments are made of."""
        return self.open_workplace().finder.find(parse_interpreter_spec(self.python, setting="--python"))

    def install_tool(self, *requirements: str) -> Path:
        """Install a tool into an environment of its own, with our own installer; give its folder of scripts."""
        request = parse_request(requirements)
        place = self.open_workplace()
        running = place.finder.ask(Path(sys.executable))
        prefix = self.folder / "tools" / request.requirements[0].name
        place.furnish(prefix, running, request)
        return Path(running.scheme_paths(str(prefix))["scripts"])
