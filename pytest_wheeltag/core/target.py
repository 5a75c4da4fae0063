"""Where an environment takes the files of a wheel, and what in it no wheel may touch."""

from dataclasses import dataclass

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.layout import Scheme
from pytest_wheeltag.core.paths import is_interpreter_name

_OWN_FILES = frozenset({"pyvenv.cfg", ".wheeltag"})
_INFO_SUFFIXES = (".dist-info", ".egg-info")


@dataclass(frozen=True)
class InstallTarget:
    """An environment as installing sees it: folders relative to ``prefix``, their parts joined by ``/``.

    ``executable`` is the path that scripts start with; ``version`` is the interpreter's, (3, 12, 1);
    ``headers`` is the folder above those of the distributions; ``platform`` is
    ``sysconfig.get_platform()``; ``standard_library`` is the folder of that where it lies below the prefix.
    """

    prefix: str
    executable: str
    version: tuple[int, ...]
    purelib: str
    platlib: str
    scripts: str
    headers: str
    data: str = ""
    platform: str = ""
    standard_library: str = ""

    @property
    def is_windows(self) -> bool:
        """Whether launchers are programs, not scripts."""
        return self.platform.startswith("win")

    @property
    def libraries(self) -> tuple[str, ...]:
        """Purelib and platlib, once where they are one folder."""
        return tuple(dict.fromkeys((self.purelib, self.platlib)))

    @property
    def bases(self) -> frozenset[str]:
        """The folders that belong to the environment itself: they stay, and may be links (``lib64``)."""
        return frozenset({self.purelib, self.platlib, self.scripts, self.data})

    def folder(self, scheme: Scheme, name: str) -> str:
        """Give the folder of a scheme for the distribution ``name``, which headers have one each for."""
        folders = {
            Scheme.PURELIB: self.purelib,
            Scheme.PLATLIB: self.platlib,
            Scheme.HEADERS: f"{self.headers}/{name}",
            Scheme.SCRIPTS: self.scripts,
            Scheme.DATA: self.data,
        }
        return folders[scheme]

    def forbids(self, path: str, dist_info: str) -> str:
        """Say in one clause why a distribution may not write or remove ``path``; empty if it may.

        ``dist_info`` is the name of its own dist-info folder.
        """
        folder, _, name = path.rpartition("/")
        if name.lower() in _OWN_FILES and not folder:
            return "it would replace what makes the environment one"
        if folder.lower() == self.scripts.lower() and is_interpreter_name(name):
            return "it would replace the environment's interpreter"
        if self.standard_library and _below(path, self.standard_library) and not self._is_in_library(path):
            return "it would replace a file of the standard library"
        for library in self.libraries:
            top = _below(path, library).partition("/")[0]
            if top.lower().endswith(_INFO_SUFFIXES) and top != dist_info:
                return f"it belongs to another distribution, `{top}`"
        return ""

    def _is_in_library(self, path: str) -> bool:
        return any(_below(path, library) for library in self.libraries)


def _below(path: str, folder: str) -> str:
    # Compared in lower case: the file system may fold names, and no honest wheel tries.
    is_below = path.lower().startswith(folder.lower() + "/")
    return path[len(folder) + 1 :] if is_below else ""


def target_of(interpreter: Interpreter, prefix: str) -> InstallTarget:
    """Give where a virtual environment of an interpreter, in the folder ``prefix``, takes files.

    Headers lie where pip puts them in virtual environments. Raises ``ValueError`` for a scheme whose folders
    do not lie below the prefix.
    """
    paths = interpreter.scheme_paths(prefix)
    folders = {key: _relative(paths[key], prefix) for key in ("purelib", "platlib", "scripts", "data")}
    executable = "\\python.exe" if interpreter.markers.get("os_name") == "nt" else "/python"
    major, minor = interpreter.version_info[:2]
    return InstallTarget(
        prefix,
        paths["scripts"] + executable,
        interpreter.version_info,
        **folders,
        headers=f"include/site/python{major}.{minor}",
        platform=interpreter.platform.platform,
    )


def _relative(path: str, prefix: str) -> str:
    parts, above = (text.replace("\\", "/").rstrip("/").split("/") for text in (path, prefix))
    if parts[: len(above)] != above:
        problem = f"expected scheme folders below the prefix `{prefix}`, found: `{path}`"
        raise ValueError(problem)
    return "/".join(parts[len(above) :])
