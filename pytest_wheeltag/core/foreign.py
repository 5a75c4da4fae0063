"""Interpreters that are not on this machine, imagined from what a target says of them."""

import re
from dataclasses import dataclass, replace
from functools import cached_property

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.portable import parse_platform
from pytest_wheeltag.core.tags import InterpreterFacts, OpenRanking, TagRanking, rank_tags
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.errors import UsageError

_PYTHON = re.compile(r"(?P<implementation>cp|pp)3(?P<minor>\d{1,2})(?P<flags>t?d?)", re.ASCII)
_NAMES = {"cp": ("cpython", "CPython"), "pp": ("pypy", "PyPy")}
_FIRST_FREE_THREADED = 13
_FIRST_MOBILE = 13
_PHONES = frozenset({"iOS", "Android"})
# Of every PyPy for Python 3 that there has been since 2019.
_PYPY_ABI = "pp73"
_PYPY_VERSION = "7.3.99"
# Which release is not said: the newest is meant, so that every lower bound on it holds.
_NEWEST_PATCH = 99
_EXPECTED_PLATFORM = (
    "a platform that there can be, like `manylinux_2_28_x86_64`, `musllinux_1_2_aarch64`, `macosx_11_0_arm64`, "
    "`win_amd64`, `ios_13_0_arm64_iphoneos`, `android_24_arm64_v8a`"
)
_EXPECTED = (
    "an interpreter and its highest portable platform like `cp313-manylinux_2_28_x86_64`, "
    "`cp313t-musllinux_1_2_aarch64`, `pp311-macosx_11_0_arm64`, `cp312-win_amd64`"
)


@dataclass(frozen=True)
class Target(Interpreter):
    """An interpreter that is not on this machine: ``text`` names it, as ``cp313t-musllinux_1_2_aarch64``.

    Its ``version`` is that of the language, ``3.13``; the release is taken to be the newest, in markers as well.
    It has no executable and no folders. One that ``is_open`` accepts any tag, after its own.
    """

    text: str = ""
    is_open: bool = False

    @property
    def label(self) -> str:
        """What it is called in reports and item ids: as it was asked for."""
        return self.text

    @cached_property
    def version_info(self) -> tuple[int, ...]:
        """The release numbers that are taken for granted."""
        return *self.facts.version, _NEWEST_PATCH

    @cached_property
    def ranking(self) -> TagRanking:
        """The tags that it accepts, best first."""
        ranking = rank_tags(self.facts, self.platform)
        return OpenRanking(ranking.tags) if self.is_open else ranking

    def opened(self) -> "Target":
        """Give the same where any file would do, the worse for one whose tags are not accepted."""
        return replace(self, is_open=True)

    def __repr__(self) -> str:
        return f"<Target {self.text}>"


def parse_target(text: str, *, setting: str = "--wheeltag-target") -> Target:
    """Parse what a user types for a target: the first and last part of a wheel's tag.

    The interpreter is ``cp`` or ``pp`` with its version, ``t`` for free-threaded, ``d`` for debug builds. Raises
    ``UsageError``, which names ``setting``, for anything else; of ``linux_*`` nobody knows what it accepts.
    """
    cleaned = text.strip().lower()
    python, dash, tag = cleaned.partition("-")
    match = _PYTHON.fullmatch(python)
    platform = parse_platform(tag)
    if match is None or not dash:
        raise UsageError(setting, text, _EXPECTED)
    if tag.startswith("linux_"):
        libc = f"manylinux_2_28_{tag.removeprefix('linux_')}"
        raise UsageError(
            setting, text, f"a portable platform, which tells its C library, like {quoted(libc)}"
        )
    if platform is None:
        raise UsageError(setting, text, _EXPECTED_PLATFORM)
    facts = _read_python(match)
    problem = _describe_impossible(facts, platform.facts.system)
    if problem:
        raise UsageError(setting, text, problem)
    return Target(
        executable="",
        version=".".join(map(str, facts.version)),
        facts=facts,
        platform=platform.facts,
        markers={**platform.markers, **_markers(facts)},
        prefix="",
        text=cleaned,
    )


def _read_python(match: re.Match[str]) -> InterpreterFacts:
    minor = int(match["minor"])
    implementation, _ = _NAMES[match["implementation"]]
    return InterpreterFacts(
        implementation,
        (3, minor),
        f"3{minor}",
        extension_suffix=f".pypy3{minor}-{_PYPY_ABI}.so" if implementation == "pypy" else "",
        is_free_threaded="t" in match["flags"],
        is_debug="d" in match["flags"],
    )


def _describe_impossible(facts: InterpreterFacts, system: str) -> str:
    """Say what is expected in place of an interpreter that there is not; empty where there is."""
    if facts.is_free_threaded and (
        facts.implementation != "cpython" or facts.version[1] < _FIRST_FREE_THREADED
    ):
        return "CPython 3.13 or later where it is free-threaded"
    if facts.is_debug and facts.implementation != "cpython":
        return "CPython where it is a debug build"
    if system in _PHONES and (facts.implementation != "cpython" or facts.version[1] < _FIRST_MOBILE):
        return f"CPython 3.13 or later on {system}"
    return ""


def _markers(facts: InterpreterFacts) -> dict[str, str]:
    version = ".".join(map(str, facts.version))
    full = f"{version}.{_NEWEST_PATCH}"
    name = dict(_NAMES.values())[facts.implementation]
    return {
        "implementation_name": facts.implementation,
        "implementation_version": full if facts.implementation == "cpython" else _PYPY_VERSION,
        "platform_python_implementation": name,
        "python_full_version": full,
        "python_version": version,
    }
