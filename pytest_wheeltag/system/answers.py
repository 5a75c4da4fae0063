"""What interpreters have answered to the probe, remembered on disk as long as the executable is the same."""

import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.files import publish_text, read_regular

# The key cannot tell that a missing library was installed meanwhile: failures are asked again.
_FAILURE_SECONDS = 3600.0
_LIMIT_BYTES = 2 << 20


@dataclass(frozen=True)
class ExecutableKey:
    """What an answer depends on: the executable's identity, the machine's, and the text of the probe."""

    path: str
    device: int
    inode: int
    size: int
    modified_nanoseconds: int
    machine: tuple[str, ...]
    probe: str

    @property
    def filename(self) -> str:
        """The name of the file that keeps the answer."""
        return hashlib.sha256(repr(self).encode("utf-8", "surrogateescape")).hexdigest()[:40] + ".json"


def key_of(real_path: str, probe: str) -> ExecutableKey:
    """Make the key of an executable; ``real_path`` has no links in it, ``probe`` is the probe's text.

    Raises ``OSError`` where there is no such file.
    """
    found = Path(real_path).stat()
    digest = hashlib.sha256(probe.encode()).hexdigest()[:16]
    return ExecutableKey(
        real_path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, _machine(), digest
    )


@cache
def _machine() -> tuple[str, ...]:
    system = platform.uname()
    return (system.system, system.release, system.version, system.machine, _libc_version())


def _libc_version() -> str:
    if sys.platform == "win32":
        return ""
    with suppress(OSError, ValueError):
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    return ""


@dataclass(frozen=True)
class Answer:
    """What came of asking an interpreter: its facts, or the problem that kept it from answering."""

    facts: Mapping[str, Any] | None
    problem: str = ""


@dataclass(frozen=True)
class AnswerCache:
    """The folder of remembered answers; a damaged or foreign file in it is as good as none.

    Answers with facts hold as long as the key does, failures for an hour. ``clock`` gives seconds since the
    epoch, as ``time.time`` does.
    """

    folder: Path
    clock: Callable[[], float] = time.time

    def recall(self, key: ExecutableKey) -> Answer | None:
        """Give what is remembered, None where nothing (usable) is."""
        path = self.folder / key.filename
        try:
            record = json.loads(read_regular(path, _LIMIT_BYTES))
            age_seconds = self.clock() - path.stat().st_mtime
        except (OSError, ValueError, RecursionError, UnsafeFileError):
            return None
        match record:
            case {"path": key.path, "facts": dict(facts)}:
                return Answer(facts)
            case {"path": key.path, "problem": str(problem)} if abs(age_seconds) < _FAILURE_SECONDS:
                return Answer(None, problem)
        return None

    def remember(self, key: ExecutableKey, answer: Answer) -> None:
        """Keep an answer; where the folder cannot be written, it is asked for again next time."""
        told = {"problem": answer.problem} if answer.facts is None else {"facts": answer.facts}
        with suppress(OSError):
            publish_text(self.folder / key.filename, json.dumps({"path": key.path, **told}))
