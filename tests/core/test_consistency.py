from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.consistency import find_broken
from pytest_wheeltag.core.dependencies import ReleaseMetadata, parse_dependency
from pytest_wheeltag.workshop.imagined import imagine_interpreter

INTERPRETER = imagine_interpreter("3.11.7")


def release(title: str, *requires: str) -> ReleaseMetadata:
    name, version = title.split(" ")
    return ReleaseMetadata(canonicalize_name(name), Version(version), tuple(map(parse_dependency, requires)))


def broken(*installed: ReleaseMetadata, changed: str = "bar") -> list[str]:
    names = frozenset(map(canonicalize_name, changed.split()))
    return list(find_broken(installed, INTERPRETER, names))


def test_what_no_longer_fits_is_told_by_who_requires_it() -> None:
    assert broken(release("foo 1.0", "Bar<2"), release("bar 2.0", "absent>=1")) == [
        "foo 1.0 requires bar<2, but bar 2.0 is installed",
        "bar 2.0 requires absent, which is not installed",
    ]


def test_what_fits_or_was_not_touched_is_not_told() -> None:
    fitting = (
        release("foo 1.0", "bar>=2", "baz; python_version < '3'", "qux; extra == 'x'"),
        release("bar 2.1rc1"),
        release("old 1.0", "missing"),
    )

    assert broken(*fitting) == []
    assert broken(*fitting, changed="old") == ["old 1.0 requires missing, which is not installed"]


def test_a_marker_that_cannot_be_decided_counts_for_nothing() -> None:
    assert broken(release("foo 1.0", "bar; os_name ~= 'posix'")) == []
