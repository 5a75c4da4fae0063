import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.cli import main
from pytest_wheeltag.workshop import Answer, LocalIndex, WheelMaker, lay, make_environment

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
        ["resolve", "--no-deps", "foo"],
        ["resolve", "--no-deps", "foo>=1"],
        ["resolve", "--no-deps", "foo==1.*"],
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


def test_resolve_chooses_without_resolving(
    seed: list[str], index: LocalIndex, capsys: pytest.CaptureFixture[str]
) -> None:
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
    assert "`foo-1.0-cp27-cp27m-win32.whl`" in err


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
