from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Offer, PublishedFile, Screen, screen_release
from pytest_wheeltag.core.comparison import compress_tags, expand_tags, parse_build
from pytest_wheeltag.core.identity import Examination
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.judging import (
    judge,
    judge_alone,
    judge_intact,
    judge_unread,
)
from pytest_wheeltag.core.tags import InterpreterFacts
from pytest_wheeltag.core.verdict import (
    InstalledWheel,
    MalformedDistribution,
    Outcome,
    Silence,
    UnwheeledDistribution,
    Verdict,
    VerdictKind,
)
from pytest_wheeltag.workshop.imagined import imagine_file, imagine_interpreter

CP311 = imagine_interpreter("3.11.7")


def offer(*files: str | PublishedFile, interpreter: Interpreter = CP311, version: str = "1.0") -> Offer:
    listed = [imagine_file(each) if isinstance(each, str) else each for each in files]
    return screen_release(canonicalize_name("foo"), Version(version), listed, Screen(interpreter))


def installed(*tags: str, **facts: str) -> InstalledWheel:
    return InstalledWheel("foo", "1.0", tags, **facts)  # type: ignore[arg-type]  # build, direct_url


def verdict(wheel: InstalledWheel, *files: str | PublishedFile, interpreter: Interpreter = CP311) -> Verdict:
    alone = judge_alone(wheel, interpreter)
    return alone or judge(wheel, interpreter, offer(*files, interpreter=interpreter))


def test_the_case_that_the_project_was_created_from() -> None:
    wheel = InstalledWheel("multiprocess", "0.70.17", ("py310-none-any",))
    files = [imagine_file(f"multiprocess-0.70.17-py3{minor}-none-any.whl") for minor in (10, 11, 12, 13)]
    published = screen_release(canonicalize_name("multiprocess"), Version("0.70.17"), files, Screen(CP311))

    found = judge(wheel, CP311, published)

    assert found.kind is VerdictKind.INFERIOR
    assert found.outcome is Outcome.FAILED
    rank, better, of = (
        CP311.ranking.rank("py310-none-any"),
        CP311.ranking.rank("py311-none-any"),
        len(CP311.ranking.tags),
    )
    assert found.message == (
        "multiprocess 0.70.17 on cpython3.11: installed `py310-none-any`, better published `py311-none-any` "
        f"(rank {rank} against {better} of {of}) in `multiprocess-0.70.17-py311-none-any.whl`"
    )
    assert found.best is not None
    assert found.best.filename == "multiprocess-0.70.17-py311-none-any.whl"


