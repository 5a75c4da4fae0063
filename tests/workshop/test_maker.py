from dataclasses import fields
from pathlib import Path

import pytest

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop import FAULTS, SdistSpec, WheelMaker, WheelSpec
from pytest_wheeltag.workshop.maker import SdistWishes, WheelWishes


def test_wishes_are_the_options_of_the_specifications() -> None:
    assert {"name", "version", *WheelWishes.__annotations__} == {field.name for field in fields(WheelSpec)}
    assert {"name", "version", *SdistWishes.__annotations__} == {field.name for field in fields(SdistSpec)}


def test_it_makes_wheels_and_sdists(tmp_path: Path) -> None:
    make = WheelMaker(tmp_path / "samples")
    wheel = make("foo", "1.0", tag="py311-none-any", files={"foo.py": ""}, requires=["bar"], build="1")
    assert wheel == tmp_path / "samples" / "foo-1.0-1-py311-none-any.whl"
    assert make.sdist("foo", "1.0").name == "foo-1.0.tar.gz"
    assert make("foo", faults=[FAULTS["archive-empty"]]).read_bytes() == b""


def test_both_of_two_files_with_one_name_stay(tmp_path: Path) -> None:
    make = WheelMaker(tmp_path)
    first, second = make("foo", files={"a": "1"}), make("foo", files={"a": "2"})
    assert first.name == second.name
    assert first.read_bytes() != second.read_bytes()
    assert make("foo", files={"a": "1"}) == first
    assert make("foo", files={"a": "2"}) == second
    assert make("foo", files={"a": "3"}) == tmp_path / "3" / first.name


def test_accidents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        WheelMaker(tmp_path)("foo", requires="bar")
