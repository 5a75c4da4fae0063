"""Judging by a lock alone: what it holds, what it does not, and what it takes from elsewhere."""

import pytest

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.ledger import Ledger
from pytest_wheeltag.core.ledgerfile import read_ledger
from pytest_wheeltag.core.report import AbsentPackage
from pytest_wheeltag.core.verdict import InstalledWheel, Outcome, Verdict, VerdictKind
from pytest_wheeltag.workshop.imagined import ImaginedCatalogue, imagine_interpreter

ENVIRONMENT = ExistingEnvironment("/imagined", imagine_interpreter("3.11.7"), ())
MANYLINUX = "cp311-cp311-manylinux_2_17_x86_64"
POETRY = """
[[package]]
name = "foo"
version = "1.0"
groups = ["main"]
files = [FILES]
REST
[metadata]
lock-version = "2.1"
"""


def lock_of(*filenames: str, rest: str = "") -> Ledger:
    files = ", ".join(f"{{ file = '{each}' }}" for each in filenames)
    text = POETRY.replace("FILES", files).replace("REST", rest)
    return read_ledger(text.encode(), "poetry.lock", "sub/poetry.lock", "file:///work/sub/")


def judge(
    ledger: Ledger, tag: str, *, name: str = "Foo", version: str = "1.0", direct_url: str | None = None
) -> Verdict:
    wheel = InstalledWheel(name, version, (tag,), direct_url=direct_url)
    return Auditor(ledger).judge(wheel, ENVIRONMENT)


def test_the_best_wheel_of_the_lock_passes() -> None:
    ledger = lock_of(f"foo-1.0-{MANYLINUX}.whl", "foo-1.0-py3-none-any.whl", "foo-1.0.tar.gz")

    verdict = judge(ledger, MANYLINUX)

    assert (verdict.kind, verdict.outcome) == (VerdictKind.BEST, Outcome.PASSED)


def test_a_worse_wheel_than_the_lock_holds_fails() -> None:
    ledger = lock_of(f"foo-1.0-{MANYLINUX}.whl", "foo-1.0-py3-none-any.whl")

    verdict = judge(ledger, "py3-none-any")

    assert (verdict.kind, verdict.outcome) == (VerdictKind.INFERIOR, Outcome.FAILED)
    assert f"better published `{MANYLINUX}`" in verdict.message
    assert verdict.best
    assert (verdict.best.filename, verdict.best.sha256) == (f"foo-1.0-{MANYLINUX}.whl", None)


@pytest.mark.parametrize(
    ("filenames", "kind"),
    [
        (["foo-1.0.tar.gz"], VerdictKind.BUILT),
        (["foo-1.0-cp312-cp312-win_amd64.whl"], VerdictKind.BUILT),
        (["foo-1.0-cp311-cp311-manylinux_2_5_x86_64.whl"], VerdictKind.REBUILT),
        (["foo-1.0-py2.py3-none-any.whl", "foo-1.0-py3-none-any.whl"], VerdictKind.REBUILT),
    ],
)
def test_what_matches_no_file_of_the_lock_was_built(filenames: list[str], kind: VerdictKind) -> None:
    assert judge(lock_of(*filenames), MANYLINUX).kind is kind


@pytest.mark.parametrize(
    ("name", "version", "clause"),
    [
        ("bar", "1.0", "`sub/poetry.lock` does not hold it"),
        ("foo", "1.1", "`sub/poetry.lock` does not hold this version, but `1.0`"),
        ("foo", "nonsense", "`sub/poetry.lock` does not hold this version, but `1.0`"),
    ],
)
def test_what_the_lock_does_not_hold_is_unlisted(name: str, version: str, clause: str) -> None:
    verdict = judge(lock_of("foo-1.0-py3-none-any.whl"), "py3-none-any", name=name, version=version)

    assert (verdict.kind, verdict.outcome) == (VerdictKind.UNLISTED, Outcome.SKIPPED)
    assert verdict.message == f"{name} {version} on cpython3.11: {clause}"


def test_what_the_lock_takes_from_elsewhere_is_direct() -> None:
    ledger = lock_of(
        rest="[package.source]\ntype = 'git'\nurl = 'https://git.example/foo'\nresolved_reference = 'abc'"
    )

    verdict = judge(ledger, "py3-none-any")

    assert (verdict.kind, verdict.outcome) == (VerdictKind.DIRECT, Outcome.PASSED)
    assert "takes it from `git+https://git.example/foo@abc`, of which nothing is published" in verdict.message
    assert judge(ledger, "py3-none-any", direct_url="git+https://git.example/foo@abc").warnings == ()


@pytest.mark.parametrize(
    ("name", "doubt"),
    [
        ("foo", "foo: it is installed directly, and `sub/poetry.lock` takes it from an index"),
        ("bar", None),
    ],
)
def test_what_is_installed_directly_although_the_lock_says_otherwise_is_a_warning(
    name: str, doubt: str | None
) -> None:
    verdict = judge(lock_of(), "py3-none-any", name=name, direct_url="file:///work/foo")

    # poetry's lock does not hold its own project: `bar` may be that.
    assert (verdict.kind, verdict.warnings) == (VerdictKind.DIRECT, (doubt,) if doubt else ())


def test_a_lock_that_holds_its_own_project_knows_what_is_installed_beside() -> None:
    text = "version = 1\n[[package]]\nname = 'sample'\nsource = { editable = '.' }\n"
    ledger = read_ledger(text.encode(), "uv.lock", "uv.lock", "file:///work/")

    own = judge(ledger, "py3-none-any", name="sample", direct_url="file:///work/sample (editable)")
    other = judge(ledger, "py3-none-any", name="bar", direct_url="file:///work/bar")

    assert own.warnings == ()
    assert other.warnings == ("bar: it is installed directly, and `uv.lock` does not hold it",)


def test_what_the_lock_holds_and_the_environment_does_not_is_told() -> None:
    auditor = Auditor(lock_of())

    summary = auditor.compare_lock(["Bar"], ENVIRONMENT.interpreter)

    assert summary
    assert summary.absent == (AbsentPackage("foo", "1.0", is_needed=True),)
    assert Auditor(ImaginedCatalogue()).compare_lock([], ENVIRONMENT.interpreter) is None
