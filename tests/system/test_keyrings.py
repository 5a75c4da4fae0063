import os
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_wheeltag.system.credentials import Keyring, KeyringAnswer, Login
from pytest_wheeltag.system.keyrings import AbsentKeyring, CommandKeyring, open_keyring

SERVICE = "https://index.example/simple/"


def script(folder: Path, text: str) -> CommandKeyring:
    """Give a keyring whose command is a Python script."""
    path = folder / "keyring_script.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return CommandKeyring((sys.executable, str(path)), dict(os.environ), seconds=20.0)


def test_a_command_is_asked_for_user_and_password(tmp_path: Path) -> None:
    keyring = script(
        tmp_path,
        """
        import json, sys
        print("noise", file=sys.stderr)
        assert sys.argv[1:4] == ["--mode=creds", "--output=json", "get"], sys.argv
        print(json.dumps({"username": sys.argv[5] if sys.argv[5:] else "anna", "password": "pä:" + sys.argv[4]}))
        """,
    )
    assert keyring.ask(SERVICE, None) == KeyringAnswer(Login("anna", f"pä:{SERVICE}"))
    assert keyring.ask("index.example", "bob") == KeyringAnswer(Login("bob", "pä:index.example"))


def test_an_old_command_is_asked_for_the_password_alone(tmp_path: Path) -> None:
    keyring = script(
        tmp_path,
        """
        import sys
        if sys.argv[1] != "get":
            print("keyring: error: unrecognized arguments: --mode=creds", file=sys.stderr)
            sys.exit(2)
        if sys.argv[3] != "bob":
            sys.exit(1)
        print("s3cr3t")
        """,
    )
    assert keyring.ask(SERVICE, "bob") == KeyringAnswer(Login("bob", "s3cr3t"))
    assert keyring.ask(SERVICE, "anna") == KeyringAnswer()
    assert "25.2.1" in keyring.ask(SERVICE, None).problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("raise SystemExit(1)", ""),
        ("raise SystemExit(3)", "it ended with status 3"),
        ("raise RuntimeError('s3cr3t')", "it failed with RuntimeError"),
        ("print('s3cr3t')", "its answer is no user name with a password"),
        ('print(\'{"username": null, "password": "s3cr3t"}\')', "its answer is no user name with a password"),
        ("import os; os.write(1, b'\\xff')", "its answer is no user name with a password"),
    ],
    ids=["nothing", "status", "error", "text", "half", "binary"],
)
def test_no_answer_is_told_without_what_the_command_said(tmp_path: Path, text: str, problem: str) -> None:
    assert script(tmp_path, text).ask(SERVICE, "bob") == KeyringAnswer(problem=problem)


def test_a_command_that_does_not_start_is_told(tmp_path: Path) -> None:
    answer = CommandKeyring((str(tmp_path / "none"),), {}).ask(SERVICE, None)
    assert answer.problem.startswith("it does not start, ")


def test_a_command_that_hangs_is_ended_with_its_children(
    tmp_path: Path, is_gone: Callable[[int], bool]
) -> None:
    keyring = script(
        tmp_path,
        """
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid, file=open(sys.argv[0] + ".pid", "w"), flush=True)
        time.sleep(60)
        """,
    )
    started = time.monotonic()
    hasty = CommandKeyring(keyring.command, keyring.environ, seconds=2.0)
    assert hasty.ask(SERVICE, None) == KeyringAnswer(problem="it did not answer within 2 s")
    assert time.monotonic() - started < 10
    if os.name == "posix":
        assert is_gone(int(Path(keyring.command[1] + ".pid").read_text()))


@pytest.mark.skipif(os.name != "posix", reason="the question is about terminals")
def test_a_command_has_nobody_to_ask(tmp_path: Path) -> None:
    keyring = script(
        tmp_path,
        """
        import json, sys
        try:
            open("/dev/tty")
            terminal = "a terminal"
        except OSError:
            terminal = "none"
        print(json.dumps({"username": terminal, "password": repr(sys.stdin.read())}))
        """,
    )
    assert keyring.ask(SERVICE, None).login == Login("none", "''")


def on_path(folder: Path) -> dict[str, str]:
    """Put a command `keyring` into a folder, and give an environment with nothing else on PATH."""
    name = "keyring.bat" if os.name == "nt" else "keyring"
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return {"PATH": str(folder)}


def kind(keyring: Keyring | None) -> str:
    match keyring:
        case CommandKeyring(command=(_, "-P", "-m", "keyring")):
            return "import"
        case CommandKeyring():
            return "subprocess"
        case AbsentKeyring(problem=problem):
            return problem
    return "none"


@pytest.mark.parametrize(
    ("provider", "has_module", "has_command", "expected"),
    [
        ("auto", True, True, "import"),
        ("auto", False, True, "subprocess"),
        ("auto", False, False, "none"),
        ("import", True, True, "import"),
        ("import", False, True, "it is not installed"),
        ("subprocess", True, True, "subprocess"),
        ("subprocess", True, False, "no such command on PATH"),
        ("disabled", True, True, "none"),
    ],
)
def test_the_provider_is_the_one_that_pip_takes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    has_module: bool,
    has_command: bool,
    expected: str,
) -> None:
    found = object() if has_module else None
    monkeypatch.setattr("importlib.util.find_spec", lambda _: found)
    environ = on_path(tmp_path) if has_command else {"PATH": str(tmp_path)}
    assert kind(open_keyring(provider, environ)) == expected


def test_a_stand_in_for_the_module_is_no_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(__spec__=None))
    assert kind(open_keyring("auto", {"PATH": str(tmp_path)})) == "none"


def test_nothing_is_imported() -> None:
    before = set(sys.modules)
    keyring = open_keyring("auto", {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"})
    if keyring is not None:
        assert keyring.ask(SERVICE, None) == KeyringAnswer()
    assert not {name for name in set(sys.modules) - before if name.startswith("keyring")}


def test_a_keyring_that_is_not_there_says_so() -> None:
    assert AbsentKeyring("it is not installed").ask(SERVICE, None).problem == "it is not installed"
