import packaging.tags
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker

from pytest_wheeltag.core.foreign import parse_target
from pytest_wheeltag.core.report import summarize_interpreter
from pytest_wheeltag.core.usualtargets import USUAL_TARGETS
from pytest_wheeltag.errors import UsageError

VERSIONS = st.integers(8, 15)


def expected_tags(minor: int, abis: list[str], platforms: list[str]) -> tuple[str, ...]:
    """Ask ``packaging`` itself, with everything that it would find out about its own machine given."""
    own = packaging.tags.cpython_tags((3, minor), abis, platforms)
    shared = packaging.tags.compatible_tags((3, minor), f"cp3{minor}", platforms)
    return tuple(dict.fromkeys(str(tag) for tags in (own, shared) for tag in tags))


@given(VERSIONS, st.integers(11, 30), st.integers(0, 6), st.sampled_from(["arm64", "x86_64", "universal2"]))
def test_macos_is_ranked_as_packaging_does(minor: int, major: int, point: int, architecture: str) -> None:
    target = parse_target(f"cp3{minor}-macosx_{major}_{point}_{architecture}")
    platforms = list(packaging.tags.mac_platforms((major, point), architecture))
    assert target.ranking.tags == expected_tags(minor, [f"cp3{minor}"], platforms)


@given(
    st.integers(13, 16),
    st.integers(12, 20),
    st.integers(0, 9),
    st.sampled_from(["arm64_iphoneos", "x86_64_iphonesimulator"]),
)
def test_ios_is_ranked_as_packaging_does(minor: int, major: int, point: int, multiarch: str) -> None:
    target = parse_target(f"cp3{minor}-ios_{major}_{point}_{multiarch}")
    platforms = list(packaging.tags.ios_platforms((major, point), multiarch))
    assert target.ranking.tags == expected_tags(minor, [f"cp3{minor}"], platforms)


@given(
    st.integers(13, 16), st.integers(16, 40), st.sampled_from(["arm64_v8a", "x86_64", "armeabi_v7a", "x86"])
)
def test_android_is_ranked_as_packaging_does(minor: int, level: int, abi: str) -> None:
    target = parse_target(f"cp3{minor}-android_{level}_{abi}")
    platforms = list(packaging.tags.android_platforms(level, abi))
    assert target.ranking.tags == expected_tags(minor, [f"cp3{minor}"], platforms)


@given(VERSIONS, st.sampled_from(["win32", "win_amd64", "win_arm64"]))
def test_windows_is_ranked_as_packaging_does(minor: int, platform: str) -> None:
    target = parse_target(f"cp3{minor}-{platform}")
    assert target.ranking.tags == expected_tags(minor, [f"cp3{minor}"], [platform])


@given(
    st.integers(13, 16),
    st.booleans(),
    st.integers(17, 45),
    st.sampled_from(["aarch64", "ppc64le", "s390x", "riscv64"]),
)
def test_free_threaded_and_debug_builds_are_ranked_as_packaging_does(
    minor: int, is_debug: bool, glibc: int, architecture: str
) -> None:
    """PEP 600: levels from that of the system downwards, 2.17 the first but for x86, legacy names after theirs."""
    target = parse_target(f"cp3{minor}t{'d' * is_debug}-manylinux_2_{glibc}_{architecture}")
    abis = [f"cp3{minor}td", f"cp3{minor}t"] if is_debug else [f"cp3{minor}t"]
    levels = [f"manylinux_2_{each}_{architecture}" for each in range(glibc, 16, -1)]
    platforms = [f"linux_{architecture}", *levels, f"manylinux2014_{architecture}"]
    assert target.ranking.tags == expected_tags(minor, abis, platforms)


@given(st.integers(9, 11), st.integers(0, 4), st.sampled_from(["x86_64", "aarch64"]))
def test_pypy_is_ranked_as_packaging_does(minor: int, musl: int, architecture: str) -> None:
    """PEP 656: musl X.Y takes X.Y and what is older."""
    target = parse_target(f"pp3{minor}-musllinux_1_{musl}_{architecture}")
    platforms = [
        f"linux_{architecture}",
        *(f"musllinux_1_{each}_{architecture}" for each in range(musl, -1, -1)),
    ]
    own = packaging.tags.generic_tags(f"pp3{minor}", [f"pypy3{minor}_pp73"], platforms)
    shared = packaging.tags.compatible_tags((3, minor), "pp3", platforms)
    expected = dict.fromkeys(str(tag) for tags in (own, shared) for tag in tags)
    assert target.ranking.tags == tuple(expected)


@pytest.mark.parametrize("text", USUAL_TARGETS)
def test_the_first_tag_is_that_of_the_target_but_for_native_linux(text: str) -> None:
    target = parse_target(text)
    portable = [tag for tag in target.ranking.tags if not tag.rpartition("-")[2].startswith("linux_")]
    python, _, platform = text.partition("-")
    assert portable[0].startswith(python.removesuffix("t"))
    assert portable[0].endswith(f"-{platform}")


def test_markers_are_those_of_the_newest_patch_release_there() -> None:
    target = parse_target("cp313-win_amd64")
    holding = (
        "python_full_version >= '3.13.4' and implementation_name == 'cpython' and os_name == 'nt' "
        "and platform_machine == 'AMD64' and sys_platform == 'win32' and python_version < '3.14'"
    )
    assert Marker(holding).evaluate(dict(target.markers))
    assert target.version_info == (3, 13, 99)
    assert parse_target("pp311-macosx_11_0_arm64").markers["platform_python_implementation"] == "PyPy"


def test_a_report_names_it_as_it_was_asked_for_without_an_executable() -> None:
    summary = summarize_interpreter(parse_target(" CP313T-musllinux_1_2_aarch64 "))
    assert summary.label == "cp313t-musllinux_1_2_aarch64"
    assert (summary.executable, summary.implementation, summary.version) == (None, "cpython", "3.13")
    assert summary.best_tag == "cp313-cp313t-linux_aarch64"


def test_an_open_one_ranks_any_tag_behind_its_own() -> None:
    target = parse_target("cp313-win_amd64")
    ranking, last = target.opened().ranking, len(target.ranking.tags)
    assert target.ranking.rank("cp313-cp313-win32") is None
    assert ranking.rank("cp313-cp313-win32") == last + 1
    assert not ranking.accepts(last + 1)
    assert ranking.rank("py3-none-any") == target.ranking.rank("py3-none-any")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cp313-linux_x86_64", "like `manylinux_2_28_x86_64`, found: `cp313-linux_x86_64`"),
        ("cp313", "an interpreter and its highest portable platform"),
        ("3.13-win_amd64", "an interpreter and its highest portable platform"),
        ("cp313-cp313-win_amd64", "a platform that there can be"),
        ("cp313-manylinux_2_4_x86_64", "a platform that there can be"),
        ("cp312t-win_amd64", "CPython 3.13 or later where it is free-threaded"),
        ("pp311t-win_amd64", "CPython 3.13 or later where it is free-threaded"),
        ("pp311d-win_amd64", "CPython where it is a debug build"),
        ("cp312-ios_13_0_arm64_iphoneos", "CPython 3.13 or later on iOS"),
        ("", "an interpreter and its highest portable platform"),
    ],
)
def test_what_is_no_target_is_a_usage_error(text: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text, setting="wheeltag_targets")
    assert str(caught.value).startswith("wheeltag_targets: expected ")
    assert expected in str(caught.value)
