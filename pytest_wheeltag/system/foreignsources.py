"""What sources declare to an interpreter that is not here, so that nothing can be built for it."""

from collections.abc import Callable

from packaging.utils import NormalizedName

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
from pytest_wheeltag.core.resolution import Catalogue
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
        self.catalogue = catalogue
        self.published = published
        self.promises = promises
        self._open_host = open_host
        self._surveyed: dict[tuple[Reference, Hashes], Source] = {}
        self._hosted: dict[Source, ReleaseMetadata] = {}

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


class ForeignSources:
    """Looks at sources for one target, as ``SourceBuilder`` says, and builds none of what indexes list.

    A release's other wheels declare what one that is built would; where it has none, PKG-INFO is believed, promised
    or not. ``warnings`` tell where even that was missing.
    """

    def __init__(self, target: Target, declarations: Declarations) -> None:
        self.warnings: dict[str, None] = {}
        self._target = target
        self._declarations = declarations

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Source:
        """Find out whose a referenced archive or tree is, once for all targets."""
        return self._declarations.survey(reference, name, hashes)

    def metadata(self, source: Source) -> ReleaseMetadata:
        """Give what a wheel of the source would declare."""
        found = self._declarations.recall(source) or self._borrow(source)
        if found is None:
            found = self._state(source, self._declarations.promises.read_stated(source))
        return found

    def _borrow(self, source: Source) -> ReleaseMetadata | None:
        """Give what another wheel of the release declares, None where there is none that can be used.

        Of those for the target's system the smallest: few targets differ in what they ask for.
        """
        files = self._declarations.catalogue.release(source.name, source.version).files
        wheels = {file: wheel for file in files if (wheel := _wheel_name(file))}
        chosen = min(
            wheels, key=lambda file: (self._is_elsewhere(wheels[file]), file.size or 0), default=None
        )
        if chosen is None:
            return None
        try:
            return self._declarations.published.metadata(Candidate(chosen, wheels[chosen], 0))
        except MetadataError:
            return None

    def _is_elsewhere(self, wheel: WheelName) -> bool:
        """Whether a wheel is for no system of the target's kind, like `win` or `macosx`."""
        kinds = _SYSTEMS.get(self._target.platform.system, ())
        return not wheel.tags.rpartition("-")[2].startswith((*kinds, "any"))

    def _state(self, source: Source, stated: ReleaseMetadata | None) -> ReleaseMetadata:
        if stated is not None and (stated.name, stated.version) == (source.name, source.version):
            return stated
        self.warnings[
            f"what {source.title} requires is not known without building it, nothing is assumed"
        ] = None
        return ReleaseMetadata(source.name, source.version)

    def build(self, source: Source) -> StoreEntry:
        """Build nothing: raises ``BuildError``."""
        raise BuildError(source.title, self._target.label, "the interpreter is not on this machine")

    def verify(self, source: Source, hashes: Hashes) -> None:
        """Prove nothing: what is not installed needs no proof."""


def _wheel_name(file: PublishedFile) -> WheelName | None:
    if not is_wheel(file.filename) or is_variant(file.filename):
        return None
    try:
        return parse_wheel_name(file.filename)
    except ValueError:
        return None
