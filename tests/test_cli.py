import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.cli import main
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.target import InstallTarget, target_of
from pytest_wheeltag.system.urls import Url
from pytest_wheeltag.workshop import (
    Answer,
    EnvironmentSpec,
    LocalIndex,
    WheelMaker,
    lay,
    make_environment,
)
from pytest_wheeltag.workshop.environments import FakeEnvironment

MINOR = sys.version_info[1]
LABEL = f"{sys.implementation.name}3.{MINOR}"


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's pip configuration and cache out."""
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("WHEELTAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as local:
        yield local


@pytest.fixture
def seed(tmp_path: Path, index: LocalIndex) -> list[str]:
    """Give the arguments that audit an environment with an inferior wheel."""
    make_wheel = WheelMaker(tmp_path / "wheels")
    for minor in (MINOR - 1, MINOR):
        index.add(make_wheel("foo", tag=f"py3{minor}-none-any"))
    environment = make_environment(tmp_path / "env")
    lay(make_wheel("foo", tag=f"py3{MINOR - 1}-none-any"), environment)
    return ["check", str(environment.path), f"--index-url={index.url}"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_check_names_the_better_file_and_exits_1(seed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *seed)

    assert status == 1
    assert (
        f"FAILED inferior: foo 1.0 on {LABEL}: installed `py3{MINOR - 1}-none-any`, better published" in out
    )
    assert out.endswith("0 passed, 1 failed, 0 skipped in 1 environment\n")
    assert err == ""


def test_check_by_a_lock_asks_no_index(
    seed: list[str], index: LocalIndex, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "pdm.lock"
    wheels = "".join(f"{{ file = 'foo-1.0-py3{minor}-none-any.whl' }}, " for minor in (MINOR - 1, MINOR))
    package = f"[[package]]\nname = 'foo'\nversion = '1.0'\nfiles = [{wheels}]\n"
    lock.write_text(f"[metadata]\nlock_version = '4.5.0'\n{package}", encoding="utf-8")

    status, out, err = run(capsys, "check", seed[1], "--index-url=nonsense", f"--lock={lock}")

    assert status == 1
    assert f"better published `py3{MINOR}-none-any`" in out
    assert f"judged by {lock})" in out
    assert err == (
        f"wheeltag: warning: 2 of the 2 files in {lock} have no hash: tags and build numbers alone are compared\n"
    )
    assert index.requests == ()


def test_a_lock_that_cannot_be_used_is_a_usage_error(
    seed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "uv.lock").write_bytes(b"\xff")

    status, out, err = run(capsys, *seed, f"--lock={tmp_path / 'uv.lock'}")

    assert (status, out) == (2, "")
    assert err == (
        f"wheeltag: {tmp_path / 'uv.lock'} cannot be used, expected UTF-8, found something else at byte 0\n"
    )


def test_check_as_json_is_the_report(seed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, *seed, "--json")

    report: dict[str, Any] = json.loads(out)
    assert status == 1
    assert report["environments"][0]["distributions"][0]["verdict"] == "inferior"


def test_an_accepted_finding_exits_0(seed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, *seed, "--accept=foo:inferior")

    assert status == 0
    assert "(accepted)" in out


def test_what_could_not_be_judged_exits_3(
    seed: list[str], index: LocalIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, *seed, "--offline")[0] == 3
    index.answer("foo", Answer.of_status(403))
    assert run(capsys, *seed)[0] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "expected a virtual environment's folder"),
        (["resolve", "--no-deps", "foo==1.0", "--python=3.99"], "no such interpreter"),
        (["install", "foo", "--python=nowhere"], "expected a virtual environment's folder"),
        (["uninstall", "foo", "--python=nowhere"], "expected a virtual environment's folder"),
        (["venv", f"{__file__}/env", f"--python={sys.executable}"], f": `{__file__}/env`"),
    ],
)
def test_a_failed_command_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, *arguments)

    assert status == 1
    assert err.startswith("wheeltag: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["resolve", "foo=1"],
        ["resolve", "foo @ git+https://host.example/foo"],
        ["resolve"],
        ["resolve", "foo", "--constraint=nowhere.txt"],
        ["install", "foo", "--python=nowhere", "--link-mode=symlink"],
        ["venv", "tests", "--python=3"],
        ["fetch", "foo", "--python=three"],
        ["resolve", "foo", f"--cache-dir={__file__}"],
        ["resolve", "--no-deps", "foo==1.0", "--python=cp3x"],
        ["resolve", "--no-deps", "foo==1.0", "--exclude-newer=soon"],
        ["check", "--accept=worse"],
    ],
)
def test_a_usage_error_exits_2_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, *arguments)

    assert status == 2
    assert err.startswith("wheeltag: ")
    assert "found: `" in err
    assert err.count("\n") == 1


