import base64
import csv
import hashlib
import io
from dataclasses import replace
from itertools import pairwise

import pytest

from pytest_wheeltag.core.entrypoints import EntryPoint
from pytest_wheeltag.core.manifest import UnpackedFile, UnpackedWheel
from pytest_wheeltag.core.plan import (
    InstallPlan,
    InstallRequest,
    LinkedFolder,
    WrittenFile,
    plan_installation,
)
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import WheelError

LIBRARY = "lib/python3.12/site-packages"
TARGET = InstallTarget(
    "/env",
    "/env/bin/python",
    (3, 12, 1),
    LIBRARY,
    "lib64/python3.12/site-packages",
    "bin",
    "include/site/python3.12",
    platform="linux-x86_64",
)
INFO = "Foo-1.0.dist-info"


def make(*paths: str, **changes: object) -> UnpackedWheel:
    files = tuple(
        UnpackedFile(path, len(path), 0, 0o444, f"digest-{path}".partition(",")[0]) for path in paths
    )
    tops = {path.partition("/")[0] for path in paths}
    wheel = UnpackedWheel(
        "foo-1.0-py3-none-any.whl",
        "0" * 64,
        "Foo",
        "1.0",
        ("py3-none-any",),
        INFO,
        is_purelib=True,
        files=files,
        data_folders=frozenset(top for top in tops if top.endswith(".data")),
    )
    return replace(wheel, **changes)  # type: ignore[arg-type] # one dict for many types


def written(plan: InstallPlan, path: str) -> bytes:
    return next(file.content for file in (*plan.scripts, *plan.metadata) if file.path == path)


def record(plan: InstallPlan, library: str = LIBRARY) -> dict[str, tuple[str, str]]:
    text = written(plan, f"{library}/{INFO}/RECORD").decode()
    return {path: (digest, size) for path, digest, size in csv.reader(io.StringIO(text, newline=""))}


def test_each_scheme_goes_where_the_environment_has_it() -> None:
    schemes = ("purelib", "platlib", "headers", "scripts", "data")
    wheel = make("foo/a.py", "foo/b.py", *(f"Foo-1.0.data/{scheme}/x/y" for scheme in schemes))
    plan = plan_installation(wheel, TARGET)
    assert plan.links == (
        LinkedFolder("Foo-1.0.data/scripts/x", "bin/x", ("y",), is_copied=True),
        LinkedFolder("Foo-1.0.data/headers/x", "include/site/python3.12/Foo/x", ("y",)),
        LinkedFolder("foo", f"{LIBRARY}/foo", ("a.py", "b.py")),
        LinkedFolder("Foo-1.0.data/purelib/x", f"{LIBRARY}/x", ("y",)),
        LinkedFolder("Foo-1.0.data/platlib/x", "lib64/python3.12/site-packages/x", ("y",)),
        LinkedFolder("Foo-1.0.data/data/x", "x", ("y",)),
    )


def test_the_root_of_a_platform_wheel_goes_to_platlib() -> None:
    plan = plan_installation(make("foo.so", f"{INFO}/METADATA", is_purelib=False), TARGET)
    assert {link.destination for link in plan.links} == {
        "lib64/python3.12/site-packages",
        f"lib64/python3.12/site-packages/{INFO}",
    }
    assert plan.dist_info == f"lib64/python3.12/site-packages/{INFO}"


def test_payload_and_information_are_told_apart() -> None:
    plan = plan_installation(make("foo.py", f"{INFO}/METADATA", f"{INFO}/licenses/MIT"), TARGET)
    assert [link.destination for link in plan.payload] == [LIBRARY]
    assert [link.destination for link in plan.information] == [
        f"{LIBRARY}/{INFO}",
        f"{LIBRARY}/{INFO}/licenses",
    ]


def test_record_lists_every_file_by_what_is_written() -> None:
    wheel = make("foo.py", "Foo-1.0.data/data/share/x", f"{INFO}/METADATA", f"{INFO}/RECORD")
    plan = plan_installation(wheel, TARGET, InstallRequest(is_requested=True, direct_url=b"{}"))
    rows = record(plan)
    assert rows["foo.py"] == ("sha256=digest-foo.py", "6")
    assert rows["../../../share/x"] == ("sha256=digest-Foo-1.0.data/data/share/x", "25")
    assert rows[f"{INFO}/RECORD"] == ("", "")
    installer = base64.urlsafe_b64encode(hashlib.sha256(b"pytest-wheeltag\n").digest()).rstrip(b"=").decode()
    assert rows[f"{INFO}/INSTALLER"] == (f"sha256={installer}", "16")
    assert len(rows) == len(list(plan.paths)) == 7
    assert written(plan, f"{LIBRARY}/{INFO}/REQUESTED") == b""
    assert written(plan, f"{LIBRARY}/{INFO}/direct_url.json") == b"{}"


