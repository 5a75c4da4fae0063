"""Hashes of files: those that somebody claims or gives, and the rule by which they are asked for."""

import hashlib
import re
from enum import StrEnum

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.errors import UsageError

Hash = tuple[str, str]
"""An algorithm as ``hashlib`` calls it, and the digest in lower-case hexadecimal."""

Hashes = tuple[Hash, ...]

# These digests have no length of their own.
KNOWN_ALGORITHMS = frozenset(name for name in hashlib.algorithms_guaranteed if not name.startswith("shake"))
# What is named with its digest in addresses and on pages, the best known first, with its digits.
DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128, "sha224": 56, "sha1": 40, "md5": 32}

# Those that pip takes for an option.
_STRONG = ("sha256", "sha384", "sha512")
_HASH = re.compile(r"(?P<algorithm>[a-z0-9]+):(?P<digest>[0-9a-fA-F]+)", re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_EXPECTED = "a hash like `sha256:HEX`, with 64 digits, or `sha384:HEX` with 96, or `sha512:HEX` with 128"


class HashRule(StrEnum):
    """Whether every file must have a hash that was given beforehand."""

    IF_GIVEN = "one with a hash makes all need one"
    REQUIRED = "all need one"
    WAIVED = "only what has hashes is held to them"

    @classmethod
    def where(cls, *, is_required: bool) -> "HashRule":
        """Give the rule of an option that requires hashes."""
        return cls.REQUIRED if is_required else cls.IF_GIVEN

    def then(self, later: "HashRule") -> "HashRule":
        """Give what is true where somebody said ``later`` besides; raises ``UsageError`` for a contradiction, as pip."""
        if {self, later} == {HashRule.REQUIRED, HashRule.WAIVED}:
            raise UsageError("--no-require-hashes", "--require-hashes", "one of the two, not both")
        return self if later is HashRule.IF_GIVEN else later


def parse_hash(text: str, origin: str) -> Hash:
    """Parse ``ALGORITHM:HEX`` to the algorithm, one of those that pip takes, and the digest in lower case."""
    match = _HASH.fullmatch(text.strip())
    if match is None or match["algorithm"] not in _STRONG or not is_digest(*match.group(1, 2)):
        raise UsageError(origin, shown_address(text), _EXPECTED)
    return match["algorithm"], match["digest"].lower()


def is_digest(algorithm: str, digest: str) -> bool:
    """Tell whether a text is a digest in hexadecimal, as long as those of an algorithm are, if that is known."""
    expected = DIGITS.get(algorithm, len(digest))
    return len(digest) == expected and _HEXADECIMAL.fullmatch(digest.lower()) is not None
