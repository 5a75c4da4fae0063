"""Further ways of installers beside the courses asked for: with an empty cache, in smaller orders, and pip's."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.courserun import CourseRun
from pytest_wheeltag.matrix import Course, Stop
from pytest_wheeltag.subjects.subject import Subject
from pytest_wheeltag.system.run import remove_if_empty
from pytest_wheeltag.visit import Visit

_PREFIX = "aside-"
_KEY_CHARACTERS = 12


@dataclass(frozen=True)
class Guides:
    """Who goes: each opens an installer that works in a folder, with an empty cache there."""

    open_subject: Callable[[Path], Subject]
    open_pip: Callable[[Interpreter, Path], Subject]


@dataclass(eq=False)
class Sidetrips:
    """Installs the same request once more, each trip once in a test run, for all its processes, and only when asked for.

    ``locate`` gives the folder that all processes share for a name.
    """

    request: Request
    locate: Callable[[str], Path]
    guides: Guides
    _known: dict[str, CourseRun] = field(default_factory=dict)

    def go_cold(self, stop: Stop) -> Visit:
        """Install at one stop alone, with an empty cache."""
        return self.go_through((stop,))

    def go_cold_again(self, stop: Stop) -> Visit:
        """Do so a second time, with another empty cache."""
        return self._go("again", (stop,), self.guides.open_subject)

    def go_through(self, stops: Sequence[Stop]) -> Visit:
        """Install at some stops, one after the other with one cache that is empty in the beginning; give the last."""
        return self._go("order", tuple(stops), self.guides.open_subject)

    def go_with_pip(self, stop: Stop) -> Visit:
        """Let the newest pip for this interpreter install there, with an empty cache."""

        def open_pip(folder: Path) -> Subject:
            if stop.interpreter is None:
                msg = f"expected an interpreter, found none: `{stop.label}`"
                raise ValueError(msg)
            return self.guides.open_pip(stop.interpreter, folder)

        return self._go("pip", (stop,), open_pip)

    def _go(self, what: str, stops: tuple[Stop, ...], open_subject: Callable[[Path], Subject]) -> Visit:
        executables = [each.interpreter.executable if each.interpreter else each.label for each in stops]
        key = hashlib.sha256(repr((what, executables)).encode("utf-8", "surrogateescape")).hexdigest()
        name = f"{_PREFIX}{what}-{key[:_KEY_CHARACTERS]}"
        if name not in self._known:
            course = Course(what, stops)
            self._known[name] = CourseRun(course, self.request, lambda: self.locate(name), open_subject)
        return Visit(self._known[name], len(stops) - 1)


def remove_sidetrips(locate: Callable[[str], Path]) -> None:
    """Remove what all sidetrips of a test run have left, whichever process made them."""
    folder = locate(_PREFIX)
    for each in folder.parent.glob(f"{_PREFIX}*"):
        shutil.rmtree(each, ignore_errors=True)
    remove_if_empty(folder)
