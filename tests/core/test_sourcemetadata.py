import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.dependencies import parse_release_metadata
from pytest_wheeltag.core.sourcemetadata import parse_static_metadata

REST = (
    "Name: Foo.Bar\nVersion: 1.0\nRequires-Python: >=3.8\nProvides-Extra: x\nRequires-Dist: a; extra == 'x'\n"
)
DECISIVE = ["Requires-Dist", "Requires-Python", "Provides-Extra", "Name", "Version"]


def pkg_info(version: str, *dynamic: str) -> bytes:
    lines = "".join(f"Dynamic: {each}\n" for each in dynamic)
    return f"Metadata-Version: {version}\n{REST}{lines}".encode()


@pytest.mark.parametrize("version", ["2.2", "2.3", "2.4", "2.5", "2.10"])
def test_what_is_not_dynamic_is_the_metadata_of_the_wheel(version: str) -> None:
    data = pkg_info(version, "License", "Classifier", "Requires-External")

    assert parse_static_metadata(data) == parse_release_metadata(data)


def test_a_body_promises_nothing_and_takes_nothing_back() -> None:
    data = pkg_info("2.2") + b"\nDynamic: Requires-Dist\n"

    assert parse_static_metadata(data) == parse_release_metadata(data)


@pytest.mark.parametrize("name", DECISIVE)
def test_what_is_dynamic_only_a_build_can_tell(name: str) -> None:
    for spelt in (name, name.lower(), name.upper()):
        assert parse_static_metadata(pkg_info("2.2", "License", spelt)) is None


@pytest.mark.parametrize(
    "version", ["1.0", "1.2", "2.0", "2.1", "3.0", "10.0", "2", "", "2.2.1", "new", "2.x"]
)
def test_other_versions_of_the_format_promise_nothing(version: str) -> None:
    assert parse_static_metadata(pkg_info(version)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        REST.encode(),
        b"Metadata-Version: 2.1\n" + pkg_info("2.2"),
        b"Metadata-Version: 2.2\nName: foo\n",
        pkg_info("2.2") + b"Version: 2.0\n",
        pkg_info("2.2") + b"Requires-Dist: one two\n",
        pkg_info("2.2") + b"\n" + b"x" * 8_000_000,
        b"\n" + pkg_info("2.2"),
    ],
    ids=["empty", "latin", "unversioned", "twice", "versionless", "versions", "junk", "huge", "body"],
)
def test_what_cannot_be_used_promises_nothing(data: bytes) -> None:
    assert parse_static_metadata(data) is None


@given(st.integers(0, 9), st.integers(0, 99), st.sets(st.sampled_from([*DECISIVE, "License", "Summary"])))
def test_pep_643(major: int, minor: int, dynamic: set[str]) -> None:
    """If the version is 2.2 or later, fields not marked as Dynamic in an sdist are those of the wheel (PEP 643)."""
    found = parse_static_metadata(pkg_info(f"{major}.{minor}", *dynamic))

    assert (found is not None) == (major == 2 and minor >= 2 and dynamic.isdisjoint(DECISIVE))