@pytest.mark.parametrize(
    ("tags", "files", "kind"),
    [
        pytest.param("py3-none-any", ["foo-1.0-py3-none-any.whl"], "best", id="the only one"),
        pytest.param(
            "py3-none-any",
            ["foo-1.0-cp311-abi3-linux_x86_64.whl", "foo-1.0-py3-none-any.whl"],
            "inferior",
            id="pure beside compiled",
        ),
        pytest.param(
            "cp39-abi3-manylinux_2_28_x86_64",
            ["foo-1.0-cp39-abi3-manylinux_2_28_x86_64.whl", "foo-1.0-cp39-abi3-manylinux_2_34_x86_64.whl"],
            "inferior",
            id="manylinux levels",
        ),
        pytest.param(
            "cp39-abi3-manylinux_2_34_x86_64",
            ["foo-1.0-cp39-abi3-manylinux_2_34_x86_64.whl", "foo-1.0-cp39-abi3-manylinux_2_39_x86_64.whl"],
            "best",
            id="a level too new is not on offer",
        ),
        pytest.param("py3-none-any", ["foo-1.0.tar.gz"], "built", id="no wheel published"),
        pytest.param(
            "cp311-cp311-linux_x86_64",
            ["foo-1.0-cp310-cp310-manylinux_2_17_x86_64.whl", "foo-1.0.tar.gz"],
            "built",
            id="no compatible wheel published",
        ),
        pytest.param(
            "cp311-cp311-linux_x86_64",
            ["foo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "foo-1.0.tar.gz"],
            "rebuilt",
            id="built although one is published",
        ),
        pytest.param("py3-none-any", [], "unlisted", id="nobody knows it"),
        pytest.param(
            "py3-none-any", ["foo-1.1-py3-none-any.whl"], "unlisted", id="nobody knows this version"
        ),
        pytest.param(
            "py3-none-any", ["foo-1.0.0-py3-none-any.whl"], "best", id="versions are equal by PEP 440"
        ),
        pytest.param(
            "py3-none-any", ["foo-1.0-py2.py3-none-any.whl"], "best", id="WHEEL names part of the set"
        ),
        pytest.param(
            "cp310-cp310-linux_x86_64",
            ["foo-1.0-py3-none-any.whl"],
            "incompatible",
            id="another interpreter's",
        ),
        pytest.param(
            "py3-none-any",
            ["foo-1.0-py3-none-any.whl", "foo-1.0-py2.py3-none-any.whl"],
            "ambiguous",
            id="files tie",
        ),
        pytest.param(
            "cp311-cp311-manylinux_2_17_x86_64",
            ["foo-1.0-cp311-cp311-linux_x86_64.whl", "foo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"],
            "ambiguous",
            id="the order of linux_*",
        ),
        pytest.param(
            "py2.py3-none-any", ["foo-1.0-py2.py3-none-any.whl"], "best", id="a compressed set in WHEEL"
        ),
        pytest.param(
            "py3-none-any",
            ["foo-1.0-x86_64_v3-py3-none-any.whl", "foo-1.0-py3-none-any.whl"],
            "best",
            id="a variant is left alone",
        ),
    ],
)
def test_a_verdict_for_tags_beside_files(tags: str, files: list[str], kind: str) -> None:
    assert verdict(installed(tags), *files).kind == kind


def test_a_build_tag_decides_between_equal_tags_only() -> None:
    plain, second = "foo-1.0-py3-none-any.whl", "foo-1.0-2-py3-none-any.whl"
    compiled = "foo-1.0-cp311-cp311-linux_x86_64.whl"

    assert verdict(installed("py3-none-any"), plain, second).kind is VerdictKind.INFERIOR
    assert verdict(installed("py3-none-any", build="2"), plain, second).kind is VerdictKind.BEST
    assert verdict(installed("cp311-cp311-linux_x86_64"), second, compiled).kind is VerdictKind.BEST


def test_a_build_tag_that_wheel_leaves_out_is_no_finding_but_a_warning() -> None:
    found = verdict(installed("py3-none-any"), "foo-1.0-1-py3-none-any.whl")

    assert found.kind is VerdictKind.BEST
    assert "foo-1.0-1-py3-none-any.whl" in found.warnings[0]


def test_yanked_files_are_on_offer_only_where_nothing_else_is_compatible() -> None:
    yanked = imagine_file("foo-1.0-cp311-cp311-linux_x86_64.whl", yanked="broken")

    assert verdict(installed("py3-none-any"), yanked, "foo-1.0-py3-none-any.whl").kind is VerdictKind.BEST
    assert (
        verdict(installed("py3-none-any"), imagine_file("foo-1.0-py3-none-any.whl", yanked="")).kind
        is VerdictKind.BEST
    )
    doubtful = verdict(installed("cp311-cp311-linux_x86_64"), yanked, "foo-1.0-py3-none-any.whl")
    assert doubtful.kind is VerdictKind.AMBIGUOUS
    assert "yanked (broken)" in doubtful.message


def test_a_file_for_another_python_is_not_on_offer() -> None:
    newer = imagine_file("foo-1.0-cp311-cp311-linux_x86_64.whl", requires_python=">=3.12")
    pure = "foo-1.0-py3-none-any.whl"

    assert verdict(installed("py3-none-any"), newer, pure).kind is VerdictKind.BEST
    forced = verdict(installed("cp311-cp311-linux_x86_64"), newer, pure)
    assert forced.kind is VerdictKind.INFERIOR
    assert "requires Python >=3.12" in forced.message


def test_files_uploaded_later_do_not_exist() -> None:
    later = imagine_file("foo-1.0-py311-none-any.whl", upload_time=datetime(2026, 2, 1, tzinfo=UTC))
    early = imagine_file("foo-1.0-py3-none-any.whl", upload_time=datetime(2026, 1, 1, tzinfo=UTC))
    screen = Screen(CP311, datetime(2026, 1, 15, tzinfo=UTC))
    published = screen_release(canonicalize_name("foo"), Version("1.0"), [later, early], screen)

    assert judge(installed("py3-none-any"), CP311, published).kind is VerdictKind.BEST


@pytest.mark.parametrize("kind", [VerdictKind.UNREACHABLE, VerdictKind.UNKNOWN])
def test_silence_of_the_index_is_a_verdict(kind: VerdictKind) -> None:
    found = judge(installed("py3-none-any"), CP311, Silence(kind, "the index answered 403"))

    assert found.kind is kind
    assert found.message.endswith("the index answered 403")


def test_what_needs_no_index() -> None:
    alone = [
        judge_unread(MalformedDistribution("foo", "1.0", "WHEEL names no tag"), CP311),
        judge_unread(UnwheeledDistribution("foo", "1.0", "an egg-info has no wheel tags"), CP311),
        judge_alone(installed("cp39-cp39-win_amd64"), CP311),
        judge_alone(installed("py3-none-any", direct_url="file:///src"), CP311),
    ]

    assert [found and found.kind.value for found in alone] == [
        "malformed",
        "unwheeled",
        "incompatible",
        "direct",
    ]
    assert judge_alone(installed("py3-none-any"), CP311) is None


def test_precedence_is_the_order_of_the_kinds() -> None:
    # An incompatible wheel from a path is incompatible first.
    found = judge_alone(installed("cp39-cp39-win_amd64", direct_url="file:///src"), CP311)

    assert found is not None
    assert found.kind is VerdictKind.INCOMPATIBLE


def test_a_better_published_wheel_comes_before_rebuilt() -> None:
    # Built by hand as pure Python, where a compiled one is published: both are true, inferior is first.
    files = "foo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "foo-1.0.tar.gz"

    assert verdict(installed("py3-none-any"), *files).kind is VerdictKind.INFERIOR


TAGS = st.sampled_from(
    [
        "py3-none-any",
        "py2.py3-none-any",
        "py311-none-any",
        "cp311-cp311-linux_x86_64",
        "cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp311-none-any",
    ]
)


@given(st.lists(TAGS, min_size=1, unique=True), st.data())
def test_the_best_published_file_is_always_best_and_never_anything_else(
    published: list[str], data: st.DataObject
) -> None:
    """The installer must take the one whose compatibility tag the interpreter ranks first."""
    on_offer = offer(*(f"foo-1.0-{tags}.whl" for tags in published))
    best = on_offer.best
    assert best is not None
    tags = data.draw(st.sampled_from(published))
    expansion = expand_tags((tags,))
    assert expansion is not None

    found = judge(installed(*sorted(expansion)), CP311, on_offer)

    rank = CP311.ranking.rank(tags)
    assert rank is not None
    if tags == best.wheel.tags:
        assert found.kind is VerdictKind.BEST
    elif rank > best.rank:
        assert found.kind is VerdictKind.INFERIOR
    else:
        assert found.kind is VerdictKind.AMBIGUOUS


@pytest.mark.parametrize(
    ("tags", "written"),
    [
        (("py3-none-any",), "py3-none-any"),
        (("py2-none-any", "py3-none-any"), "py2.py3-none-any"),
        (("cp311-cp311-linux_x86_64", "py3-none-any"), "cp311-cp311-linux_x86_64, py3-none-any"),
        ((), ""),
    ],
)
def test_tags_are_compressed_where_they_are_one_set(tags: tuple[str, ...], written: str) -> None:
    assert compress_tags(tags) == written


def test_an_absurd_expansion_is_refused() -> None:
    absurd = "-".join(".".join(f"x{number}" for number in range(1000)) for _ in range(3))

    assert expand_tags((absurd,)) is None
    assert expand_tags(("not a tag",)) is None


@pytest.mark.parametrize(
    ("text", "build"), [(None, ()), ("", ()), ("1", (1, "")), ("12abc", (12, "abc")), ("x1", ())]
)
def test_a_build_tag_is_a_number_and_a_rest(text: str | None, build: tuple[int, str] | tuple[()]) -> None:
    assert parse_build(text) == build


def test_findings_of_the_reader_are_warnings_of_the_verdict() -> None:
    found = verdict(replace(installed("py3-none-any"), findings=("no RECORD",)), "foo-1.0-py3-none-any.whl")

    assert found.warnings == ("no RECORD",)


@pytest.mark.parametrize("kind", ["inferior", "rebuilt", "built"])
def test_a_name_that_cannot_be_read_does_not_end_the_audit(kind: str) -> None:
    files = {
        "inferior": ["foo-1.0-cp311-none-any.whl"],
        "rebuilt": ["foo-1.0-py30-none-any.whl"],
        "built": [],
    }

    assert verdict(installed("py3-none-any"), "foo-1.0-py3-none.whl", *files[kind]).kind == kind


def test_an_index_cannot_forge_lines_of_the_report() -> None:
    hostile = "\x1b[31mred\nFAILED everything"
    yanked = imagine_file("foo-1.0-cp311-cp311-linux_x86_64.whl", yanked=hostile)
    other = imagine_file("foo-1.0-cp311-cp311-linux_x86_64.whl", requires_python=f">={hostile}")

    messages = [
        verdict(installed("cp311-cp311-linux_x86_64"), each, "foo-1.0-py3-none-any.whl").message
        for each in (yanked, other)
    ]

    assert all(message.isprintable() and "red" in message for message in messages)


def test_an_installed_file_that_was_uploaded_later_is_named() -> None:
    later = imagine_file("foo-1.0-py311-none-any.whl", upload_time=datetime(2026, 2, 1, tzinfo=UTC))
    early = imagine_file("foo-1.0-py3-none-any.whl", upload_time=datetime(2026, 1, 1, tzinfo=UTC))
    screen = Screen(CP311, datetime(2026, 1, 15, tzinfo=UTC))
    published = screen_release(canonicalize_name("foo"), Version("1.0"), [later, early], screen)

    found = judge(installed("py311-none-any"), CP311, published)

    assert found.kind is VerdictKind.REBUILT
    assert "uploaded later than the date asked for (uploaded 2026-02-01" in found.message


def test_where_everything_was_uploaded_later_nothing_is_listed() -> None:
    later = imagine_file("foo-1.0-py311-none-any.whl", upload_time=datetime(2026, 2, 1, tzinfo=UTC))
    screen = Screen(CP311, datetime(2026, 1, 15, tzinfo=UTC))
    published = screen_release(canonicalize_name("foo"), Version("1.0"), [later], screen)

    assert judge(installed("py311-none-any"), CP311, published).kind is VerdictKind.UNLISTED


def test_an_installed_file_for_another_python_is_not_called_built() -> None:
    own = imagine_file("foo-1.0-py3-none-any.whl", requires_python=">=3.12")

    found = verdict(installed("py3-none-any"), own)

    assert found.kind is VerdictKind.BUILT
    assert "as in `foo-1.0-py3-none-any.whl`, but it requires another Python: >=3.12" in found.message


def test_a_build_number_of_any_length_is_read_or_left() -> None:
    assert parse_build("9" * 5000) == (int("9" * 18), "9" * 4982)


def test_a_tag_that_pip_alone_accepts_is_no_false_alarm() -> None:
    pypy = replace(CP311, facts=InterpreterFacts("pypy", (3, 9), "39", ".pypy39-pp73-x86_64-linux-gnu.so"))
    wheel = installed("pp38-none-any", "pp39-none-any", "pp310-none-any")

    assert pypy.ranking.best_rank(wheel.tags) is None
    found = judge_alone(wheel, pypy)
    assert found is not None
    assert found.kind is VerdictKind.AMBIGUOUS
    assert "pip accepts" in found.message
    assert judge_intact(wheel, pypy, Examination()).kind is VerdictKind.INTACT
    elsewhere = judge_alone(wheel, CP311)
    assert elsewhere is not None
    assert elsewhere.kind is VerdictKind.INCOMPATIBLE