def test_record_quotes_what_csv_would_misread() -> None:
    rows = record(plan_installation(make('a,b"c.txt'), TARGET))
    assert 'a,b"c.txt' in rows


def test_rows_of_the_other_library_climb_as_far_as_needed() -> None:
    plan = plan_installation(make("Foo-1.0.data/platlib/x.so", f"{INFO}/METADATA"), TARGET)
    assert "../../../lib64/python3.12/site-packages/x.so" in record(plan)


def test_what_is_installed_by_name_only_is_not_requested() -> None:
    plan = plan_installation(make("foo.py"), TARGET)
    assert {file.path.rpartition("/")[2] for file in plan.metadata} == {"INSTALLER", "RECORD"}


@pytest.mark.parametrize("name", ["INSTALLER", "REQUESTED", "direct_url.json"])
def test_what_installers_write_is_not_taken_from_the_wheel(name: str) -> None:
    plan = plan_installation(make("foo.py", f"{INFO}/{name}"), TARGET)
    assert plan.information == ()
    assert plan.warnings == (f"it ships what installers write, left out: `{name}`",)


def test_entry_points_become_launchers() -> None:
    points = (EntryPoint("foo", "foo.cli", "main"), EntryPoint("foo-gui", "foo.gui", "App.run", is_gui=True))
    plan = plan_installation(make("foo.py", entry_points=points), TARGET)
    assert [script.path for script in plan.scripts] == ["bin/foo", "bin/foo-gui"]
    assert all(script.is_executable for script in plan.scripts)
    content = written(plan, "bin/foo-gui")
    assert content.startswith(b"#!/env/bin/python\nimport sys\nfrom foo.gui import App\n")
    assert b"sys.exit(App.run())" in content
    assert record(plan)["../../../bin/foo"][1] == str(len(written(plan, "bin/foo")))


def test_on_windows_launchers_are_programs() -> None:
    windows = replace(
        TARGET, platform="win-amd64", executable="C:\\env\\Scripts\\python.exe", scripts="Scripts"
    )
    request = InstallRequest(
        scripts={"Foo-1.0.data/scripts/tool": b"#!python\nx"},
        make_stub=lambda point, target: f"{point.name} {target.platform}".encode(),
    )
    wheel = make(
        "Foo-1.0.data/scripts/tool",
        entry_points=(EntryPoint("foo", "foo", "main"),),
        placeholders=("Foo-1.0.data/scripts/tool",),
    )
    plan = plan_installation(wheel, windows, request)
    assert WrittenFile("Scripts/foo.exe", b"foo win-amd64", is_executable=True) in plan.scripts
    assert written(plan, "Scripts/tool") == b"#!C:\\env\\Scripts\\python.exe\r\nx"


def test_pip_itself_gets_the_launchers_of_the_target() -> None:
    points = tuple(EntryPoint(name, "pip", "main") for name in ("pip", "pip3", "pip3.9"))
    plan = plan_installation(make("pip.py", entry_points=points), TARGET)
    assert [script.path for script in plan.scripts] == ["bin/pip", "bin/pip3", "bin/pip3.12"]


def test_shipped_scripts_get_their_interpreter_and_are_never_linked() -> None:
    waiting, ready = "Foo-1.0.data/scripts/waiting", "Foo-1.0.data/scripts/ready"
    wheel = make(waiting, ready, placeholders=(waiting,))
    plan = plan_installation(wheel, TARGET, InstallRequest(scripts={waiting: b"#!python -u\nprint()\n"}))
    assert plan.links == (LinkedFolder("Foo-1.0.data/scripts", "bin", ("ready",), is_copied=True),)
    assert written(plan, "bin/waiting") == b"#!/env/bin/python\nprint()\n"
    assert record(plan)["../../../bin/waiting"][1] == "26"


def test_a_launcher_takes_the_place_of_a_shipped_wrapper() -> None:
    wheel = make(
        "Foo-1.0.data/scripts/foo",
        "Foo-1.0.data/scripts/foo-script.py",
        "Foo-1.0.data/scripts/foo.exe",
        "Foo-1.0.data/scripts/other",
        entry_points=(EntryPoint("foo", "foo", "main"),),
    )
    plan = plan_installation(wheel, TARGET)
    assert [link.names for link in plan.links] == [("other",)]


