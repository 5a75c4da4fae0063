"""``--wheeltag-lock``: environments judged by what a lock says is published, without an index."""

import hashlib
import json
import sys
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

# The stage and the itinerary are fixtures of conftest.py, which importlib mode keeps from being imported by name.
Stage = Any
Itinerary = Any

MINOR = sys.version_info[1]
LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])
WORSE, BETTER = f"py3{MINOR - 1}-none-any", f"py3{MINOR}-none-any"
SHA = "ab" * 32
# One that would be a usage error were it opened.
NO_INDEX = "--wheeltag-index-url=nonsense"


def poetry_lock(**projects: Iterable[str]) -> str:
    """Write a lock that holds version 1.0 of each project, with a wheel for each tag."""
    text = ""
    for name, tags in projects.items():
        listed = ", ".join(f'{{ file = "{name}-1.0-{tag}.whl", hash = "sha256:{SHA}" }}' for tag in tags)
        text += f'[[package]]\nname = "{name}"\nversion = "1.0"\ngroups = ["main"]\nfiles = [{listed}]\n'
    return f'{text}[metadata]\nlock-version = "2.1"\n'


def uv_lock(name: str, *tags: str) -> str:
    wheels = ", ".join(f'{{ url = "https://files.example/{name}-1.0-{tag}.whl" }}' for tag in tags)
    source = 'source = { registry = "https://index.example/simple" }'
    return f'version = 1\n[[package]]\nname = "{name}"\nversion = "1.0"\n{source}\nwheels = [{wheels}]\n'


def write(stage: Stage, text: str, name: str = "poetry.lock") -> Path:
    path: Path = stage.pytester.path / name
    path.write_text(text, encoding="utf-8")
    return path


def run(stage: Stage, *arguments: str) -> pytest.RunResult:
    paths = [f"--wheeltag-env={each.path}" for each in stage.environments]
    result: pytest.RunResult = stage.pytester.runpytest(
        "--wheeltag-check", "--wheeltag-only", *paths, *arguments
    )
    return result


@pytest.fixture
def found(stage: Stage) -> Stage:
    """Give a stage with an environment in which a best and a worse wheel lie, and one that no lock here holds."""
    stage.environment(("fine", BETTER), ("foo", WORSE), ("stray", "py3-none-any"))
    write(stage, poetry_lock(fine=[WORSE, BETTER], foo=[WORSE, BETTER], absent=["py3-none-any"]))
    return stage


@pytest.mark.parametrize("offline", [(), ("--wheeltag-offline",)], ids=["", "offline"])
def test_an_environment_is_judged_by_the_lock_and_no_index_is_opened(
    found: Stage, offline: tuple[str, ...]
) -> None:
    result = run(found, "--wheeltag-lock=poetry.lock", NO_INDEX, *offline)

    result.assert_outcomes(passed=1, failed=1, skipped=1)
    assert found.index.requests == ()
    result.stdout.fnmatch_lines(
        [
            "wheeltag: judged by `poetry.lock` (poetry.lock 2.1, 3 packages), without an index",
            f"foo 1.0 on {LABEL}: installed `{WORSE}`, better published `{BETTER}` (*) in `foo-1.0-{BETTER}.whl`",
            f"{LABEL}: 1 unlisted, 1 inferior, 1 best (*, judged by poetry.lock)",
            f"warning: {LABEL} lacks what poetry.lock holds: absent 1.0",
        ]
    )
    result.stdout.no_fnmatch_line("wheeltag: files from *")


def test_what_is_unlisted_says_that_the_lock_does_not_hold_it(found: Stage) -> None:
    result = run(found, "--wheeltag-lock=poetry.lock", NO_INDEX, "-rs")

    result.stdout.fnmatch_lines([f"*unlisted: stray 1.0 on {LABEL}: `poetry.lock` does not hold it"])


def test_an_ini_value_is_a_path_beside_its_file(found: Stage) -> None:
    folder = found.pytester.mkdir("sub")
    (folder / "uv.lock").write_text(uv_lock("foo", WORSE), encoding="utf-8")
    ini = found.pytester.makeini("[pytest]\nwheeltag_lock = sub/uv.lock\n")
    found.pytester.chdir()

    result = run(found, NO_INDEX, f"-c{ini}", f"--rootdir={folder}")

    result.stdout.fnmatch_lines(
        ["wheeltag: judged by `sub/uv.lock` (uv.lock 1.0, 1 packages), without an index"]
    )
    result.assert_outcomes(passed=1, skipped=2)


