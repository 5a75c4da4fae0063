"""The benchmarks' command line: ``python -m benchmarks small``, ``python -m benchmarks resolve``."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.arena import Arena
from benchmarks.resolution import measure_resolution
from benchmarks.small import measure_small, profile_small

_PAIRS = 15
_PAIRS_WHEN_QUICK = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one piece of work, print a table, write JSON and a plot."""
    options = _parser().parse_args(arguments)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # One device for all: links do not cross. It goes at the end, for removals slow what is made after them.
    folder = Path(tempfile.mkdtemp(prefix="wheeltag-benchmark-", dir=options.folder))
    try:
        _run(options, Arena(folder, options.python))
    finally:
        shutil.rmtree(folder)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Time a piece of work, ours and its peers' in turn."
    )
    parser.add_argument("work", choices=("small", "resolve"), help="the piece of work")
    parser.add_argument("--quick", action="store_true", help=f"{_PAIRS_WHEN_QUICK} pairs: does it run at all")
    parser.add_argument("--pairs", type=int, help=f"how often each side works (default: {_PAIRS})")
    parser.add_argument(
        "--python", default=sys.executable, metavar="SPEC", help="what environments are made of"
    )
    parser.add_argument("--pytest-venv", action="store_true", help="measure pytest-venv too: minutes")
    parser.add_argument("--cold", action="store_true", help="resolve with empty caches: minutes")
    parser.add_argument("--profile", action="store_true", help="say where our time goes, and measure nothing")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="where to work (default: the temporary folder)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("build", "benchmarks"),
        metavar="DIR",
        help="where JSON and plot go (default: build/benchmarks)",
    )
    return parser


def _run(options: argparse.Namespace, arena: Arena) -> None:
    if options.profile:
        _tell(profile_small(arena))
        return
    pairs = options.pairs or (_PAIRS_WHEN_QUICK if options.quick else _PAIRS)
    if options.work == "resolve":
        results = measure_resolution(arena, pairs, _progress, is_cold=options.cold)
    else:
        results = measure_small(arena, pairs, _progress, with_pytest_venv=options.pytest_venv)
    for line in results.table():
        _tell(line)
    _tell(f"written: {', '.join(map(str, results.write(options.output)))}")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    raise SystemExit(main())