def test_of_two_files_for_one_place_the_last_is_taken() -> None:
    plan = plan_installation(make("foo.py", "Foo-1.0.data/purelib/foo.py"), TARGET)
    assert [link.source for link in plan.links] == ["Foo-1.0.data/purelib"]
    assert plan.warnings == (f"two files go to one place, the last is taken: `{LIBRARY}/foo.py`",)


@pytest.mark.parametrize(
    "path",
    [
        "Foo-1.0.data/scripts/python",
        "Foo-1.0.data/data/bin/python3",
        "Foo-1.0.data/data/pyvenv.cfg",
        "Foo-1.0.data/data/.wheeltag",
        "Foo-1.0.data/purelib/bar-1.0.dist-info/RECORD",
        f"Foo-1.0.data/data/{LIBRARY}/bar-1.0.dist-info/RECORD",
        "bar-1.0.dist-info/METADATA",
    ],
)
def test_no_wheel_touches_what_is_not_its_own(path: str) -> None:
    with pytest.raises(WheelError, match=r"^foo-1.0-py3-none-any.whl is refused, it "):
        plan_installation(make(path), TARGET)


def test_an_entry_point_may_not_be_an_interpreter() -> None:
    with pytest.raises(WheelError, match=r"interpreter"):
        plan_installation(make(entry_points=(EntryPoint("Python3", "foo", "main"),)), TARGET)


def test_folders_come_parents_first_and_each_before_its_neighbours() -> None:
    plan = plan_installation(make("foo/a/x.py", "foo-bar/y.py", "foo/z.py"), TARGET)
    below = [folder for folder in plan.folders if folder.startswith(LIBRARY + "/foo")]
    assert below == [f"{LIBRARY}/foo", f"{LIBRARY}/foo/a", f"{LIBRARY}/foo-bar"]
    order = [link.destination.split("/") for link in plan.links]
    assert all(one <= other for one, other in pairwise(order))


def test_one_wheel_has_one_plan() -> None:
    wheel = make("foo.py", "Foo-1.0.data/data/x", entry_points=(EntryPoint("foo", "foo", "main"),))
    assert plan_installation(wheel, TARGET) == plan_installation(wheel, TARGET)


def test_sources_are_all_that_pip_compiles_but_those_in_the_dist_info() -> None:
    wheel = make(
        "foo/b.py",
        "a.py",
        "foo/b.pyi",
        "foo/b.py.txt",
        f"{INFO}/licenses/c.py",
        *(f"Foo-1.0.data/{scheme}/x.py" for scheme in ("platlib", "headers", "scripts", "data")),
        "Foo-1.0.data/scripts/waiting.py",
        placeholders=("Foo-1.0.data/scripts/waiting.py",),
        entry_points=(EntryPoint("launcher.py", "foo", "main"),),
    )
    request = InstallRequest(scripts={"Foo-1.0.data/scripts/waiting.py": b"#!python\n"})
    assert plan_installation(wheel, TARGET, request).sources == (
        "bin/waiting.py",
        "bin/x.py",
        "include/site/python3.12/Foo/x.py",
        f"{LIBRARY}/a.py",
        f"{LIBRARY}/foo/b.py",
        "lib64/python3.12/site-packages/x.py",
        "x.py",
    )


def test_what_others_write_stands_in_record_without_hash_and_size() -> None:
    shipped = "foo/__pycache__/shipped.cpython-312.pyc"
    plan = plan_installation(make('foo/a,b"c.py', "foo/x.py", shipped, "Foo-1.0.data/scripts/x.py"), TARGET)
    made = ('foo/__pycache__/a,b"c.cpython-312.pyc', shipped)
    compiled = plan.with_unhashed(
        [*(f"{LIBRARY}/{path}" for path in made), "bin/__pycache__/x.cpython-312.pyc"]
    )
    rows = record(compiled)
    added = {*made, "../../../bin/__pycache__/x.cpython-312.pyc"}
    assert {path for path, row in rows.items() if row == ("", "")} == {*added, f"{INFO}/RECORD"}
    assert rows.keys() == record(plan).keys() | added
    assert {path: row for path, row in rows.items() if path not in added} == {
        path: row for path, row in record(plan).items() if path not in added
    }
    paths = [row[0] for row in csv.reader(io.StringIO(compiled.metadata[-1].content.decode(), newline=""))]
    assert paths == sorted(rows)
    assert replace(compiled, metadata=plan.metadata) == plan


def test_without_bytecode_the_plan_stays_as_it_is() -> None:
    plan = plan_installation(make("foo.py"), TARGET)
    assert plan.with_unhashed([]) is plan
