from pathlib import Path

import pytest

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.commandline import CommandLine, read_command_line
from pytest_wheeltag.system.requestfiles import RequestReader


@pytest.fixture
def reader(tmp_path: Path) -> RequestReader:
    return RequestReader(tmp_path, {})


def test_config_settings_are_for_what_is_asked_for_directly(reader: RequestReader, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("bar -C x=y\n", "utf-8")
    line = CommandLine(requirements=("foo",), files=("r.txt",), config_settings=("a=b", "a=c"))

    told = [demand for asked in read_command_line(line, reader) for demand in asked.request.requirements]

    assert {each.name: each.config_settings for each in told} == {
        "foo": (("a", "b"), ("a", "c")),
        "bar": (("x", "y"),),
    }


def test_a_mistake_in_a_config_setting_names_the_option_and_shows_no_secret(reader: RequestReader) -> None:
    with pytest.raises(UsageError) as caught:
        list(read_command_line(CommandLine(config_settings=("hunter2",)), reader))

    assert str(caught.value).startswith("--config-settings: expected a config setting like `KEY=VALUE`")
    assert "hunter2" not in str(caught.value)


def test_extras_need_a_file_that_has_some(reader: RequestReader) -> None:
    with pytest.raises(UsageError, match="--extra: expected a pyproject"):
        list(read_command_line(CommandLine(requirements=("foo",), extras=("x",)), reader))
