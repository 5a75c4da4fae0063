"""Installers of projects as they are published, each once: fetched, told what to install, heard."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.account import ResolvedFile
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.subjects.roster import InstallerSpec, open_subject
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.system.environment import open_environment
from pytest_wheeltag.system.installed import list_names
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker

pytestmark = pytest.mark.network


@pytest.mark.parametrize(
    "spec", [InstallerSpec("poetry"), InstallerSpec("pdm-cache")], ids=lambda spec: spec.name
)
def test_what_it_is_told_is_installed_from_the_index_alone_and_from_a_path(
    spec: InstallerSpec,
    place: Workplace,
    index: LocalIndex,
    make_wheel: WheelMaker,
    find_python: Callable[[str], Interpreter],
    tmp_path: Path,
) -> None:
    interpreter = find_python("3.11")
    index.add(make_wheel("wheeltag-foo", requires=["wheeltag-bar<2", "wheeltag-baz; python_version < '3'"]))
    own = index.add(make_wheel("wheeltag-bar", tag="py311-none-any"))
    index.add(make_wheel("wheeltag-bar", tag="py310-none-any"))
    index.add(make_wheel("wheeltag-bar", "2.0"))
    local = make_wheel.sdist("wheeltag-local")
    source = Workplace(SourceOptions(tmp_path / "fetched"), os.environ)
    lodging = Lodging(tmp_path / "home", tmp_path / "kept", source)
    subject = open_subject(spec, place, lodging)

    asked = parse_request(["wheeltag-foo", f"wheeltag-local @ {local.as_uri()}"])
    account = subject.provision(tmp_path / "env", interpreter, asked)

    made = open_environment(tmp_path / "env", interpreter)
    assert made is not None
    assert list_names(made.as_existing()) == ("wheeltag-bar", "wheeltag-foo", "wheeltag-local")
    tags = (made.site_packages / "wheeltag_bar-1.0.dist-info" / "WHEEL").read_text(encoding="utf-8")
    assert "Tag: py311-none-any" in tags
    told = {str(each.name): each for each in account.resolved or ()}
    assert told.keys() == {"wheeltag-bar", "wheeltag-foo", "wheeltag-local"}
    assert own.filename in _names(told["wheeltag-bar"])


def _names(told: ResolvedFile) -> set[str | None]:
    return {told.filename, *(name for name, _ in told.among)}
