import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import metadata
from pathlib import Path

import packaging
import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pytest_wheeltag.core.interpreter import Interpreter, InterpreterSpec, parse_interpreter_spec
from pytest_wheeltag.errors import EnvironmentNotFoundError, InterpreterError, InterpreterNotFoundError
from pytest_wheeltag.system.discovery import InterpreterFinder, labels
from pytest_wheeltag.system.installs import Surroundings, this_machine
from pytest_wheeltag.system.interrogation import ProbeLimits

RUNNING = Path(sys.executable)
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the interpreters here are shell scripts")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> InterpreterFinder:
    return InterpreterFinder(tmp_path_factory.mktemp("cache"), this_machine(os.environ))


@pytest.fixture(scope="module")
def every(machine: InterpreterFinder) -> tuple[Interpreter, ...]:
    return machine.find_all()


@pytest.fixture
def finder(tmp_path: Path) -> InterpreterFinder:
    """Give a finder on a machine that has nothing but a PATH of one folder."""
    environ = {"PATH": str(tmp_path / "bin")}
    surroundings = Surroundings(environ, tmp_path / "home", sys.platform, tmp_path / "root")
    return InterpreterFinder(tmp_path / "cache", surroundings, ProbeLimits(seconds=5))


class FakePythons:
    """Makes scripts that answer the probe as other interpreters would, and count how often they are run."""

    def __init__(self, folder: Path, like: Interpreter) -> None:
        self._folder = folder
        self._like = like

    def add(self, name: str, version: str, *, folder: str = "bin", flags: str = "") -> Path:
        path = self._folder / folder / name
        facts = replace(
            self._like.facts,
            implementation="pypy" if name.startswith("pypy") else "cpython",
            version=(Version(version).major, Version(version).minor),
            is_free_threaded="t" in flags,
            is_debug="d" in flags,
        )
        answer = json.dumps(replace(self._like, executable=str(path), version=version, facts=facts).to_json())
        return self.script(path, f"printf '\\n=== pytest-wheeltag probe 1 ===\\n%s\\n' {shlex.quote(answer)}")

    def script(self, path: Path, body: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho run >> {shlex.quote(str(path))}.runs\n{body}\n")
        path.chmod(0o755)
        return path


def runs_of(path: Path) -> int:
    counter = Path(f"{path}.runs")
    return len(counter.read_text().splitlines()) if counter.exists() else 0


@pytest.fixture
def fakes(tmp_path: Path, machine: InterpreterFinder) -> FakePythons:
    return FakePythons(tmp_path, machine.ask(RUNNING))


def spec(text: str) -> InterpreterSpec:
    return parse_interpreter_spec(text)


# What there is on this machine


def test_finds_the_base_of_the_running_interpreter(every: tuple[Interpreter, ...]) -> None:
    base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    running = next(one for one in every if one.executable == base)
    assert running.version_info[:3] == sys.version_info[:3]
    assert running.prefix == sys.base_prefix


def test_gives_each_interpreter_once_and_newest_first(every: tuple[Interpreter, ...]) -> None:
    assert len({one.executable for one in every}) == len(every)
    ordinary = [one for one in every if one.label == f"cpython{one.version_info[0]}.{one.version_info[1]}"]
    minors = [one.version_info[:2] for one in ordinary]
    assert minors == sorted(minors, reverse=True)


def test_every_ranking_is_what_packaging_says_inside(every: tuple[Interpreter, ...], tmp_path: Path) -> None:
    """The same ranking, tag for tag, as ``packaging.tags.sys_tags()`` in each that can run it."""
    shutil.copytree(Path(packaging.__file__).parent, tmp_path / "packaging")
    script = "from packaging.tags import sys_tags; print(*dict.fromkeys(map(str, sys_tags())))"
    admitted = SpecifierSet(metadata("packaging")["Requires-Python"])
    compared = [one for one in every if one.version in admitted]
    assert compared
    for interpreter in compared:
        environ = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [interpreter.executable, "-S", "-c", script]
        printed = subprocess.run(command, env=environ, capture_output=True, check=True, text=True).stdout
        assert interpreter.ranking.tags == tuple(printed.split()), interpreter


def test_libraries_of_a_new_environment_are_where_its_own_sysconfig_says(
    machine: InterpreterFinder, every: tuple[Interpreter, ...], tmp_path: Path
) -> None:
    script = "import json, sysconfig as s; print(json.dumps([s.get_path('purelib'), s.get_path('platlib')]))"
    compared = [one for one in every if one.version_info >= (3, 8)]
    for number, interpreter in enumerate(compared):
        prefix = tmp_path / str(number)
        subprocess.run(
            [interpreter.executable, "-m", "venv", "--without-pip", prefix], check=True, capture_output=True
        )
        python = next(
            path for path in (prefix / "bin/python", prefix / "Scripts/python.exe") if path.exists()
        )
        told = json.loads(subprocess.run([python, "-c", script], check=True, capture_output=True).stdout)
        for path in (prefix, python):
            environment = machine.find_environment(path)
            assert environment.interpreter == interpreter
            assert environment.prefix == str(prefix)
            assert environment.libraries == tuple(dict.fromkeys(told))
            assert environment.foreign_libraries == environment.inherited == ()


def test_libraries_of_a_base_are_where_its_own_path_says(
    machine: InterpreterFinder, every: tuple[Interpreter, ...]
) -> None:
    script = "import json, sys; print(json.dumps(sys.path))"
    for interpreter in every:
        command = [interpreter.executable, "-I", "-B", "-c", script]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        environment = machine.find_environment(Path(interpreter.executable))
        known = (*environment.libraries, *environment.foreign_libraries)
        assert {path for path in known if Path(path).is_dir()} == {
            path for path in told if path.endswith("-packages")
        }
        assert environment.prefix == interpreter.prefix


@pytest.mark.skipif(not Path("/usr/lib/python3/dist-packages").is_dir(), reason="no Debian")
def test_debians_own_packages_are_foreign(machine: InterpreterFinder) -> None:
    environment = machine.find_environment(Path("/usr/bin/python3"))
    assert "/usr/lib/python3/dist-packages" in environment.foreign_libraries
    assert not any(folder.startswith("/usr/lib/") for folder in environment.libraries)


# Asking


@posix_only
def test_an_answer_is_remembered_by_other_finders_too(finder: InterpreterFinder, fakes: FakePythons) -> None:
    python = fakes.add("python3.13", "3.13.1")
    assert finder.ask(python) is finder.ask(python)
    again = InterpreterFinder(finder.cache_directory, finder.surroundings)
    assert again.ask(python) == finder.ask(python)
    assert runs_of(python) == 1


@posix_only
def test_a_failure_is_remembered_too(finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path) -> None:
    broken = fakes.script(tmp_path / "bin" / "python3", "exit 127")
    for each in (finder, finder, InterpreterFinder(finder.cache_directory, finder.surroundings)):
        with pytest.raises(InterpreterError, match="ended with status 127") as caught:
            each.ask(broken)
        assert caught.value.executable == str(broken)
    assert runs_of(broken) == 1


@posix_only
def test_one_that_was_replaced_is_asked_anew(finder: InterpreterFinder, fakes: FakePythons) -> None:
    python = fakes.add("python3", "3.12.1")
    assert finder.ask(python).version == "3.12.1"
    python.unlink()
    assert fakes.add("python3", "3.13.10") == python
    assert finder.ask(python).version == "3.13.10"


@posix_only
@pytest.mark.parametrize("version", ["3.11.7\\u0000", "three", ""])
def test_an_answer_that_is_none_is_a_clear_error(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path, version: str
) -> None:
    answer = json.dumps({"version": version})
    body = f"printf '\\n=== pytest-wheeltag probe 1 ===\\n%s\\n' {shlex.quote(answer)}"
    python = fakes.script(tmp_path / "bin" / "python", body)
    for _ in range(2):
        with pytest.raises(InterpreterError, match="its answer cannot be used") as caught:
            finder.ask(python)
        assert "\n" not in str(caught.value)
    assert runs_of(python) == 1


@posix_only
def test_a_damaged_answer_is_asked_for_again(finder: InterpreterFinder, fakes: FakePythons) -> None:
    python = fakes.add("python3.13", "3.13.1")
    finder.ask(python)
    (remembered,) = (finder.cache_directory / "interpreters-v1").iterdir()
    record = json.loads(remembered.read_text("utf-8"))
    record["facts"]["platform"] = "linux"
    remembered.write_text(json.dumps(record), "utf-8")
    again = InterpreterFinder(finder.cache_directory, finder.surroundings)
    assert again.ask(python).version == "3.13.1"
    assert runs_of(python) == 2


@posix_only
def test_a_launcher_is_known_by_what_it_launches(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    real = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    launcher = fakes.script(tmp_path / "bin" / "python3", f'exec {shlex.quote(real)} "$@"')
    assert finder.ask(launcher).executable == real


@posix_only
def test_an_environments_own_python_is_never_run(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    base = fakes.add("python3.13", "3.13.1", folder="base/bin")
    own = fakes.add("python", "3.12.0", folder="v/bin")
    (tmp_path / "v" / "pyvenv.cfg").write_text(f"home = {base.parent}\nversion = 3.13.1\n", "utf-8")
    assert finder.ask(own).executable == str(base)
    assert finder.find_environment(own).interpreter.version == "3.13.1"
    assert finder.find_environment(own.parents[1]).interpreter.version == "3.13.1"
    assert (runs_of(own), runs_of(base)) == (0, 1)


def test_one_that_is_not_there_is_a_clear_error(finder: InterpreterFinder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    with pytest.raises(InterpreterError, match="there is none"):
        finder.ask(tmp_path / "none")
    with pytest.raises(InterpreterError, match="there is none"):
        finder.ask(tmp_path / "link")
    with pytest.raises(InterpreterError, match="NUL"):
        finder.ask(Path("/usr\0/bin/python"))


@pytest.mark.skipif(not RUNNING.is_absolute(), reason="an embedded interpreter")
def test_the_marker_of_pep_668_is_looked_for_each_time(
    machine: InterpreterFinder, tmp_path: Path, fakes: FakePythons, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        fakes, "_like", replace(machine.ask(RUNNING), managed_marker=str(tmp_path / "marker"))
    )
    if sys.platform == "win32":
        pytest.skip("the interpreters here are shell scripts")
    python = fakes.add("python3.13", "3.13.1")
    finder = replace(machine, cache_directory=tmp_path / "cache")
    assert not finder.ask(python).externally_managed
    (tmp_path / "marker").touch()
    assert replace(finder).ask(python).externally_managed
    assert runs_of(python) == 1


# Finding


@posix_only
def test_broken_shims_are_never_run(finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path) -> None:
    shims = [
        fakes.script(tmp_path / ".pyenv" / "shims" / "python3.13", "exit 127"),
        fakes.script(tmp_path / "bin" / "python3.12", 'exec pyenv exec "$program" "$@"'),
    ]
    real = fakes.add("python3.11", "3.11.7")
    path = os.pathsep.join([str(tmp_path / ".pyenv" / "shims"), str(tmp_path / "bin")])
    surroundings = replace(finder.surroundings, environ={"PATH": path})
    found = InterpreterFinder(finder.cache_directory, surroundings).find_all()
    assert [one.executable for one in found] == [str(real)]
    assert [runs_of(shim) for shim in shims] == [0, 0]


@posix_only
def test_broken_candidates_are_skipped_and_remembered(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    broken = fakes.script(tmp_path / "bin" / "python3.12", "echo garbage")
    (tmp_path / "bin" / "python3.9").symlink_to(tmp_path / "none")
    (tmp_path / "bin" / "python3.8").mkdir()
    fakes.add("python3.13", "3.13.1")
    for each in (finder, InterpreterFinder(finder.cache_directory, finder.surroundings)):
        assert labels(each.find_all()) == ("cpython3.13",)
    assert runs_of(broken) == 1


@posix_only
def test_several_names_of_one_interpreter_are_one(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    python = fakes.add("python3.13", "3.13.1")
    (tmp_path / "bin" / "python3").symlink_to(python.name)
    (tmp_path / "bin" / "python").symlink_to("python3")
    os.link(python, tmp_path / "bin" / "python3.13d")
    assert len(finder.find_all()) == 1
    assert runs_of(python) == 1


@pytest.fixture
def zoo(fakes: FakePythons) -> Iterator[FakePythons]:
    for name, version, flags in [
        ("python3.12", "3.12.4", ""),
        ("python3.13", "3.13.1", ""),
        ("python3", "3.13.10", ""),
        ("python3.13t", "3.13.2", "t"),
        ("python3.13d", "3.13.0", "d"),
        ("python3.14", "3.14.0rc2", ""),
        ("python3.15", "3.15.0a1", ""),
        ("python", "3.15.0b1", ""),
        ("pypy3.10", "3.10.14", ""),
    ]:
        fakes.add(name, version, flags=flags)
    return iter([fakes])


@posix_only
@pytest.mark.usefixtures("zoo")
def test_all_are_ordered_newest_first_per_label(finder: InterpreterFinder) -> None:
    found = [(one.label, one.version) for one in finder.find_all()]
    assert found == [
        ("cpython3.15", "3.15.0b1"),
        ("cpython3.15", "3.15.0a1"),
        ("cpython3.14", "3.14.0rc2"),
        ("cpython3.13", "3.13.10"),
        ("cpython3.13", "3.13.1"),
        ("cpython3.13d", "3.13.0"),
        ("cpython3.13t", "3.13.2"),
        ("cpython3.12", "3.12.4"),
        ("pypy3.10", "3.10.14"),
    ]
    assert [(one.label, one.version) for one in finder.find_each(spec("all"))] == found


@posix_only
@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.13", "3.13.10"),
        ("3.13.1", "3.13.1"),
        ("3.13t", "3.13.2"),
        ("3.13d", "3.13.0"),
        ("3.14", "3.14.0rc2"),
        ("3.15", "3.15.0b1"),
        ("3", "3.13.10"),
        ("pypy", "3.10.14"),
        ("cpython3.12", "3.12.4"),
    ],
)
def test_a_specification_means_the_newest_final(finder: InterpreterFinder, text: str, version: str) -> None:
    assert finder.find(spec(text)).version == version
    assert [one.version for one in finder.find_each(spec(text))] == [version]


@posix_only
@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize("text", ["3.99", "3.12t", "pypy3.9", "graalpy", "./none/python"])
def test_one_that_is_not_found_names_those_that_are(finder: InterpreterFinder, text: str) -> None:
    with pytest.raises(InterpreterNotFoundError) as caught:
        finder.find(spec(text))
    assert caught.value.spec == text
    assert caught.value.found[:2] == ("cpython3.15", "cpython3.14")


def test_without_any_interpreter_none_is_found(finder: InterpreterFinder) -> None:
    assert finder.find_all() == ()
    with pytest.raises(InterpreterNotFoundError, match="found: none"):
        finder.find_each(spec("all"))


@posix_only
def test_among_equals_the_first_on_path_is_taken(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    pair = [fakes.add("python3.13", "3.13.1", folder=folder) for folder in ("z", "a")]
    environ = {"PATH": f"{tmp_path / 'z'}{os.pathsep}{tmp_path / 'a'}"}
    there = InterpreterFinder(tmp_path / "cache", replace(finder.surroundings, environ=environ))
    assert [one.executable for one in there.find_all()] == list(map(str, pair))


@posix_only
def test_a_path_is_an_executable_an_environment_or_one_below_home(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    python = fakes.add("python3.13", "3.13.1", folder="home/bin")
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "pyvenv.cfg").write_text(f"home = {python.parent}\nversion = 3.13\n", "utf-8")
    for text in (str(python), "~/bin/python3.13", f"{tmp_path}/v"):
        assert finder.find(spec(text)).executable == str(python)


@posix_only
def test_a_path_that_is_there_and_cannot_be_used_tells_why(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    broken = fakes.script(tmp_path / "python", "exit 3")
    with pytest.raises(InterpreterError, match="ended with status 3"):
        finder.find(spec(str(broken)))


# Environments


@posix_only
@pytest.mark.parametrize("inherits", [True, False])
def test_an_environment_that_inherits_names_the_bases_and_the_users_libraries(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path, inherits: bool
) -> None:
    base = fakes.add("python3.13", "3.13.1")
    settings = (
        f"home = {base.parent}\nversion = 3.13.1\ninclude-system-site-packages = {str(inherits).lower()}\n"
    )
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "pyvenv.cfg").write_text(settings, "utf-8")
    environment = finder.find_environment(tmp_path / "v")
    own = finder.find_environment(base)
    (user,) = own.inherited
    assert user.startswith(str(tmp_path / "home"))
    assert environment.inherited == ((*own.libraries, user) if inherits else ())
    assert all(folder.startswith(str(tmp_path / "v")) for folder in environment.libraries)


@posix_only
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PYTHONUSERBASE": "/elsewhere"}, "/elsewhere/lib/"),
        ({"PYTHONNOUSERSITE": "1"}, None),
    ],
)
def test_the_users_libraries_follow_the_given_variables(
    finder: InterpreterFinder, fakes: FakePythons, environ: dict[str, str], expected: str | None
) -> None:
    base = fakes.add("python3.13", "3.13.1")
    there = replace(finder, surroundings=replace(finder.surroundings, environ=environ))
    inherited = there.find_environment(base).inherited
    assert [folder.startswith(str(expected)) for folder in inherited] == ([True] if expected else [])
    homeless = replace(finder, surroundings=replace(finder.surroundings, home=None))
    assert homeless.find_environment(base).inherited == ()


@posix_only
def test_the_users_libraries_on_windows_lie_below_appdata(
    finder: InterpreterFinder, fakes: FakePythons, machine: InterpreterFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemes = {
        **machine.ask(RUNNING).schemes,
        "nt_user": {"purelib": "{userbase}/P/s", "platlib": "{userbase}/P/s"},
    }
    windows = replace(
        machine.ask(RUNNING), schemes=schemes, user_scheme="nt_user", user_base="%APPDATA%/Python"
    )
    monkeypatch.setattr(fakes, "_like", windows)
    base = fakes.add("python3.13", "3.13.1")
    roaming = replace(finder.surroundings, environ={"APPDATA": "/roaming"})
    environment = replace(finder, surroundings=roaming).find_environment(base)
    assert environment.inherited == ("/roaming/Python/P/s",)


Spoiler = Callable[[Path], Path]


def empty_folder(folder: Path) -> Path:
    return folder


def nothing(folder: Path) -> Path:
    return folder / "none"


def baseless(folder: Path) -> Path:
    (folder / "pyvenv.cfg").write_text("home = /no/such/folder\n", "utf-8")
    return folder


def unreadable(folder: Path) -> Path:
    (folder / "pyvenv.cfg").mkdir()
    return folder


def hostile(folder: Path) -> Path:
    return Path(f"{folder}\0")


def text_file(folder: Path) -> Path:
    (folder / "python").write_text("no program")
    return folder / "python"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (empty_folder, "the folder has no pyvenv.cfg"),
        (nothing, "found nothing"),
        (baseless, "names no base interpreter that exists outside"),
        (unreadable, "expected a regular file, found a folder"),
        (hostile, "found nothing"),
        (text_file, "found something else, it may not be executed"),
    ],
)
def test_what_is_no_environment_is_a_clear_error(
    finder: InterpreterFinder, tmp_path: Path, spoil: Spoiler, problem: str
) -> None:
    (tmp_path / "v").mkdir()
    with pytest.raises(EnvironmentNotFoundError) as caught:
        finder.find_environment(spoil(tmp_path / "v"))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\0" not in str(caught.value)


@posix_only
def test_an_environment_whose_base_does_not_answer_names_it(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    base = fakes.script(tmp_path / "bin" / "python3", "exit 3")
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "pyvenv.cfg").write_text(f"executable = {base}\n", "utf-8")
    with pytest.raises(EnvironmentNotFoundError, match=f"{base} cannot be used, .* status 3") as caught:
        finder.find_environment(tmp_path / "v")
    assert caught.value.path == str(tmp_path / "v")


@posix_only
def test_an_environment_without_any_python_is_still_described(
    finder: InterpreterFinder, fakes: FakePythons, tmp_path: Path
) -> None:
    base = fakes.add("python3.13", "3.13.1")
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "pyvenv.cfg").write_text(f"base-executable = {base}\n", "utf-8")
    assert finder.find_environment(tmp_path / "v").interpreter.executable == str(base)
