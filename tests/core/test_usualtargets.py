import pytest

from pytest_wheeltag.core.usualtargets import USUAL_TARGETS, parse_targets
from pytest_wheeltag.errors import UsageError


def labels(*texts: str) -> list[str]:
    return [target.label for target in parse_targets(texts)]


def test_all_are_the_usual_ones() -> None:
    assert labels("all") == list(USUAL_TARGETS)
    assert len(set(USUAL_TARGETS)) == 120


def test_a_pattern_means_those_that_fit_it() -> None:
    assert labels("cp313*-win_a*") == [
        "cp313-win_amd64",
        "cp313t-win_amd64",
        "cp313-win_arm64",
        "cp313t-win_arm64",
    ]


def test_each_stands_once_where_it_is_named_first() -> None:
    assert labels("cp39-win32", "cp31?-win32", "cp310-win32") == [
        "cp39-win32",
        *(f"cp31{minor}-win32" for minor in range(5)),
    ]


def test_a_pattern_that_fits_none_names_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"\(the nearest is `cp314t-win_amd64`\), found: `cp314t\*win_amd65`"
    ):
        parse_targets(["cp314t*win_amd65"])
