from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from packaging.version import Version

from pytest_wheeltag.core.controls import ALL, Controls, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.lockfile import read_lock, select_parts
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.subjects import pipoptions
from pytest_wheeltag.subjects.pipoptions import PipOptions
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.workplace import Workplace

LOCK = b"""
lock-version = "1.0"
created-by = "a test"
extras = ["fast", "odd"]
dependency-groups = ["main", "docs"]
default-groups = ["main"]
packages = []
"""
NAMES = frozenset({"foo"})
EVERY = frozenset({ALL})
HASHED = "0" * 64


def lock(extras: tuple[str, ...] = (), groups: tuple[str, ...] | None = None) -> Lock:
    return select_parts(read_lock(LOCK, "pylock.toml", "file:///work/pylock.toml"), extras, groups)


def locked(extras: tuple[str, ...] = (), groups: tuple[str, ...] | None = None) -> Request:
    return Request((), lock=lock(extras, groups))


def with_hash(rule: HashRule) -> Request:
    (demand,) = parse_request(["foo==1.0"]).requirements
    return Request((replace(demand, hashes=(("sha256", HASHED),)),), hash_rule=rule)


def with_setting() -> Request:
    (demand,) = parse_request(["foo"]).requirements
    return Request((replace(demand, config_settings=(("key", "value"),)),))


def controlled(**controls: NameControl) -> Callable[[Workplace], Workplace]:
    return lambda place: place.with_options(replace(place.options, controls=Controls(**controls)))


def bounding_builds(place: Workplace) -> Workplace:
    bounds = parse_request((), ["wheel<1"]).constraints
    return place.with_options(replace(place.options, build_constraints=bounds))


def dated(place: Workplace) -> Workplace:
    return replace(place, sources=replace(place.sources, exclude_newer=datetime(2026, 1, 1, tzinfo=UTC)))


def first_alone(place: Workplace) -> Workplace:
    urls = ("http://index.example/simple/",)
    return replace(
        place, sources=replace(place.sources, extra_index_urls=urls, strategy=Strategy.FIRST, is_alone=True)
    )


def alike(place: Workplace) -> Workplace:
    return place


@pytest.mark.parametrize(
    ("before", "first", "request_", "change", "reason"),
    [
        ("23.0.1", "23.1", with_setting(), alike, "config settings of a requirement"),
        ("25.2", "25.3", parse_request(["foo"]), bounding_builds, "build constraints"),
        ("25.3", "26.0", parse_request(["foo"]), dated, "after which moment uploads do not count"),
        (
            *("25.3", "26.0", parse_request(["foo"])),
            controlled(prereleases=NameControl(NAMES)),
            "pre-releases of single projects",
        ),
        (
            *("25.3", "26.0", parse_request(["foo"])),
            controlled(prereleases=NameControl(EVERY, NAMES)),
            "pre-releases of single projects",
        ),
        ("26.0.1", "26.1", locked(), alike, "what is in a lock"),
        ("26.1.2", "26.2", with_hash(HashRule.WAIVED), alike, "to check the hashes alone that are given"),
        ("26.2.1", "26.3", locked(("fast",)), alike, "extras and groups of a lock"),
        ("26.2.1", "26.3", locked(groups=("docs",)), alike, "extras and groups of a lock"),
    ],
)
def test_what_only_later_versions_can_be_told_is_said_of_the_others(
    place: Workplace,
    before: str,
    first: str,
    request_: Request,
    change: Callable[[Workplace], Workplace],
    reason: str,
) -> None:
    at = change(place)

    assert list(PipOptions(at, request_, Version(before)).find_untold()) == [
        f"before {first} it cannot be told {reason}"
    ]
    assert not list(PipOptions(at, request_, Version(first)).find_untold())


@pytest.mark.parametrize(
    ("request_", "change", "reason"),
    [
        (
            parse_request(["foo"]),
            controlled(wheels_first=NameControl(NAMES)),
            "no preference for wheels of single projects",
        ),
        (
            parse_request(["foo"]),
            controlled(wheels_first=NameControl(EVERY, NAMES)),
            "no preference for wheels of single projects",
        ),
        (parse_request(["foo"]), first_alone, "it pools all its indexes"),
        (locked(groups=()), alike, "to leave out the lock's default groups"),
        (locked(), dated, "does not look at the upload times in a lock"),
    ],
)
def test_what_no_version_can_be_told_is_said(
    place: Workplace, request_: Request, change: Callable[[Workplace], Workplace], reason: str
) -> None:
    (found,) = PipOptions(change(place), request_, Version("99")).find_untold()

    assert reason in found


@pytest.mark.parametrize(
    ("version", "change", "told"),
    [
        (
            "26.3",
            controlled(wheels_only=NameControl(frozenset({"a"}), frozenset({ALL, "2b"}))),
            ["--no-binary=:all:", "--no-binary=2b", "--only-binary=a"],
        ),
        ("26.3", controlled(wheels_first=NameControl(EVERY)), ["--prefer-binary"]),
        ("25.3", controlled(prereleases=NameControl(EVERY)), ["--pre"]),
        (
            "26.0",
            controlled(prereleases=NameControl(NAMES, EVERY)),
            ["--only-final=:all:", "--all-releases=foo"],
        ),
    ],
)
def test_names_come_after_all_names_since_those_empty_the_lists(
    place: Workplace, version: str, change: Callable[[Workplace], Workplace], told: list[str]
) -> None:
    assert PipOptions(change(place), parse_request(["foo"]), Version(version)).tell() == told


@pytest.mark.parametrize(
    ("extras", "groups", "told"),
    [
        ((), None, ["--requirement=/x/pylock.toml"]),
        (("odd", "fast"), None, ["--requirement=/x/pylock.toml[fast,odd]"]),
        ((), ("docs", "main"), ["--group=/x/pylock.toml:docs", "--group=/x/pylock.toml:main"]),
        (("fast",), ("docs",), ["--group=/x/pylock.toml[fast]:docs"]),
    ],
)
def test_a_lock_is_told_with_its_parts(
    extras: tuple[str, ...], groups: tuple[str, ...] | None, told: list[str]
) -> None:
    assert pipoptions.select_parts(lock(extras, groups), "/x/pylock.toml") == told


def test_what_is_configured_counts_as_what_is_asked_for(place: Workplace) -> None:
    environ = {**place.environ, "PIP_REQUIRE_HASHES": "1"}
    at = replace(place, environ=environ)
    request = at.configured_options.apply_to(parse_request(["foo"]))

    assert "--require-hashes" in PipOptions(at, request, Version("26.3")).tell()
