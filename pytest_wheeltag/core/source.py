"""What a wheel is built from where none is published or wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.requirements import ConfigSettings, Demand, UnnamedDemand


@dataclass(frozen=True)
class Material:
    """A source archive or a source tree, whosever it is.

    ``file`` is the archive as an index lists it, or the tree's folder; ``reference`` is None for an archive of an
    index. ``hashes`` are those of which an archive must have one before anything in it is looked at.
    """

    file: PublishedFile
    reference: Reference | None = None
    hashes: Hashes = ()

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder, which may be edited at any time."""
        return self.reference is not None and self.reference.kind is ReferenceKind.TREE

    @property
    def is_editable(self) -> bool:
        """Whether the environment shall lead to the tree instead of holding a copy (PEP 660)."""
        return self.reference is not None and self.reference.is_editable

    @property
    def subdirectory(self) -> str:
        """Where in the archive or tree the project lies, empty for its top."""
        return self.reference.subdirectory if self.reference else ""


@dataclass(frozen=True)
class Source:
    """What a wheel is built from, once the project and version are known that come of it."""

    name: NormalizedName
    version: Version
    material: Material

    @property
    def file(self) -> PublishedFile:
        """The archive, or the tree's folder."""
        return self.material.file

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class RequestedSettings:
    """The config settings that were asked for, by project and by address: dependencies get none, as with pip."""

    by_name: Mapping[NormalizedName, ConfigSettings] = field(default_factory=dict)
    by_reference: Mapping[Reference, ConfigSettings] = field(default_factory=dict)

    @classmethod
    def of(cls, demands: Iterable[Demand | UnnamedDemand]) -> "RequestedSettings":
        """Collect them from what is asked for."""
        told = [demand for demand in demands if demand.config_settings]
        named = {each.name: each.config_settings for each in told if isinstance(each, Demand)}
        return cls(named, {each.reference: each.config_settings for each in told if each.reference})

    def find(self, name: NormalizedName | None, reference: Reference | None) -> ConfigSettings:
        """Give those of one source."""
        found = self.by_reference.get(reference, ()) if reference else ()
        return found or (self.by_name.get(name, ()) if name else ())
