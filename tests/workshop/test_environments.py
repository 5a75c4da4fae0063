import json
import os
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.environments import EnvironmentSpec, FakeEnvironment, lay, make_environment
from pytest_wheeltag.workshop.fault import parse_rows
from pytest_wheeltag.workshop.faults import FAULTS
from pytest_wheeltag.workshop.wheels import WheelSpec, build_wheel, record_digest

POSIX = EnvironmentSpec(Path("/opt/python/bin/python3"), "3.12.1", is_windows=False)
WINDOWS = EnvironmentSpec(Path("C:/Python/python.exe"), "3.12.1", is_windows=True)
FULL = WheelSpec(
    "foo",
    "1.0",
    data={"scripts/run": "#!python -s\nprint(1)\n", "data/etc/foo.cfg": "x", "headers/foo.h": "y"},
    entry_points={"console_scripts": {"Foo": "foo:main [x]"}, "gui_scripts": {"foow": "foo:a.b"}},
)


def environment_of(tmp_path: Path, spec: EnvironmentSpec) -> FakeEnvironment:
    return make_environment(tmp_path / "env", spec)


def paths(environment: FakeEnvironment) -> set[str]:
    found = (path for path in environment.path.rglob("*") if not path.is_dir() or path.is_symlink())
    return {path.relative_to(environment.path).as_posix() for path in found}


def test_a_posix_environment_has_the_layout_of_venv(tmp_path: Path) -> None:
    environment = environment_of(tmp_path, POSIX)
    assert paths(environment) == {"pyvenv.cfg", "bin/python", "bin/python3", "bin/python3.12"}
    assert environment.site_packages == environment.path / "lib" / "python3.12" / "site-packages"
    lines = (environment.path / "pyvenv.cfg").read_text().splitlines()
    assert {"home = /opt/python/bin", "version = 3.12.1", "include-system-site-packages = false"} <= set(
        lines
    )


def test_a_windows_environment_has_the_layout_of_venv(tmp_path: Path) -> None:
    environment = environment_of(tmp_path, WINDOWS)
    assert paths(environment) == {"pyvenv.cfg", "Scripts/python.exe", "Scripts/pythonw.exe"}
    assert environment.site_packages == environment.path / "Lib" / "site-packages"


def test_other_builds_have_other_libraries(tmp_path: Path) -> None:
    spec = EnvironmentSpec(Path("/x/python"), "3.13.0", "python3.13t", is_windows=False)
    assert environment_of(tmp_path, spec).site_packages.parts[-3:] == ("lib", "python3.13t", "site-packages")


@pytest.mark.skipif(os.name == "nt", reason="a copied interpreter does not start on Windows")
def test_the_running_interpreter_takes_it_for_an_environment(tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "env")
    lay(
        build_wheel(WheelSpec("foo", "1.0", entry_points={"console_scripts": {"foo": "foo:main"}}), tmp_path),
        environment,
    )
    code = "import sys, foo; print(sys.prefix, foo.__file__)"
    done = subprocess.run([environment.python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        str(environment.path),
        str(environment.site_packages / "foo" / "__init__.py"),
    ]
    launched = subprocess.run([environment.scripts / "foo"], capture_output=True, text=True, check=True)
    assert launched.stdout == "1.0 py3-none-any\n"
    assert EnvironmentSpec.of_running().version == sys.version.split()[0]


@pytest.mark.parametrize("spec", [POSIX, WINDOWS], ids=["posix", "windows"])
def test_record_lists_every_laid_file(tmp_path: Path, spec: EnvironmentSpec) -> None:
    environment = environment_of(tmp_path, spec)
    before = paths(environment)
    info = lay(build_wheel(FULL, tmp_path), environment, direct_url={"url": "file:///x", "dir_info": {}})
    rows = {row[0]: row for row in parse_rows((info / "RECORD").read_bytes())}
    laid = {environment.path / path for path in paths(environment) - before}
    assert {(environment.site_packages / path).resolve() for path in rows} == {
        path.resolve() for path in laid
    }
    for path, digest, size in rows.values():
        content = (environment.site_packages / path).read_bytes()
        expected = (
            ("", "") if path.endswith("/RECORD") else (f"sha256={record_digest(content)}", str(len(content)))
        )
        assert (digest, size) == expected


def test_scripts_name_the_environment_s_interpreter(tmp_path: Path) -> None:
    environment = environment_of(tmp_path, POSIX)
    lay(build_wheel(FULL, tmp_path), environment)
    first = f"#!{environment.python}\n"
    assert (environment.scripts / "run").read_text() == first + "print(1)\n"
    assert (environment.scripts / "Foo").read_text() == (
        first + "import sys\nfrom foo import main\nsys.exit(main())\n"
    )
    assert "from foo import a\nsys.exit(a.b())" in (environment.scripts / "foow").read_text()
    assert os.access(environment.scripts / "run", os.X_OK)


def test_installed_distributions_are_found(tmp_path: Path) -> None:
    environment = environment_of(tmp_path, POSIX)
    lay(build_wheel(WheelSpec("foo", "1.0"), tmp_path), environment, installer="uv", direct_url={"url": "u"})
    lay(build_wheel(WheelSpec("bar", "2.0"), tmp_path), environment, installer="")
    found = {entry.name: entry for entry in distributions(path=[str(environment.site_packages)])}
    assert {name: entry.version for name, entry in found.items()} == {"foo": "1.0", "bar": "2.0"}
    assert (found["foo"].read_text("INSTALLER"), found["bar"].read_text("INSTALLER")) == ("uv\n", None)
    assert json.loads(text(found["foo"], "direct_url.json")) == {"url": "u"}
    assert found["bar"].read_text("direct_url.json") is None


def text(entry: Distribution, name: str) -> str:
    return entry.read_text(name) or ""


def test_wrong_rows_stay_wrong(tmp_path: Path) -> None:
    environment = environment_of(tmp_path, POSIX)
    info = lay(build_wheel(WheelSpec("foo", "1.0"), tmp_path, [FAULTS["record-other-hash"]]), environment)
    assert b"foo/__init__.py,sha256=AAAA" in (info / "RECORD").read_bytes()


@pytest.mark.parametrize("name", ["wheel-missing", "wheel-without-tag", "metadata-missing", "record-missing"])
def test_incomplete_wheels_can_be_laid(tmp_path: Path, name: str) -> None:
    info = lay(
        build_wheel(WheelSpec("foo", "1.0"), tmp_path, [FAULTS[name]]), environment_of(tmp_path, POSIX)
    )
    missing = {"WHEEL", "METADATA", "RECORD", "INSTALLER"} - {path.name for path in info.iterdir()}
    assert missing == ({name.partition("-")[0].upper()} if name.endswith("missing") else set())


@pytest.mark.parametrize(
    "name", ["path-climbs", "path-climbs-late", "path-absolute", "path-backslashes", "data-climbs"]
)
def test_no_sample_escapes(tmp_path: Path, name: str) -> None:
    environment = environment_of(tmp_path, POSIX)
    before = paths(environment)
    with pytest.raises(UsageError, match="inside of the environment"):
        lay(build_wheel(WheelSpec("foo", "1.0"), tmp_path, [FAULTS[name]]), environment)
    assert paths(environment) == before
