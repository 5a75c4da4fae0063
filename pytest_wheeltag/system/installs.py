"""Where interpreters lie: PATH, the folders of version managers and of the operating system."""

import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

# `python3.11-dbg` is Debian's second name of python3.11d; `python3.6m` a second one of python3.6.
_PYTHON_NAME = re.compile(
    r"(python|pypy|graalpy)(3(\.\d+)?)?(t|d|td|-dbg)?(\.exe)?|python3\.\d+-intel64", re.ASCII | re.IGNORECASE
)
_SHIM_FOLDERS = frozenset({"shims", "windowsapps"})
# `exec "…/pyenv" exec "$program"`; a script that starts one certain interpreter below ~/.pyenv is none.
_SHIM_TEXT = re.compile(rb"\b(pyenv|asdf|mise|rtx)[\"']?\s+(exec|x)\b")
_SHIM_BYTES = 4096
_XCODE = ("/Library/Developer/CommandLineTools/usr/bin", "/Applications/Xcode.app/Contents/Developer/usr/bin")


@dataclass(frozen=True)
class Surroundings:
    """The machine as far as interpreters are looked for on it.

    ``system`` is ``sys.platform``; ``home`` is None where there is none; ``root`` is the file system's root;
    ``running`` is the python that runs us, looked at first.
    """

    environ: Mapping[str, str] = field(hash=False)
    home: Path | None
    system: str
    root: Path = Path("/")
    running: Path | None = None

    @property
    def is_windows(self) -> bool:
        """Whether executables lie directly in their installation and end in ``.exe``."""
        return self.system == "win32"

    def path_of(self, variable: str, *fall_back: str) -> Path | None:
        """Give the folder that a variable (if any) names, else one below home, None without either."""
        if (value := self.environ.get(variable)) and Path(value).is_absolute():
            return Path(value)
        return self.home.joinpath(*fall_back) if self.home and fall_back else None


def this_machine(environ: Mapping[str, str]) -> Surroundings:
    """Describe this machine with the given environment variables, from which the home folder comes too."""
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    running = Path(sys.executable) if sys.executable else None
    root = Path(running.anchor if running else os.sep)
    return Surroundings(environ, Path(home) if home else None, sys.platform, root, running)


def candidates(surroundings: Surroundings) -> Iterator[Path]:
    """Give every file that may be an interpreter, without running any: links are kept, shims left out.

    The same interpreter may come several times under several names. The order is that of preference: the
    running one, PATH, version managers, the system's folders.
    """
    if surroundings.running:
        yield surroundings.running
    folders = (*_search_path(surroundings), *_managed(surroundings), *_of_system(surroundings))
    # Most come twice: through a link (`/bin`), or as one of the system's and one of PATH.
    seen: set[str] = set()
    for folder in folders:
        if (real := os.path.realpath(folder)) not in seen:
            seen.add(real)
            yield from pythons_in(folder)


