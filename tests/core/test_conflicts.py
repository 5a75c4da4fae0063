"""What a person reads when nothing fits."""

from collections.abc import Mapping, Sequence

import pytest

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.requirements import Demand, Request, parse_demand
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.errors import ResolutionError
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.imagined_releases import ImaginedWorld


def failure(
    world: ImaginedWorld | Mapping[str, Sequence[str]],
    *requirements: str,
    reqs: str = "",
    constraints: str = "",
    controls: Controls | None = None,
) -> ResolutionError:
    imagined = world if isinstance(world, ImaginedWorld) else ImaginedWorld(world)
    request = Request(
        (*map(parse_demand, requirements), *demands(reqs, "reqs.txt")), demands(constraints, "pins.txt")
    )
    screen = Screen(imagine_interpreter("3.11.7"), controls=controls or Controls())
    with pytest.raises(ResolutionError) as caught:
        resolve(request, screen, imagined.sources)
    return caught.value


def demands(text: str, filename: str) -> tuple[Demand, ...]:
    """Give what the lines of a file ask for."""
    lines = enumerate(text.splitlines(), start=1)
    return tuple(
        parse_demand(line, f"{filename}:{number}") for number, line in lines if line and line[0] != "#"
    )


def test_a_conflict_names_who_asked_for_what_and_how_that_came_about() -> None:
    error = failure(
        {"a 1": ["c<2"], "a 2": ["c<2"], "b 1": ["d"], "d 1": ["c>=2"], "c 1": [], "c 2": []}, "a", reqs="\nb"
    )

    assert str(error) == (
        "cannot be resolved for cpython3.11, these cannot be met together: "
        "`c<2` (asked for by a 1), `c>=2` (asked for by d 1)"
    )
    assert error.details == (
        "a 1 requires c<2 (the command line requires a)",
        "d 1 requires c>=2 (reqs.txt:2 requires b -> b 1 requires d)",
    )


def test_releases_of_one_project_that_ask_the_same_are_told_together() -> None:
    error = failure({"c 1": [], "c 9": [], **{f"b {number}": ["c>=9"] for number in range(1, 9)}}, "c<2", "b")

    assert error.problem == (
        "these cannot be met together: `c<2` (asked for by the command line), "
        "`c>=9` (asked for by b 8, 7, 6, 5, 4 and 3 more)"
    )
    assert len(error.details) == 2


def test_what_some_old_release_lacks_is_not_taken_for_the_reason() -> None:
    error = failure({"a 1": ["nope"], "a 2": ["c>=2"], "c 1": [], "c 2": []}, "c<2", "a")

    assert "these cannot be met together" in str(error)


def test_two_sources_that_contradict_each_other_are_both_named() -> None:
    error = failure({"a 1": [], "a 2": []}, "a==1", reqs="# ours\na==2")

    assert error.problem.endswith("`a==1` (asked for by the command line), `a==2` (asked for by reqs.txt:2)")


def test_a_constraint_is_named_with_its_place() -> None:
    error = failure({"a 1": [], "a 2": []}, "a>=2", constraints="b\na<2")

    assert error.problem.endswith(
        "`a>=2` (asked for by the command line), `a<2` (a constraint of pins.txt:2)"
    )
    assert error.details[-1] == "pins.txt:2 constrains a<2"


def test_a_project_that_nobody_has_is_named() -> None:
    assert (
        failure({}, "nope").problem
        == "no index has a project of this name, asked for by the command line: `nope`"
    )
    assert failure({"a 1": ["Nope>=1"]}, "a").problem == (
        "no index has a project of this name, asked for by a 1: `nope`"
    )


def test_a_project_without_files_is_named() -> None:
    error = failure(ImaginedWorld({"a 1": []}, filenames={"a 1": []}), "a")

    assert error.problem == "the index lists no file of it, asked for by the command line: `a`"


def test_a_version_that_nobody_published_is_told_with_the_newest() -> None:
    error = failure({f"a {number}": [] for number in range(1, 9)}, "a>=9")

    assert error.problem == (
        "no published version fits (the newest are 8, 7, 6, 5, 4), asked for by the command line: `a>=9`"
    )


