"""The script that runs inside a target's interpreter and compiles what it is told: no decisions.

Imported by nobody: its text is given to ``python -I -S -B -c``. Like the probe it is written for Python 3.6 and later
with its standard library alone. It says that it is there, then answers each line, the path of a source in hexadecimal,
with another: the name of its bytecode in hexadecimal, or nothing where there is none. Hexadecimal, since a path is
bytes whatever the locales on both sides.
"""

import importlib.util
import os
import py_compile
import sys

HELLO = b"pytest-wheeltag compiles 1\n"

# By the source's time and size, as pip leaves it; before 3.7 there was nothing else.
_MODES = getattr(py_compile, "PycInvalidationMode", None)
_OPTIONS = {} if _MODES is None else {"invalidation_mode": _MODES.TIMESTAMP}


def compile_source(path: str) -> str:
    """Compile one source and give the name of its bytecode, empty where it cannot be compiled."""
    bytecode = importlib.util.cache_from_source(path)
    # pathlib would take longer to import than all the rest.
    folder, name = os.path.split(bytecode)
    # A link would lead out of the environment.
    if os.path.islink(folder) or not os.path.isfile(path):  # noqa: PTH113, PTH114 - as above
        return ""
    try:
        py_compile.compile(path, bytecode, doraise=True, **_OPTIONS)
    except (py_compile.PyCompileError, SyntaxError, UnicodeError, OSError, ImportError):
        # Templates, sources for another Python: pip is silent about them too.
        return ""
    return name


def main() -> None:
    """Answer until nobody asks any longer."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(HELLO)
    answers.flush()
    for line in asked:
        path = os.fsdecode(bytes.fromhex(line.decode("ascii").strip()))
        answers.write(os.fsencode(compile_source(path)).hex().encode("ascii") + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
