"""What is asked about published wheels: each thing once, remembered in the cache, many side by side."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.errors import CatalogueError, WheelError
from pytest_wheeltag.system.keptfacts import FactT, KeptFacts

# Each thread may open a connection, and those are dear.
_THREADS = 6


@dataclass(frozen=True)
class Enquiry(Generic[FactT]):
    """What is to be known of a file: ``ask`` finds it out, ``fits`` tells whether what was kept can be of this file.

    ``ask`` raises ``WheelError`` or ``CatalogueError``.
    """

    file: PublishedFile
    ask: Callable[[], FactT]
    fits: Callable[[FactT], bool]


class Enquiries(Generic[FactT]):
    """Answers enquiries; safe for use from several threads. What failed fails again without being asked."""

    def __init__(self, kept: KeptFacts[FactT]) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._facts: dict[str, FactT] = {}
        self._failures: dict[str, WheelError | CatalogueError] = {}

    def answer(self, enquiry: Enquiry[FactT]) -> FactT:
        """Give what was to be known; raises what asking raised, the first time and every time."""
        self._settle(enquiry)
        if failure := self._failures.get(enquiry.file.url):
            raise failure.with_traceback(None)
        return self._facts[enquiry.file.url]

    def prefetch(self, enquiries: Iterable[Enquiry[FactT]]) -> None:
        """Settle many side by side; what fails is raised when it is asked for alone."""
        wanted = {each.file.url: each for each in enquiries if not self._is_settled(each)}
        missing = [each for each in wanted.values() if not self._recall(each)]
        if missing:
            with ThreadPoolExecutor(min(_THREADS, len(missing)), "wheeltag-enquiry") as pool:
                list(pool.map(self._settle, missing))

    def _is_settled(self, enquiry: Enquiry[FactT]) -> bool:
        return enquiry.file.url in self._facts or enquiry.file.url in self._failures

    def _settle(self, enquiry: Enquiry[FactT]) -> None:
        if self._is_settled(enquiry):
            return
        with self._lock:
            lock = self._locks.setdefault(enquiry.file.url, threading.Lock())
        with lock:
            if not self._is_settled(enquiry) and not self._recall(enquiry):
                self._ask(enquiry)

    def _recall(self, enquiry: Enquiry[FactT]) -> bool:
        kept = self._kept.find(enquiry.file)
        if kept is None or not enquiry.fits(kept):
            return False
        self._facts[enquiry.file.url] = kept
        return True

    def _ask(self, enquiry: Enquiry[FactT]) -> None:
        try:
            fact = enquiry.ask()
        except (WheelError, CatalogueError) as error:
            self._failures[enquiry.file.url] = error
        else:
            self._facts[enquiry.file.url] = fact
            self._kept.keep(enquiry.file, fact)
