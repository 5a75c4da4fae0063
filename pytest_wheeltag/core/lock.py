"""A lock file with what is wanted of it: it says by itself which files to take (pylock.toml specification)."""

from dataclasses import dataclass, field, replace
from urllib.parse import urljoin

from packaging.pylock import Pylock


@dataclass(frozen=True)
class Lock:
    """A lock that was read; ``origin`` is its path as shown, ``digest`` the SHA-256 of its bytes.

    ``address`` is where it lies, which may hold credentials. ``extras`` and ``groups`` are wanted beside the packages
    that always are; ``groups`` None stands for the lock's own default.
    """

    origin: str
    digest: str
    address: str = field(repr=False)
    pylock: Pylock = field(repr=False, compare=False)
    extras: frozenset[str] = frozenset()
    groups: frozenset[str] | None = None

    @property
    def folder(self) -> str:
        """The address, with a slash at its end, that its relative paths start from."""
        return urljoin(self.address, ".")

    def is_same_file(self, other: "Lock") -> bool:
        """Tell whether another is the same lock, be it that other parts of it are wanted."""
        return (self.digest, self.folder) == (other.digest, other.folder)

    def then(self, later: "Lock") -> "Lock":
        """Give the lock with the parts that are wanted of either, both being the same file."""
        groups = [each for each in (self.groups, later.groups) if each is not None]
        return replace(
            self,
            extras=self.extras | later.extras,
            groups=frozenset().union(*groups) if groups else None,
        )
