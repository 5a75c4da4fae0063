# ruff: noqa: SLF001 - what packaging finds out for itself is set from outside

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace

import packaging._manylinux
import packaging._musllinux
import packaging.tags
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import InvalidTag, parse_tag

from pytest_wheeltag.core.tags import InterpreterFacts, PlatformFacts, TagRanking, rank_tags

CP311 = InterpreterFacts("cpython", (3, 11), "311", ".cpython-311-x86_64-linux-gnu.so")
GLIBC = PlatformFacts("Linux", "linux-x86_64", "x86_64", libc="glibc", libc_version=(2, 36))
MUSL = PlatformFacts("Linux", "linux-aarch64", "aarch64", libc="musl", libc_version=(1, 2))
RANKING = rank_tags(CP311, GLIBC)

INTERPRETERS = {
    "cp36m": InterpreterFacts("cpython", (3, 6), "36"),
    "cp37-without-pymalloc": InterpreterFacts("cpython", (3, 7), "37", has_pymalloc=False),
    "cp38": InterpreterFacts("cpython", (3, 8), "38"),
    "cp311": CP311,
    "cp310-debug": InterpreterFacts("cpython", (3, 10), "310", is_debug=True),
    "cp313t": InterpreterFacts("cpython", (3, 13), "313", is_free_threaded=True),
    "cp314td": InterpreterFacts("cpython", (3, 14), "314", is_free_threaded=True, is_debug=True),
    "cp315": InterpreterFacts("cpython", (3, 15), "315"),
    "cp315t": InterpreterFacts("cpython", (3, 15), "315", is_free_threaded=True),
    "cp312-that-claims-no-gil": InterpreterFacts("cpython", (3, 12), "312", is_free_threaded=True),
    "pypy": InterpreterFacts("pypy", (3, 9), "39", ".pypy39-pp73-x86_64-linux-gnu.so"),
    "graalpy": InterpreterFacts("graalpy", (3, 11), "311", ".graalpy242-311-native-x86_64-linux.so"),
    "pyston": InterpreterFacts("pyston", (3, 8), "38", ".pyston-23-x86_64-linux-gnu.so"),
    "other-as-cpython": InterpreterFacts("other", (3, 8), "38", ".cpython-38-darwin.so"),
    "other-as-windows": InterpreterFacts("other", (3, 10), "310", ".cp310-win_amd64.pyd"),
    "other-without-soabi": InterpreterFacts("other", (3, 10), "310", ".pyd"),
    "other-with-empty-soabi": InterpreterFacts("other", (3, 10), "310", "..so"),
}
PLATFORMS = {
    "glibc": GLIBC,
    "old-glibc": replace(GLIBC, libc_version=(2, 4)),
    "glibc-2.5": replace(GLIBC, libc_version=(2, 5)),
    "glibc-3": replace(GLIBC, libc_version=(3, 1)),
    "aarch64": replace(GLIBC, platform="linux-aarch64", machine="aarch64"),
    "riscv64": replace(GLIBC, platform="linux-riscv64", machine="riscv64"),
    "an-architecture-without-manylinux": replace(GLIBC, platform="linux-sparc64", machine="sparc64"),
    "i686-on-x86_64": replace(GLIBC, is_32bit=True),
    "i686-with-another-abi": replace(GLIBC, is_32bit=True, abi_compatible=False),
    "i686": replace(GLIBC, platform="linux-i686", machine="i686", is_32bit=True),
    "armv7l": replace(GLIBC, platform="linux-armv7l", machine="armv7l", is_32bit=True),
    "armv7l-soft-float": replace(GLIBC, platform="linux-armv7l", is_32bit=True, abi_compatible=False),
    "armv8l-on-aarch64": replace(GLIBC, platform="linux-aarch64", machine="aarch64", is_32bit=True),
    "musl": MUSL,
    "musl-armv8l": replace(MUSL, is_32bit=True),
    "static": replace(GLIBC, libc="", libc_version=(0, 0)),
    "linux-with-another-platform": replace(GLIBC, platform="manylinux-x86_64"),
    "macos-14-arm64": PlatformFacts("Darwin", "macosx-11.0-arm64", "arm64", macos=(14, 5)),
    "macos-12-x86_64": PlatformFacts("Darwin", "macosx-10.9-universal2", "x86_64", macos=(12, 0)),
    "macos-10.15": PlatformFacts("Darwin", "macosx-10.9-x86_64", "x86_64", macos=(10, 15)),
    "macos-10.6-32bit": PlatformFacts("Darwin", "macosx-10.6-intel", "i386", is_32bit=True, macos=(10, 6)),
    "macos-10.5-ppc": PlatformFacts("Darwin", "macosx-10.5-ppc", "ppc64", is_32bit=True, macos=(10, 5)),
    "windows": PlatformFacts("Windows", "win-amd64", "AMD64"),
    "windows-32bit": PlatformFacts("Windows", "win32", "AMD64", is_32bit=True),
    "windows-arm": PlatformFacts("Windows", "win-arm64", "ARM64"),
    "freebsd": PlatformFacts("FreeBSD", "freebsd-14.1-RELEASE-amd64", "amd64"),
}


