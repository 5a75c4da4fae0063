import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.markers import MarkerJudge
from pytest_wheeltag.workshop.imagined import imagine_interpreter

JUDGE = MarkerJudge(imagine_interpreter("3.6.15"))
A, B = canonicalize_name("a"), canonicalize_name("b")


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("", True),
        ('python_version < "3.7"', True),
        ('python_full_version == "3.6.15"', True),
        ('python_version >= "3.10"', False),
        ('sys_platform == "win32"', False),
        ('extra == "a"', False),
        ('extra == "a" or os_name == "posix"', True),
    ],
)
def test_markers_are_decided_for_the_interpreter_asked_about(marker: str, expected: bool) -> None:
    assert JUDGE.holds(marker) is expected


def test_one_of_the_extras_is_enough() -> None:
    assert JUDGE.holds('extra == "A"', [A, B])
    assert not JUDGE.holds('extra == "c"', [A, B])
    assert JUDGE.holds('extra == "b" and python_version == "3.6"', [A, B])


def test_an_undecidable_marker_is_an_error() -> None:
    with pytest.raises(ValueError, match="can be decided"):
        JUDGE.holds('os_name ~= "posix"')
