import pytest

from pytest_wheeltag.core.verdict import Acceptance, Outcome, Policy, Verdict, VerdictKind, parse_acceptance
from pytest_wheeltag.errors import UsageError


def found(kind: VerdictKind, name: str = "foo-bar") -> Verdict:
    return Verdict(name, "1.0", kind, kind.outcome, "the message")


@pytest.mark.parametrize(
    ("text", "acceptance"),
    [
        ("inferior", Acceptance(VerdictKind.INFERIOR)),
        ("Foo_Bar:inferior", Acceptance(VerdictKind.INFERIOR, "foo-bar")),
        (
            "foo-bar: rebuilt: our own build: see wiki",
            Acceptance(VerdictKind.REBUILT, "foo-bar", "our own build: see wiki"),
        ),
        ("rebuilt: all of them are ours", Acceptance(VerdictKind.REBUILT, None, "all of them are ours")),
    ],
)
def test_an_accept_entry_is_a_verdict_with_a_name_and_a_reason(text: str, acceptance: Acceptance) -> None:
    assert parse_acceptance(text) == acceptance


@pytest.mark.parametrize("text", ["", "foo", "foo:", ":inferior", "foo:worse", "worse"])
def test_a_mistaken_accept_entry_names_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match=r"wheeltag_accept: expected .*inferior.*found: `") as caught:
        parse_acceptance(text, setting="wheeltag_accept")

    assert caught.value.value == text


def test_an_accepted_failure_passes_and_says_why() -> None:
    policy = Policy((Acceptance(VerdictKind.INFERIOR, "foo-bar", "pinned"),))

    accepted = policy.apply(found(VerdictKind.INFERIOR, "Foo.Bar"))

    assert (accepted.outcome, accepted.accepted) == (Outcome.PASSED, True)
    assert accepted.message == "the message (accepted: pinned)"
    assert policy.apply(found(VerdictKind.INFERIOR, "other")).outcome is Outcome.FAILED
    assert policy.apply(found(VerdictKind.REBUILT)).outcome is Outcome.FAILED


def test_strict_fails_what_is_skipped_unless_it_is_accepted() -> None:
    strict = Policy(is_strict=True)

    assert strict.apply(found(VerdictKind.UNLISTED)).outcome is Outcome.FAILED
    assert strict.apply(found(VerdictKind.BEST)).outcome is Outcome.PASSED
    lenient = Policy((Acceptance(VerdictKind.UNLISTED),), is_strict=True)
    assert lenient.apply(found(VerdictKind.UNLISTED)).accepted


def test_accepting_what_passes_anyway_changes_nothing() -> None:
    best = found(VerdictKind.BEST)

    assert Policy((Acceptance(VerdictKind.BEST),)).apply(best) == best


def test_every_verdict_has_the_outcome_of_the_interface() -> None:
    outcomes = {kind.value: kind.outcome.value for kind in VerdictKind}

    assert outcomes == {
        "malformed": "failed",
        "unwheeled": "skipped",
        "incompatible": "failed",
        "altered": "failed",
        "opaque": "failed",
        "unfaithful": "failed",
        "disagreeing": "failed",
        "direct": "passed",
        "unreachable": "failed",
        "unknown": "skipped",
        "unlisted": "skipped",
        "ambiguous": "passed",
        "inferior": "failed",
        "built": "passed",
        "rebuilt": "failed",
        "mislabelled": "failed",
        "best": "passed",
        "transparent": "passed",
        "faithful": "passed",
        "agreeing": "passed",
        "intact": "passed",
        "irreproducible": "skipped",
        "missing-python": "failed",
        "uninstallable": "failed",
    }


def test_a_distribution_may_be_called_like_a_verdict() -> None:
    assert parse_acceptance("direct:inferior") == Acceptance(VerdictKind.INFERIOR, "direct")
    assert parse_acceptance("direct: inferior: why") == Acceptance(VerdictKind.INFERIOR, "direct", "why")