def pretend(patch: pytest.MonkeyPatch, interpreter: InterpreterFacts, platform: PlatformFacts) -> None:
    """Make ``packaging`` believe that it runs in another interpreter, on another machine."""
    variables = {
        "Py_DEBUG": int(interpreter.is_debug),
        "Py_GIL_DISABLED": int(interpreter.is_free_threaded),
        "WITH_PYMALLOC": int(interpreter.has_pymalloc),
        "EXT_SUFFIX": interpreter.extension_suffix,
        "py_version_nodot": interpreter.version_nodot,
    }
    version = packaging._manylinux._GLibCVersion(*platform.libc_version)
    musl = packaging._musllinux._MuslVersion(*platform.libc_version)
    there_is_none = packaging._manylinux._GLibCVersion(-1, -1)
    machine = SimpleNamespace(
        implementation=SimpleNamespace(name=interpreter.implementation),
        version_info=(*interpreter.version, 0, "final", 0),
        executable="/python",
    )
    release = ".".join(map(str, platform.macos))
    tags, glibc = packaging.tags, packaging._manylinux
    patch.setattr(tags, "sys", machine)
    patch.setattr(tags, "EXTENSION_SUFFIXES", [])
    patch.setattr(tags, "_get_config_var", lambda name, warn=False: variables.get(name))  # noqa: ARG005 - packaging's signature
    patch.setattr("packaging.tags.platform.system", lambda: platform.system)
    patch.setattr("packaging.tags.platform.mac_ver", lambda: (release, ("", "", ""), platform.machine))
    patch.setattr("packaging.tags.sysconfig.get_platform", lambda: platform.platform)
    patch.setattr(tags._linux_platforms, "__defaults__", (platform.is_32bit,))
    patch.setattr(tags._mac_arch, "__defaults__", (platform.is_32bit,))
    patch.setattr(glibc, "_get_glibc_version", lambda: version if platform.libc == "glibc" else there_is_none)
    patch.setattr(glibc, "_is_linux_armhf", lambda _: platform.abi_compatible)
    patch.setattr(glibc, "_is_linux_i686", lambda _: platform.abi_compatible)
    patch.setattr(glibc, "_get_manylinux_module", lambda: None)
    patch.setattr(
        packaging._musllinux, "_get_musl_version", lambda _: musl if platform.libc == "musl" else None
    )


def packaging_tags() -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, packaging.tags.sys_tags())))


@pytest.mark.parametrize("interpreter", INTERPRETERS.values(), ids=INTERPRETERS)
@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_ranks_as_packaging_does_inside_the_interpreter(
    monkeypatch: pytest.MonkeyPatch, interpreter: InterpreterFacts, platform: PlatformFacts
) -> None:
    ours = rank_tags(interpreter, platform).tags
    with monkeypatch.context() as patch:
        pretend(patch, interpreter, platform)
        theirs = packaging_tags()
    assert ours == theirs


def linux_last(_is_32bit: bool = False) -> Iterator[str]:
    """Give the platforms in the order of ``packaging`` up to 26.2, which had `linux_*` last."""
    yield from packaging._manylinux.platform_tags(["armv8l", "armv7l"])
    yield from packaging._musllinux.platform_tags(["armv8l", "armv7l"])
    yield from ("linux_armv8l", "linux_armv7l")


@pytest.mark.parametrize("interpreter", [CP311, INTERPRETERS["pypy"], INTERPRETERS["cp314td"]])
@pytest.mark.parametrize("platform", [PLATFORMS["armv8l-on-aarch64"], PLATFORMS["musl-armv8l"]])
def test_the_other_order_is_that_of_older_packaging(
    monkeypatch: pytest.MonkeyPatch, interpreter: InterpreterFacts, platform: PlatformFacts
) -> None:
    newer = rank_tags(interpreter, platform)
    with monkeypatch.context() as patch:
        pretend(patch, interpreter, platform)
        patch.setattr(packaging.tags, "_linux_platforms", linux_last)
        older = packaging_tags()
    assert newer.with_linux_moved.tags == older
    assert newer.with_linux_moved.with_linux_moved == newer


