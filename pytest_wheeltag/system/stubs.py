"""Launchers for Windows: a small program that starts the interpreter named behind it with the code behind that."""

import io
import zipfile
from importlib.resources import files

from pytest_wheeltag.core.entrypoints import EntryPoint
from pytest_wheeltag.core.launchers import render_code
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import InterpreterError

# The programs that pip puts there too; distlib carries them.
_BITS = {"win-amd64": "64", "win32": "32", "win-arm64": "64-arm"}
# Zip files know no earlier time; the same launcher shall have the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def make_stub(point: EntryPoint, target: InstallTarget) -> bytes:
    """Give the bytes of a command's ``.exe``: the program, the interpreter's path, a zip with the code.

    Raises ``InterpreterError`` for a platform that there is no such program for.
    """
    bits = _BITS.get(target.platform)
    if bits is None:
        problem = f"there are no launchers for its platform {target.platform}"
        raise InterpreterError(target.executable, problem)
    program = (files("distlib") / f"{'w' if point.is_gui else 't'}{bits}.exe").read_bytes()
    executable = target.executable
    if point.is_gui:
        executable = executable.removesuffix("python.exe") + "pythonw.exe"
    # Quoted where it holds a space, as distlib's programs understand it.
    shown = f'"{executable}"' if " " in executable else executable
    return program + b"#!" + shown.encode() + b"\n" + _zip(render_code(point, target.version))


def _zip(code: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", _EPOCH), code)
    return stream.getvalue()
