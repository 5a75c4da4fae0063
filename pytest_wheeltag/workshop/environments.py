"""Folders that look like virtual environments with wheels installed, made without running anything."""

import io
import json
import os
import platform
import re
import shutil
import sys
import zipfile
from collections.abc import Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.fault import Row, Rows, dist_info_of, parse_rows, render_rows
from pytest_wheeltag.workshop.wheels import record_digest

_SCRIPT_LINE = re.compile(rb"\A#!pythonw?[^\n]*\n")
_EXECUTABLE_BITS = 0o111


@dataclass(frozen=True)
class EnvironmentSpec:
    """Which interpreter an environment shall look made by; nothing is run.

    ``version`` is the full version; ``library`` the folder that holds site-packages below ``lib`` on POSIX
    (``python3.13t``, ``pypy3.9``), empty for CPython's own; ``is_windows`` lays it out as Windows has it.
    """

    executable: Path
    version: str
    library: str = ""
    is_windows: bool = os.name == "nt"

    @classmethod
    def of_running(cls) -> Self:
        """Give the specification of the interpreter that runs, or of the base of its environment."""
        executable = Path(getattr(sys, "_base_executable", "") or sys.executable)
        short = ".".join(map(str, sys.version_info[:2]))
        threads = "t" if "t" in getattr(sys, "abiflags", "") else ""
        stem = "pypy" if sys.implementation.name == "pypy" else "python"
        return cls(executable, platform.python_version(), f"{stem}{short}{threads}")

    @property
    def library_folder(self) -> str:
        """The name of the folder that holds site-packages on POSIX."""
        return self.library or "python" + ".".join(self.version.split(".")[:2])


@dataclass(frozen=True)
class FakeEnvironment:
    """A folder laid out like a virtual environment (``sysconfig``'s scheme ``venv``)."""

    path: Path
    spec: EnvironmentSpec

    @property
    def scripts(self) -> Path:
        """The folder of executables."""
        return self.path / ("Scripts" if self.spec.is_windows else "bin")

    @property
    def python(self) -> Path:
        """The environment's interpreter: a link to the one it was made by, or a copy."""
        return self.scripts / ("python.exe" if self.spec.is_windows else "python")

    @property
    def site_packages(self) -> Path:
        """The folder of installed modules, purelib and platlib."""
        if self.spec.is_windows:
            return self.path / "Lib" / "site-packages"
        return self.path / "lib" / self.spec.library_folder / "site-packages"

    def scheme_folder(self, scheme: str, project: str) -> Path:
        """Give where a scheme of a wheel's ``.data`` folder goes; ``KeyError`` for an unknown one."""
        short = self.spec.library_folder.removeprefix("python")
        folders = {
            "purelib": self.site_packages,
            "platlib": self.site_packages,
            "scripts": self.scripts,
            "data": self.path,
            # pip's own place for headers in an environment, on every system.
            "headers": self.path / "include" / "site" / f"python{short}" / project,
        }
        return folders[scheme]


def make_environment(folder: Path, spec: EnvironmentSpec | None = None) -> FakeEnvironment:
    """Make an empty environment, of the running interpreter where nothing else is said."""
    environment = FakeEnvironment(folder, spec or EnvironmentSpec.of_running())
    environment.site_packages.mkdir(parents=True)
    environment.scripts.mkdir()
    (folder / "pyvenv.cfg").write_text(_pyvenv_cfg(environment), encoding="utf-8")
    for name in _interpreter_names(environment.spec):
        _link_or_copy(environment.spec.executable, environment.scripts / name)
    return environment


def _pyvenv_cfg(environment: FakeEnvironment) -> str:
    executable = environment.spec.executable
    lines = {
        "home": executable.parent,
        "include-system-site-packages": "false",
        "version": environment.spec.version,
        "executable": executable,
        "command": f"{executable} -m venv {environment.path}",
    }
    return "".join(f"{key} = {value}\n" for key, value in lines.items())


def _interpreter_names(spec: EnvironmentSpec) -> tuple[str, ...]:
    if spec.is_windows:
        return ("python.exe", "pythonw.exe")
    return ("python", "python3", spec.library_folder)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source)
    except OSError:
        # Windows gives the right to make links to few.
        shutil.copyfile(source, target)


