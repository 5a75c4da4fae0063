import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.portable import parse_platform
from pytest_wheeltag.core.tags import platform_tags


@pytest.mark.parametrize(
    ("tag", "system", "platform", "machine", "sys_platform"),
    [
        ("manylinux_2_28_x86_64", "Linux", "linux-x86_64", "x86_64", "linux"),
        ("manylinux2014_aarch64", "Linux", "linux-aarch64", "aarch64", "linux"),
        ("manylinux_2_17_i686", "Linux", "linux-i686", "i686", "linux"),
        ("musllinux_1_2_armv7l", "Linux", "linux-armv7l", "armv7l", "linux"),
        ("macosx_14_5_arm64", "Darwin", "macosx-14.5-arm64", "arm64", "darwin"),
        ("macosx_10_9_x86_64", "Darwin", "macosx-10.9-x86_64", "x86_64", "darwin"),
        ("macosx_11_0_universal2", "Darwin", "macosx-11.0-universal2", "arm64", "darwin"),
        ("win32", "Windows", "win32", "AMD64", "win32"),
        ("win_arm64", "Windows", "win-arm64", "ARM64", "win32"),
        ("ios_13_0_arm64_iphoneos", "iOS", "ios-13.0-arm64-iphoneos", "arm64", "ios"),
        ("android_24_arm64_v8a", "Android", "android-24-arm64_v8a", "aarch64", "android"),
        ("pyemscripten_2026_0_wasm32", "Emscripten", "pyemscripten_2026_0_wasm32", "wasm32", "emscripten"),
    ],
)
def test_a_tag_tells_the_machine(
    tag: str, system: str, platform: str, machine: str, sys_platform: str
) -> None:
    found = parse_platform(tag)

    assert found
    assert (found.facts.system, found.facts.platform) == (system, platform)
    assert found.markers["platform_machine"] == machine
    assert found.markers["sys_platform"] == sys_platform
    assert found.markers["platform_system"] == system
    assert found.markers["os_name"] == ("nt" if system == "Windows" else "posix")


@pytest.mark.parametrize(
    "tag",
    [
        "linux_x86_64",
        "manylinux_2_4_x86_64",
        "manylinux_2_16_aarch64",
        "manylinux1_aarch64",
        "manylinux2015_x86_64",
        "manylinux_2_28_sparc64",
        "manylinux_2_28_x86_64.manylinux_2_17_x86_64",
        "manylinux_2_٢_x86_64",
        "musllinux_1_x86_64",
        "macosx_10_15_arm64",
        "macosx_10_15_universal2",
        "macosx_9_0_x86_64",
        "macosx_14_0_ppc",
        "ios_11_0_arm64_iphoneos",
        "android_15_arm64_v8a",
        "win_ia64",
        "any",
        "",
    ],
)
def test_what_no_machine_has_is_none(tag: str) -> None:
    assert parse_platform(tag) is None


@pytest.mark.parametrize(
    ("tag", "release"),
    [
        ("macosx_10_15_x86_64", "19.0.0"),
        ("macosx_11_0_arm64", "20.0.0"),
        ("macosx_15_0_arm64", "24.0.0"),
        ("macosx_26_0_arm64", "25.0.0"),
    ],
)
def test_the_kernel_follows_from_the_release_of_macos(tag: str, release: str) -> None:
    found = parse_platform(tag)
    assert found
    assert found.markers["platform_release"] == release


@given(st.integers(5, 60), st.sampled_from(["x86_64", "i686"]))
def test_a_manylinux_tag_is_the_best_portable_one_of_its_machine(minor: int, architecture: str) -> None:
    """PEP 600: a system with glibc X.Y takes the levels from X.Y downwards."""
    tag = f"manylinux_2_{minor}_{architecture}"
    found = parse_platform(tag)
    assert found
    portable = [each for each in platform_tags(found.facts) if not each.startswith("linux_")]
    levels = [each for each in portable if each.startswith("manylinux_")]
    assert portable[0] == tag
    assert levels == [f"manylinux_2_{each}_{architecture}" for each in range(minor, 4, -1)]
