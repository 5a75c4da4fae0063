import pytest
from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.ledger import Ledger
from pytest_wheeltag.core.ledgerfile import read_ledger
from pytest_wheeltag.core.lockneeds import compare_with_lock, find_needed
from pytest_wheeltag.core.report import AbsentPackage
from pytest_wheeltag.workshop.imagined import imagine_interpreter

CP311 = imagine_interpreter("3.11.7")
CP312 = imagine_interpreter("3.12.0")
UV = """
version = 1
requires-python = ">=3.12"

[[package]]
name = "sample"
source = { virtual = "." }
dependencies = [
    { name = "web", extra = ["http2"] },
    { name = "windows", marker = "sys_platform == 'win32'" },
    { name = "old", marker = "python_full_version < '3.12'" },
    { name = "odd", marker = "nonsense" },
]
[package.optional-dependencies]
fast = [{ name = "speed" }]
[package.dev-dependencies]
dev = [{ name = "tester" }]
"""
UV_PACKAGES = {
    "web": "dependencies = [{ name = 'core' }]\n[package.optional-dependencies]\nhttp2 = [{ name = 'h2' }]\ntls = [{ name = 'tls' }]",
    "core": "dependencies = [{ name = 'web' }, { name = 'forked' }]",
    "h2": "",
    "tls": "",
    "windows": "dependencies = [{ name = 'registry' }]",
    "registry": "",
    "old": "",
    "odd": "",
    "speed": "",
    "tester": "",
    "forked": "resolution-markers = [\"sys_platform == 'win32'\", \"python_full_version < '3.12'\"]\ndependencies = [{ name = 'leaf' }]",
    "leaf": "",
}
POETRY = """
[metadata]
lock-version = "2.1"
"""
PDM = """
[metadata]
lock_version = "4.5.0"
strategy = ["inherit_metadata"]
"""
PYLOCK = """
lock-version = "1.0"
created-by = "hand"
default-groups = ["main"]
"""


def uv_lock() -> Ledger:
    packages = (
        f"[[package]]\nname = '{name}'\nversion = '1'\nsource = {{ registry = 'x' }}\n{rest}\n"
        for name, rest in UV_PACKAGES.items()
    )
    return read("uv.lock", UV + "".join(packages))


def read(filename: str, text: str) -> Ledger:
    return read_ledger(text.encode(), filename, filename, "file:///work/")


def names(*texts: str) -> frozenset[NormalizedName]:
    return frozenset(map(canonicalize_name, texts))


def flat(filename: str, header: str, key: str, entries: dict[str, str]) -> Ledger:
    rest = "directory = { path = 'x' }\n" if filename == "pylock.toml" else ""
    packages = (
        f"[[{key}]]\nname = '{name}'\nversion = '1'\n{rest}{entry}\n" for name, entry in entries.items()
    )
    return read(filename, header + "".join(packages))


def test_uvs_needs_are_followed_from_the_project_with_the_extras_that_are_asked_for() -> None:
    needed = find_needed(uv_lock(), CP312)

    assert needed == names("sample", "web", "core", "h2", "forked")


def test_markers_are_those_of_the_interpreter_that_is_judged() -> None:
    assert find_needed(uv_lock(), CP311) == names("sample", "web", "core", "h2", "forked", "leaf", "old")


@pytest.mark.parametrize(
    ("filename", "header", "key", "entries"),
    [
        (
            "poetry.lock",
            POETRY,
            "package",
            {
                "a": "groups = ['main']",
                "b": "groups = ['dev']",
                "c": "groups = ['main']\noptional = true\nmarkers = \"extra == 'x'\"",
                "d": "groups = ['main']\nmarkers = \"os_name == 'nt'\"",
                "e": "groups = ['dev', 'main']\nmarkers = { dev = \"os_name == 'nt'\" }",
            },
        ),
        (
            "pdm.lock",
            PDM,
            "package",
            {
                "a": "groups = ['default']",
                "b": "groups = ['dev']",
                "c": "groups = ['x']",
                "d": "groups = ['default']\nmarker = \"os_name == 'nt'\"",
                "e": "groups = ['default', 'dev']\nmarker = \"os_name == 'posix'\"",
            },
        ),
        (
            "pylock.toml",
            PYLOCK,
            "packages",
            {
                "a": "",
                "b": "marker = \"'dev' in dependency_groups\"",
                "c": "marker = \"'x' in extras\"",
                "d": "marker = \"os_name == 'nt'\"",
                "e": "marker = \"'main' in dependency_groups\"",
            },
        ),
    ],
)
def test_other_locks_tell_of_each_package_who_asks_for_it(
    filename: str, header: str, key: str, entries: dict[str, str]
) -> None:
    assert find_needed(flat(filename, header, key, entries), CP311) == names("a", "e")


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("poetry.lock", "[metadata]\nlock-version = '2.0'\n"),
        ("pdm.lock", "[metadata]\nlock_version = '4.5.0'\n"),
    ],
)
def test_of_a_lock_that_does_not_tell_nothing_is_needed_for_certain(filename: str, header: str) -> None:
    ledger = flat(filename, header, "package", {"a": ""})

    assert find_needed(ledger, CP311) == frozenset()
    assert compare_with_lock(ledger, CP311, ()).absent == (AbsentPackage("a", "1", is_needed=False),)


def test_what_is_not_installed_is_told_but_for_the_locks_own_project() -> None:
    summary = compare_with_lock(uv_lock(), CP312, names("web", "core", "h2", "unrelated"))

    assert (summary.origin, summary.format, summary.format_version) == ("uv.lock", "uv.lock", "1.0")
    assert [each.name for each in summary.absent if each.is_needed] == ["forked"]
    others = ["leaf", "odd", "old", "registry", "speed", "tester", "tls", "windows"]
    assert [each.name for each in summary.absent if not each.is_needed] == others


def test_a_lock_for_other_pythons_says_so() -> None:
    assert compare_with_lock(uv_lock(), CP312, ()).misfits == ()
    assert compare_with_lock(uv_lock(), CP311, ()).misfits == (
        "uv.lock is for other Pythons than 3.11.7, whose files it may leave out: `>=3.12`",
    )
