"""The script that runs inside a foreign interpreter and prints what it is: facts, no decisions.

Imported by nobody: its text is given to ``python -I -S -B -c``. It needs the standard library only and is
written for CPython 3.6 and later, PyPy and GraalPy, so its syntax stays old and its annotations are text. It prints one
line of JSON after a line that holds the sentinel, in ASCII, whatever a banner printed before.
"""

import io
import json
import os
import platform
import re
import site  # under -S it sets up nothing
import struct
import subprocess
import sys
import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES

SENTINEL = "=== pytest-wheeltag probe 1 ==="

_ELF_HEADERS = {
    (1, 1): ("<HHIIIIIHHH", "<IIIIIIII", (0, 1, 4)),
    (1, 2): (">HHIIIIIHHH", ">IIIIIIII", (0, 1, 4)),
    (2, 1): ("<HHIQQQIHHH", "<IIQQQQQQ", (0, 2, 5)),
    (2, 2): (">HHIQQQIHHH", ">IIQQQQQQ", (0, 2, 5)),
}
_ELF_PROGRAM_INTERPRETER = 3
_ELF_I386 = 3
_ELF_ARM = 40
_ELF_32BIT_LITTLE_ENDIAN = (1, 1)
_ARM_ABI_MASK = 0xFF000000
_ARM_ABI_5 = 0x05000000
_ARM_HARD_FLOAT = 0x00000400


_POINTER_BYTES_OF_32_BIT = 4


def main() -> None:
    """Print the sentinel, then the facts."""
    document = json.dumps(describe(), sort_keys=True)
    sys.stdout.write("\n" + SENTINEL + "\n" + document + "\n")
    sys.stdout.flush()


def describe() -> "dict[str, object]":
    """Give all facts as plain JSON values."""
    own = sysconfig.get_paths(default_scheme())
    libraries = distinct([own["purelib"], own["platlib"]])
    libraries, foreign = divide_libraries(libraries)
    names = distinct([environment_scheme(), default_scheme(), user_scheme()])
    schemes = {name: sysconfig.get_paths(name, expand=False) for name in names}
    return {
        "executable": getattr(sys, "_base_executable", None) or sys.executable,
        "version": full_version(sys.version_info).replace("c", "rc"),
        "facts": interpreter_facts(),
        "platform": platform_facts(),
        "markers": markers(),
        "prefix": getattr(sys, "base_prefix", sys.prefix),
        "scheme": environment_scheme(),
        "schemes": schemes,
        "variables": template_variables(schemes),
        "libraries": libraries,
        "foreign_libraries": foreign,
        "user_scheme": user_scheme(),
        "user_base": user_base(),
        "managed_marker": own["stdlib"] + os.sep + "EXTERNALLY-MANAGED",
    }


def full_version(info: "sys._version_info") -> str:
    """Give the version with its pre-release part, as ``packaging`` formats it for markers."""
    version = "{}.{}.{}".format(*info[:3])
    return version if info[3] == "final" else version + info[3][0] + str(info[4])


def interpreter_facts() -> "dict[str, object]":
    """Give what decides interpreter and ABI tags, with the fall-backs of ``packaging.tags``."""
    debug = sysconfig.get_config_var("Py_DEBUG")
    if debug is None:
        # Windows sets no Py_DEBUG: what a debug build can load gives it away.
        debug = hasattr(sys, "gettotalrefcount") or "_d.pyd" in EXTENSION_SUFFIXES
    pymalloc = sysconfig.get_config_var("WITH_PYMALLOC")
    nodot = sysconfig.get_config_var("py_version_nodot")
    return {
        "implementation": sys.implementation.name,
        "version": list(sys.version_info[:2]),
        "version_nodot": str(nodot or "{}{}".format(*sys.version_info[:2])),
        "extension_suffix": sysconfig.get_config_var("EXT_SUFFIX") or "",
        "is_free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "is_debug": bool(debug),
        "has_pymalloc": pymalloc is None or bool(pymalloc),
    }