def test_the_other_order_as_packaging_26_2_printed_it() -> None:
    ranking = rank_tags(CP311, replace(GLIBC, platform="linux-aarch64", libc_version=(2, 17)))
    assert ranking.tags[:3] == (
        "cp311-cp311-linux_aarch64",
        "cp311-cp311-manylinux_2_17_aarch64",
        "cp311-cp311-manylinux2014_aarch64",
    )
    moved = ranking.with_linux_moved.tags
    assert moved[:3] == (
        "cp311-cp311-manylinux_2_17_aarch64",
        "cp311-cp311-manylinux2014_aarch64",
        "cp311-cp311-linux_aarch64",
    )
    assert moved[-15:-12] == ("py30-none-linux_aarch64", "cp311-none-any", "py311-none-any")
    assert sorted(moved) == sorted(ranking.tags)


@pytest.mark.parametrize("platform", [PLATFORMS["macos-14-arm64"], PLATFORMS["windows"], PLATFORMS["static"]])
def test_the_other_order_is_the_same_without_portable_linux_tags(platform: PlatformFacts) -> None:
    ranking = rank_tags(CP311, platform)
    assert ranking.with_linux_moved == ranking


def test_levels_that_the_distributor_refuses_are_left_out() -> None:
    refusing = rank_tags(CP311, replace(GLIBC, manylinux_refused=("manylinux_2_17_x86_64",)))
    missing = set(RANKING.tags) - set(refusing.tags)
    assert {tag.rsplit("-", 1)[1] for tag in missing} == {"manylinux_2_17_x86_64", "manylinux2014_x86_64"}


def test_a_mac_too_old_for_any_tag_gets_none_of_the_machine_that_asks() -> None:
    tags = rank_tags(CP311, PlatformFacts("Darwin", "macosx-9.0-ppc", "ppc", macos=(9, 0))).tags
    assert {tag.rsplit("-", 1)[1] for tag in tags} == {"any"}


def test_ranks_count_from_one() -> None:
    assert RANKING.rank("cp311-cp311-linux_x86_64") == 1
    assert RANKING.rank(RANKING.tags[-1]) == len(RANKING.tags)


def test_the_best_of_several_tags_counts() -> None:
    worst, middle = RANKING.tags[-1], RANKING.tags[40]
    assert RANKING.best_rank([worst, "cp27-none-any", middle]) == 41
    assert RANKING.best_rank(["cp27-none-any"]) is None
    assert RANKING.best_rank([]) is None


def test_a_ranking_without_tags_accepts_none() -> None:
    assert TagRanking(()).rank("py3-none-any") is None


COMPONENTS = (
    st.sampled_from(["py3", "py2", "cp311", "cp310", "PY311", "py30", "cp27", "", "3x", "py3 ", "pp39"]),
    st.sampled_from(["none", "abi3", "cp311", "cp310", "NONE", "", "cp311d"]),
    st.sampled_from(["any", "linux_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "win32", ""]),
)


def compressed_sets(count: int = 3) -> st.SearchStrategy[str]:
    parts = [st.lists(COMPONENTS[index % 3], min_size=1, max_size=6).map(".".join) for index in range(count)]
    return st.tuples(*parts).map("-".join)


@given(compressed_sets() | compressed_sets(2) | compressed_sets(4))
def test_a_compressed_set_ranks_as_the_best_of_its_expansion(compressed: str) -> None:
    """Compressed tag sets: each component may be a set separated by `.`; the product of them is meant."""
    try:
        expansion = {str(tag) for tag in parse_tag(compressed)}
    except InvalidTag:
        expansion = set()
    expected = [rank for rank, tag in enumerate(RANKING.tags, start=1) if tag in expansion]
    assert RANKING.rank(compressed) == min(expected, default=None)


@given(st.text(max_size=40))
def test_no_text_is_an_error(text: str) -> None:
    assert RANKING.rank(text) in {None, *range(1, len(RANKING.tags) + 1)}


@pytest.mark.parametrize(
    "fill",
    [lambda number: f"x{number}", lambda _: "py3", lambda number: f"py3{number % 12}"],
    ids=["unknown", "the same", "all accepted"],
)
def test_a_hostile_set_is_never_multiplied_out(fill: Callable[[int], str]) -> None:
    count = 100_000
    interpreters = ".".join([*map(fill, range(count)), "py3"])
    abis = ".".join(["none", "abi3"] * count)
    platforms = ".".join(["any", "linux_x86_64", *(f"manylinux_2_{n % 37}_x86_64" for n in range(count))])
    rank = RANKING.rank(f"{interpreters}-{abis}-{platforms}")
    assert rank is not None
    assert rank <= (RANKING.rank("py3-none-linux_x86_64") or 0)


def test_what_runs_us_is_ranked_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(packaging.tags, "platform_tags", refuse)
        patch.setattr(packaging.tags, "_get_config_var", refuse)
        patch.setattr(packaging.tags, "sys", SimpleNamespace(version_info=(2, 7)))
        assert rank_tags(CP311, GLIBC) == RANKING
    assert sys.version_info >= (3, 11)
