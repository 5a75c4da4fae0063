import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.plan import InstallPlan
from pytest_wheeltag.core.target import InstallTarget
from pytest_wheeltag.errors import InstallationError
from pytest_wheeltag.system.entries import StoreEntry, Verification, find_suspects
from pytest_wheeltag.system.linker import Route, install
from pytest_wheeltag.system.transaction import open_transaction
from pytest_wheeltag.system.uninstall import check_removable, uninstall
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
        install(plan, Route(entry.root, Path(target.prefix)))
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
    assert uninstall(info, target) == "foo 1.0"
    assert tree(target) == before


def test_the_store_is_left_as_it_was(stored: Stored, planned: Planned, target: InstallTarget) -> None:
    entry = stored(WheelSpec("foo", "1.0"))
    plan = planned(entry)
    install(plan, Route(entry.root, Path(target.prefix)))
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
    uninstall(info, target)
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


def test_an_absolute_row_is_refused(installed: Installed, target: InstallTarget) -> None:
    outside = Path(target.prefix).parent / "outside"
    outside.touch()
    info = installed()
    append(info, str(outside))
    uninstall(info, target)
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
    uninstall(info, target)
    assert not Path(target.prefix, target.purelib, "bar.py").exists()


@pytest.mark.parametrize("content", [b"pip\n", None])
def test_what_others_installed_goes_too(
    installed: Installed, target: InstallTarget, content: bytes | None
) -> None:
    before = tree(target)
    info = installed(files={"foo.py": ""})
    (info / "INSTALLER").unlink()
    if content:
        (info / "INSTALLER").write_bytes(content)
    uninstall(info, target)
    assert tree(target) == before


def test_without_a_record_that_can_be_read_nothing_is_removed(
    installed: Installed, target: InstallTarget
) -> None:
    info = installed(files={"foo.py": ""})
    (info / "RECORD").write_bytes(b'"' + b"x" * 200_000)
    before = tree(target)
    with pytest.raises(InstallationError, match=r"its RECORD cannot be read"):
        uninstall(info, target)
    assert tree(target) == before


@pytest.mark.parametrize(
    ("installer", "told"),
    [
        (b"pip\n", "pip installed it, mend it by installing it anew with pip"),
        (b"pytest-wheeltag\n", "remove its files by hand, or make the environment anew"),
        (b"", "remove its files by hand, or make the environment anew"),
        (None, "remove its files by hand, or make the environment anew"),
    ],
    ids=["pip", "ours", "empty", "none"],
)
def test_without_a_record_it_is_told_who_installed_it_and_what_to_do(
    installed: Installed, target: InstallTarget, installer: bytes | None, told: str
) -> None:
    info = installed(files={"foo.py": ""})
    for name in ("RECORD", "INSTALLER"):
        (info / name).unlink()
    if installer is not None:
        (info / "INSTALLER").write_bytes(installer)
    assert_refused(info, target, f"what is there has no RECORD of its files; {told}")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("foo-1.0-py3.11.egg-info", "distutils or setuptools installed it, uninstall it with pip or by hand"),
        ("foo-1.0.egg-info", "distutils or setuptools installed it, uninstall it with pip or by hand"),
        ("foo-1.0-py3.11.egg", "easy_install installed it, uninstall it with pip or by hand"),
        ("foo.egg-link", "`setup.py develop` linked it, uninstall it with pip"),
    ],
)
def test_what_has_no_dist_info_is_refused_with_who_installed_it(
    target: InstallTarget, name: str, told: str
) -> None:
    egg = Path(target.prefix, target.purelib, name)
    egg.write_text("Metadata-Version: 1.0\n")
    assert_refused(egg, target, f"what is there has no RECORD of its files; {told}")


@pytest.mark.parametrize("name", ["foo-1.0-py3.11.egg-info", "foo-1.0.dist-info"])
def test_what_conda_installed_without_a_record_is_left_to_conda(target: InstallTarget, name: str) -> None:
    place = Path(target.prefix, target.purelib, name)
    place.mkdir()
    records = Path(target.prefix, "conda-meta")
    records.mkdir()
    (records / "foo-1.0-py311_0.json").touch()
    assert_refused(place, target, "conda installed what is there, remove it with `conda remove foo`")


def assert_refused(place: Path, target: InstallTarget, told: str) -> None:
    """Nobody may take it away, by whatever call, and nothing is touched."""
    before = tree(target)
    for call in (check_removable, uninstall):
        with pytest.raises(InstallationError) as caught:
            call(place, target)
        assert caught.value.problem == told
        assert caught.value.distribution.startswith("foo")
        assert caught.value.path == str(place)
    assert tree(target) == before


def test_bytecode_beside_its_source_goes_too(installed: Installed, target: InstallTarget) -> None:
    info = installed(files={"foo/a.py": ""})
    for name in ("a.pyc", "a.pyo"):
        (info.parent / "foo" / name).touch()
    uninstall(info, target)
    assert not (info.parent / "foo").exists()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_in_a_transaction_the_same_goes_and_the_same_stays(
    installed: Installed, target: InstallTarget, cache: Path
) -> None:
    installed("other", files={"shared.py": "", "other/b.py": ""})
    before = tree(target)
    info = installed(files={"shared.py": "", "foo/a.py": "", "foo/b/c.py": ""}, data={"data/share/x/y": ""})
    append(info, "other", "../site-packages", "../../../../outside", "gone.py", "foo/gone/x.py")
    (info / "notes").touch()
    with open_transaction(cache, target) as transaction:
        uninstall(info, target, transaction)
    assert tree(target) == before


def test_in_a_transaction_what_cannot_be_taken_away_keeps_all_of_it(
    installed: Installed, target: InstallTarget, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = installed(files={"foo/a.py": "", "foo/z.py": ""})
    before = tree(target)
    rename = os.rename

    def refuse(source: str, destination: str, **options: int | None) -> None:
        if str(source).endswith("z.py") and ".wheeltag-replaced" in str(destination):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source)
        rename(source, destination, **options)

    def remove() -> None:
        with open_transaction(cache, target) as transaction:
            uninstall(info, target, transaction)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(InstallationError, match=r"cannot be taken away, operation not permitted: `z\.py`"):
        remove()
    assert tree(target) == before


def test_only_a_dist_info_of_the_environment_can_be_uninstalled(
    installed: Installed, target: InstallTarget
) -> None:
    info = installed()
    elsewhere = info.parent.parent / info.name
    shutil.copytree(info, elsewhere)
    with pytest.raises(InstallationError, match=r"expected a dist-info folder of the environment"):
        uninstall(elsewhere, target)


def test_a_dist_info_is_known_by_any_path_that_leads_to_it(
    installed: Installed, target: InstallTarget, tmp_path: Path
) -> None:
    info = installed(files={"foo.py": ""})
    (tmp_path / "link").symlink_to(target.prefix, target_is_directory=True)
    uninstall(tmp_path / "link" / target.purelib / info.name, target)
    assert not (info.parent / "foo.py").exists()
    assert not info.exists()
