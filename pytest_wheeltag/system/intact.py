"""Whether the files of an installed distribution are those that its RECORD lists."""

from collections.abc import Iterator
from typing import NamedTuple

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.record import STRONG_ALGORITHMS, RecordRow, encode_digest
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.contents import InstalledContents


class Alteration(NamedTuple):
    """How a file differs from RECORD, in one clause; ``path`` is where it lies, empty where RECORD itself is meant."""

    clause: str
    path: str = ""


def find_alterations(environment: ExistingEnvironment, wheel: InstalledWheel) -> Iterator[str]:
    """Say of each file how it differs from RECORD, as ``examine_files`` finds it; none where all is intact."""
    return (each.clause for each in examine_files(InstalledContents(environment, wheel)))


def examine_files(contents: InstalledContents) -> Iterator[Alteration]:
    """Find the files that differ from RECORD.

    RECORD itself, its signatures, bytecode and what installers write are exempt; another row without a digest
    is a finding. Files are read in pieces and never outside the environment.
    """
    try:
        rows = tuple(contents.rows())
    except FileNotFoundError:
        yield Alteration("it has no RECORD to be compared with")
        return
    except (OSError, UnsafeFileError, DistInfoError) as error:
        yield Alteration(f"its RECORD cannot be read, {error}")
        return
    for row in rows:
        if clause := _describe(row, contents):
            yield Alteration(clause, contents.path_of(row))


def _describe(row: RecordRow, contents: InstalledContents) -> str | None:
    """Say how a file differs from its row, None if not at all."""
    if not row.algorithm:
        return f"expected a digest, found none in the row of {quoted(row.path)}"
    if row.algorithm not in STRONG_ALGORITHMS:
        return f"expected sha256 or better, found {quoted(row.algorithm)} for {quoted(row.path)}"
    try:
        with contents.open_folder(row) as (folder, name):
            digest, size = folder.digest_name(name, row.algorithm)
    except FileNotFoundError:
        return f"expected a file, found none: {quoted(row.path)}"
    except (OSError, UnsafeFileError) as error:
        problem = error.problem if isinstance(error, UnsafeFileError) else error.strerror or "an error"
        return f"{problem}: {quoted(row.path)}"
    return row.describe_mismatch(encode_digest(digest), size)