@pytest.mark.parametrize(
    ("filenames", "facts", "told"),
    [
        (
            [
                "b-1-cp310-cp310-win_amd64.whl",
                *(f"b-1-{each}-{each}-manylinux_2_28_x86_64.whl" for each in ("cp39", "cp312", "cp313")),
                "b-1.tar.gz",
            ],
            {},
            (
                "no compatible wheel is published and only wheels are taken (the nearest miss is "
                "b-1-cp312-cp312-manylinux_2_28_x86_64.whl: no tag of it is accepted, "
                "cp312-cp312-manylinux_2_28_x86_64), asked for by the command line: `b`"
            ),
        ),
        (
            ["b-1-py3-none-any.whl", "b-1-cp312-cp312-manylinux_2_28_x86_64.whl"],
            {"requires_python": ">=3.12"},
            (
                "no compatible wheel is published and only wheels are taken (the nearest miss is "
                "b-1-py3-none-any.whl: it requires another Python, >=3.12), asked for by the command line: `b`"
            ),
        ),
        (
            ["b-1-py3-none-any.whl"],
            {"yanked": "breaks\x1b[0m"},
            (
                "what fits was yanked and is not pinned (b-1-py3-none-any.whl: it was yanked, breaks\\x1b[0m), "
                "asked for by the command line: `b`"
            ),
        ),
        (
            ["b-1.tar.gz"],
            {},
            ("no wheel is published, and only wheels are taken, asked for by the command line: `b`"),
        ),
    ],
)
def test_where_no_wheel_fits_the_nearest_miss_is_told(
    filenames: list[str], facts: Mapping[str, object], told: str
) -> None:
    world = ImaginedWorld({"b 1": []}, {"b 1": filenames}, dict.fromkeys(filenames, facts))

    assert failure(world, "b", controls=Controls().with_wheels_only()).problem == told


@pytest.mark.parametrize(
    ("controls", "told"),
    [
        (
            Controls(),
            "no compatible wheel or source distribution is published (the nearest miss is b-1.tar.gz",
        ),
        (
            Controls(NameControl(excluded=frozenset({"b"}))),
            "no compatible source distribution is published and no wheels are taken (the nearest miss is b-1.tar.gz",
        ),
    ],
)
def test_where_sources_are_taken_they_are_told_of(controls: Controls, told: str) -> None:
    filenames = ["b-1.tar.gz", "b-1-py3-none-any.whl"]
    facts = {
        "b-1.tar.gz": {"requires_python": ">=3.12"},
        "b-1-py3-none-any.whl": {"requires_python": ">=3.13"},
    }
    world = ImaginedWorld({"b 1": []}, {"b 1": filenames}, facts)

    assert failure(world, "b", controls=controls).problem.startswith(told)


SOURCES_ONLY = Controls(NameControl(excluded=frozenset({"b"})))
FINAL_ONLY = Controls(prereleases=NameControl(excluded=frozenset({":all:"})))


@pytest.mark.parametrize(
    ("controls", "filename", "yanked", "told"),
    [
        (Controls(), "b-1.tar.gz", "broken", "what fits was yanked and is not pinned (b-1.tar.gz: it was"),
        (SOURCES_ONLY, "b-1.tar.gz", "", "what fits was yanked and is not pinned (b-1.tar.gz: it was"),
        (
            SOURCES_ONLY,
            "b-1-py3-none-any.whl",
            None,
            "no source distribution is published, and no wheels are",
        ),
        (
            Controls().with_wheels_only(),
            "b-1.tar.gz",
            "",
            "no wheel is published, and only wheels are taken",
        ),
        (Controls(), "b-1-py3-none-any-variant.whl", None, "no wheel and no source distribution is"),
        (FINAL_ONLY, "b-1rc1-py3-none-any.whl", None, "only pre-releases are published, and none is taken"),
    ],
)
def test_why_nothing_fits_is_true_of_the_kinds_that_are_taken(
    controls: Controls, filename: str, yanked: str | None, told: str
) -> None:
    release = "b 1rc1" if "rc1" in filename else "b 1"
    world = ImaginedWorld({release: []}, {release: [filename]}, {filename: {"yanked": yanked}})

    error = failure(world, "b", controls=controls)

    assert error.problem.startswith(told)


def test_what_metadata_forbids_is_told_of_each_release() -> None:
    world = ImaginedWorld(
        {"b 1": ["junk"], "b 2": ["x @ https://me:secret@host.example/x"], "b 3": []},
        requires_python={"b 3": ">=3.12"},
    )

    error = failure(world, "b")

    assert error.problem.startswith(
        "no release is left that can be used: `b 3 requires Python >=3.12; b 2 requires x"
    )
    assert len(error.details) == 3
    assert "secret" not in "".join((str(error), *error.details))


def test_however_many_take_part_the_line_stays_short() -> None:
    world = {f"p{number} 1": [f"shared=={number}"] for number in range(60)}
    error = failure(
        {**world, **{f"shared {number}": [] for number in range(60)}}, *(f"p{n}" for n in range(60))
    )

    assert len(str(error)) < 400
    assert len(error.details) <= 32
