import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, parse_wheel_name
from pytest_wheeltag.core.changes import Change, plan_change, plan_removal
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.resolution import Choice, Resolution
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.errors import RemovalError
from pytest_wheeltag.workshop.imagined import imagine_file

NAMES = tuple(map(canonicalize_name, ("a", "b-b", "c", "d")))
SUBSETS = st.sets(st.sampled_from(NAMES))


def choice(name: NormalizedName) -> Choice:
    filename = f"{name.replace('-', '_')}-2.0-py3-none-any.whl"
    return Choice(name, Version("2.0"), Candidate(imagine_file(filename), parse_wheel_name(filename), 1))


def wheel(name: str) -> InstalledWheel:
    return InstalledWheel(name, "1.0", ("py3-none-any",))


def spelt(name: NormalizedName) -> str:
    return name.upper().replace("-", "_")


def resolved(chosen: set[NormalizedName], kept: set[NormalizedName]) -> Resolution:
    found = (PresentDistribution(name, Version("1.0")) for name in sorted(kept - chosen))
    return Resolution(tuple(map(choice, sorted(chosen))), kept=tuple(found))


@given(chosen=SUBSETS, kept=SUBSETS, there=SUBSETS, unchanged=SUBSETS)
def test_a_change_leaves_one_of_each_that_was_chosen_and_all_others_as_they_were(
    chosen: set[NormalizedName],
    kept: set[NormalizedName],
    there: set[NormalizedName],
    unchanged: set[NormalizedName],
) -> None:
    resolution, same = resolved(chosen, kept), unchanged & there
    before = [wheel(spelt(name)) for name in sorted(there)]

    change = plan_change(resolution, before, same)

    left = [canonicalize_name(each.name) for each in before if each not in change.removed]
    after = [*left, *(each.name for each in change.installed)]
    assert sorted(after) == sorted(there | chosen)
    assert set(left) >= there - chosen
    # What was chosen comes, unless it is there already; what was to be kept is.
    assert {each.name for each in change.installed} == chosen - same
    assert [each.name for each in change.kept] == sorted((kept - chosen) | (chosen & same))


@given(wanted=st.lists(st.sampled_from(NAMES)), there=SUBSETS)
def test_a_removal_takes_each_that_is_named_once_or_nothing(
    wanted: list[NormalizedName], there: set[NormalizedName]
) -> None:
    before = [wheel(spelt(name)) for name in sorted(there)]
    if absent := [name for name in wanted if name not in there]:
        with pytest.raises(RemovalError) as caught:
            plan_removal(wanted, before, "/env")
        assert str(caught.value) == f"{absent[0]} is not taken out, it is not installed there: `/env`"
        return
    change = plan_removal(map(spelt, wanted), before, "/env")
    assert [canonicalize_name(each.name) for each in change.removed] == list(dict.fromkeys(wanted))
    assert change == Change(removed=change.removed)
