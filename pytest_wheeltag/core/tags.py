"""The compatibility tags that an interpreter accepts, best first."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, product
from typing import Literal

import packaging.tags
from packaging.tags import INTERPRETER_SHORT_NAMES

Libc = Literal["glibc", "musl", ""]

# The newest glibc 2 is unknown to the future: packaging assumes 2.50 as well.
_LAST_GLIBC_2_MINOR = 50
_LEGACY_MANYLINUX = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_OLD_GLIBC_ARCHITECTURES = frozenset({"x86_64", "i686"})
_MANYLINUX_ARCHITECTURES = frozenset(
    {"x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64"}
)
LEGACY_MANYLINUX = {name: version for version, name in _LEGACY_MANYLINUX.items()}
"""The old names of manylinux levels, with the version of glibc that each stands for (PEP 600)."""


@dataclass(frozen=True)
class PlatformFacts:
    """What decides which platform tags an interpreter accepts.

    ``system`` is ``platform.system()``; ``platform`` is ``sysconfig.get_platform()``, of Android and iOS with what
    is there (``android-24-arm64_v8a``, ``ios-13.0-arm64-iphoneos``); ``libc`` with
    ``libc_version`` is what the executable is linked against; ``macos`` is the release of macOS, (0, 0)
    elsewhere; ``abi_compatible`` tells whether an ``armv7l`` or ``i686`` executable has the ABI that
    manylinux wants (hard float; a true 32-bit ELF header); ``manylinux_refused`` are the levels
    (``manylinux_2_17_x86_64``) that the distributor's ``_manylinux`` module refuses (PEP 600).
    """

    system: str
    platform: str
    machine: str = ""
    is_32bit: bool = False
    libc: Libc = ""
    libc_version: tuple[int, int] = (0, 0)
    macos: tuple[int, int] = (0, 0)
    abi_compatible: bool = True
    manylinux_refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class InterpreterFacts:
    """What decides which interpreter and ABI tags an interpreter accepts.

    ``implementation`` is ``sys.implementation.name``; ``version`` is (major, minor) of the language;
    ``version_nodot`` is the configuration variable ``py_version_nodot``, else the two numbers joined;
    ``extension_suffix`` is ``EXT_SUFFIX``, for implementations other than CPython; ``has_pymalloc`` counts
    before 3.8 only.
    """

    implementation: str
    version: tuple[int, int]
    version_nodot: str
    extension_suffix: str = ""
    is_free_threaded: bool = False
    is_debug: bool = False
    has_pymalloc: bool = True

    @property
    def short_name(self) -> str:
        """The abbreviation used in tags: ``cp``, ``pp``, else the implementation's own name."""
        return INTERPRETER_SHORT_NAMES.get(self.implementation) or self.implementation


def pips_own_tags(facts: InterpreterFacts) -> frozenset[str]:
    """Name the tags that pip accepts beyond those of ``packaging.tags.sys_tags``, outside of CPython.

    pip gives the whole version (``pp39-none-any``) where ``sys_tags`` gives PyPy ``pp3-none-any`` and others none;
    wheels of that form are published (coverage 7.6.1).
    """
    is_ours = facts.short_name == "cp"
    return frozenset() if is_ours else frozenset({f"{facts.short_name}{facts.version_nodot}-none-any"})


