from importlib import import_module

import pytest

from pytest_wheeltag.arguments import COMMANDS, parse_arguments


@pytest.mark.parametrize(
    "line",
    [
        "install foo bar --python env",
        "install --python env foo bar",
        "install foo --python env bar",
        "install foo --python env --no-deps bar --offline",
    ],
)
def test_options_stand_anywhere(line: str) -> None:
    options = parse_arguments(line.split())

    assert options.command == "install"
    assert options.requirements == ["foo", "bar"]
    assert options.python == "env"


def test_a_folder_comes_before_requirements_whatever_stands_between() -> None:
    options = parse_arguments(["venv", "dir", "--python", "3.12", "foo", "bar"])

    assert (options.directory, options.requirements) == ("dir", ["foo", "bar"])


def test_lists_of_two_command_lines_are_strangers() -> None:
    parse_arguments(["resolve", "foo", "--find-links=one"])

    assert parse_arguments(["resolve", "foo"]).find_links == []


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_each_command_explains_itself_and_gives_json(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([command, "--help"])

    told = capsys.readouterr().out
    assert caught.value.code == 0
    assert told.startswith(f"usage: wheeltag {command} ")
    assert "--json" in told


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_the_work_of_each_command_is_in_the_module_of_its_name(command: str) -> None:
    assert callable(import_module(f"pytest_wheeltag.commands.{command}").run)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "COMMAND"),
        ("instal foo", "instal"),
        ("install foo", "--python"),
        ("uninstall --python env", "NAME"),
        ("venv dir", "--python"),
        ("fetch foo", "--python"),
        ("cache prun", "prun"),
        ("check --index-strategy=last", "last"),
    ],
)
def test_a_mistake_is_named_and_exits_2(line: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(line.split())

    assert caught.value.code == 2
    assert problem in capsys.readouterr().err.splitlines()[-1]