def pythons_in(folder: Path) -> Iterator[Path]:
    """Give the files of one folder that are named like an interpreter and are no shim, by name."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _PYTHON_NAME.fullmatch(entry.name))
    except OSError:
        return
    yield from (folder / name for name in names if _is_interpreter_file(folder / name))


def is_shim_folder(folder: Path) -> bool:
    """Tell whether a folder holds launchers that choose an interpreter when run, not interpreters.

    So name their folders pyenv and its plugins, pyenv-win, asdf, mise, rtx, scoop (``shims``) and the
    Windows store (``WindowsApps``).
    """
    return folder.name.lower() in _SHIM_FOLDERS


def is_launcher(path: Path) -> bool:
    """Tell whether a file starts an interpreter that lies elsewhere: a script, or one in a shim folder."""
    return is_shim_folder(path.parent) or _head_of_script(path) is not None


def _is_interpreter_file(path: Path) -> bool:
    # A launcher of a version manager in a folder of another name is known by its real name or its text.
    real = Path(os.path.realpath(path))
    if is_shim_folder(real.parent) or not real.name.lower().startswith(("python", "pypy3", "graalpy")):
        return False
    return not real.name.startswith("python2") and not _is_shim_script(real)


def _is_shim_script(path: Path) -> bool:
    head = _head_of_script(path)
    return head is not None and bool(_SHIM_TEXT.search(head))


def _head_of_script(path: Path) -> bytes | None:
    try:
        # A FIFO would wait for a writer for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            return file.read(_SHIM_BYTES) if file.read(2) == b"#!" else None
    except OSError:
        return None


def _search_path(surroundings: Surroundings) -> Iterator[Path]:
    separator = ";" if surroundings.is_windows else ":"
    # Relative entries would run what the working folder holds.
    folders = (Path(entry) for entry in surroundings.environ.get("PATH", "").split(separator) if entry)
    for folder in folders:
        if folder.is_absolute() and not is_shim_folder(folder) and not _is_stub_folder(folder, surroundings):
            yield folder


def _is_stub_folder(folder: Path, surroundings: Surroundings) -> bool:
    # Running macOS's /usr/bin/python3 asks the user to install Xcode; the real one is looked for in Xcode.
    return surroundings.system == "darwin" and folder == Path("/usr/bin")


def _managed(surroundings: Surroundings) -> Iterator[Path]:
    for store in _stores(surroundings):
        for install in _folders_in(store):
            yield from _executable_folders(install)


def _stores(surroundings: Surroundings) -> Iterator[Path]:
    """Give the folders in which version managers keep one interpreter per folder."""
    pyenv = surroundings.path_of("PYENV_ROOT", ".pyenv")
    homes = [pyenv, surroundings.path_of("", ".pyenv")]
    yield from (root / "versions" for root in homes if root)
    yield from (root / "pyenv-win" / "versions" for root in homes if root)
    managers = (
        surroundings.path_of("ASDF_DATA_DIR", ".asdf"),
        surroundings.path_of("MISE_DATA_DIR"),
        _data_home(surroundings, "mise"),
        _data_home(surroundings, "rtx"),
    )
    yield from (root / "installs" / "python" for root in managers if root)
    yield from _uv_stores(surroundings)
    yield surroundings.root / "opt" / "python"


def _uv_stores(surroundings: Surroundings) -> Iterator[Path]:
    if own := surroundings.path_of("UV_PYTHON_INSTALL_DIR"):
        yield own
    if surroundings.is_windows:
        roaming = surroundings.path_of("APPDATA", "AppData", "Roaming")
        yield from [roaming / "uv" / "python", roaming / "uv" / "data" / "python"] if roaming else []
    if data := _data_home(surroundings, "uv"):
        yield data / "python"
    if surroundings.system == "darwin" and surroundings.home:
        yield surroundings.home / "Library" / "Application Support" / "uv" / "python"


def _data_home(surroundings: Surroundings, program: str) -> Path | None:
    if surroundings.is_windows:
        data = surroundings.path_of("LOCALAPPDATA", "AppData", "Local")
    else:
        data = surroundings.path_of("XDG_DATA_HOME", ".local", "share")
    return data / program if data else None


def _folders_in(store: Path) -> list[Path]:
    with suppress(OSError), os.scandir(store) as entries:
        return sorted(
            Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.is_dir()
        )
    return []


def _executable_folders(install: Path) -> Iterator[Path]:
    # Some of uv's distributions unpack into a folder `install`.
    for folder in (install, install / "install"):
        yield from (folder / "bin", folder)


def _of_system(surroundings: Surroundings) -> Iterator[Path]:
    if surroundings.is_windows:
        yield from _of_windows(surroundings)
        return
    if surroundings.system == "darwin":
        yield from _of_macos(surroundings)
    else:
        yield surroundings.root / "usr" / "bin"
    yield surroundings.root / "usr" / "local" / "bin"
    yield from (install / "bin" for install in _folders_in(surroundings.root / "opt"))


def _of_macos(surroundings: Surroundings) -> Iterator[Path]:
    root = surroundings.root
    for framework in ("Python.framework", "PythonT.framework"):
        versions = root / "Library" / "Frameworks" / framework / "Versions"
        yield from (version / "bin" for version in _folders_in(versions))
    for prefix in (root / "opt" / "homebrew" / "opt", root / "usr" / "local" / "opt"):
        yield from (keg / "bin" for keg in _folders_in(prefix) if keg.name.startswith(("python", "pypy")))
    yield from (root / folder.lstrip("/") for folder in _XCODE)


def _of_windows(surroundings: Surroundings) -> Iterator[Path]:
    programs = surroundings.path_of("LOCALAPPDATA", "AppData", "Local")
    stores = (
        programs / "Programs" / "Python" if programs else None,
        surroundings.path_of("PROGRAMFILES"),
        surroundings.root,
        surroundings.path_of("", "scoop", "apps"),
    )
    for store in filter(None, stores):
        for install in _folders_in(store):
            if install.name.lower().startswith(("python", "pypy", "graalpy")):
                yield from (install, install / "current")