def platform_facts() -> "dict[str, object]":
    """Give what decides platform tags."""
    system = platform.system()
    header = elf_header(sys.executable) if system == "Linux" else {}
    libc, libc_version = libc_of(header) if system == "Linux" else ("", [0, 0])
    return {
        "system": system,
        "platform": sysconfig.get_platform(),
        "machine": platform.mac_ver()[2] if system == "Darwin" else platform.machine(),
        "is_32bit": struct.calcsize("P") == _POINTER_BYTES_OF_32_BIT,
        "libc": libc,
        "libc_version": libc_version,
        "macos": macos_version() if system == "Darwin" else [0, 0],
        "abi_compatible": is_abi_compatible(header),
        "manylinux_refused": manylinux_refused(libc, libc_version),
    }


def markers() -> "dict[str, str]":
    """Give the environment markers of the dependency specifiers specification (PEP 508)."""
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": full_version(sys.implementation.version),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def macos_version() -> "list[int]":
    """Give (major, minor) of macOS."""
    version = platform.mac_ver()[0]
    if version.split(".")[:2] == ["10", "16"]:
        # Built against an SDK older than 11, Python is told 10.16 whatever the release is.
        script = "import platform; print(platform.mac_ver()[0])"
        environment = dict(os.environ, SYSTEM_VERSION_COMPAT="0")
        command = [sys.executable, "-I", "-S", "-B", "-c", script]
        version = subprocess.check_output(command, env=environment).decode().strip()
    numbers = [int(part) for part in version.split(".")[:2]]
    return [*numbers, 0, 0][:2]


def libc_of(header: "dict[str, object]") -> "tuple[str, list[int]]":
    """Name the C library that this process runs with, and (major, minor) of it."""
    match = re.match(r"([0-9]+)\.([0-9]+)", glibc_by_confstr() or glibc_by_ctypes())
    if match:
        return "glibc", [int(match.group(1)), int(match.group(2))]
    loader = str(header.get("loader", ""))
    if "musl" in loader:
        return musl_of(loader)
    return "", [0, 0]


def glibc_by_confstr() -> str:
    """Ask the system's configuration for the version of glibc."""
    confstr = getattr(os, "confstr", None)
    try:
        return str(confstr("CS_GNU_LIBC_VERSION") or "").split()[1] if confstr else ""
    except (OSError, ValueError, IndexError):
        return ""


def glibc_by_ctypes() -> str:
    """Ask the process itself for the version of glibc."""
    try:
        import ctypes  # noqa: PLC0415 - some builds have none

        version = ctypes.CDLL(None).gnu_get_libc_version
    except (ImportError, OSError, AttributeError, TypeError):
        return ""
    version.restype = ctypes.c_char_p
    return (version() or b"").decode("ascii", "replace")


def musl_of(loader: str) -> "tuple[str, list[int]]":
    """Ask musl's loader, which prints its version when run without arguments."""
    try:
        process = subprocess.Popen([loader], stderr=subprocess.PIPE)
    except OSError:
        return "", [0, 0]
    text = process.communicate()[1].decode("utf-8", "replace")
    match = re.match(r"\s*musl[^\n]*\n\s*Version (\d+)\.(\d+)", text)
    return ("musl", [int(match.group(1)), int(match.group(2))]) if match else ("", [0, 0])


def elf_header(path: str) -> "dict[str, object]":
    """Read class, machine, flags and loader of an ELF executable, nothing from any other file."""
    try:
        with io.FileIO(path) as stream:
            identification = stream.read(16)
            kind = (identification[4], identification[5])
            if identification[:4] != b"\x7fELF":
                return {}
            layout, program_layout, fields = _ELF_HEADERS[kind]
            values = struct.unpack(layout, stream.read(struct.calcsize(layout)))
            header = {"kind": kind, "machine": values[1], "flags": values[6]}
            for index in range(values[9]):
                stream.seek(values[4] + values[8] * index)
                raw = stream.read(struct.calcsize(program_layout))
                program = struct.unpack(program_layout, raw)
                if program[fields[0]] == _ELF_PROGRAM_INTERPRETER:
                    stream.seek(program[fields[1]])
                    loader = stream.read(program[fields[2]])
                    return dict(header, loader=os.fsdecode(loader).strip("\0"))
            return header
    except (OSError, KeyError, IndexError, TypeError, struct.error):
        return {}


def is_abi_compatible(header: "dict[str, object]") -> bool:
    """Tell whether a 32-bit ARM or x86 executable has the ABI of manylinux; others always have."""
    if struct.calcsize("P") != _POINTER_BYTES_OF_32_BIT and platform.machine() not in ("armv7l", "i686"):
        return True
    if header.get("kind") != _ELF_32BIT_LITTLE_ENDIAN:
        return False
    if header["machine"] == _ELF_ARM:
        flags = int(str(header["flags"]))
        return flags & _ARM_ABI_MASK == _ARM_ABI_5 and bool(flags & _ARM_HARD_FLOAT)
    return header["machine"] == _ELF_I386


