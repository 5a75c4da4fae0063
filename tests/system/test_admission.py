import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.errors import EnvironmentRefusedError
from pytest_wheeltag.system.admission import admit
from pytest_wheeltag.system.environment import Environment, UnfinishedEnvironment
from pytest_wheeltag.system.installed import list_names
from pytest_wheeltag.workshop import WheelMaker, lay, make_environment
from pytest_wheeltag.workshop.environments import FakeEnvironment
from pytest_wheeltag.workshop.imagined import imagine_interpreter

SCHEME = {
    "purelib": "{base}/lib/python3.11/site-packages",
    "platlib": "{platbase}/lib/python3.11/site-packages",
    "scripts": "{base}/bin",
    "include": "{base}/include/python3.11",
    "data": "{base}",
}

Based = Callable[..., ExistingEnvironment]


@pytest.fixture
def fake(tmp_path: Path) -> FakeEnvironment:
    return make_environment(tmp_path / "env")


@pytest.fixture
def based(tmp_path: Path) -> Based:
    """Describe an interpreter as containers have it, with other facts where a test wants them."""
    library = tmp_path / "lib/python3.11/site-packages"
    library.mkdir(parents=True)

    def describe_base(*, foreign: tuple[str, ...] = (), **facts: object) -> ExistingEnvironment:
        return ExistingEnvironment(str(tmp_path), imagine(tmp_path, **facts), (str(library),), foreign)

    return describe_base


def imagine(prefix: Path, **facts: object) -> Interpreter:
    schemes = {"posix_prefix": SCHEME}
    interpreter = replace(imagine_interpreter(), prefix=str(prefix), schemes=schemes)
    return replace(interpreter, **facts)  # type: ignore[arg-type] # one dict for many types


def describe(fake: FakeEnvironment, path: Path | None = None) -> ExistingEnvironment:
    return ExistingEnvironment(str(path or fake.path), imagine_interpreter(), (str(fake.site_packages),))


def test_an_empty_environment_is_taken(fake: FakeEnvironment) -> None:
    admitted = admit(describe(fake))
    assert admitted.prefix == fake.path
    assert type(admitted) is Environment


@pytest.mark.parametrize("installer", ["pytest-wheeltag", "pip", "uv", "conda", ""])
def test_one_is_taken_whoever_filled_it(installer: str, fake: FakeEnvironment, tmp_path: Path) -> None:
    lay(WheelMaker(tmp_path / "wheels")("qux"), fake, installer=installer)

    assert admit(describe(fake)).prefix == fake.path


def test_one_that_we_made_is_taken_whatever_it_holds(fake: FakeEnvironment, tmp_path: Path) -> None:
    UnfinishedEnvironment(fake.path, imagine_interpreter()).complete()
    lay(WheelMaker(tmp_path)("foo"), fake, installer="pip")

    assert admit(describe(fake)).prefix == fake.path


def test_one_of_ours_that_was_never_finished_is_refused(fake: FakeEnvironment) -> None:
    (fake.path / ".wheeltag").write_bytes(b"unfinished\n")

    with pytest.raises(EnvironmentRefusedError, match="interrupted; make it again"):
        admit(describe(fake))


def test_a_detour_is_not_part_of_the_prefix(fake: FakeEnvironment) -> None:
    assert admit(describe(fake, fake.path / "bin" / "..")).prefix == fake.path.resolve()


def test_what_it_inherits_is_not_present(fake: FakeEnvironment, tmp_path: Path) -> None:
    base = make_environment(tmp_path / "base")
    make_wheel = WheelMaker(tmp_path / "wheels")
    lay(make_wheel("inherited"), base)
    lay(make_wheel("own"), fake)
    interpreter = imagine(tmp_path / "base", libraries=(str(base.site_packages),))
    inherited = (str(base.site_packages),)
    existing = ExistingEnvironment(
        str(fake.path), interpreter, (str(fake.site_packages),), inherited=inherited
    )

    admitted = admit(existing)
    assert list_names(existing, inherited=True) == ("inherited", "own")
    assert list_names(admitted.as_existing()) == ("own",)


def test_an_interpreter_itself_is_taken_where_pip_would_install_into_it(based: Based, tmp_path: Path) -> None:
    admitted = admit(based())
    assert admitted.prefix == tmp_path
    assert admitted.python == Path("/imagined/python3.11")
    assert admitted.target.executable == "/imagined/python3.11"
    assert admitted.target.purelib == "lib/python3.11/site-packages"
    assert admitted.target.scripts == "bin"
    assert admitted.target.headers == "include/python3.11"


def assert_refused(existing: ExistingEnvironment, found: str) -> None:
    expected = "expected a virtual environment or an interpreter that pip may install into, found"
    with pytest.raises(EnvironmentRefusedError) as caught:
        admit(existing)
    assert caught.value.problem == f"{expected} {found}"
    assert caught.value.remedy == "make an environment with `wheeltag venv DIR --python SPEC`"
    assert str(caught.value).endswith(f": `{existing.prefix}`")


def test_an_externally_managed_interpreter_is_refused_by_its_rule(based: Based) -> None:
    managed = based(externally_managed=True, foreign_libraries=("/usr/lib/python3/dist-packages",))
    assert_refused(managed, "an externally managed interpreter (PEP 668)")


def test_an_interpreter_with_folders_of_the_system_is_refused(based: Based) -> None:
    folders = ("/usr/lib/python3/dist-packages",)
    for existing in (based(foreign_libraries=folders), based(foreign=folders)):
        assert_refused(existing, "one with library folders of the operating system's package manager")


def test_an_interpreter_whose_libraries_lie_elsewhere_is_refused(based: Based) -> None:
    existing = replace(based(), libraries=("/opt/homebrew/lib/python3.11/site-packages",))
    assert_refused(existing, "one whose libraries do not lie below its prefix")


def test_an_interpreter_that_cannot_be_written_to_is_refused(
    based: Based, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing = based()
    # To root all folders are writable.
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != existing.libraries[0])
    assert_refused(existing, "one whose library folder cannot be written to")
