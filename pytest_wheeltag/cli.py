"""The command line without pytest: ``wheeltag``, also ``python -m pytest_wheeltag``."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from pytest_wheeltag.arguments import parse_arguments
from pytest_wheeltag.commands import Status
from pytest_wheeltag.errors import BuildError, UsageError, WheeltagError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit status.

    0 is success, 1 a failed verdict or a failed command, 2 a usage error, 3 that nothing could be judged.
    """
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        # A name that a terminal cannot show is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(options)
    except UsageError as error:
        return _fail(error, Status.USAGE)
    except WheeltagError as error:
        return _fail(error)
    except BrokenPipeError:
        # The reader of a pipe went away (`wheeltag check | head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Status.FAILED
    except OSError as error:
        return _fail(f"{error.strerror or type(error).__name__}: `{error.filename or 'unknown'}`")
    except KeyboardInterrupt:
        return _fail("interrupted")


def _run(options: argparse.Namespace) -> Status:
    status: Status = import_module(f"pytest_wheeltag.commands.{options.command}").run(options)
    return status


def _fail(problem: object, status: Status = Status.FAILED) -> Status:
    print(f"wheeltag: {problem}", file=sys.stderr)
    if isinstance(problem, BuildError):
        # Its end first: what the backend said last is in the line above.
        for line in problem.output.last_lines:
            print(f"  {line}", file=sys.stderr)
    return status
