"""What sources declare to an interpreter that is not here, so that nothing can be built for it."""

from collections.abc import Callable, Iterable

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.candidates import (
    Candidate,
    PublishedFile,
    WheelName,
    is_variant,
    is_wheel,
    parse_wheel_name,
)
from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.foreign import Target
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.references import Reference
from pytest_wheeltag.core.resolution import Artefact, Catalogue
from pytest_wheeltag.core.source import Source
from pytest_wheeltag.errors import BuildError, MetadataError
from pytest_wheeltag.system.artefacts import PublishedMetadata, SourceBuilder
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.promises import Promises

_SYSTEMS = {
    "Linux": ("manylinux", "musllinux", "linux"),
    "Darwin": ("macosx",),
    "Windows": ("win",),
    "iOS": ("ios",),
    "Android": ("android",),
}


class Declarations:
    """Where what sources declare is looked up, the same for all targets.

    ``open_host`` opens a builder for the interpreter that runs us: whose a tree or archive at an address is, only
    its backend knows, and it is asked once.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        published: PublishedMetadata,
        promises: Promises,
        open_host: Callable[[], SourceBuilder],
    ) -> None:
        self.promises = promises
        self.catalogue = catalogue
        self.published = published
        self._open_host = open_host
        self._surveyed: dict[tuple[Reference, Hashes], Source] = {}
        self._hosted: dict[Source, ReleaseMetadata] = {}
        self._borrowed: dict[tuple[NormalizedName, Version, str], ReleaseMetadata | None] = {}

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes) -> Source:
        """Find out whose a referenced archive or tree is, by its build on the interpreter that runs us."""
        key = (reference, hashes)
        if key not in self._surveyed:
            host = self._open_host()
            source = host.survey(reference, name, hashes)
            self._hosted[source] = host.metadata(source)
            self._surveyed[key] = source
        return self._surveyed[key]

    def recall(self, source: Source) -> ReleaseMetadata | None:
        """Give what the build of a surveyed source declared, None for what an index lists."""
        return self._hosted.get(source)

    def borrow(self, source: Source, system: str) -> ReleaseMetadata | None:
        """Give what another wheel of the release declares, None where there is none that can be used.

        Of those for the system the smallest: few targets differ in what they ask for.
        """
        key = source.name, source.version, system
        if key not in self._borrowed:
            self._borrowed[key] = self._borrow(source, _SYSTEMS.get(system, ()))
        return self._borrowed[key]

    def _borrow(self, source: Source, kinds: tuple[str, ...]) -> ReleaseMetadata | None:
        files = self.catalogue.release(source.name, source.version).files
        wheels = {file: wheel for file in files if (wheel := _wheel_name(file))}
        chosen = min(
            wheels, key=lambda file: (_is_elsewhere(wheels[file], kinds), file.size or 0), default=None
        )
        if chosen is None:
            return None
        try:
            return self.published.metadata(Candidate(chosen, wheels[chosen], 0))
        except MetadataError:
            return None


class ForeignSources:
    """Looks at sources for one target, as ``SourceBuilder`` says, and builds none of what indexes list.

    A release's other wheels declare what one that is built would; where it has none, PKG-INFO is believed, promised
    or not.
    """

    def __init__(self, target: Target, declarations: Declarations) -> None:
        self._doubts: dict[Artefact, str] = {}
        self._target = target
        self._declarations = declarations

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Source:
        """Find out whose a referenced archive or tree is, once for all targets."""
        return self._declarations.survey(reference, name, hashes)

    def metadata(self, source: Source) -> ReleaseMetadata:
        """Give what a wheel of the source would declare."""
        system = self._target.platform.system
        found = self._declarations.recall(source) or self._declarations.borrow(source, system)
        if found is None:
            found = self._state(source, self._declarations.promises.read_stated(source))
        return found

    def _state(self, source: Source, stated: ReleaseMetadata | None) -> ReleaseMetadata:
        if stated is not None and (stated.name, stated.version) == (source.name, source.version):
            return stated
        problem = f"what {source.title} requires is not known without building it, nothing is assumed"
        self._doubts[source] = problem
        return ReleaseMetadata(source.name, source.version)

    def doubts_of(self, artefacts: Iterable[Artefact]) -> tuple[str, ...]:
        """Say of which of these sources not even that is known, one line each."""
        return tuple(self._doubts[each] for each in artefacts if each in self._doubts)

    def build(self, source: Source) -> StoreEntry:
        """Build nothing: raises ``BuildError``."""
        raise BuildError(source.title, self._target.label, "the interpreter is not on this machine")

    def verify(self, source: Source, hashes: Hashes) -> None:
        """Prove nothing: what is not installed needs no proof."""


def _is_elsewhere(wheel: WheelName, kinds: tuple[str, ...]) -> bool:
    """Tell whether a wheel is for no system of these kinds, like `win` or `macosx`."""
    return not wheel.tags.rpartition("-")[2].startswith((*kinds, "any"))


def _wheel_name(file: PublishedFile) -> WheelName | None:
    if not is_wheel(file.filename) or is_variant(file.filename):
        return None
    try:
        return parse_wheel_name(file.filename)
    except ValueError:
        return None
