import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.verdict import VerdictKind
from pytest_wheeltag.errors import InstallationError, ResolutionError, UsageError
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.requestfiles import RequestReader
from pytest_wheeltag.venv import Venv, read_request
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker

MINOR = sys.version_info[1]


@pytest.fixture
def venv(place: Workplace, make_environment: Callable[[str], Environment]) -> Venv:
    """Make an empty environment that installs from the index."""
    environment = make_environment("env")
    return Venv(environment, lambda: place)


@pytest.fixture
def furnished(venv: Venv, index: LocalIndex, make_wheel: WheelMaker) -> Venv:
    """Install one wheel with a command."""
    index.add(make_wheel("Foo.Bar", entry_points={"console_scripts": {"foo": "foo_bar:main"}}))
    venv.install("foo-bar")
    return venv


def test_it_tells_where_things_are(venv: Venv, tmp_path: Path) -> None:
    assert venv.path == tmp_path / "env"
    assert venv.python.parent == venv.bin
    assert venv.python.exists()
    assert venv.site_packages.is_dir()
    assert venv.interpreter.version_info[:2] == sys.version_info[:2]
    assert repr(venv) == f"<Venv {venv.interpreter.label} {venv.path}>"
    assert venv.installed() == {}


def test_what_is_installed_is_read_back_by_normalised_name(furnished: Venv) -> None:
    (name,) = furnished.installed()

    assert name == "foo-bar"
    assert furnished.installed()[name].tags == ("py3-none-any",)


def test_scripts_and_python_are_its_own(furnished: Venv) -> None:
    code = "import os, sys; print(sys.prefix); print(os.environ['VIRTUAL_ENV'])"

    assert furnished.run("foo").stdout == "1.0 py3-none-any\n"
    assert furnished.run("python", "-c", code).stdout.splitlines() == [str(furnished.path)] * 2
    inner = "import subprocess; subprocess.run(['foo'], check=True)"
    assert furnished.run(Path("python"), "-c", inner).stdout == "1.0 py3-none-any\n"


def test_a_path_is_run_as_it_is(venv: Venv) -> None:
    done = venv.run(sys.executable, "-c", "import sys; print(sys.prefix)")

    assert done.stdout.strip() == sys.prefix


