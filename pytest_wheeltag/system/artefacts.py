"""What wheels and sources declare, and whose what lies at an address is: for one interpreter."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from packaging.utils import NormalizedName

from pytest_wheeltag.core.candidates import Candidate, PublishedFile, parse_wheel_name
from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES, ReleaseMetadata, parse_release_metadata
from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.resolution import Artefact, Choice
from pytest_wheeltag.core.source import Source
from pytest_wheeltag.errors import (
    MetadataError,
    NoWheelError,
    UnsafeFileError,
    UsageError,
)
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.files import read_regular
from pytest_wheeltag.system.wheels import StoredWheels


class PublishedMetadata(Protocol):
    """Who knows what published wheels need, as ``IndexMetadata`` does."""

    def metadata(self, candidate: Candidate) -> ReleaseMetadata:
        """Give what a wheel declares, as ``MetadataSource`` says."""
        ...

    def prefetch(self, candidates: Iterable[Candidate]) -> None:
        """Fetch side by side what ``metadata`` will be asked for."""
        ...


class SourceBuilder(Protocol):
    """Who turns sources into wheels for one interpreter, as ``builds.Builder`` does."""

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Source:
        """Find out whose a referenced archive or tree is."""
        ...

    def metadata(self, source: Source) -> ReleaseMetadata:
        """Give what the wheel of a source will declare."""
        ...

    def build(self, source: Source) -> StoreEntry:
        """Give the store's entry of the wheel of a source."""
        ...

    def verify(self, source: Source, hashes: Hashes) -> None:
        """Prove that an archive has one of some hashes."""
        ...


class Artefacts:
    """Looks at published wheels, at sources and at addresses for one interpreter; gives the store's entries of all.

    What lies at an address is read each time that it is surveyed: it may have changed since.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        published: PublishedMetadata,
        wheels: StoredWheels,
        open_builder: Callable[[], SourceBuilder],
    ) -> None:
        self._interpreter = interpreter
        self._published = published
        self._wheels = wheels
        self._open_builder = open_builder
        self._direct: dict[PublishedFile, StoreEntry] = {}

    @cached_property
    def _builder(self) -> SourceBuilder:
        return self._open_builder()

    def metadata(self, artefact: Artefact | PresentDistribution) -> ReleaseMetadata:
        """Give what a wheel, or the wheel of a source, declares, as ``MetadataSource`` says."""
        if isinstance(artefact, PresentDistribution):
            return read_declared(Path(artefact.location))
        if isinstance(artefact, Source):
            return self._builder.metadata(artefact)
        entry = self._direct.get(artefact.file)
        if entry is None:
            return self._published.metadata(artefact)
        return read_declared(entry.root / entry.wheel.dist_info)

    def prefetch(self, artefacts: Iterable[Artefact]) -> None:
        """Fetch side by side what ``metadata`` will be asked for; sources take their time when their turn comes."""
        self._published.prefetch([each for each in artefacts if isinstance(each, Candidate)])

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Artefact:
        """Give what a direct reference leads to, as ``Surveyor`` says; its hash is that of what lies there now."""
        if reference.kind is not ReferenceKind.WHEEL:
            return self._builder.survey(reference, name, hashes)
        candidate = self._parse(reference)
        if name is not None and candidate.name != name:
            raise UsageError(reference.shown_url, candidate.name, f"a wheel of {name}")
        entry = self._wheels.provide(candidate.file, hashes)
        file = replace(candidate.file, hashes=(("sha256", entry.digest),))
        self._direct[file] = entry
        return replace(candidate, file=file)

    def provide(self, artefact: Artefact) -> StoreEntry:
        """Give the store's entry of a wheel, or of the wheel that is built of a source.

        Raises ``WheelError``, ``CatalogueError``, ``StoreError``, and for a source as ``builds.Builder.build``.
        """
        if isinstance(artefact, Source):
            return self._builder.build(artefact)
        return self._wheels.provide(artefact.file)

    @property
    def interpreter(self) -> Interpreter:
        """Whom it is looked at for."""
        return self._interpreter

    def verify(self, choice: Choice) -> None:
        """Prove by the bytes of a file that it has one of the hashes that were given; raises ``RefusedWheelError``."""
        if isinstance(choice.artefact, Source):
            self._builder.verify(choice.artefact, choice.hashes)
        else:
            self._wheels.verify(choice.artefact.file, choice.hashes)

    def recall(self, artefact: Artefact) -> StoreEntry | None:
        """Give the entry of a published wheel if the store has it."""
        return None if isinstance(artefact, Source) else self._wheels.recall(artefact.file)

    def _parse(self, reference: Reference) -> Candidate:
        try:
            wheel = parse_wheel_name(reference.filename)
        except ValueError as error:
            raise UsageError(
                reference.shown_url, reference.filename, f"the name of a wheel ({error})"
            ) from error
        rank = self._interpreter.ranking.rank(wheel.tags)
        if rank is None:
            nearest = f"it takes `{self._interpreter.ranking.tags[0]}` and {len(self._interpreter.ranking.tags) - 1} more, not `{wheel.tags}`"
            raise NoWheelError(reference.shown_url, self._interpreter.label, nearest)
        return Candidate(reference.file, wheel, rank)


def read_declared(dist_info: Path) -> ReleaseMetadata:
    """Read what an installed or unpacked distribution declares; raises ``MetadataError`` where it cannot be used."""
    try:
        return parse_release_metadata(read_regular(dist_info / "METADATA", MAX_METADATA_BYTES))
    except DistInfoError as error:
        raise MetadataError(dist_info.name, error.where, error.problem) from error
    except (OSError, UnsafeFileError) as error:
        raise MetadataError(
            dist_info.name, "METADATA", f"expected a file that can be read ({error})"
        ) from error
