import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.plan import InstallRequest, plan_installation
from pytest_wheeltag.core.target import InstallTarget, target_of
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.linker import Route, install
from pytest_wheeltag.system.transaction import Transaction, open_transaction
from pytest_wheeltag.system.uninstall import check_removable, uninstall
from pytest_wheeltag.workshop import WheelSpec

pytest.importorskip("pip", "23.1", reason="needs pip with its option --python")

Stored = Callable[[WheelSpec], StoreEntry]
Listed = list[tuple[str, str]]

OLD = WheelSpec(
    "foo",
    "1.0",
    files={
        "foo/__init__.py": "def old(): pass\n",
        "foo/was_folder/a.py": "",
        "foo/was_file": "file",
        "foo/gone.py": "",
        "ns/shared.py": "OLD = 1\n",
        "foo_single.py": "",
    },
    data={"scripts/old-tool": "#!python\n", "data/share/foo/old.txt": "old", "headers/foo.h": "h"},
    entry_points={"console_scripts": {"foo": "foo:old", "foo-old": "foo:old"}},
)
NEW = WheelSpec(
    "foo",
    "2.0",
    files={
        "foo/__init__.py": "def new(): pass\n",
        "foo/was_folder": "now a file",
        "foo/was_file/a.py": "",
        "foo/fresh.py": "",
        "ns/shared.py": "OLD = 0\n",
    },
    data={"scripts/new-tool": "#!python\n", "data/share/foo/new.txt": "new"},
    entry_points={"console_scripts": {"foo": "foo:new"}},
)
OTHER = WheelSpec("other", "1.0", files={"ns/other.py": "", "ns/shared.py": "OLD = 1\n"})
BYSTANDER = WheelSpec("bystander", "1.0", requires=["foo"])


@dataclass
class House:
    """An environment that venv made and pip filled."""

    target: InstallTarget
    cache: Path
    entries: dict[str, StoreEntry]
    wheels: Path

    @property
    def prefix(self) -> Path:
        return Path(self.target.prefix)

    def pip(self, *arguments: str) -> str:
        """Call pip from outside; gives what it prints."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        environ = {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        command = [sys.executable, "-m", "pip", "--python", self.target.executable, *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout

    def pip_install(self, *requirements: str) -> None:
        self.pip("install", "--quiet", "--no-index", f"--find-links={self.wheels}", *requirements)

    def listed(self) -> Listed:
        """Give what pip lists, after it has found nothing wrong."""
        assert "No broken requirements" in self.pip("check")
        return [(each["name"], each["version"]) for each in json.loads(self.pip("list", "--format=json"))]

    def install(self, key: str, transaction: Transaction) -> None:
        entry = self.entries[key]
        request = InstallRequest(is_requested=True, scripts=entry.scripts)
        plan = plan_installation(entry.wheel, self.target, request)
        install(plan, Route(entry.root, self.prefix, transaction))

    def uninstall(self, dist_info: str, transaction: Transaction) -> None:
        info = self.prefix / self.target.purelib / dist_info
        check_removable(info, self.target)
        uninstall(info, self.target, transaction)

    def look(self) -> dict[str, object]:
        """Give all files but what installers may do as they like: bytecode, INSTALLER, the order of RECORD."""
        files = (path for path in self.prefix.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return {str(path.relative_to(self.prefix)): _describe(path) for path in files if _counts(path)}

    def bytecode(self) -> set[str]:
        return {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*.pyc")}


def _counts(path: Path) -> bool:
    return path.name not in {"INSTALLER", ".wheeltag"}


def _describe(path: Path) -> object:
    # Files of the store are read-only: write bits are not compared.
    mode = path.stat().st_mode & 0o555
    if path.name != "RECORD":
        return mode, path.read_bytes()
    rows = csv.reader(io.StringIO(path.read_text("utf-8")))
    return mode, frozenset(tuple(row) for row in rows if not row[0].endswith((".pyc", "/INSTALLER")))


@pytest.fixture(scope="module")
def empty(interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let venv make an environment without pip."""
    folder = tmp_path_factory.mktemp("venv") / "env"
    subprocess.run([interpreter.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


@pytest.fixture
def house(empty: Path, interpreter: Interpreter, stored: Stored, tmp_path: Path) -> House:
    entries = {f"{spec.name}-{spec.version}": stored(spec) for spec in (OLD, NEW, OTHER, BYSTANDER)}
    shutil.copytree(empty, tmp_path / "env", symlinks=True)
    made = House(
        target_of(interpreter, str(tmp_path / "env")), tmp_path / "cache", entries, tmp_path / "wheels"
    )
    made.pip_install("foo==1.0", "other==1.0", "bystander")
    return made


@pytest.fixture
def twice(house: House, tmp_path: Path) -> Callable[[], None]:
    """Keep the environment as it is now; called, puts it back."""
    kept = tmp_path / "kept"
    shutil.copytree(house.prefix, kept, symlinks=True)

    def put_back() -> None:
        shutil.rmtree(house.prefix)
        shutil.copytree(kept, house.prefix, symlinks=True)

    return put_back


def replace_foo(house: House, new: str) -> None:
    with open_transaction(house.cache, house.target) as transaction:
        house.uninstall("foo-1.0.dist-info", transaction)
        house.install(new, transaction)


def test_an_upgrade_leaves_what_pip_leaves(house: House, twice: Callable[[], None]) -> None:
    house.pip_install("foo==2.0")
    by_pip, listed, bytecode = house.look(), house.listed(), house.bytecode()
    twice()
    replace_foo(house, "foo-2.0")
    assert house.look() == by_pip
    assert house.listed() == listed == [("bystander", "1.0"), ("foo", "2.0"), ("other", "1.0")]
    # Nothing of the old one's is left, and of the new one's none is there yet.
    assert [path for path in house.bytecode() if "foo" in path.partition("site-packages/")[2]] == []
    assert f"{house.target.purelib}/ns/__pycache__/other.cpython-" in "".join(house.bytecode() & bytecode)


def test_pip_goes_on_where_we_stopped(house: House) -> None:
    replace_foo(house, "foo-2.0")
    house.pip_install("foo==1.0")
    assert ("foo", "1.0") in house.listed()
    house.pip("uninstall", "--yes", "--quiet", "foo", "bystander", "other")
    assert house.listed() == []


def test_a_reinstallation_leaves_what_pip_leaves(house: House, twice: Callable[[], None]) -> None:
    house.pip_install("--force-reinstall", "--no-deps", "foo==1.0")
    by_pip = house.look()
    twice()
    replace_foo(house, "foo-1.0")
    assert house.look() == by_pip


def test_an_uninstallation_leaves_what_pip_leaves_but_shared_files(
    house: House, twice: Callable[[], None]
) -> None:
    house.pip("uninstall", "--yes", "--quiet", "foo")
    by_pip = house.look()
    twice()
    shared = f"{house.target.purelib}/ns/shared.py"
    before = house.look()[shared]
    with open_transaction(house.cache, house.target) as transaction:
        house.uninstall("foo-1.0.dist-info", transaction)
    # pip breaks the other distribution that has this file, too.
    assert house.look() == {**by_pip, shared: before}
    assert [path for path in house.bytecode() if "foo" in path.partition("site-packages/")[2]] == []
