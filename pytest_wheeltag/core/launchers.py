"""The small scripts that start a distribution's entry points, and first lines that name an interpreter."""

import re

from pytest_wheeltag.core.entrypoints import EntryPoint

# What Linux has always taken; with the `#!` and the line's end.
_MAX_SHEBANG_BYTES = 127
_FIRST_REMOVESUFFIX = (3, 9)

# As pip writes them since 26; before Python 3.9 texts have no `removesuffix`.
_TEMPLATE = """\
import sys
from {module} import {imported}
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit({attribute}())
"""
_OLD_TEMPLATE = """\
import re
import sys
from {module} import {imported}
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'\\.exe$', '', sys.argv[0])
    sys.exit({attribute}())
"""

# Wheels name no interpreter in their scripts but these two words (binary distribution format).
_PLACEHOLDER = re.compile(rb"#!(pythonw?)(?:[ \t][^\n]*)?(?:\r?\n|\Z)")


def render_shebang(executable: str) -> bytes:
    """Give the lines that start a script with an interpreter on POSIX, the last one ended.

    A path that is too long for the kernel, or holds white space, is started by ``/bin/sh``: to it the next line
    is a command that replaces it, to Python a text that nobody reads.
    """
    encoded = executable.encode("utf-8", "surrogateescape")
    line = b"#!" + encoded + b"\n"
    if len(line) <= _MAX_SHEBANG_BYTES and not re.search(rb"\s", encoded):
        return line
    quoted = b"'" + encoded.replace(b"'", b"'\"'\"'") + b"'"
    return b"#!/bin/sh\n'''exec' " + quoted + b' "$0" "$@"\n' + b"' '''\n"


def render_code(point: EntryPoint, version: tuple[int, ...]) -> bytes:
    """Give the Python code of a launcher for a version of Python, without its first line."""
    template = _TEMPLATE if version >= _FIRST_REMOVESUFFIX else _OLD_TEMPLATE
    imported = point.attribute.partition(".")[0]
    return template.format(module=point.module, imported=imported, attribute=point.attribute).encode()


def has_placeholder(content: bytes) -> bool:
    """Tell whether a script's first line is ``#!python`` or ``#!pythonw``, with whatever arguments."""
    return _PLACEHOLDER.match(content) is not None


def fill_placeholder(content: bytes, shebang: bytes) -> bytes:
    """Give a script with ``shebang`` for its first line; arguments that stood there go, as with pip."""
    match = _PLACEHOLDER.match(content)
    return shebang + content[match.end() :] if match else content


def expand_versioned(name: str, version: tuple[int, ...]) -> tuple[str, ...]:
    """Give the names under which pip installs a console entry point: its own also with the target's version.

    The wheels of pip and of old setuptools carry the version of the Python that built them.
    """
    major, minor = version[:2]
    versioned = {
        "pip": ("pip", f"pip{major}", f"pip{major}.{minor}"),
        "easy_install": ("easy_install", f"easy_install-{major}.{minor}"),
    }
    return versioned.get(name, (name,))


def is_superseded(name: str, names: frozenset[str]) -> bool:
    """Tell whether a console entry point stands for another Python's version: ``pip3.9`` beside ``pip``."""
    if "pip" in names and re.fullmatch(r"pip\d+(\.\d+)?", name):
        return True
    return "easy_install" in names and re.fullmatch(r"easy_install-\d+\.\d+", name) is not None
