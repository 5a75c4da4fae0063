"""Everything that the content of a built wheel depends on, and the key that is made of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import ConfigSettings

# Raised when the same inputs would be built in another way.
_FORMAT = 1

# What reaches a build of the caller's environment: where tools are, how they speak, how compilers are called.
_PASSED = frozenset(
    {
        "HOME",
        "LANG",
        "LANGUAGE",
        "PATH",
        "SOURCE_DATE_EPOCH",
        *("AR", "ARCHFLAGS", "AS", "CC", "CFLAGS", "CPP", "CPPFLAGS", "CXX", "CXXFLAGS", "F77", "F90", "FC"),
        *("FFLAGS", "LD", "LDCXXSHARED", "LDFLAGS", "LDSHARED", "LIBRARY_PATH", "MAKE", "MAKEFLAGS", "NM"),
        *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "RANLIB"),
        *("CMAKE_ARGS", "CMAKE_GENERATOR", "CMAKE_PREFIX_PATH", "PKG_CONFIG", "PKG_CONFIG_PATH", "STRIP"),
        *("CARGO_BUILD_TARGET", "CARGO_HOME", "RUSTC", "RUSTFLAGS", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"),
        *("MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "_PYTHON_HOST_PLATFORM"),
        # Without these no program starts on Windows.
        *(
            "APPDATA",
            "COMSPEC",
            "LOCALAPPDATA",
            "PATHEXT",
            "PROGRAMDATA",
            "PROGRAMFILES",
            "PROGRAMFILES(X86)",
        ),
        *("SYSTEMDRIVE", "SYSTEMROOT", "USERPROFILE", "WINDIR", "DISTUTILS_USE_SDK", "MSSDK"),
        *("INCLUDE", "LIB", "LIBPATH", "VCINSTALLDIR", "VSCMD_ARG_TGT_ARCH"),
    }
)
_PASSED_STARTS = ("LC_", "SETUPTOOLS_SCM_PRETEND_VERSION")


def select_environment(environ: Mapping[str, str], further: Iterable[str] = ()) -> dict[str, str]:
    """Give the variables that a build may see, sorted: those of our list, and ``further`` ones by name."""
    wanted = _PASSED | set(further)
    return {
        name: environ[name]
        for name in sorted(environ)
        if name.upper() in wanted or name in wanted or name.startswith(_PASSED_STARTS)
    }


@dataclass(frozen=True)
class BuildInputs:
    """What a wheel is built from and with.

    ``source`` is the SHA-256 of the archive or the tree's content; ``place`` is the tree's path, since builds may
    write it down, empty for archives. ``requirements`` are the build requirements as resolved, a line each with
    the SHA-256 of its wheel. Compilers and system libraries are not covered.
    """

    source: str
    place: str
    subdirectory: str
    is_editable: bool
    interpreter: Interpreter
    requirements: tuple[str, ...]
    settings: ConfigSettings
    environment: tuple[tuple[str, str], ...]

    def key(self) -> str:
        """Give the key: the SHA-256, in hexadecimal, over all of it."""
        told = self.interpreter.to_json()
        interpreter = {name: told[name] for name in ("executable", "version", "facts", "platform")}
        plain = {**vars(self), "interpreter": interpreter, "format": _FORMAT}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def settings_for_backend(settings: ConfigSettings) -> dict[str, str | list[str]]:
    """Give the config settings as a backend gets them (PEP 517): a key that comes twice has a list, as with pip."""
    found: dict[str, str | list[str]] = {}
    for key, value in settings:
        known = found.get(key)
        if known is None:
            found[key] = value
        else:
            found[key] = [*known, value] if isinstance(known, list) else [known, value]
    return found
