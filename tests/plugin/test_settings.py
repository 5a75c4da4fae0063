import sys
from pathlib import Path
from typing import Any

import pytest

# The stage is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Stage = Any

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])


def test_ini_values_do_what_options_do(seed: Stage) -> None:
    seed.pytester.makeini(
        f"""
        [pytest]
        wheeltag_envs = {seed.environments[0].path.name}
        wheeltag_index_url = {seed.index.url}
        wheeltag_accept =
            inferior: inferior: known
        """
    )

    result = seed.pytester.runpytest("--wheeltag-check", "--wheeltag-only")

    result.assert_outcomes(passed=2)


def test_native_toml_values_do_too(seed: Stage) -> None:
    if not hasattr(pytest, "version_tuple") or pytest.version_tuple < (9,):
        pytest.skip("[tool.pytest] came with pytest 9")
    seed.pytester.makepyprojecttoml(
        f"""
        [tool.pytest]
        wheeltag_envs = ["{seed.environments[0].path.name}"]
        wheeltag_index_url = "{seed.index.url}"
        wheeltag_strict = true
        wheeltag_accept = ["inferior: inferior: known"]
        """
    )

    seed.pytester.runpytest("--wheeltag-check", "--wheeltag-only").assert_outcomes(passed=2)


def test_paths_in_a_file_are_relative_to_the_file(seed: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    seed.pytester.makeini(
        f"[pytest]\nwheeltag_envs = {seed.environments[0].path.name}\nwheeltag_index_url = {seed.index.url}\n"
    )
    below = seed.pytester.mkdir("below")
    monkeypatch.chdir(below)

    seed.pytester.runpytest("--wheeltag-check", "--wheeltag-only").assert_outcomes(passed=1, failed=1)


def test_a_list_on_the_command_line_replaces_the_one_in_the_file(seed: Stage) -> None:
    seed.pytester.makeini("[pytest]\nwheeltag_accept = inferior: inferior: known\nwheeltag_envs = nowhere\n")

    seed.run("--wheeltag-accept=fine:best").assert_outcomes(passed=1, failed=1)


def test_the_cache_folder_is_the_option_then_the_variable_then_the_ini_value(
    seed: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seed.pytester.makeini(f"[pytest]\nwheeltag_cache_dir = {tmp_path / 'ini'}\n")

    seed.run()
    assert not (tmp_path / "ini").exists()
    seed.run(f"--wheeltag-cache-dir={tmp_path / 'option'}")
    assert (tmp_path / "option" / "interpreters-v1").is_dir()
    monkeypatch.delenv("WHEELTAG_CACHE_DIR")
    seed.run()
    assert (tmp_path / "ini" / "interpreters-v1").is_dir()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--wheeltag-accept=worse"], "ERROR: --wheeltag-accept: expected *inferior*, found: `worse`"),
        (
            ["--wheeltag-exclude-newer=soon"],
            "ERROR: --wheeltag-exclude-newer: expected *2026-*, found: `soon`",
        ),
        (
            ["--wheeltag-env=nowhere"],
            "ERROR: expected a virtual environment's folder or a python executable, *nowhere`",
        ),
        (["--wheeltag-index-url=git+https://index.example/simple/"], "ERROR: *git+https*"),
        (["--wheeltag-config-settings=oops"], "ERROR: --wheeltag-config-settings: expected *`KEY=VALUE`*"),
        (["--wheeltag-index-strategy=best"], "*--wheeltag-index-strategy: invalid choice: *best*"),
    ],
)
def test_a_mistaken_option_is_one_line_and_exit_status_4(
    seed: Stage, arguments: list[str], line: str
) -> None:
    result = seed.run(*arguments)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])
    result.stderr.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "wheeltag_index_strategy = best",
            "ERROR: wheeltag_index_strategy: expected `merge` or `first`, found: `best`",
        ),
        ("wheeltag_accpet = inferior", "ERROR: *nearest is `wheeltag_accept`, found: `wheeltag_accpet`"),
        ("wheeltag_accept = inferor", "ERROR: wheeltag_accept: expected *, found: `inferor`"),
    ],
)
def test_a_mistaken_ini_value_is_one_line_and_exit_status_4(seed: Stage, line: str, message: str) -> None:
    seed.pytester.makeini(f"[pytest]\n{line}\n")

    result = seed.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_an_unknown_ini_value_is_an_error_without_the_checks_too(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nwheeltag_strikt = true\n")

    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *the nearest is `wheeltag_strict`, found: `wheeltag_strikt`"])


def test_an_unknown_ini_value_without_a_file_was_given_by_o(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("-o", "wheeltag_strikt=true")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: -o: expected a known ini value, *"])


@pytest.mark.parametrize(
    "argument", ["--wheeltag-only", "--wheeltag-json=report.json", f"wheeltag::{LABEL}::pip"]
)
def test_what_is_about_the_checks_needs_the_checks(pytester: pytest.Pytester, argument: str) -> None:
    result = pytester.runpytest(argument)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *add `--wheeltag-check`*"])


def test_uploads_after_the_date_do_not_count(stage: Stage) -> None:
    minor = sys.version_info[1]
    stage.publish("foo", f"py3{minor - 1}-none-any", upload_time="2025-01-01T00:00:00Z")
    stage.publish("foo", f"py3{minor}-none-any", upload_time="2026-01-01T00:00:00Z")
    stage.environment(("foo", f"py3{minor - 1}-none-any"))

    stage.run("--wheeltag-exclude-newer=2025-06-01").assert_outcomes(passed=1)
    stage.run().assert_outcomes(failed=1)


def test_find_links_without_an_index(stage: Stage) -> None:
    minor = sys.version_info[1]
    folder = stage.pytester.mkdir("links")
    for tag in (f"py3{minor - 1}-none-any", f"py3{minor}-none-any"):
        wheel = stage.make_wheel("foo", tag=tag)
        (folder / wheel.name).write_bytes(wheel.read_bytes())
    made = stage.environment(("foo", f"py3{minor - 1}-none-any"))

    result = stage.pytester.runpytest(
        "--wheeltag-check",
        "--wheeltag-only",
        f"--wheeltag-env={made.path}",
        "--wheeltag-no-index",
        "--wheeltag-find-links=links",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*better published `py3{minor}-none-any`*"])


def test_without_checks_no_module_of_ours_is_loaded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_modules():
            ours = {name for name in sys.modules if name.split(".")[0] == "pytest_wheeltag"}
            assert ours == {"pytest_wheeltag", "pytest_wheeltag.plugin"}
            assert not {"urllib3", "virtualenv", "packaging.tags", "truststore"} & set(sys.modules)
        """
    )

    pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_help_shows_every_option(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--help")

    result.stdout.fnmatch_lines(
        [
            "wheeltag: is every installed wheel*",
            "*--wheeltag-check*",
            "*--wheeltag-env=PATH*",
            "*wheeltag_envs (*",
        ]
    )


def test_the_marker_is_registered(pytester: pytest.Pytester) -> None:
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.wheeltag: *"])


def test_a_cache_in_the_project_is_not_collected(seed: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = seed.pytester.path / "cache-of-wheels"
    monkeypatch.setenv("WHEELTAG_CACHE_DIR", str(cache))
    seed.pytester.makepyfile("def test_own(): pass")
    seed.pytester.runpytest(*seed.arguments)
    below = cache / "wheels-v1" / "ab" / "cd" / "files"
    below.mkdir(parents=True)
    (below / "test_foreign.py").write_text("raise RuntimeError('collected')", encoding="utf-8")

    seed.pytester.runpytest().assert_outcomes(passed=1)
