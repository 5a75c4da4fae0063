import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from pytest_wheeltag.core.dependencies import (
    Dependency,
    parse_dependency,
    parse_release_metadata,
    release_metadata_from_json,
)
from pytest_wheeltag.core.distinfo import DistInfoError

HEAD = "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\n"
FULL = (
    HEAD
    + "Requires-Python: >=3.8\nProvides-Extra: All_of-it\n"
    + "Requires-Dist: a >=1.0\nRequires-Dist: b[x] (<2) ; extra == 'All_of-it'\n"
    + "\nRequires-Dist: not-this; it is the description\n"
)


def test_metadata_gives_what_a_resolution_depends_on() -> None:
    metadata = parse_release_metadata(FULL.encode())

    assert (metadata.name, metadata.version) == ("foo-bar", Version("1.0"))
    assert metadata.requires == (Dependency("a>=1.0"), Dependency("b[x]<2", 'extra == "all-of-it"'))
    assert metadata.requires_python == ">=3.8"
    assert list(metadata.extras) == ["all-of-it"]
    assert [str(each) for each in metadata.requires] == ["a>=1.0", 'b[x]<2; extra == "all-of-it"']


def test_it_is_read_back_from_json() -> None:
    metadata = parse_release_metadata(FULL.encode())

    assert release_metadata_from_json(json.loads(json.dumps(metadata.to_json()))) == metadata


@pytest.mark.parametrize("values", [{}, [], {"name": 1}, {"name": "a", "version": "1", "requires": [1]}])
def test_other_json_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not what a release declares"):
        release_metadata_from_json(values)


def test_a_requires_python_that_is_none_admits_every_python() -> None:
    assert not parse_release_metadata(f"{HEAD}Requires-Python: newest\n".encode()).requires_python


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Name: foo\n", "expected one Version, found none"),
        ("Version: 1\n", "expected one Name, found none"),
        ("Name: foo\nName: bar\nVersion: 1\n", "expected one Name, found `foo` and `bar`"),
        ("Name: foo\nVersion: new\n", "expected a version"),
        (f"{HEAD}Requires-Dist: one two\n", "expected a requirement"),
        (f"{HEAD}Requires-Dist: a{'b' * 20_000}\n\n", "expected a requirement"),
        (HEAD + "Requires-Dist: a\n" * 10_001, "expected at most 10000 Requires-Dist"),
        (HEAD + "\n" + "x" * 8_000_000, "expected at most 8000000 bytes"),
    ],
)
def test_metadata_that_cannot_be_used_says_why(text: str, problem: str) -> None:
    with pytest.raises(DistInfoError) as caught:
        parse_release_metadata(text.encode())

    assert caught.value.problem.startswith(problem)
    assert len(caught.value.problem) < 400


def test_metadata_is_utf_8() -> None:
    with pytest.raises(DistInfoError, match="offset 6"):
        parse_release_metadata(b"Name: \xff\n")


@given(
    st.sampled_from(["a", "a>=1", "a[x]==1.0.*", "a (>=1,<2)"]), st.sampled_from(["", "os_name == 'posix'"])
)
def test_a_dependency_is_the_requirement_without_its_marker(plain: str, condition: str) -> None:
    dependency = parse_dependency(f"{plain} ; {condition}" if condition else plain)

    assert dependency.requirement.name == "a"
    assert dependency.requirement.marker is None
    assert bool(dependency.condition) is bool(condition)
