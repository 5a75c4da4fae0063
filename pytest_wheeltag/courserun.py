"""A course in a test run: carried out once by whichever process comes first, its outcome read by all others."""

import os
import shutil
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.matrix import Course, CourseOutcome, dump_outcome, load_outcome, travel
from pytest_wheeltag.subjects.subject import Subject
from pytest_wheeltag.system.files import lock, publish_text
from pytest_wheeltag.system.run import remove_if_empty

# A course through several interpreters with large wheels on a slow network.
_LOCK_SECONDS = 3600.0


@dataclass
class CourseRun:
    """A course in this run: whichever process comes first makes its environments, the others read what came of it.

    ``locate`` gives the folder that all processes share, ``open_subject`` the installer that works in it.
    """

    course: Course
    request: Request
    locate: Callable[[], Path]
    open_subject: Callable[[Path], Subject]

    @cached_property
    def outcome(self) -> CourseOutcome:
        """What came of the course, which is carried out if nobody did so before."""
        with lock(self._folder / ".lock", timeout_seconds=_LOCK_SECONDS) as is_held:
            if not is_held:
                # No locks here: rather work twice than in each other's way.
                self._folder = self._folder / f"process-{os.getpid()}"
            known = self.known_outcome()
            if known is not None:
                return known
            # A process that died on the way left environments that nobody may believe.
            self._clear()
            subject = self.open_subject(self._folder / "installer")
            arrivals = tuple(travel(self.course, subject, self.request, self._folder))
            outcome = CourseOutcome(arrivals, subject.name)
            publish_text(self._told, dump_outcome(outcome))
            return outcome

    def known_outcome(self) -> CourseOutcome | None:
        """Give what came of the course if some process has carried it out."""
        try:
            return load_outcome(self._told.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def clean(self, kept: Container[str]) -> tuple[str, ...]:
        """Remove the environments of the course but those in ``kept``; give the ones that stay."""
        outcome = self.known_outcome()
        arrivals = outcome.arrivals if outcome else ()
        staying = tuple(arrival.prefix for arrival in arrivals if arrival.prefix and arrival.prefix in kept)
        self._clear(staying)
        if not staying:
            shutil.rmtree(self._folder, ignore_errors=True)
            remove_if_empty(self._folder)
        return staying

    def _clear(self, kept: Container[str] = ()) -> None:
        for path in self._folder.glob("*/"):
            if str(path) not in kept:
                shutil.rmtree(path, ignore_errors=True)

    @cached_property
    def _folder(self) -> Path:
        return self.locate()

    @property
    def _told(self) -> Path:
        return self._folder / "outcome.json"
