"""What a portable platform tag says of the machines that it stands for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_wheeltag.core.tags import LEGACY_MANYLINUX, Libc, PlatformFacts, platform_tags

_32_BIT = frozenset({"i686", "armv7l"})
_GLIBC_ARCHITECTURES = "x86_64|i686|aarch64|armv7l|ppc64le|ppc64|s390x|riscv64|loongarch64"
_LINUX = rf"(?P<architecture>{_GLIBC_ARCHITECTURES})"
_VERSION = r"(?P<major>\d{1,3})_(?P<minor>\d{1,3})"
# An interpreter of 32 bits runs on Windows of 64 bits, and names that machine.
_WINDOWS = {"win32": "AMD64", "win_amd64": "AMD64", "win_arm64": "ARM64"}
_ANDROID_MACHINES = {"arm64_v8a": "aarch64", "armeabi_v7a": "armv7l", "x86_64": "x86_64", "x86": "i686"}
_FIRST_ARM_MACOS = (11, 0)
_FIRST_DARWIN_BY_YEAR = 26  # macOS 26 followed 15, its kernel went on counting


@dataclass(frozen=True)
class PortablePlatform:
    """The machines that a platform tag stands for: what decides tags, and the environment markers about machines.

    The markers are all of the dependency specifiers specification that do not speak of the interpreter;
    ``platform_release`` is known of macOS alone, where the release of the kernel follows from that of the system,
    and empty elsewhere, ``platform_version`` is always empty.
    """

    facts: PlatformFacts
    markers: Mapping[str, str]


def parse_platform(tag: str) -> PortablePlatform | None:
    """Read a platform tag (platform compatibility tags specification), None where it is none that can be a target.

    The tag is the best of those that its machines accept: ``manylinux_2_28_x86_64`` is a system with glibc 2.28.
    """
    for pattern, read in _READERS.items():
        if match := re.fullmatch(pattern, tag, re.ASCII):
            found = read(match)
            return found if _is_possible(found.facts, tag) else None
    return None


def _is_possible(facts: PlatformFacts, tag: str) -> bool:
    """Tell whether there are such machines: a level below the first (`manylinux_2_4_x86_64`) accepts nothing."""
    if facts.system != "Darwin":
        return tag in platform_tags(facts)
    return facts.macos >= _FIRST_ARM_MACOS if facts.machine != "x86_64" else any(platform_tags(facts))


def _read_glibc(match: re.Match[str]) -> PortablePlatform:
    return _linux(match["architecture"], "glibc", (int(match["major"]), int(match["minor"])))


def _read_legacy(match: re.Match[str]) -> PortablePlatform:
    return _linux(match["architecture"], "glibc", LEGACY_MANYLINUX[match["name"]])


def _read_musl(match: re.Match[str]) -> PortablePlatform:
    return _linux(match["architecture"], "musl", (int(match["major"]), int(match["minor"])))


def _linux(architecture: str, libc: Libc, version: tuple[int, int]) -> PortablePlatform:
    facts = PlatformFacts(
        "Linux",
        f"linux-{architecture}",
        architecture,
        is_32bit=architecture in _32_BIT,
        libc=libc,
        libc_version=version,
    )
    return PortablePlatform(facts, _markers("Linux", "linux", architecture))


def _read_macos(match: re.Match[str]) -> PortablePlatform:
    version, architecture = (int(match["major"]), int(match["minor"])), match["architecture"]
    platform = f"macosx-{version[0]}.{version[1]}-{architecture}"
    facts = PlatformFacts("Darwin", platform, architecture, macos=version)
    # What runs on both kinds of machines is asked for as it runs on the newer one.
    machine = "arm64" if architecture == "universal2" else architecture
    return PortablePlatform(facts, _markers("Darwin", "darwin", machine, _darwin_release(version)))


def _darwin_release(macos: tuple[int, int]) -> str:
    major, minor = macos
    if major == 10:  # noqa: PLR2004 - until then the second number was the release
        return f"{minor + 4}.0.0"
    return f"{major - 1 if major >= _FIRST_DARWIN_BY_YEAR else major + 9}.0.0"


def _read_windows(match: re.Match[str]) -> PortablePlatform:
    machine = _WINDOWS[match[0]]
    facts = PlatformFacts("Windows", match[0].replace("_", "-"), machine, is_32bit=match[0] == "win32")
    return PortablePlatform(facts, {**_markers("Windows", "win32", machine), "os_name": "nt"})


def _read_ios(match: re.Match[str]) -> PortablePlatform:
    platform = f"ios-{match['major']}.{match['minor']}-{match['architecture']}-{match['kind']}"
    facts = PlatformFacts("iOS", platform, match["architecture"])
    return PortablePlatform(facts, _markers("iOS", "ios", match["architecture"]))


def _read_android(match: re.Match[str]) -> PortablePlatform:
    machine = _ANDROID_MACHINES[match["abi"]]
    facts = PlatformFacts("Android", f"android-{int(match['level'])}-{match['abi']}", machine)
    return PortablePlatform(facts, _markers("Android", "android", machine))


def _read_emscripten(match: re.Match[str]) -> PortablePlatform:
    # Its second tag, by the version of the compiler, no index holds (PEP 783).
    return PortablePlatform(
        PlatformFacts("Emscripten", match[0], "wasm32"), _markers("Emscripten", "emscripten", "wasm32")
    )


def _markers(system: str, platform: str, machine: str, release: str = "") -> dict[str, str]:
    return {
        "os_name": "posix",
        "platform_machine": machine,
        "platform_release": release,
        "platform_system": system,
        "platform_version": "",
        "sys_platform": platform,
    }


_READERS: Mapping[str, Callable[[re.Match[str]], PortablePlatform]] = {
    rf"manylinux_{_VERSION}_{_LINUX}": _read_glibc,
    rf"(?P<name>manylinux(?:1|2010|2014))_{_LINUX}": _read_legacy,
    rf"musllinux_{_VERSION}_{_LINUX}": _read_musl,
    rf"macosx_{_VERSION}_(?P<architecture>arm64|x86_64|universal2)": _read_macos,
    "|".join(_WINDOWS): _read_windows,
    rf"ios_{_VERSION}_(?P<architecture>arm64|x86_64)_(?P<kind>iphoneos|iphonesimulator)": _read_ios,
    rf"android_(?P<level>\d{{1,3}})_(?P<abi>{'|'.join(_ANDROID_MACHINES)})": _read_android,
    r"pyemscripten_\d{4}_\d{1,2}_wasm32": _read_emscripten,
}
