import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.plan import InstallPlan
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import InstallationError
from pytest_wheeltag.system.entries import StoreEntry, Verification, find_suspects
from pytest_wheeltag.system.linker import install
from pytest_wheeltag.system.uninstall import uninstall
from pytest_wheeltag.workshop import WheelSpec

Stored = Callable[[WheelSpec], StoreEntry]
Planned = Callable[[StoreEntry], InstallPlan]
Installed = Callable[..., Path]


@pytest.fixture
def installed(stored: Stored, planned: Planned, target: InstallTarget) -> Installed:
    """Install a small wheel, and give its dist-info folder."""

    def install_wheel(name: str = "foo", **parts: object) -> Path:
        entry = stored(WheelSpec(name, "1.0", **parts))  # type: ignore[arg-type] # one dict for many types
        plan = planned(entry)
        install(plan, entry.root, Path(target.prefix))
        return Path(target.prefix, plan.dist_info)

    return install_wheel


def tree(target: InstallTarget) -> set[str]:
    return {str(path.relative_to(target.prefix)) for path in Path(target.prefix).rglob("*")}


def append(dist_info: Path, *rows: str) -> None:
    with (dist_info / "RECORD").open("a", encoding="utf-8") as file:
        file.writelines(f"{row},,\n" for row in rows)


def test_what_was_installed_goes_and_nothing_else(installed: Installed, target: InstallTarget) -> None:
    installed("other", files={"shared_folder/other.py": ""})
    before = tree(target)
    info = installed(
        files={"foo/a.py": "", "foo/b/c.py": "", "shared_folder/foo.py": ""},
        data={"data/share/man/man1/foo.1": "", "headers/foo.h": "", "scripts/s": "#!python\n"},
        entry_points={"console_scripts": {"foo": "foo:main"}},
    )
    assert tree(target) > before
    report = uninstall(info, target)
    assert tree(target) == before
    assert report.distribution == "foo 1.0"
    assert report.kept == {}
    assert f"{target.purelib}/foo/b/c.py" in report.removed
    assert f"{target.scripts}/foo" in report.removed


def test_the_store_is_left_as_it_was(stored: Stored, planned: Planned, target: InstallTarget) -> None:
    entry = stored(WheelSpec("foo", "1.0"))
    plan = planned(entry)
    install(plan, entry.root, Path(target.prefix))
    uninstall(Path(target.prefix, plan.dist_info), target)
    assert find_suspects(entry, Verification.HASH) == ()


def test_bytecode_of_removed_modules_goes_too(installed: Installed, target: InstallTarget) -> None:
    info = installed(files={"foo/a.py": "", "single.py": ""})
    library = Path(target.prefix, target.purelib)
    own = [
        "foo/__pycache__/a.cpython-312.pyc",
        "foo/__pycache__/a.pypy39.opt-1.pyc",
        "__pycache__/single.cpython-38.pyc",
    ]
    others = ["__pycache__/other.cpython-312.pyc", "__pycache__/single.py", "__pycache__/single.other.pyc"]
    for name in (*own, *others):
        (library / name).parent.mkdir(exist_ok=True)
        (library / name).touch()
    uninstall(info, target)
    assert [name for name in own if (library / name).exists()] == []
    assert [name for name in others if (library / name).exists()] == others
    assert not (library / "foo").exists()


def test_what_users_put_beside_it_stays(installed: Installed, target: InstallTarget) -> None:
    info = installed(files={"foo/a.py": ""})
    mine = Path(target.prefix, target.purelib, "foo", "mine.txt")
    mine.write_text("mine")
    (info / "notes").touch()
    uninstall(info, target)
    assert mine.read_text() == "mine"
    assert not info.exists()


def test_files_that_another_has_too_stay(installed: Installed, target: InstallTarget) -> None:
    installed("other", files={"shared.py": "", "other.py": ""})
    info = installed(files={"shared.py": "", "foo.py": ""})
    report = uninstall(info, target)
    assert report.kept == {f"{target.purelib}/shared.py": "other-1.0 has it, too"}
    assert Path(target.prefix, target.purelib, "shared.py").is_file()
    assert not Path(target.prefix, target.purelib, "foo.py").exists()


