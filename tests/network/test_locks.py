"""Real installers take a lock with the parts that are wanted of it: pip and uv, fetched from the public index."""

import hashlib
import os
from pathlib import Path

import pytest

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.errors import InapplicableError
from pytest_wheeltag.subjects.roster import open_subject, parse_installer_spec
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.system.environment import open_environment
from pytest_wheeltag.system.installed import list_names
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import WheelMaker

pytestmark = pytest.mark.network

HEAD = """
lock-version = "1.0"
created-by = "a test"
extras = ["fast"]
dependency-groups = ["main", "docs"]
default-groups = ["main"]
"""
PACKAGE = """
[[packages]]
name = "{name}"
version = "1.0"
{marker}
wheels = [{{name = "{file}", path = "sub/{file}", hashes = {{sha256 = "{digest}"}}}}]
"""
MARKERS = {
    "always": "",
    "speed": "marker = \"'fast' in extras\"",
    "usual": "marker = \"'main' in dependency_groups\"",
    "pages": "marker = \"'docs' in dependency_groups\"",
}


@pytest.fixture(scope="module")
def lodging(tmp_path_factory: pytest.TempPathFactory) -> Lodging:
    folder = tmp_path_factory.mktemp("lodging")
    source = Workplace(SourceOptions(folder / "cache"), dict(os.environ))
    return Lodging(folder / "home", folder / "kept", source)


@pytest.fixture
def lock(tmp_path: Path, make_wheel: WheelMaker) -> Path:
    parts = [HEAD]
    (tmp_path / "sub").mkdir()
    for name, marker in MARKERS.items():
        data = make_wheel(name).read_bytes()
        file = f"{name}-1.0-py3-none-any.whl"
        (tmp_path / "sub" / file).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        parts.append(PACKAGE.format(name=name, marker=marker, file=file, digest=digest))
    path = tmp_path / "pylock.toml"
    path.write_text("".join(parts), encoding="utf-8")
    return path


@pytest.mark.parametrize("installer", ["pip==26.3", "uv==0.13.9", "uv==0.8.24"])
@pytest.mark.parametrize(
    ("asked", "option", "names"),
    [
        ("{}", "-r", ("always", "usual")),
        ("{}[fast]", "-r", ("always", "speed", "usual")),
        ("{}:docs", "--group", ("always", "pages")),
    ],
    ids=["alone", "extra", "group"],
)
def test_it_takes_what_is_wanted_and_says_which_files(
    lodging: Lodging,
    lock: Path,
    running_interpreter: Interpreter,
    installer: str,
    asked: str,
    option: str,
    names: tuple[str, ...],
) -> None:
    place = Workplace(SourceOptions(lock.parent / "cache", no_index=True, is_alone=True), dict(os.environ))
    text, reader = asked.format(lock), place.reader
    request = (reader.group(text, option) if option == "--group" else reader.file(text, option)).request
    prefix = lock.parent / "env"

    subject = open_subject(parse_installer_spec(installer), place, lodging)
    account = subject.provision(prefix, running_interpreter, request)

    environment = open_environment(prefix, running_interpreter)
    assert environment is not None
    assert list_names(environment.as_existing()) == names
    expected = {name: f"{name}-1.0-py3-none-any.whl" for name in names}
    assert {each.name: each.filename for each in account.resolved or ()} == expected
    assert all(_is_digest_of(each, lock.parent / "sub") for each in account.resolved or ())


def _is_digest_of(file: ResolvedFile, folder: Path) -> bool:
    assert file.filename
    return file.sha256 == hashlib.sha256((folder / file.filename).read_bytes()).hexdigest()


@pytest.mark.parametrize("installer", ["pip==26.0.1", "uv==0.6.14"])
def test_those_before_take_none(
    lodging: Lodging, lock: Path, running_interpreter: Interpreter, installer: str
) -> None:
    place = Workplace(SourceOptions(lock.parent / "cache", no_index=True, is_alone=True), dict(os.environ))
    request = place.reader.file(str(lock), "-r").request

    with pytest.raises(InapplicableError, match="before "):
        open_subject(parse_installer_spec(installer), place, lodging).provision(
            lock.parent / "env", running_interpreter, request
        )
