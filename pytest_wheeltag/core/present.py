"""What an environment holds already, and what an installation may do about it."""

from dataclasses import dataclass
from enum import StrEnum

from packaging.utils import NormalizedName
from packaging.version import Version


@dataclass(frozen=True)
class PresentDistribution:
    """An installed distribution that a resolution may keep; ``location`` is the path of its dist-info."""

    name: NormalizedName
    version: Version
    location: str = ""


class Upgrade(StrEnum):
    """What becomes of what is installed and would do, as pip's options say.

    Kept; upgraded where it is asked for by name (``--upgrade``); all of it (``--upgrade-strategy eager``);
    installed anew in whatever version is the best (``--force-reinstall``).
    """

    KEEP = "keep"
    REQUESTED = "only-if-needed"
    EAGER = "eager"
    REINSTALL = "reinstall"


@dataclass(frozen=True)
class Present:
    """The distributions that are installed, sorted by name, and what may become of them."""

    distributions: tuple[PresentDistribution, ...] = ()
    upgrade: Upgrade = Upgrade.KEEP

    def find(self, name: NormalizedName) -> PresentDistribution | None:
        """Give the installed distribution of a project, None where none is or none may be kept."""
        if self.upgrade is Upgrade.REINSTALL:
            return None
        return next((each for each in self.distributions if each.name == name), None)
