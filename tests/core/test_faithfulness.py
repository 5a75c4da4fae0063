import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.candidates import parse_wheel_name
from pytest_wheeltag.core.comparison import Subject
from pytest_wheeltag.core.faithfulness import judge_faithfulness
from pytest_wheeltag.core.identity import Examination, Listed
from pytest_wheeltag.core.verdict import InstalledWheel, VerdictKind
from pytest_wheeltag.workshop.imagined import imagine_file, imagine_interpreter

PY3, PY311 = "foo-1.0-py3-none-any.whl", "foo-1.0-py311-none-any.whl"


def listed(filename: str) -> Listed:
    return Listed(imagine_file(filename), parse_wheel_name(filename))


def judged(filename: str, examined: Examination | None, build: str | None = None) -> tuple[VerdictKind, str]:
    """Judge a wheel whose WHEEL says ``py3-none-any``."""
    subject = Subject(InstalledWheel("foo", "1.0", ("py3-none-any",), build), imagine_interpreter())
    found = judge_faithfulness(
        subject, ResolvedFile(canonicalize_name("foo"), "1.0", filename), "uv 1.0", examined
    )
    return found.kind, found.clause


@pytest.mark.parametrize("filename", [PY3, PY311])
def test_what_record_proves_counts_whatever_wheel_says(filename: str) -> None:
    kind, _ = judged(filename, Examination(published=listed(filename)))

    assert kind is VerdictKind.FAITHFUL


def test_a_file_of_the_same_tags_with_other_content_is_not_the_one_that_was_resolved() -> None:
    said = "installed `py3-none-any` of version 1.0, although uv 1.0 resolved `foo-1.0-py3-none-any.whl`"

    assert judged(
        PY3, Examination(published=listed(PY3), misfits=("expected `a` as published, found another",))
    ) == (
        VerdictKind.UNFAITHFUL,
        f"{said}: expected `a` as published, found another",
    )
    assert judged(PY3, Examination(published=listed(PY3), misfits=("x",), really=listed(PY311))) == (
        VerdictKind.UNFAITHFUL,
        f"{said}: it is `foo-1.0-py311-none-any.whl`",
    )


def test_without_record_tags_and_build_decide() -> None:
    assert judged(PY3, None)[0] is VerdictKind.FAITHFUL
    assert judged(PY311, None)[0] is VerdictKind.UNFAITHFUL
    assert judged("foo-1.0-2-py3-none-any.whl", None)[0] is VerdictKind.FAITHFUL
    assert judged("foo-1.0-2-py3-none-any.whl", None, "1")[0] is VerdictKind.UNFAITHFUL
    assert judged("no wheel.whl", None)[0] is VerdictKind.UNFAITHFUL