def lay(
    wheel: Path,
    environment: FakeEnvironment,
    *,
    installer: str = "pip",
    direct_url: Mapping[str, object] | None = None,
) -> Path:
    """Put a wheel's files where an installer would, and give its dist-info folder.

    RECORD keeps the wheel's rows, right or wrong, and gets rows for what it did not list and what was
    generated (INSTALLER, direct_url.json, launchers). ``installer`` empty writes no INSTALLER. Raises
    ``UsageError`` for a path that leads out of the environment: samples must not escape either.
    """
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    laying = _Laying(environment, files)
    info = laying.info
    generated = {f"{info}/INSTALLER": f"{installer}\n".encode()} if installer else {}
    if direct_url is not None:
        generated[f"{info}/direct_url.json"] = json.dumps(direct_url, sort_keys=True).encode()
    record = f"{info}/RECORD"
    written = {laying.place(path): laying.settled(path) for path in files if path != record}
    written |= {laying.place(path): data for path, data in generated.items()} | laying.launchers()
    for path, data in written.items():
        _write(path, data, is_executable=path.parent == environment.scripts)
    if record in files:
        _write(laying.place(record), render_rows(laying.rows(written)))
    return environment.site_packages / info


@dataclass(frozen=True)
class _Laying:
    """One wheel on its way into one environment."""

    environment: FakeEnvironment
    files: Mapping[str, bytes]

    @property
    def info(self) -> str:
        return dist_info_of(self.files)

    def place(self, path: str) -> Path:
        """Give where a path of the archive goes."""
        first, _, rest = path.partition("/")
        root = self.environment.site_packages
        if first.endswith(".data") and rest:
            scheme, _, path = rest.partition("/")
            root = self.environment.scheme_folder(scheme, self.info.partition("-")[0])
        if "\\" in path or path.startswith("/") or ".." in PurePosixPath(path).parts:
            setting = "path in a wheel to lay"
            raise UsageError(setting, path, "a path inside of the environment")
        return root / path

    def settled(self, path: str) -> bytes:
        """Give the installed content: a script's first line names the environment's interpreter."""
        data = self.files[path]
        if self.place(path).parent != self.environment.scripts:
            return data
        return _SCRIPT_LINE.sub(lambda _: self._first_line() + b"\n", data)

    def _first_line(self) -> bytes:
        return b"#!" + os.fsencode(self.environment.python)

    def launchers(self) -> dict[Path, bytes]:
        """Give the launchers of entry_points.txt; those of Windows lack the executable stub before the archive."""
        text = self.files.get(f"{self.info}/entry_points.txt", b"").decode()
        points = ConfigParser(delimiters=("=",), interpolation=None)
        points.optionxform = str  # type: ignore[assignment,method-assign] # the documented way to keep letter case
        points.read_string(text)
        groups = [points[name] for name in ("console_scripts", "gui_scripts") if points.has_section(name)]
        return dict(self._launcher(name, reference) for group in groups for name, reference in group.items())

    def _launcher(self, name: str, reference: str) -> tuple[Path, bytes]:
        module, _, function = reference.partition("[")[0].strip().partition(":")
        lines = (
            "import sys",
            f"from {module} import {function.partition('.')[0]}",
            f"sys.exit({function}())",
            "",
        )
        script = "\n".join(lines).encode()
        if not self.environment.spec.is_windows:
            return self.environment.scripts / name, self._first_line() + b"\n" + script
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo("__main__.py"), script)
        return self.environment.scripts / f"{name}.exe", self._first_line() + b"\r\n" + packed.getvalue()

    def rows(self, written: Mapping[Path, bytes]) -> Rows:
        """Give the rows of the installed RECORD."""
        own = self._own_rows()
        told = {row[0] for row in own}
        fresh = {self._relative(path): data for path, data in written.items()}
        added = (_row(path, data) for path, data in fresh.items() if path not in told)
        return (*own, *added)

    def _own_rows(self) -> Rows:
        rows = (row for row in parse_rows(self.files[f"{self.info}/RECORD"]) if row)
        return tuple(self._own_row(row) for row in rows)

    def _own_row(self, row: Row) -> Row:
        path, *claims = row
        if path not in self.files:
            return row
        place = self._relative(self.place(path))
        # An installer that changed a script tells its new hash.
        if self.settled(path) != self.files[path]:
            return _row(place, self.settled(path))
        return (place, *claims)

    def _relative(self, path: Path) -> str:
        return Path(os.path.relpath(path, self.environment.site_packages)).as_posix()


def _row(path: str, data: bytes) -> Row:
    return (path, f"sha256={record_digest(data)}", str(len(data)))


def _write(path: Path, data: bytes, *, is_executable: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if is_executable:
        path.chmod(path.stat().st_mode | _EXECUTABLE_BITS)
