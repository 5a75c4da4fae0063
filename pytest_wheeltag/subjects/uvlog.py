"""What uv prints while it installs: which files it resolved, and what it put in place."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.candidates import is_wheel, sdist_stem

_SELECTED = re.compile(
    r"Selecting: (?P<name>[\w.-]+)(?:\[[^]]*\])?==(?P<version>\S+) (?:\[[^]]*\] )?\((?P<file>[^()]+)\)"
)
_INSTALLED = re.compile(r" \+ (?P<name>[\w.-]+)==(?P<version>\S+)(?: \(from (?P<url>.+)\))?")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class UvLog:
    """Hears what ``uv pip install --verbose`` prints, line by line.

    Its resolver says of each release which file it selected, the last time for good; what was installed stands in
    the end. It names no hashes.
    """

    _selected: dict[tuple[NormalizedName, str], str] = field(default_factory=dict)
    _installed: dict[NormalizedName, ResolvedFile] = field(default_factory=dict)

    def hear(self, line: str) -> None:
        """Take in a line."""
        text = _COLOURS.sub("", line)
        if match := _SELECTED.search(text):
            self._selected[canonicalize_name(match["name"]), match["version"]] = match["file"]
        elif match := _INSTALLED.fullmatch(text.rstrip()):
            name = canonicalize_name(match["name"])
            selected = self._selected.get((name, match["version"]))
            # What comes from an address is selected by nobody.
            filename = _filename(match["url"]) if match["url"] else selected
            self._installed[name] = ResolvedFile(name, match["version"], filename)

    @property
    def resolved(self) -> tuple[ResolvedFile, ...]:
        """What was installed, with the file that was selected for it, sorted by name."""
        return tuple(self._installed[name] for name in sorted(self._installed))


def _filename(url: str) -> str | None:
    last = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    return last if is_wheel(last) or sdist_stem(last) is not None else None