@pytest.mark.parametrize(
    "row",
    [
        "../../../../outside",
        "../../../../outside/file",
        "../../../pyvenv.cfg",
        "../../../bin/python",
        "../other-1.0.dist-info/RECORD",
        "other-1.0.dist-info/RECORD",
        "other-1.0.dist-info",
        "../site-packages",
        "..",
        "../../..",
        ".",
        "other",
    ],
)
def test_rows_that_reach_for_others_are_refused(
    installed: Installed, target: InstallTarget, row: str
) -> None:
    prefix = Path(target.prefix)
    (prefix.parent / "outside").mkdir()
    (prefix.parent / "outside" / "file").touch()
    for name in ("pyvenv.cfg", "bin/python"):
        (prefix / name).touch()
    installed("other", files={"other/a.py": ""})
    before = tree(target)
    info = installed(files={"foo.py": ""})
    append(info, row)
    uninstall(info, target)
    assert tree(target) == before
    assert (prefix.parent / "outside" / "file").is_file()


def test_an_absolute_row_is_refused_and_named(installed: Installed, target: InstallTarget) -> None:
    outside = Path(target.prefix).parent / "outside"
    outside.touch()
    info = installed()
    append(info, str(outside))
    assert uninstall(info, target).kept == {str(outside): "it leads out of the environment"}
    assert outside.is_file()


def test_links_on_the_way_are_not_followed(installed: Installed, target: InstallTarget) -> None:
    info = installed(files={"foo/a.py": "", "bar.py": ""})
    library, outside = Path(target.prefix, target.purelib), Path(target.prefix).parent / "outside"
    outside.mkdir()
    (outside / "a.py").write_text("kept")
    shutil.rmtree(library / "foo")
    (library / "foo").symlink_to(outside, target_is_directory=True)
    uninstall(info, target)
    assert (outside / "a.py").read_text() == "kept"
    assert not (library / "bar.py").exists()


def test_a_row_that_is_a_link_loses_the_link_only(installed: Installed, target: InstallTarget) -> None:
    info = installed(files={"foo.py": ""})
    outside = Path(target.prefix).parent / "outside"
    outside.write_text("kept")
    module = Path(target.prefix, target.purelib, "foo.py")
    module.unlink()
    module.symlink_to(outside)
    uninstall(info, target)
    assert outside.read_text() == "kept"
    assert not module.is_symlink()


def test_files_that_are_gone_already_are_no_error(installed: Installed, target: InstallTarget) -> None:
    info = installed(files={"foo/a.py": "", "bar.py": ""})
    shutil.rmtree(Path(target.prefix, target.purelib, "foo"))
    assert f"{target.purelib}/bar.py" in uninstall(info, target).removed


@pytest.mark.parametrize(("content", "named"), [(b"pip\n", "pip"), (None, "nobody")])
def test_what_others_installed_is_left_to_them(
    installed: Installed, target: InstallTarget, content: bytes | None, named: str
) -> None:
    info = installed(files={"foo.py": ""})
    (info / "INSTALLER").unlink()
    if content:
        (info / "INSTALLER").write_bytes(content)
    before = tree(target)
    with pytest.raises(InstallationError, match=rf"uninstall it with what installed it: `{named}`$"):
        uninstall(info, target)
    assert tree(target) == before
    uninstall(info, target, foreign=True)
    assert not info.exists()


@pytest.mark.parametrize("content", [None, b'"' + b"x" * 200_000])
def test_without_a_record_that_can_be_read_nothing_is_removed(
    installed: Installed, target: InstallTarget, content: bytes | None
) -> None:
    info = installed(files={"foo.py": ""})
    (info / "RECORD").unlink()
    if content:
        (info / "RECORD").write_bytes(content)
    with pytest.raises(InstallationError, match=r"its RECORD cannot be read"):
        uninstall(info, target)
    assert info.is_dir()


def test_only_a_dist_info_of_the_environment_can_be_uninstalled(
    installed: Installed, target: InstallTarget
) -> None:
    info = installed()
    elsewhere = info.parent.parent / info.name
    shutil.copytree(info, elsewhere)
    with pytest.raises(InstallationError, match=r"expected a dist-info folder of the environment"):
        uninstall(elsewhere, target)