def manylinux_refused(libc: str, version: "list[int]") -> "list[str]":
    """Name the manylinux levels that a ``_manylinux`` module of this interpreter refuses (PEP 600)."""
    if libc != "glibc":
        return []
    try:
        policy = __import__("_manylinux")
    except ImportError:
        return []
    architecture = re.sub(r"[.\- ]", "_", sysconfig.get_platform())[len("linux_") :]
    if struct.calcsize("P") == _POINTER_BYTES_OF_32_BIT:
        architecture = {"x86_64": "i686", "aarch64": "armv8l"}.get(architecture, architecture)
    architectures = ["armv8l", "armv7l"] if architecture == "armv8l" else [architecture]
    return [
        f"manylinux_{major}_{minor}_{name}"
        for name in architectures
        for major in range(2, version[0] + 1)
        for minor in range(51 if major < version[0] else version[1] + 1)
        if not is_allowed(policy, major, minor, name)
    ]


def is_allowed(policy: object, major: int, minor: int, architecture: str) -> bool:
    """Ask a ``_manylinux`` module about one level."""
    decide = getattr(policy, "manylinux_compatible", None)
    if decide is not None:
        answer = decide(major, minor, architecture)
        return answer is None or bool(answer)
    legacy = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}
    name = legacy.get((major, minor))
    return name is None or bool(getattr(policy, name + "_compatible", True))


def default_scheme() -> str:
    """Name the scheme that this interpreter installs into by itself."""
    for name in ("get_default_scheme", "_get_default_scheme"):
        if hasattr(sysconfig, name):
            return str(getattr(sysconfig, name)())
    return "nt" if os.name == "nt" else "posix_prefix"


def environment_scheme() -> str:
    """Name the scheme of a virtual environment, which Python before 3.11 has no name of its own for."""
    names = sysconfig.get_scheme_names()
    fall_back = "nt" if os.name == "nt" else "posix_prefix"
    for name in ("venv", "pypy_nt" if os.name == "nt" else "pypy", fall_back):
        if name in names:
            return name
    return default_scheme()


def user_scheme() -> str:
    """Name the scheme of the user's own folder."""
    if sys.platform == "darwin" and getattr(sys, "_framework", None):
        return "osx_framework_user"
    return os.name + "_user"


def user_base() -> str:
    """Give the user's base folder with ``~`` or ``%APPDATA%`` unfilled, as ``site.getuserbase`` defines it."""
    if os.name == "nt":
        return "%APPDATA%/Python"
    framework = getattr(sys, "_framework", None)
    if sys.platform == "darwin" and framework:
        return "~/Library/{}/{}.{}".format(framework, *sys.version_info[:2])
    return "~/.local"


def template_variables(schemes: "dict[str, dict[str, str]]") -> "dict[str, str]":
    """Give the configuration variables that the templates name, but for what the prefix decides."""
    text = " ".join(template for paths in schemes.values() for template in paths.values())
    names = set(re.findall(r"{(\w+)}", text)) - {"base", "platbase", "userbase"}
    values = sysconfig.get_config_vars()
    return {name: str(values.get(name, "")) for name in sorted(names)}


def divide_libraries(own: "list[str]") -> "tuple[list[str], list[str]]":
    """Tell this interpreter's own library folders from those of the operating system's package manager."""
    folders = distinct([*own, *site.getsitepackages([sys.prefix, sys.exec_prefix])])
    folders = [folder for folder in folders if folder not in (sys.prefix, sys.exec_prefix)]
    local = sys.prefix + "/local/"
    is_debian = any(folder.endswith("dist-packages") for folder in folders)
    if is_debian and not any(folder.endswith("dist-packages") for folder in own):
        # Debian before 3.10 left sysconfig alone: its own folder is the one below /usr/local.
        own = [folder for folder in folders if folder.startswith(local)] or own
    return own, [folder for folder in folders if folder not in own]


def distinct(values: "list[str]") -> "list[str]":
    """Drop repetitions, keeping the order."""
    return list(dict.fromkeys(values))


if __name__ == "__main__":
    main()
