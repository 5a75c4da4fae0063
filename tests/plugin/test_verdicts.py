"""Each verdict that an environment alone can have, from an environment on disk, with its message."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_wheeltag.workshop import Answer, lay, make_environment

# The stage is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Stage = Any

MINOR = sys.version_info[1]
LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])
ON = f"foo 1.0 on {LABEL}: "
PURE = "py3-none-any"
WORSE, BETTER = f"py3{MINOR - 1}-none-any", f"py3{MINOR}-none-any"


@dataclass(frozen=True)
class Case:
    """How an environment comes to its verdict, and what is said of it (a pattern of ``fnmatch``)."""

    verdict: str
    outcome: str
    message: str
    arrange: Callable[[Stage], None]
    options: tuple[str, ...] = ()


def install(
    stage: Stage, wheel: Path, *, direct_url: Mapping[str, object] | None = None, installer: str = "pip"
) -> None:
    """Install a wheel into an environment of its own."""
    made = make_environment(stage.pytester.path / "env")
    lay(wheel, made, direct_url=direct_url, installer=installer)
    stage.environments.append(made)


def publish(*tags: str, installed: str = PURE) -> Callable[[Stage], None]:
    """Publish wheels of foo, and install one."""

    def arrange(stage: Stage) -> None:
        stage.publish("foo", *tags)
        install(stage, stage.make_wheel("foo", tag=installed))

    return arrange


def without_tags(stage: Stage) -> None:
    install(stage, stage.make_wheel("foo", wheel_tags=()))


def with_another_installer(stage: Stage) -> None:
    install(stage, stage.make_wheel("foo"), installer="conda")


def from_an_address(stage: Stage) -> None:
    direct_url = {"url": "https://user:secret@files.example/foo.whl", "archive_info": {}}
    install(stage, stage.make_wheel("foo"), direct_url=direct_url)


def behind_a_closed_door(stage: Stage) -> None:
    stage.index.answer("foo", Answer.of_status(403))
    install(stage, stage.make_wheel("foo"))


def beside_an_sdist(stage: Stage) -> None:
    stage.index.add(stage.make_wheel.sdist("foo", "1.0"))
    install(stage, stage.make_wheel("foo"))


def under_another_name(stage: Stage) -> None:
    worse = stage.make_wheel("foo", tag=WORSE, wheel_tags=[BETTER])
    stage.index.add(worse)
    stage.index.add(stage.make_wheel("foo", tag=f"py3{MINOR}.py4-none-any"))
    install(stage, worse)


CASES = [
    Case("malformed", "failed", ON + "*WHEEL*Tag*", without_tags),
    Case("unwheeled", "skipped", ON + "*conda*", with_another_installer),
    Case(
        "incompatible",
        "failed",
        ON + "installed `cp27-cp27m-win32`, none of which*",
        publish(installed="cp27-cp27m-win32"),
    ),
    Case(
        "direct",
        "passed",
        ON + f"installed `{PURE}` directly from `https://files.example/foo.whl`",
        from_an_address,
    ),
    Case("unreachable", "failed", ON + "*403 Forbidden*/simple/foo/`", behind_a_closed_door),
    Case("unknown", "skipped", ON + "*offline*", publish(PURE), ("--wheeltag-offline",)),
    Case("unlisted", "skipped", ON + f"no index knows this version (installed `{PURE}`)", publish()),
    Case(
        "mislabelled",
        "failed",
        ON
        + f"WHEEL says `{BETTER}`, it is the published `foo-1.0-{WORSE}.whl`: installed `{WORSE}`, better*",
        under_another_name,
    ),
    Case(
        "ambiguous",
        "passed",
        ON
        + f"installed `{PURE}`, which ties with what we would take: `foo-1.0-{PURE}.whl` and `foo-1.0-py2.{PURE}.whl`*",
        publish(PURE, f"py2.{PURE}"),
    ),
    Case(
        "inferior",
        "failed",
        ON
        + f"installed `{WORSE}`, better published `{BETTER}` (rank * against * of *) in `foo-1.0-{BETTER}.whl`",
        publish(WORSE, BETTER, installed=WORSE),
    ),
    Case(
        "built",
        "passed",
        ON + f"built from source as `{PURE}`: no wheel of this version is published",
        beside_an_sdist,
    ),
    Case(
        "rebuilt",
        "failed",
        ON
        + f"installed `{BETTER}`, which no published file carries, although `foo-1.0-{PURE}.whl` is compatible*",
        publish(PURE, installed=BETTER),
    ),
    Case(
        "best",
        "passed",
        ON + f"installed `{PURE}`, the best published (rank * of *) is `foo-1.0-{PURE}.whl`",
        publish(PURE),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.verdict)
def test_a_verdict_from_an_environment_on_disk(stage: Stage, case: Case) -> None:
    case.arrange(stage)

    report = stage.report(*case.options)

    (found,) = report["environments"][0]["distributions"]
    assert (found["verdict"], found["outcome"]) == (case.verdict, case.outcome)
    pytest.LineMatcher([found["message"]]).fnmatch_lines([case.message.replace("[", "[[]")])


def test_the_cases_are_all_verdicts_that_an_environment_alone_can_have() -> None:
    assert [case.verdict for case in CASES] == [
        "malformed",
        "unwheeled",
        "incompatible",
        "direct",
        "unreachable",
        "unknown",
        "unlisted",
        "mislabelled",
        "ambiguous",
        "inferior",
        "built",
        "rebuilt",
        "best",
    ]
