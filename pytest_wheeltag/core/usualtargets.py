"""The targets that wheels are usually built for, and what a pattern means among them."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pytest_wheeltag.core.foreign import Target, parse_target
from pytest_wheeltag.core.text import nearest_spelling
from pytest_wheeltag.errors import UsageError

ALL = "all"
_CPYTHONS = ("cp310", "cp311", "cp312", "cp313", "cp313t", "cp314", "cp314t")
_PYPYS = ("pp311",)
_PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux_2_28_aarch64",
    "manylinux_2_17_aarch64",
    "manylinux_2_28_ppc64le",
    "manylinux_2_28_s390x",
    "manylinux_2_17_i686",
    "manylinux_2_31_armv7l",
    "manylinux_2_39_riscv64",
    "musllinux_1_2_x86_64",
    "musllinux_1_2_aarch64",
    "macosx_11_0_arm64",
    "macosx_11_0_x86_64",
    "win_amd64",
    "win_arm64",
    "win32",
)
# PyPy is published for these alone.
_PLATFORMS_OF_PYPY = frozenset(
    {
        "manylinux_2_28_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux_2_28_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux_2_17_i686",
        "macosx_11_0_arm64",
        "macosx_11_0_x86_64",
        "win_amd64",
    }
)

USUAL_TARGETS = tuple(
    f"{python}-{platform}"
    for platform in _PLATFORMS
    for python in (*_CPYTHONS, *(_PYPYS if platform in _PLATFORMS_OF_PYPY else ()))
)
"""Interpreters and platforms that projects with extension modules build wheels for, oldest Python first."""


def parse_targets(texts: Iterable[str], *, setting: str = "--wheeltag-target") -> tuple[Target, ...]:
    """Read targets in the order given, each once; a pattern (``cp313-*``, ``all``) means those usual ones that fit it.

    Raises ``UsageError``, which names ``setting``, for what is no target and for a pattern that fits none.
    """
    named = dict.fromkeys(name for text in texts for name in _expand(text, setting))
    return tuple(parse_target(name, setting=setting) for name in named)


def _expand(text: str, setting: str) -> tuple[str, ...]:
    pattern = text.strip().lower()
    if pattern == ALL:
        return USUAL_TARGETS
    if not set("*?[") & set(pattern):
        return (pattern,)
    found = tuple(name for name in USUAL_TARGETS if fnmatchcase(name, pattern))
    if not found:
        nearest = nearest_spelling(pattern, USUAL_TARGETS)
        raise UsageError(setting, text, f"a pattern that fits a usual target ({nearest})")
    return found
