from pytest_wheeltag.core.account import Account
from pytest_wheeltag.core.invocation import Invocation
from pytest_wheeltag.reports.account import render_account


def test_each_command_can_be_typed_and_its_output_stands_below() -> None:
    account = Account(
        (Invocation(("tool", "in stall"), "done\n", 0), Invocation(("tool", "x"), "no\x1b[0m\n", 3))
    )

    assert render_account(account) == (
        "$ tool 'in stall'",
        "done",
        "$ tool x",
        "no\\x1b[0m",
        "(exit status 3)",
    )


def test_of_much_output_the_end_is_shown() -> None:
    output = "".join(f"line {number}\n" for number in range(1000)) + "x" * 10_000

    lines = render_account(Account((Invocation(("tool",), output, 0),)))

    assert lines[:3] == ("$ tool", "… (961 lines before)", "line 961")
    assert len(lines) == 42
    assert max(map(len, lines)) == 501


def test_nothing_that_was_run_is_nothing_to_show() -> None:
    assert render_account(Account()) == ()
