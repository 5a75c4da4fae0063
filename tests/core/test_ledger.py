import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import ProjectFiles, PublishedFile
from pytest_wheeltag.core.ledger import Ledger, LockContents, LockedPackage, LockFormat
from pytest_wheeltag.core.verdict import Silence, VerdictKind
from pytest_wheeltag.workshop.imagined import imagine_file

FOO = canonicalize_name("foo")
WHEEL = imagine_file("foo-1.0-py3-none-any.whl")
SDIST = imagine_file("foo-1.0.tar.gz")
OTHER = imagine_file("foo-2.0-py3-none-any.whl")


def ledger_of(*packages: LockedPackage) -> Ledger:
    return Ledger("uv.lock", LockFormat.UV, "", LockContents("1.3", packages))


def package(version: str | None, *files: PublishedFile, direct: str = "") -> LockedPackage:
    return LockedPackage(FOO, Version(version) if version else None, files, direct)


def silence_of(ledger: Ledger, version: str = "1.0") -> Silence:
    found = ledger.release(FOO, Version(version))
    assert not found.files
    assert found.silence
    return found.silence


def test_a_release_is_what_the_lock_lists_of_it() -> None:
    ledger = ledger_of(package("1.0", WHEEL, SDIST), package("2.0", OTHER))

    assert ledger.release(FOO, Version("1.0.0")) == ProjectFiles(FOO, (WHEEL, SDIST), sources=("uv.lock",))
    assert ledger.release(FOO, Version("2.0")).files == (OTHER,)
    assert ledger.files(FOO) == ProjectFiles(FOO, (WHEEL, SDIST, OTHER), sources=("uv.lock",))


def test_files_that_stand_with_another_version_of_the_name_do_not_count() -> None:
    assert ledger_of(package("1.0", OTHER, WHEEL)).release(FOO, Version("1.0")).files == (WHEEL,)


def test_what_stands_twice_since_extras_have_entries_of_their_own_counts_once() -> None:
    assert ledger_of(package("1.0", WHEEL), package("1.0", WHEEL)).release(FOO, Version("1.0")).files == (
        WHEEL,
    )


def test_a_project_that_is_not_held_is_nowhere() -> None:
    assert silence_of(ledger_of()) == Silence(VerdictKind.UNLISTED, "`uv.lock` does not hold it")
    assert ledger_of().files(FOO) == ProjectFiles(FOO)


@pytest.mark.parametrize(
    ("versions", "shown"),
    [
        (["1.1"], "`1.1`"),
        (["1.1", "1.2"], "`1.1`, `1.2`"),
        (["1.1", "1.2", "1.3", "1.4", "1.4"], "`1.1`, `1.2`, `1.3` and 1 more"),
    ],
)
def test_another_version_is_named(versions: list[str], shown: str) -> None:
    silence = silence_of(ledger_of(*map(package, versions)))

    assert silence == Silence(VerdictKind.UNLISTED, f"`uv.lock` does not hold this version, but {shown}")


@pytest.mark.parametrize("version", ["1.0", None])
def test_what_lies_elsewhere_is_direct(version: str | None) -> None:
    silence = silence_of(ledger_of(package(version, WHEEL, direct="git+https://git.example/a@abc")))

    assert silence.kind is VerdictKind.DIRECT
    assert silence.message == (
        "`uv.lock` takes it from `git+https://git.example/a@abc`, of which nothing is published"
    )


def test_another_version_from_elsewhere_is_not_held() -> None:
    silence = silence_of(ledger_of(package("2.0", direct="../foo")))

    assert silence == Silence(VerdictKind.UNLISTED, "`uv.lock` does not hold this version, but `2.0`")


def test_a_version_without_any_file_is_told() -> None:
    expected = Silence(VerdictKind.UNLISTED, "`uv.lock` holds this version without any file of it")

    assert silence_of(ledger_of(package("1.0", OTHER))) == expected


def test_a_ledger_describes_itself_in_one_line() -> None:
    ledger = ledger_of(package("1.0"), package("2.0"))

    assert ledger.describe() == "`uv.lock` (uv.lock 1.3, 1 packages)"
    ledger.prefetch([FOO])
