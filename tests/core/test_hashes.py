import pytest

from pytest_wheeltag.core.hashes import HashRule, is_digest, parse_hash
from pytest_wheeltag.errors import UsageError


def test_a_strong_hash_is_algorithm_and_digits() -> None:
    assert parse_hash(f"sha256:{'0A' * 32}", "r.txt:1") == ("sha256", "0a" * 32)
    assert parse_hash(f"sha384:{'0' * 96}", "r.txt:1") == ("sha384", "0" * 96)
    assert parse_hash(f"sha512:{'f' * 128}", "r.txt:1") == ("sha512", "f" * 128)


@pytest.mark.parametrize(
    "text",
    ["00", "sha256", "sha256:", "md5:" + "0" * 32, "sha256:" + "g" * 64, "sha256:" + "0" * 63, "x" * 999],
)
def test_any_other_hash_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"^r\.txt:1: expected a hash like `sha256:HEX`"):
        parse_hash(text, "r.txt:1")


@pytest.mark.parametrize(
    ("algorithm", "digest", "is_one"),
    [
        ("md5", "0" * 32, True),
        ("sha1", "AF" * 20, True),
        ("sha1", "0" * 39, False),
        ("sha256", "g" * 64, False),
        ("sha256", "", False),
        ("blake3", "0", True),
        ("blake3", "", False),
        ("blake3", "0\n", False),
    ],
)
def test_a_digest_is_hexadecimal_and_as_long_as_its_algorithm_has_it(
    algorithm: str, digest: str, *, is_one: bool
) -> None:
    assert is_digest(algorithm, digest) is is_one


@pytest.mark.parametrize("rule", HashRule)
def test_a_rule_counts_beside_whoever_says_nothing_of_it(rule: HashRule) -> None:
    assert rule.then(HashRule.IF_GIVEN) is HashRule.IF_GIVEN.then(rule) is rule.then(rule) is rule


def test_hashes_cannot_be_required_and_waived() -> None:
    for first, second in ((HashRule.REQUIRED, HashRule.WAIVED), (HashRule.WAIVED, HashRule.REQUIRED)):
        with pytest.raises(UsageError, match="one of the two, not both"):
            first.then(second)
