"""What targets would take of a small index, and the resolution behind it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.foreign import parse_target
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.verdict import Verdict, VerdictKind
from pytest_wheeltag.errors import NoWheelError, ResolutionError
from pytest_wheeltag.supplies import ProvisionOptions
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker

LINUX = parse_target("cp312-manylinux_2_28_x86_64")
WINDOWS = parse_target("cp312-win_amd64")
Judge = Callable[..., dict[str, Verdict]]


@pytest.fixture
def judge(place: Workplace) -> Judge:
    def verdicts(
        requirements: list[str], target: str, controls: Controls | None = None
    ) -> dict[str, Verdict]:
        chosen = place.with_options(ProvisionOptions(controls=controls or Controls()))
        forecast = chosen.forecaster.forecast(parse_request(requirements), parse_target(target))
        return {each.name: each for each in forecast.verdicts(requirements)}

    return verdicts


def kinds(verdicts: dict[str, Verdict]) -> dict[str, str]:
    return {name: str(verdict.kind) for name, verdict in verdicts.items()}


def test_a_target_takes_the_file_with_its_best_tag(
    judge: Judge, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    for tag in ("py3-none-any", "cp312-cp312-win_amd64", "cp312-abi3-manylinux_2_17_x86_64"):
        index.add(make_wheel("foo", tag=tag))

    windows, linux, mac = (
        judge(["foo"], target)["foo"] for target in (WINDOWS.label, LINUX.label, "pp311-macosx_11_0_arm64")
    )

    assert windows.best
    assert windows.best.filename == "foo-1.0-cp312-cp312-win_amd64.whl"
    assert windows.message == "foo 1.0 on cp312-win_amd64: `foo-1.0-cp312-cp312-win_amd64.whl` (rank 1 of 42)"
    assert linux.best
    assert linux.best.tags == ("cp312-abi3-manylinux_2_17_x86_64",)
    assert mac.best
    assert mac.best.tags == ("py3-none-any",)


def test_markers_are_decided_for_the_target(judge: Judge, index: LocalIndex, make_wheel: WheelMaker) -> None:
    requires = [
        "windows; sys_platform == 'win32'",
        "old; python_version < '3.12'",
        "arm; platform_machine == 'aarch64'",
    ]
    index.add(make_wheel("foo", requires=requires))
    for name in ("windows", "old", "arm"):
        index.add(make_wheel(name))

    assert set(judge(["foo"], "cp312-win_amd64")) == {"foo", "windows"}
    assert set(judge(["foo"], "cp311-musllinux_1_2_aarch64")) == {"foo", "old", "arm"}


def test_without_a_wheel_it_is_built_and_what_it_requires_stands_in_another_wheel_of_the_release(
    judge: Judge, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", tag="cp312-cp312-win_amd64", requires=["bar"]))
    index.add(make_wheel.sdist("foo"))
    index.add(make_wheel("bar"))

    verdicts = judge(["foo"], LINUX.label)

    assert kinds(verdicts) == {"foo": "built", "bar": "best"}
    assert verdicts["foo"].message == (
        f"foo 1.0 on {LINUX.label}: built from source, `foo-1.0.tar.gz`: no published wheel is compatible (the nearest "
        "miss is foo-1.0-cp312-cp312-win_amd64.whl: no tag of it is accepted, cp312-cp312-win_amd64)"
    )


@pytest.mark.parametrize("is_static", [True, False])
def test_where_a_release_has_no_wheel_its_pkg_info_is_believed(
    judge: Judge, index: LocalIndex, make_wheel: WheelMaker, is_static: bool
) -> None:
    index.add(make_wheel.sdist("foo", requires=["bar"], is_static=is_static))
    index.add(make_wheel("bar"))

    verdicts = judge(["foo"], LINUX.label)

    assert verdicts["foo"].kind is VerdictKind.BUILT
    assert verdicts["bar"].kind is VerdictKind.BEST


def test_nothing_is_built_from_source_where_that_is_forbidden_and_an_older_wheel_is_taken(
    judge: Judge, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", "1.0"))
    index.add(make_wheel.sdist("foo", "2.0", is_static=True))
    binary = Controls(NameControl.of([":all:"]))

    assert judge(["foo"], LINUX.label)["foo"].version == "2.0"
    assert judge(["foo"], LINUX.label, controls=binary)["foo"].version == "1.0"


def test_what_has_no_file_is_named_and_the_rest_is_judged(
    judge: Judge, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", requires=["bar", "baz"]))
    index.add(make_wheel("bar", tag="cp312-cp312-win_amd64", requires=["deep"]))
    index.add(make_wheel("baz"))
    index.add(make_wheel("deep", tag="cp313-cp313-win_amd64"))

    verdicts = judge(["foo"], LINUX.label)

    assert kinds(verdicts) == {"foo": "best", "bar": "uninstallable", "baz": "best", "deep": "uninstallable"}
    assert verdicts["bar"].outcome == "failed"
    assert verdicts["bar"].message == (
        f"bar 1.0 on {LINUX.label}: no published file is compatible (the nearest miss is "
        "bar-1.0-cp312-cp312-win_amd64.whl: no tag of it is accepted, cp312-cp312-win_amd64)"
    )
    assert kinds(judge(["foo"], WINDOWS.label))["bar"] == "best"


def test_of_a_project_with_a_file_for_the_target_that_release_is_taken_though_another_lacks_one(
    judge: Judge, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", "1.0"))
    index.add(make_wheel("foo", "2.0", tag="cp312-cp312-win_amd64"))
    index.add(make_wheel("lacking", tag="cp312-cp312-win_amd64"))

    verdicts = judge(["foo", "lacking"], LINUX.label)

    assert (verdicts["foo"].version, verdicts["foo"].kind) == ("1.0", "best")
    assert verdicts["lacking"].kind is VerdictKind.UNINSTALLABLE


def test_where_nothing_fits_together_everything_asked_for_is_uninstallable(
    judge: Judge, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", requires=["bar>1"]))
    index.add(make_wheel("bar"))

    verdicts = judge(["foo"], LINUX.label)

    assert kinds(verdicts) == {"foo": "uninstallable"}
    assert "bar" in verdicts["foo"].message


def test_a_project_of_another_python_is_uninstallable(
    judge: Judge, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo"), requires_python=">=3.13")

    assert kinds(judge(["foo"], LINUX.label)) == {"foo": "uninstallable"}
    assert kinds(judge(["foo"], "cp313-win32")) == {"foo": "best"}


def test_an_index_that_does_not_answer_is_told_apart(place: Workplace) -> None:
    unreachable = place.with_index("http://127.0.0.1:1/simple/").forecaster
    forecast = unreachable.forecast(parse_request(["foo"]), LINUX)
    assert [(each.name, each.kind) for each in forecast.verdicts(["foo"])] == [("foo", "unreachable")]

    offline = replace(
        place, sources=replace(place.sources, index_url="https://index.example/simple/", is_offline=True)
    )
    forecast = offline.forecaster.forecast(parse_request(["foo"]), LINUX)
    assert [each.outcome for each in forecast.verdicts(["foo"])] == ["skipped"]


def test_a_wheel_at_an_address_that_does_not_fit_is_refused(place: Workplace, make_wheel: WheelMaker) -> None:
    path = make_wheel("foo", tag="cp312-cp312-win_amd64")
    request = parse_request([f"foo @ {path.as_uri()}"])

    assert place.forecaster.resolve(request, WINDOWS).choices[0].reference
    with pytest.raises(NoWheelError):
        place.forecaster.resolve(request, LINUX)
    assert place.forecaster.forecast(request, WINDOWS).verdicts(["foo"])[0].kind is VerdictKind.DIRECT
    assert place.forecaster.forecast(request, LINUX).verdicts(["foo"])[0].kind is VerdictKind.UNINSTALLABLE


def test_a_tree_is_asked_by_a_build_that_runs_here(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("bar", tag="cp312-cp312-win_amd64"))
    sdist = make_wheel.sdist("foo", requires=["bar"])
    request = parse_request([f"foo @ {sdist.as_uri()}"])

    verdicts = place.forecaster.forecast(request, WINDOWS).verdicts(["foo"])
    assert {each.name: str(each.kind) for each in verdicts} == {"bar": "best", "foo": "direct"}
    with pytest.raises(ResolutionError):
        place.forecaster.resolve(request, LINUX)


def test_hundreds_of_targets_ask_for_each_page_once(
    place: Workplace, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", requires=["bar"]))
    index.add(make_wheel("bar"))
    request, forecaster = parse_request(["foo"]), place.forecaster

    for minor in range(8, 16):
        for glibc in range(17, 47):
            target = parse_target(f"cp3{minor}-manylinux_2_{glibc}_aarch64")
            assert len(forecaster.forecast(request, target).prospects) == 2

    asked = [each.path for each in index.requests if "/simple/" in each.path]
    assert asked
    assert len(asked) == len(set(asked))
