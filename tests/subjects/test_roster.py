from pathlib import Path

import pytest

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.subjects.pip import PipSubject
from pytest_wheeltag.subjects.roster import SUBJECTS, InstallerSpec, open_subject, parse_installer_spec
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.subjects.wheeltag import WheeltagSubject
from pytest_wheeltag.workplace import Workplace


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("wheeltag", InstallerSpec("wheeltag")),
        ("pip", InstallerSpec("pip")),
        ("pip==26.3", InstallerSpec("pip", "26.3")),
        ("pip==9.0.1rc1", InstallerSpec("pip", "9.0.1rc1")),
    ],
)
def test_a_name_with_or_without_a_version_is_an_installer(text: str, spec: InstallerSpec) -> None:
    assert parse_installer_spec(text) == spec


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nosuch",
        "Pip",
        "pip ",
        "pip==",
        "pip=26",
        "pip==new",
        "pip>=26",
        "pip==26.*",
        "wheeltag==0.1",
        "==1.0",
        "pip==1==2",
    ],
)
def test_anything_else_is_a_usage_error_that_names_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_installer_spec(text, setting="wheeltag_installer")

    message = str(caught.value)
    assert message.startswith("wheeltag_installer: expected an installer, one of `wheeltag`, `pip`, ")
    assert "each but `wheeltag` also with `==VERSION`" in message
    assert message.endswith(f", found: `{text}`")


@pytest.mark.parametrize(
    ("text", "nearest"), [("Pip", "pip"), ("pipp==26.3", "pip"), ("wheel-tag", "wheeltag")]
)
def test_of_a_mistaken_name_the_nearest_right_one_is_told(text: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"the nearest is `{nearest}`"):
        parse_installer_spec(text)


def test_a_specification_opens_its_installer(place: Workplace, tmp_path: Path) -> None:
    lodging = Lodging(tmp_path / "home", tmp_path / "cache", place)
    assert isinstance(open_subject(InstallerSpec("wheeltag"), place, lodging), WheeltagSubject)
    assert open_subject(InstallerSpec("pip", "26.3"), place, lodging) == PipSubject(place, lodging, "26.3")
    assert open_subject(InstallerSpec("pip"), place, lodging) == PipSubject(place, lodging)
    assert {"wheeltag", "pip"} <= set(SUBJECTS)