@dataclass(frozen=True)
class TagRanking:
    """The tags that one interpreter accepts, best first; ranks count from 1.

    A tag is the text ``interpreter-abi-platform`` of the platform compatibility tags specification; a
    compressed tag set (``py2.py3-none-any``) ranks as the best of its expansion.
    """

    tags: tuple[str, ...]

    @cached_property
    def _ranks(self) -> Mapping[str, int]:
        ranks: dict[str, int] = {}
        for rank, tag in enumerate(self.tags, start=1):
            ranks.setdefault(tag, rank)
        return ranks

    @cached_property
    def _components(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        triples = [tag.split("-") for tag in self.tags]
        interpreters, abis, platforms = (frozenset(triple[part] for triple in triples) for part in range(3))
        return interpreters, abis, platforms

    def rank(self, compressed: str) -> int | None:
        """Give the best rank among the expansion of a compressed tag set, None where none is accepted.

        Components that no accepted tag has are dropped before anything is multiplied out, so a hostile set
        of a million parts costs no more than reading it. What is no tag (an empty part, two or four
        components, an interpreter that is no identifier) is not accepted, whatever else it names.
        """
        # The same few hundred sets come with every file of a large index.
        if compressed not in self._known:
            self._known[compressed] = self._find(compressed)
        return self._known[compressed]

    @cached_property
    def _known(self) -> dict[str, int | None]:
        return dict(self._ranks)

    def _find(self, compressed: str) -> int | None:
        parts = [part.split(".") for part in compressed.lower().split("-")]
        if len(parts) != len(self._components) or any("" in part for part in parts):
            return None
        if not all(interpreter.isidentifier() for interpreter in parts[0]):
            return None
        kept = [
            [value for value in dict.fromkeys(part) if value in known]
            for part, known in zip(parts, self._components, strict=True)
        ]
        ranks = (self._ranks.get("-".join(triple)) for triple in product(*kept))
        return min((rank for rank in ranks if rank is not None), default=None)

    def best_rank(self, compressed: Iterable[str]) -> int | None:
        """Give the best rank of several (compressed) tags, None where none is accepted."""
        ranks = (self.rank(tags) for tags in compressed)
        return min((rank for rank in ranks if rank is not None), default=None)

    def accepts(self, rank: int) -> bool:
        """Tell whether a rank is that of an accepted tag: always, but where others are ranked too (``OpenRanking``)."""
        return rank <= len(self.tags)

    @cached_property
    def with_linux_moved(self) -> "TagRanking":
        """The same tags in the other order that ``packaging`` has had for ``linux_*``.

        Since 26.3 native ``linux_*`` comes before manylinux and musllinux, before that it came after.
        Computed by moving, within each run of one interpreter and ABI, ``linux_*`` to the other end.
        """
        return TagRanking(tuple(_move_linux(self.tags)))


@dataclass(frozen=True)
class OpenRanking(TagRanking):
    """A ranking in which any tag has a rank, those that are not accepted one behind all others.

    So that what would be taken, were there a compatible file, can be found out.
    """

    def rank(self, compressed: str) -> int:
        """Give the best rank among the expansion of a compressed tag set."""
        return super().rank(compressed) or len(self.tags) + 1


def _move_linux(tags: tuple[str, ...]) -> Iterator[str]:
    # Only neighbours are one run: `cp311-none` comes once with platforms, and far later with `any`.
    for _, neighbours in groupby(tags, key=lambda tag: tag.rsplit("-", 1)[0]):
        run = list(neighbours)
        native = [tag for tag in run if _is_native_linux(tag)]
        portable = [tag for tag in run if not _is_native_linux(tag)]
        is_native_first = _is_native_linux(run[0])
        yield from (portable + native) if is_native_first else (native + portable)


def _is_native_linux(tag: str) -> bool:
    return tag.rsplit("-", 1)[1].startswith("linux_")


def rank_tags(interpreter: InterpreterFacts, platform: PlatformFacts) -> TagRanking:
    """Rank the tags that an interpreter accepts, as ``packaging.tags.sys_tags`` would inside it.

    Follows the platform compatibility tags specification through ``packaging.tags`` with every argument
    given, so nothing of the interpreter that runs us gets in.
    """
    platforms = tuple(platform_tags(platform))
    # Iterators, because packaging takes an empty tuple for one not given and asks its own machine.
    if interpreter.short_name == "cp":
        own = packaging.tags.cpython_tags(interpreter.version, cpython_abis(interpreter), iter(platforms))
        pure = "cp" + interpreter.version_nodot
    else:
        name = interpreter.short_name + interpreter.version_nodot
        own = packaging.tags.generic_tags(name, generic_abis(interpreter), iter(platforms))
        pure = "pp3" if interpreter.short_name == "pp" else ""
    shared = packaging.tags.compatible_tags(interpreter.version, pure or None, iter(platforms))
    return TagRanking(tuple(dict.fromkeys(str(tag) for tags in (own, shared) for tag in tags)))


def cpython_abis(facts: InterpreterFacts) -> tuple[str, ...]:
    """Name the ABIs that a CPython build loads, its own first; a debug build loads ordinary ones too."""
    name = "cp" + "".join(map(str, facts.version))
    threading = "t" if facts.is_free_threaded and facts.version >= (3, 13) else ""
    debug = "d" if facts.is_debug else ""
    if facts.version < (3, 8):
        return (f"{name}{debug}{'m' if facts.has_pymalloc else ''}",)
    ordinary = (f"{name}{threading}",) if debug else ()
    return (f"{name}{threading}{debug}", *ordinary)


def generic_abis(facts: InterpreterFacts) -> tuple[str, ...]:
    """Name the ABI of an implementation other than CPython, read from its extension suffix.

    ``.pypy39-pp73-x86_64-linux-gnu.so`` is ``pypy39_pp73``, ``.graalpy-38-native-x86_64-darwin.dylib`` is
    ``graalpy_38_native``; a suffix of one part (``.pyd``) says nothing, and CPython's names are taken;
    no suffix names none.
    """
    first, *parts = facts.extension_suffix.split(".")
    if first or not parts:
        return ()
    if len(parts) == 1:
        return cpython_abis(facts)
    words = parts[0].split("-")
    if words[0].startswith("cpython"):
        abi = "cp" + words[1] if len(words) > 1 else ""
    else:
        abi = "-".join(words[: _soabi_words(words[0]) or len(words)])
    return (_normalized(abi),) if abi else ()


def _soabi_words(first: str) -> int | None:
    counts = {"cp": 1, "pypy": 2, "graalpy": 3}
    return next((count for name, count in counts.items() if first.startswith(name)), None)


def platform_tags(facts: PlatformFacts) -> Iterator[str]:
    """Name the platform tags that an interpreter accepts, best first."""
    if facts.system == "Darwin":
        yield from packaging.tags.mac_platforms(facts.macos, _mac_architecture(facts))
    elif facts.system == "Linux":
        yield from _linux_platforms(facts)
    elif facts.system == "iOS":
        _, version, multiarch = facts.platform.split("-", 2)
        yield from packaging.tags.ios_platforms(_numbers(version), multiarch)
    elif facts.system == "Android":
        _, level, abi = facts.platform.split("-", 2)
        yield from packaging.tags.android_platforms(int(level), abi)
    else:
        yield _normalized(facts.platform)


def _numbers(version: str) -> tuple[int, int]:
    major, minor = (int(part) for part in version.split(".")[:2])
    return major, minor


def _mac_architecture(facts: PlatformFacts) -> str:
    if not facts.is_32bit:
        return facts.machine
    return "ppc" if facts.machine.startswith("ppc") else "i386"


def _linux_platforms(facts: PlatformFacts) -> Iterator[str]:
    native = _normalized(facts.platform)
    if not native.startswith("linux_"):
        yield native
        return
    architecture = native.removeprefix("linux_")
    if facts.is_32bit:
        architecture = {"x86_64": "i686", "aarch64": "armv8l"}.get(architecture, architecture)
    architectures = ("armv8l", "armv7l") if architecture == "armv8l" else (architecture,)
    yield from (f"linux_{name}" for name in architectures)
    yield from manylinux_platforms(architectures, facts)
    yield from musllinux_platforms(architectures, facts)


def manylinux_platforms(architectures: tuple[str, ...], facts: PlatformFacts) -> Iterator[str]:
    """Expand glibc's version to manylinux tags, newest first (PEP 600), each followed by its legacy name."""
    is_manylinux = facts.libc == "glibc" and _has_manylinux_abi(architectures, facts)
    if not is_manylinux:
        return
    for architecture in architectures:
        oldest = 5 if set(architectures) & _OLD_GLIBC_ARCHITECTURES else 17
        for version in _glibc_versions(facts.libc_version, oldest):
            level = f"manylinux_{version[0]}_{version[1]}_{architecture}"
            if level in facts.manylinux_refused:
                continue
            yield level
            if version in _LEGACY_MANYLINUX:
                yield f"{_LEGACY_MANYLINUX[version]}_{architecture}"


def musllinux_platforms(architectures: tuple[str, ...], facts: PlatformFacts) -> Iterator[str]:
    """Expand musl's version to musllinux tags, newest first (PEP 656)."""
    if facts.libc != "musl":
        return
    major, minor = facts.libc_version
    for architecture in architectures:
        yield from (f"musllinux_{major}_{older}_{architecture}" for older in range(minor, -1, -1))


def _has_manylinux_abi(architectures: tuple[str, ...], facts: PlatformFacts) -> bool:
    if "armv7l" in architectures or "i686" in architectures:
        return facts.abi_compatible
    return bool(set(architectures) & _MANYLINUX_ARCHITECTURES)


def _glibc_versions(newest: tuple[int, int], oldest_minor: int) -> Iterator[tuple[int, int]]:
    for major in range(newest[0], 1, -1):
        start = newest[1] if major == newest[0] else _LAST_GLIBC_2_MINOR
        stop = oldest_minor if major == 2 else 0  # noqa: PLR2004 - glibc 2 is where manylinux began
        yield from ((major, minor) for minor in range(start, stop - 1, -1))


def _normalized(text: str) -> str:
    return re.sub(r"[.\- ]", "_", text)