def test_an_unknown_command_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["chekc"])

    assert caught.value.code == 2
    assert "chekc" in capsys.readouterr().err


def test_pips_constraints_bind_a_resolution(
    index: LocalIndex,
    make_wheel: WheelMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for version in ("1.0", "2.0"):
        index.add(make_wheel("foo", version))
    file = tmp_path / "constraints.txt"
    file.write_text("foo<2\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONSTRAINT", str(file))

    status, out, _ = run(capsys, "resolve", "foo", f"--index-url={index.url}")

    assert status == 0
    assert out.startswith("foo-1.0-")


@pytest.mark.usefixtures("seed")
def test_resolve_chooses_without_resolving(index: LocalIndex, capsys: pytest.CaptureFixture[str]) -> None:
    url = index.url.replace("://", "://user:hunter2@")
    arguments = ["resolve", "--no-deps", "foo==1", f"--index-url={url}", f"--python={sys.executable}"]

    status, out, _ = run(capsys, *arguments, "--json")

    assert status == 0
    resolved = json.loads(out)
    (file,) = resolved["files"]
    assert resolved["interpreter"]["implementation"] == sys.implementation.name
    assert file["filename"] == f"foo-1.0-py3{MINOR}-none-any.whl"
    assert file["tag"] == f"py3{MINOR}-none-any"
    assert set(file) == {"name", "version", "filename", "sha256", "url", "tag", "rank"}
    assert "hunter2" not in out
    status, out, _ = run(capsys, *arguments)
    assert out.startswith(f"foo-1.0-py3{MINOR}-none-any.whl  rank ")


def test_resolve_names_the_nearest_miss(
    tmp_path: Path, index: LocalIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    index.add(WheelMaker(tmp_path)("foo", tag="cp27-cp27m-win32"))

    status, _, err = run(capsys, "resolve", "--no-deps", "foo==1.0", f"--index-url={index.url}")

    assert status == 1
    assert "no compatible wheel" in err
    assert "foo-1.0-cp27-cp27m-win32.whl" in err


@pytest.fixture
def shelf(tmp_path: Path) -> list[str]:
    """Give the options that find foo 1.0 and 2.0, which need bar, with an extra that needs baz, and bar alone."""
    make_wheel = WheelMaker(tmp_path / "shelf")
    for version in ("1.0", "2.0"):
        make_wheel(
            "foo", version, requires=["bar", "baz; extra == 'more'"], extras=["more"], requires_python=">=3.8"
        )
    make_wheel("bar", entry_points={"console_scripts": {"bar": "bar:name"}}, files={"bar.py": BAR})
    return ["--no-index", f"--find-links={tmp_path / 'shelf'}"]


BAR = "def name():\n    print('from bar')\n"


@pytest.fixture
def empty(tmp_path: Path) -> FakeEnvironment:
    return make_environment(tmp_path / "empty")


def dist_infos(environment: FakeEnvironment) -> set[str]:
    return {path.name for path in environment.site_packages.glob("*.dist-info")}


def test_venv_makes_an_environment_that_holds_the_closure(
    shelf: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = tmp_path / "made"
    status, out, err = run(capsys, "venv", str(prefix), f"--python={sys.executable}", "foo", *shelf)

    assert (status, err) == (0, "")
    first, *installed = out.splitlines()
    assert first == str(prefix)
    assert [line.split()[:2] for line in installed] == [
        ["installed", "bar-1.0-py3-none-any.whl"],
        ["installed", "foo-2.0-py3-none-any.whl"],
    ]
    script = FakeEnvironment(prefix, EnvironmentSpec.of_running()).scripts / "bar"
    assert subprocess.run([script], capture_output=True, text=True, check=True).stdout == "from bar\n"
    assert run(capsys, "uninstall", "foo", "bar", f"--python={prefix}")[0] == 0
    assert not script.exists()


def test_venv_that_cannot_be_filled_is_not_there(
    shelf: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = tmp_path / "made"
    status, out, err = run(capsys, "venv", str(prefix), f"--python={sys.executable}", "foo[more]", *shelf)

    assert (status, out) == (1, "")
    assert "baz" in err
    assert err.count("\n") == 1
    assert not prefix.exists()


def test_venv_takes_no_folder_that_holds_something(
    shelf: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    status, _, err = run(capsys, "venv", str(tmp_path), f"--python={sys.executable}", *shelf)

    assert status == 2
    assert "absent or empty" in err
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_install_fills_an_empty_environment_of_others_and_again(
    shelf: list[str], empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    install = ["install", f"--python={empty.path}", *shelf]
    assert run(capsys, *install, "foo<2")[0] == 0
    assert dist_infos(empty) == {"foo-1.0.dist-info", "bar-1.0.dist-info"}

    assert run(capsys, *install, "foo")[1].splitlines()[1:] == ["kept bar 1.0", "kept foo 1.0"]

    status, out, _ = run(capsys, *install, "--json", "--upgrade", "foo")

    told = json.loads(out)
    assert status == 0
    assert told["environment"] == str(empty.path)
    assert [file["filename"] for file in told["files"]] == ["foo-2.0-py3-none-any.whl"]
    assert (told["kept"], told["removed"]) == (["bar 1.0"], ["foo 1.0"])
    assert dist_infos(empty) == {"foo-2.0.dist-info", "bar-1.0.dist-info"}


def test_install_names_what_it_kept_and_removed(
    shelf: list[str], empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    install = ["install", f"--python={empty.python}", *shelf]
    run(capsys, *install, "foo==1.0")

    lines = run(capsys, *install, "foo==2.0")[1].splitlines()

    assert lines[0] == str(empty.path)
    assert lines[1].startswith("installed foo-2.0-py3-none-any.whl  rank ")
    assert lines[2:] == ["removed foo 1.0", "kept bar 1.0"]


def test_what_others_installed_is_kept_replaced_and_removed(
    shelf: list[str], empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = WheelMaker(empty.path.parent / "theirs")
    lay(theirs("qux"), empty, installer="pip")
    lay(theirs("bar", "0.5"), empty, installer="pip")

    assert run(capsys, "install", "foo", "bar>=1", f"--python={empty.path}", *shelf)[0] == 0
    assert dist_infos(empty) == {"qux-1.0.dist-info", "foo-2.0.dist-info", "bar-1.0.dist-info"}
    assert run(capsys, "uninstall", "qux", f"--python={empty.path}")[0] == 0
    assert dist_infos(empty) == {"foo-2.0.dist-info", "bar-1.0.dist-info"}


def test_uninstall_takes_away_what_was_installed(
    shelf: list[str], empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "install", "foo", f"--python={empty.path}", *shelf)

    status, out, _ = run(capsys, "uninstall", "Foo", f"--python={empty.path}", "--json")

    assert status == 0
    assert json.loads(out) == {"environment": str(empty.path), "removed": ["foo 2.0"]}
    assert dist_infos(empty) == {"bar-1.0.dist-info"}
    assert run(capsys, "uninstall", "bar", f"--python={empty.path}")[1] == "removed bar 1.0\n"


def test_uninstall_says_what_it_undid_first(
    shelf: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    running_interpreter: Interpreter,
    die_at_work: Callable[[InstallTarget], Path],
) -> None:
    prefix = tmp_path / "made"
    run(capsys, "venv", str(prefix), f"--python={sys.executable}", "foo", *shelf)
    taken = die_at_work(target_of(running_interpreter, str(prefix)))

    status, out, err = run(capsys, "uninstall", "foo", f"--python={prefix}")

    assert (status, out) == (0, "removed foo 2.0\n")
    undone = "what an interrupted installation had begun has been undone"
    assert err == f"wheeltag: warning: {undone}: `{prefix}`\n"
    assert taken.exists()


def test_uninstall_of_what_is_not_there_removes_nothing(
    shelf: list[str], empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "install", "bar", f"--python={empty.path}", *shelf)

    status, _, err = run(capsys, "uninstall", "bar", "foo", f"--python={empty.path}")

    assert status == 1
    assert err == f"wheeltag: foo is not taken out, it is not installed there: `{empty.path}`\n"
    assert dist_infos(empty) == {"bar-1.0.dist-info"}


@pytest.mark.parametrize("requirement", ["foo", "foo<3,>=2", "foo[more]==2.0"])
def test_without_dependencies_only_what_is_named_is_installed(
    requirement: str, shelf: list[str], empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, "install", requirement, "--no-deps", f"--python={empty.path}", *shelf)

    assert (status, err) == (0, "")
    assert dist_infos(empty) == {"foo-2.0.dist-info"}


def test_resolve_follows_constraints(
    shelf: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("foo<2  # the last that works\n", encoding="utf-8")

    status, out, _ = run(capsys, "resolve", "foo", f"--constraint={constraints}", *shelf, "--json")

    assert status == 0
    assert [file["filename"] for file in json.loads(out)["files"]] == [
        "bar-1.0-py3-none-any.whl",
        "foo-1.0-py3-none-any.whl",
    ]


def test_requirements_may_stand_around_options(
    shelf: list[str], empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "install", "bar", "--no-deps", f"--python={empty.path}", *shelf, "foo")

    assert dist_infos(empty) == {"foo-2.0.dist-info", "bar-1.0.dist-info"}


@pytest.fixture
def remote_index(index: LocalIndex, monkeypatch: pytest.MonkeyPatch) -> LocalIndex:
    """Give an index that is taken for one far away: nothing is cached of those on loopback."""
    monkeypatch.setattr(Url, "is_loopback", False)
    return index


def test_what_was_fetched_is_installed_offline(
    remote_index: LocalIndex, empty: FakeEnvironment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = remote_index
    make_wheel = WheelMaker(tmp_path / "wheels")
    index.add(make_wheel("foo", requires=["bar"]))
    index.add(make_wheel("bar"))
    url = f"--index-url={index.url}"
    status, out, _ = run(capsys, "fetch", "foo", f"--python={sys.executable}", url, "--json")
    assert status == 0
    (fetched,) = json.loads(out)["fetched"]
    assert [file["name"] for file in fetched["files"]] == ["bar", "foo"]
    assert fetched["interpreter"]["implementation"] == sys.implementation.name
    index.answer("foo", Answer.of_status(500))
    index.answer("bar", Answer.of_status(500))

    status, _, err = run(capsys, "install", "foo", f"--python={empty.path}", url, "--offline")

    assert (status, err) == (0, "")
    assert dist_infos(empty) == {"foo-1.0.dist-info", "bar-1.0.dist-info"}


def test_fetch_takes_each_interpreter_once(shelf: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    python = f"--python={sys.executable}"

    status, out, _ = run(capsys, "fetch", "bar", python, python, *shelf)

    assert status == 0
    (line,) = out.splitlines()
    assert line.startswith(f"{LABEL}: bar-1.0-py3-none-any.whl  rank ")


def test_offline_without_having_fetched_is_one_line(
    index: LocalIndex, empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(
        capsys, "install", "foo", f"--python={empty.path}", f"--index-url={index.url}", "--offline"
    )

    assert status == 1
    assert "offline" in err
    assert err.count("\n") == 1


def test_files_are_copied_where_asked_for(
    shelf: list[str], empty: FakeEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "install", "bar", f"--python={empty.path}", *shelf, "--link-mode=copy")

    assert (empty.site_packages / "bar.py").stat().st_nlink == 1


def test_a_bad_link_mode_names_where_it_was_set(
    shelf: list[str],
    empty: FakeEnvironment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WHEELTAG_LINK_MODE", "symlink")

    status, _, err = run(capsys, "install", "bar", f"--python={empty.path}", *shelf)

    assert status == 2
    assert err.startswith("wheeltag: WHEELTAG_LINK_MODE: expected ")


def test_a_refused_wheel_leaves_the_environment_empty(
    empty: FakeEnvironment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_wheel = WheelMaker(tmp_path / "shelf")
    make_wheel("foo", requires=["bar"])
    make_wheel("bar").write_bytes(b"no archive")
    options = ["--no-index", f"--find-links={tmp_path / 'shelf'}"]

    status, _, err = run(capsys, "install", "foo", f"--python={empty.path}", *options)

    assert status == 1
    assert err.count("\n") == 1
    assert dist_infos(empty) == set()


def test_an_interrupted_command_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_wheeltag.commands.cache.measure_cache", interrupt)

    assert run(capsys, "cache", "info") == (1, "", "wheeltag: interrupted\n")


def test_pythons_lists_the_one_that_runs(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "pythons")

    assert status == 0
    assert LABEL in out
    _, out, _ = run(capsys, "pythons", "--json")
    assert LABEL in {each["label"] for each in json.loads(out)["interpreters"]}


def test_the_cache_is_shown_and_cleared(
    seed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, *seed)
    stranger = tmp_path / "cache" / "notes.txt"
    stranger.write_text("mine", encoding="utf-8")

    assert run(capsys, "cache", "dir")[1] == f"{tmp_path / 'cache'}\n"
    assert "interpreters-v1: " in run(capsys, "cache", "info")[1]
    assert "removed interpreters-v1: " in run(capsys, "cache", "clear")[1]
    assert json.loads(run(capsys, "cache", "info", "--json")[1])["rooms"] == []
    assert stranger.read_text(encoding="utf-8") == "mine"


def test_clearing_a_folder_that_is_no_cache_removes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = tmp_path / "home" / "index-v1"
    precious.mkdir(parents=True)

    run(capsys, "cache", "clear", f"--cache-dir={precious.parent}")

    assert precious.is_dir()
