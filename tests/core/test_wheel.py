from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.finding import Severity
from pytest_wheeltag.core.layout import Scheme
from pytest_wheeltag.core.wheel import WheelFacts, compare_tags, parse_wheel_facts

Parsed = TypeVar("Parsed")
Arguments = ParamSpec("Arguments")


def parsed(
    parse: Callable[Arguments, Parsed], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Parsed | None:
    """Give what was parsed, None where it was refused in words that may be printed."""
    try:
        return parse(*args, **kwargs)
    except DistInfoError as error:
        problem = str(error)
    assert problem.isprintable()
    return None


def wheel(**lines: str) -> bytes:
    fields = {"Wheel-Version": "1.0", "Root-Is-Purelib": "true", "Tag": "py3-none-any"}
    fields |= {key.replace("_", "-"): value for key, value in lines.items()}
    return "".join(f"{key}: {value}\n" for key, value in fields.items() if value).encode()


def test_wheel_facts() -> None:
    facts = parse_wheel_facts(wheel(Build="1x") + b"Tag: py2-none-any\n\nTag: no-header-any\n")
    assert facts == WheelFacts((1, 0), Scheme.PURELIB, ("py3-none-any", "py2-none-any"), "1x")
    assert parse_wheel_facts(wheel(Root_Is_Purelib="False")).root_scheme is Scheme.PLATLIB


@pytest.mark.parametrize(
    "lines",
    [
        {"Wheel_Version": "2.0"},
        {"Wheel_Version": "1"},
        {"Wheel_Version": "1.0.0"},
        {"Wheel_Version": "one"},
        {"Wheel_Version": ""},
        {"Wheel_Version": "1.٣"},
        {"Wheel_Version": "1.0\nWheel-Version: 1.1"},
        {"Root_Is_Purelib": "maybe"},
        {"Root_Is_Purelib": ""},
    ],
)
def test_wheel_that_is_refused(lines: Mapping[str, str]) -> None:
    with pytest.raises(DistInfoError):
        parse_wheel_facts(wheel(**lines))


@pytest.mark.parametrize(
    ("lines", "severity"),
    [
        ({"Wheel_Version": "1.9"}, Severity.NOTED),
        ({"Wheel_Version": "0.1"}, Severity.NOTED),
        ({"Tag": ""}, Severity.DOUBTFUL),
        ({"Tag": "py3"}, Severity.DOUBTFUL),
        (
            {"Tag": ".".join(map(str, range(300))) + "-" + ".".join(map(str, range(300))) + "-any"},
            Severity.DOUBTFUL,
        ),
        ({"Build": "x1"}, Severity.DOUBTFUL),
    ],
)
def test_wheel_with_findings(lines: Mapping[str, str], severity: Severity) -> None:
    assert [each.severity for each in parse_wheel_facts(wheel(**lines)).findings] == [severity]


@given(st.binary(max_size=200))
def test_wheel_is_read_or_refused(data: bytes) -> None:
    for content in (data, wheel() + data):
        facts = parsed(parse_wheel_facts, content)
        assert facts is None or facts.version[0] <= 1


def test_tags_are_compared_as_sets() -> None:
    facts = parse_wheel_facts(wheel(Tag="py3-none-any\nTag: py2-none-any"))
    assert not list(compare_tags(facts, "py2.py3-none-any", ()))
    assert "`py3-none-any`" in next(compare_tags(facts, "py3-none-any", ())).problem
    assert "`1`" not in next(compare_tags(facts, "py2.py3-none-any", (1, ""))).problem
