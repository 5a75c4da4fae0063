import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import ProjectFiles, PublishedFile, Screen
from pytest_wheeltag.core.releases import ProjectReleases, is_pinned
from pytest_wheeltag.errors import NoWheelError
from pytest_wheeltag.workshop.imagined import imagine_file, imagine_interpreter

CP311 = imagine_interpreter("3.11.7")
VERSIONS = ("1.0", "1.0.post1", "1.1a1", "1.1.dev3", "1.1", "1.1+local.1", "1.2rc1", "2!0.1", "2.0", "2.0b2")
SPECIFIERS = (
    "",
    ">=1.1",
    "<1.1",
    "==1.0",
    "==1.*",
    "~=1.0",
    ">1.0",
    "!=1.1",
    "===1.1",
    "<2.0b3",
    ">=1.1a1,<2",
    "==1.1",
)


def releases(*files: str | PublishedFile) -> ProjectReleases:
    listed = tuple(imagine_file(each) if isinstance(each, str) else each for each in files)
    return ProjectReleases(ProjectFiles(canonicalize_name("foo"), listed), Screen(CP311))


def wheel(version: str, tag: str = "py3-none-any", **facts: object) -> PublishedFile:
    return imagine_file(f"foo-{version}-{tag}.whl", **facts)


def versions(found: ProjectReleases, specifier: str = "") -> list[str]:
    return [str(release.version) for release in found.matching(SpecifierSet(specifier))]


def test_the_newest_comes_first_however_they_are_listed() -> None:
    found = releases(*(wheel(version) for version in ("1.9", "1.10", "0.1", "1.10.1")))

    assert versions(found) == versions(found) == ["1.10.1", "1.10", "1.9", "0.1"]


def test_each_is_given_by_the_wheel_that_the_interpreter_likes_best() -> None:
    found = releases(wheel("1.0"), wheel("1.0.0", "py311-none-any"), wheel("1.0", "py39-none-any"))

    (release,) = found.matching(SpecifierSet())

    assert release.taken.file.filename == "foo-1.0.0-py311-none-any.whl"


def test_what_no_interpreter_like_this_takes_is_passed_over() -> None:
    found = releases(
        wheel("5.0", "py312-none-any"),
        wheel("4.0", requires_python=">=3.12"),
        imagine_file("foo-3.0.tar.gz"),
        imagine_file("bar-2.0-py3-none-any.whl"),
        imagine_file("foo-1.9-1-x-py3-none-any.whl"),
        wheel("junk"),
        imagine_file("foo-1.2-7-py3-none-any.whl"),
        wheel("1.1", requires_python=">=3.9"),
    )

    assert versions(found) == ["3.0", "1.2", "1.1"]
    assert [str(each) for each in found.listed()] == ["5.0", "4.0", "3.0", "1.9", "1.2", "1.1"]
    assert [str(offer.version) for offer in found.offers(SpecifierSet(">=3"))] == ["5.0", "4.0", "3.0"]


def test_a_release_without_a_wheel_gives_none() -> None:
    (release,) = releases(wheel("1.0", requires_python=">=3.12"))._newest_first  # noqa: SLF001 - nobody else sees it

    assert release.best is None
    with pytest.raises(NoWheelError):
        _ = release.taken


@given(st.lists(st.sampled_from(VERSIONS), max_size=8, unique=True), st.sampled_from(SPECIFIERS))
def test_the_specifier_decides_as_packaging_does(listed: list[str], specifier: str) -> None:
    """Pre-releases only where the specifier names one or no final release fits (version specifiers)."""
    expected = SpecifierSet(specifier).filter(sorted(map(Version, listed), reverse=True))

    assert versions(releases(*map(wheel, listed)), specifier) == [str(version) for version in expected]


def test_final_releases_without_a_wheel_do_not_hide_a_pre_release() -> None:
    found = releases(wheel("1.0", "py312-none-any"), wheel("2.0a1"))

    assert versions(found) == ["2.0a1"]


def test_yanked_releases_count_only_where_pinned_and_nothing_else_fits() -> None:
    """PEP 592, as pip reads it."""
    found = releases(wheel("1.0"), wheel("2.0", yanked="broken"), wheel("3.0", "py312-none-any"))

    assert versions(found) == ["1.0"]
    assert versions(found, ">=2") == versions(found, "==2.*") == []
    assert versions(found, "==2.0") == versions(found, "===2.0") == ["2.0"]
    assert versions(found, "==2.0,>=1") == ["2.0"]


def test_a_yanked_final_release_hides_pre_releases_all_the_same() -> None:
    assert versions(releases(wheel("1.0", yanked=""), wheel("2.0a1"))) == []


def test_a_release_is_yanked_where_all_its_accepted_wheels_are() -> None:
    found = releases(wheel("1.0", "py311-none-any", yanked="broken"), wheel("1.0"))

    (release,) = found.matching(SpecifierSet())

    assert not release.is_yanked
    assert release.taken.file.filename == "foo-1.0-py3-none-any.whl"


def test_only_as_many_releases_are_looked_at_as_are_asked_for() -> None:
    found = releases(*(wheel(f"1.{minor}") for minor in range(50)))

    first = next(iter(found.matching(SpecifierSet("<1.40"))))

    looked_at = [release for release in found._newest_first if "best" in vars(release)]  # noqa: SLF001 - what was not done cannot be seen from outside
    assert str(first.version) == "1.39"
    assert looked_at == [first]


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [("==1.0", True), ("===x", True), ("==1.*", False), (">=1,<=1", False), ("", False)],
)
def test_what_is_pinned(specifier: str, expected: bool) -> None:
    assert is_pinned(SpecifierSet(specifier)) is expected
