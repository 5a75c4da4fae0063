from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.agreement import Take, judge_agreement
from pytest_wheeltag.core.candidates import Screen, screen_release
from pytest_wheeltag.core.judging import judge
from pytest_wheeltag.core.likeness import Holding
from pytest_wheeltag.core.verdict import InstalledWheel, VerdictKind
from pytest_wheeltag.workshop.imagined import imagine_file, imagine_interpreter

CP311 = imagine_interpreter("3.11.7")
LINUX, MANYLINUX = "cp311-cp311-linux_x86_64", "cp311-cp311-manylinux_2_17_x86_64"


def take(tags: str, *published: str, filename: str = "", content: str = "1", **facts: str) -> Take:
    """Take a wheel with these tags, where these files are published."""
    wheel = replace(InstalledWheel("foo", "1.0", (tags,)), **facts)  # type: ignore[arg-type]  # version, build
    files = [imagine_file(f"foo-1.0{each}" if each[0] == "." else f"foo-1.0-{each}") for each in published]
    offer = screen_release(canonicalize_name("foo"), Version("1.0"), files, Screen(CP311))
    holding = Holding(wheel, {"foo/__init__.py": content})
    return Take("pip 26.3", holding, judge(wheel, CP311, offer), filename)


BOTH = ("py311-none-any.whl", "py3-none-any.whl")


def test_the_same_file_agrees() -> None:
    ours, pips = take("py311-none-any", *BOTH), take("py311-none-any", *BOTH)

    found = judge_agreement(ours, pips)

    assert (found.kind, found.clause) == (
        VerdictKind.AGREEING,
        "pip 26.3 takes `foo-1.0-py311-none-any.whl` too",
    )


@pytest.mark.parametrize(
    ("facts", "clause"),
    [
        (
            {"tags": ("py3-none-any",)},
            "installed `foo-1.0-py3-none-any.whl`, pip 26.3 takes `foo-1.0-py311-none-any.whl`",
        ),
        (
            {"version": "1.1"},
            "installed `foo-1.1-py311-none-any.whl`, pip 26.3 takes `foo-1.0-py311-none-any.whl`",
        ),
        (
            {"build": "2"},
            "installed `foo-1.0-2-py311-none-any.whl`, pip 26.3 takes `foo-1.0-py311-none-any.whl`",
        ),
    ],
)
def test_another_file_disagrees_and_both_are_named(facts: dict[str, str], clause: str) -> None:
    pips = take("py311-none-any", *BOTH, filename="foo-1.0-py311-none-any.whl")
    ours = take("py311-none-any", *BOTH)
    wheel = replace(ours.holding.wheel, **facts)  # type: ignore[arg-type]  # as parametrised
    judged = replace(ours.judged, kind=VerdictKind.INFERIOR)

    found = judge_agreement(Take("x", Holding(wheel, ours.holding.files), judged), pips)

    assert (found.kind, found.clause) == (VerdictKind.DISAGREEING, clause)


def test_a_file_of_the_same_name_with_other_content_disagrees() -> None:
    found = judge_agreement(take("py311-none-any", *BOTH), take("py311-none-any", *BOTH, content="2"))

    assert found.kind is VerdictKind.DISAGREEING
    assert found.clause.endswith("takes `foo-1.0-py311-none-any.whl`: other content in `foo/__init__.py`")


def test_what_both_built_from_source_agrees_whatever_came_of_it() -> None:
    ours = take("py3-none-any", ".tar.gz")
    pips = take("cp311-cp311-linux_x86_64", ".tar.gz", filename="foo-1.0.tar.gz", content="2")

    assert judge_agreement(ours, pips).kind is VerdictKind.AGREEING
    assert judge_agreement(ours, replace(pips, filename="")).kind is VerdictKind.AGREEING


def test_a_published_wheel_where_pip_builds_disagrees() -> None:
    found = judge_agreement(
        take("py311-none-any", *BOTH), take("py3-none-any", *BOTH, filename="foo-1.0.tar.gz")
    )

    assert found.kind is VerdictKind.DISAGREEING
    assert found.clause.endswith("pip 26.3 takes foo 1.0 `py3-none-any`, built from `foo-1.0.tar.gz`")


def test_files_that_tie_and_orders_of_packaging_are_ambiguous_from_either_side() -> None:
    ties = ("py2.py3-none-any.whl", "py3-none-any.whl")
    orders = (f"{LINUX}.whl", f"{MANYLINUX}.whl")
    for one, other, published in (
        ("py2.py3-none-any", "py3-none-any", ties),
        (LINUX, MANYLINUX, orders),
    ):
        for ours, pips in ((one, other), (other, one)):
            found = judge_agreement(take(ours, *published), take(pips, *published))
            assert found.kind is VerdictKind.AMBIGUOUS, found
            assert ", and both may: installed `" in found.clause


def test_what_is_inferior_is_not_excused_by_a_doubt_about_the_other() -> None:
    published = (f"{LINUX}.whl", f"{MANYLINUX}.whl", "py3-none-any.whl")

    found = judge_agreement(take("py3-none-any", *published), take(MANYLINUX, *published))

    assert found.kind is VerdictKind.DISAGREEING
