"""Whether the files of an installed distribution are those that its RECORD lists."""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.record import STRONG_ALGORITHMS, UNLISTED_NAMES, RecordRow, parse_record
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.enclosure import Enclosure
from pytest_wheeltag.system.files import read_regular

_MAX_RECORD_BYTES = 128 << 20
_MAX_ROWS = 1_000_000
# What installers write after the wheel's own RECORD was made (recording installed projects).
_INSTALLERS_FILES = frozenset({*UNLISTED_NAMES, "INSTALLER", "REQUESTED", "direct_url.json"})


def find_alterations(environment: ExistingEnvironment, wheel: InstalledWheel) -> Iterator[str]:
    """Say of each file how it differs from RECORD, one clause each; none where the distribution is intact.

    RECORD itself, its signatures, bytecode and what installers write are exempt; another row without a digest
    is a finding. Files are read in pieces and never outside the environment.
    """
    dist_info = Path(wheel.location)
    try:
        rows = parse_record(read_regular(dist_info / "RECORD", _MAX_RECORD_BYTES), _MAX_ROWS)
        enclosure = Enclosure.around(environment.prefix)
    except FileNotFoundError:
        yield "it has no RECORD to be compared with"
        return
    except (OSError, UnsafeFileError, DistInfoError) as error:
        yield f"its RECORD cannot be read, {error}"
        return
    comparison = _Comparison(enclosure, dist_info)
    for row in rows:
        if not _is_exempt(row.path, dist_info.name) and (clause := comparison.describe(row)):
            yield clause


def _is_exempt(path: str, dist_info: str) -> bool:
    folder, _, name = path.rpartition("/")
    is_installers = folder == dist_info and name in _INSTALLERS_FILES
    return is_installers or path.endswith((".pyc", ".pyo"))


@dataclass(frozen=True)
class _Comparison:
    enclosure: Enclosure
    dist_info: Path

    def describe(self, row: RecordRow) -> str | None:
        """Say how a file differs from its row, None if not at all."""
        if not row.algorithm:
            return f"expected a digest, found none in the row of {quoted(row.path)}"
        if row.algorithm not in STRONG_ALGORITHMS:
            return f"expected sha256 or better, found {quoted(row.algorithm)} for {quoted(row.path)}"
        try:
            digest, size = self._digest(row)
        except FileNotFoundError:
            return f"expected a file, found none: {quoted(row.path)}"
        except (OSError, UnsafeFileError) as error:
            problem = error.problem if isinstance(error, UnsafeFileError) else error.strerror or "an error"
            return f"{problem}: {quoted(row.path)}"
        return row.describe_mismatch(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), size)

    def _digest(self, row: RecordRow) -> tuple[bytes, int]:
        path = os.path.normpath(self.dist_info.parent / row.path)
        parts = self.enclosure.parts_of(path)
        if not parts:
            raise UnsafeFileError(path, "expected a file of the environment, found a path that leads outside")
        *folder, name = self.enclosure.resolve(parts)
        with self.enclosure.open_parts(tuple(folder)) as opened:
            return opened.digest_name(name, row.algorithm)
