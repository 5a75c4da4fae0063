import pytest

from pytest_wheeltag.core.candidates import Reason, Rejection
from pytest_wheeltag.core.nearest import describe_nearest, nearest_miss
from pytest_wheeltag.workshop.imagined import imagine_file, imagine_interpreter

CP311 = imagine_interpreter("3.11.7")
FAR = ("cp39-cp39-win_amd64", Reason.TAGS)


def miss(detail: str, reason: Reason) -> Rejection:
    return Rejection(imagine_file(f"foo-1.0-{detail}.whl"), reason, detail)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("cp39-cp39-win_amd64", Reason.YANKED),
        ("cp39-cp39-win_amd64", Reason.REQUIRES_PYTHON),
        ("cp38-cp38-manylinux_2_17_x86_64", Reason.TAGS),
        ("cp312-cp312-win_amd64", Reason.TAGS),
        ("cp34.cp310-none-win_amd64", Reason.TAGS),
    ],
    ids=["yanked", "requires another Python", "platform", "newer Python", "one of several"],
)
def test_the_nearest_is_by_reason_then_platform_then_python(tags: str, reason: Reason) -> None:
    misses = [miss(*FAR), miss(tags, reason), miss("cp37-cp37m-win_amd64", Reason.TAGS)]

    assert nearest_miss(misses, CP311) == misses[1]


def test_of_equals_the_first_is_the_nearest() -> None:
    misses = [miss(*FAR), miss("cp39-cp39-win32", Reason.TAGS)]

    assert nearest_miss(misses, CP311) == misses[0]


def test_it_is_told_in_brackets() -> None:
    assert describe_nearest([miss(*FAR)], CP311) == (
        " (the nearest miss is foo-1.0-cp39-cp39-win_amd64.whl: no tag of it is accepted, cp39-cp39-win_amd64)"
    )
    assert describe_nearest([], CP311) == ""