def test_what_would_disturb_its_python_is_taken_out(venv: Venv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("KEPT", "yes")

    code = "import os; print(os.environ.get('PYTHONPATH'), os.environ.get('PYTHONHOME'), os.environ['KEPT'])"
    assert venv.run("python", "-c", code).stdout == "None None yes\n"


@pytest.mark.parametrize("env", [{}, {"ONLY": "this"}])
def test_an_environment_that_is_given_replaces_ours(
    venv: Venv, monkeypatch: pytest.MonkeyPatch, env: dict[str, str]
) -> None:
    monkeypatch.setenv("OURS", "1")

    code = "import os; print(sorted({'OURS', 'ONLY', 'VIRTUAL_ENV', 'PATH'} & os.environ.keys()))"
    done = venv.run("python", "-c", code, env=env)

    assert done.stdout.strip() == str(sorted({"VIRTUAL_ENV", "PATH", *env}))


def test_options_of_subprocess_are_passed_on(venv: Venv, tmp_path: Path) -> None:
    echo = ("python", "-c", "import sys, os; print(os.getcwd()); print(sys.stdin.read(), file=sys.stderr)")

    done = venv.run(*echo, cwd=tmp_path, input="told")
    assert (done.stdout, done.stderr) == (f"{tmp_path}\n", "told\n")
    assert venv.run(*echo, input=b"told", text=False).stderr == b"told" + os.linesep.encode()
    assert venv.run(*echo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, input="").stdout is None
    with pytest.raises(subprocess.TimeoutExpired):
        venv.run("python", "-c", "import time; time.sleep(60)", timeout=0.2)


def test_a_command_that_fails_shows_its_output(venv: Venv) -> None:
    fails = ("python", "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")

    assert venv.run(*fails, check=False).returncode == 3
    for text in (True, False):
        with pytest.raises(subprocess.CalledProcessError) as caught:
            venv.run(*fails, text=text)
        assert caught.value.returncode == 3
        assert caught.value.__notes__ == ["stdout:\nout", "stderr:\nerr"]


def test_a_command_that_is_not_there(venv: Venv) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-command"):
        venv.run("no-such-command")


def test_another_index_may_be_named(venv: Venv, make_wheel: WheelMaker) -> None:
    with LocalIndex() as other:
        other.add(make_wheel("bar"))
        venv.install("bar", index_url=other.url)

    assert set(venv.installed()) == {"bar"}
    with pytest.raises(UsageError, match="nonsense"):
        venv.install("bar", index_url="nonsense")


def test_constraints_bound_and_uninstalling_takes_away(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    for version in ("1.0", "2.0"):
        index.add(make_wheel("foo", version))

    report = venv.install("foo", constraints=["foo<2"])

    assert [str(choice.version) for choice in report.installed] == ["1.0"]
    assert venv.uninstall("Foo").removed == ("foo 1.0",)
    assert venv.installed() == {}
    with pytest.raises(InstallationError, match="foo"):
        venv.uninstall("foo")


def test_what_cannot_be_installed_leaves_it_as_it_was(furnished: Venv) -> None:
    before = furnished.fingerprint()

    with pytest.raises(ResolutionError):
        furnished.install("absent")

    assert furnished.fingerprint() == before


def test_a_bare_string_is_a_type_error(venv: Venv) -> None:
    with pytest.raises(
        TypeError, match="requirements: expected a sequence of requirements, found a bare string: `foo`"
    ):
        read_request("foo", (), RequestReader(Path.cwd(), {}))
    with pytest.raises(TypeError, match=r"constraints: expected a sequence .*: `foo<2`"):
        venv.install("foo", constraints="foo<2")


def test_the_checks_pass_and_tell_what_fails(venv: Venv, index: LocalIndex, make_wheel: WheelMaker) -> None:
    index.add(make_wheel("foo", tag=f"py3{MINOR - 1}-none-any"))
    venv.install("foo")
    venv.check()
    venv.check("best", "intact")
    index.add(make_wheel("foo", tag=f"py3{MINOR}-none-any"))
    (venv.site_packages / "foo" / "__init__.py").unlink()

    fresh = Venv(venv._environment, lambda: venv._choose_workplace().with_index(index.url))  # noqa: SLF001 - what the fixtures do: each time a catalogue that knows nothing
    with pytest.raises(AssertionError) as caught:
        fresh.check("best", "intact")

    inferior, altered = str(caught.value).splitlines()
    assert inferior.startswith(
        f"foo 1.0 on cpython3.{MINOR}: installed `py3{MINOR - 1}-none-any`, better published "
    )
    assert altered == (
        f"foo 1.0 on cpython3.{MINOR}: not as RECORD lists it: expected a file, found none: `foo/__init__.py`"
    )
    assert [each.kind for each in fresh.verdicts("intact")] == [VerdictKind.ALTERED]


@pytest.mark.parametrize("name", ["transparent", "faithful", "agreeing", "nonsense", "BEST"])
def test_a_property_of_an_installer_is_a_value_error(venv: Venv, name: str) -> None:
    with pytest.raises(ValueError, match=rf"expected a property of an environment .*found: `{name}`"):
        venv.check(name)


def test_leaving_the_block_removes_it_unless_something_failed(venv: Venv) -> None:
    msg = "inside"
    with pytest.raises(RuntimeError, match=msg), venv:
        raise RuntimeError(msg)
    assert venv.path.is_dir()

    with venv as entered:
        assert entered is venv
    assert not venv.path.exists()
    venv.remove()


def test_one_that_is_to_be_kept_stays(venv: Venv) -> None:
    with venv:
        venv.keep()

    assert venv.path.is_dir()