def test_files_without_a_hash_are_told_in_the_header(found: Stage) -> None:
    write(found, uv_lock("foo", WORSE, BETTER), "uv.lock")

    result = run(found, "--wheeltag-lock=uv.lock")

    result.stdout.fnmatch_lines(
        ["wheeltag: 2 of the 2 files in uv.lock have no hash: tags and build numbers alone are compared"]
    )


def test_where_a_lock_does_not_tell_what_is_to_be_installed_nothing_is_missed_for_certain(
    found: Stage,
) -> None:
    write(found, poetry_lock(foo=[WORSE], absent=[WORSE]).replace('groups = ["main"]\n', ""))

    result = run(found, "--wheeltag-lock=poetry.lock")

    result.stdout.fnmatch_lines(
        [f"{LABEL} lacks what poetry.lock holds, which extras, groups or markers may leave out: absent 1.0"]
    )


def test_the_report_says_which_lock_and_keeps_its_schema(found: Stage) -> None:
    lock = found.pytester.path / "poetry.lock"
    reports = [found.pytester.path / name for name in ("one.json", "two.json")]

    run(found, "--wheeltag-lock=poetry.lock", f"--wheeltag-json={reports[0]}")
    run(found, "--wheeltag-lock=poetry.lock", f"--wheeltag-json={reports[1]}", "-n", "2")

    assert reports[0].read_bytes() == reports[1].read_bytes()
    report = json.loads(reports[0].read_text(encoding="utf-8"))
    schema = json.loads(files("pytest_wheeltag.reports").joinpath("schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    (environment,) = report["environments"]
    assert environment["lock"] == {
        "file": "poetry.lock",
        "format": "poetry.lock",
        "version": "2.1",
        "sha256": hashlib.sha256(lock.read_bytes()).hexdigest(),
        "absent": [{"name": "absent", "version": "1.0", "needed": True}],
        "warnings": [],
    }
    kinds = {each["name"]: each["verdict"] for each in environment["distributions"]}
    assert kinds == {"fine": "best", "foo": "inferior", "stray": "unlisted"}
    assert {each["best"]["sha256"] for each in environment["distributions"] if each["best"]} == {SHA}


def test_what_an_installer_makes_is_judged_by_the_lock_too(itinerary: Itinerary) -> None:
    itinerary.publish("foo", WORSE, BETTER)
    write(itinerary, poetry_lock(foo=[WORSE], absent=[WORSE]))

    result = itinerary.run(
        "--wheeltag-require=foo", f"--wheeltag-python={sys.executable}", "--wheeltag-lock=poetry.lock"
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "wheeltag: judged by `poetry.lock` (poetry.lock 2.1, 2 packages), without an index",
            "wheeltag: files from *",
            f"foo 1.0 on {LABEL}: installed `{BETTER}`, which no published file carries, although `foo-1.0-{WORSE}.whl`*",
            f"warning: {LABEL} lacks what poetry.lock holds: absent 1.0",
        ]
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "other.lock",
            "",
            "*other.lock cannot be used, expected a lock called `pylock.toml`, *found `other.lock`",
        ),
        (
            "uv.lock",
            "version = 9",
            "*uv.lock cannot be used, expected 1, the one that is known, in `version`, found `9`",
        ),
        ("pdm.lock", "a = ", "*pdm.lock cannot be used, expected TOML, found a mistake (*"),
        ("pylock.toml", "lock-version = '2.0'", "*pylock.toml: expected lock-version 1.0, *found: `2.0`"),
        ("absent.lock", None, "*--wheeltag-lock: expected a file that can be read *found: `absent.lock`"),
    ],
)
def test_a_lock_that_cannot_be_used_is_a_usage_error(
    found: Stage, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        write(found, text, name)

    result = run(found, f"--wheeltag-lock={name}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_an_empty_path_is_a_usage_error(found: Stage) -> None:
    result = run(found, "--wheeltag-lock=")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--wheeltag-lock: expected the path of a lock, found: ``"])
