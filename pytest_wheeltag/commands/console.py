"""What commands print: results on the standard output, everything else beside it."""

import json
import sys
from collections.abc import Iterable
from typing import Any


def print_json(values: dict[str, Any]) -> None:
    """Print a result as JSON."""
    print(json.dumps(values, indent=2, ensure_ascii=False))


def print_lines(lines: Iterable[str], title: str = "") -> None:
    """Print a result, nothing where it has no line; ``title`` stands before each of them."""
    for line in lines:
        print(f"{title}{line}")


def tell(line: str) -> None:
    """Say how far the work is."""
    print(f"wheeltag: {line}", file=sys.stderr)


def warn(line: str) -> None:
    """Say what a user should know of, in one line."""
    print(f"wheeltag: warning: {line}", file=sys.stderr)
