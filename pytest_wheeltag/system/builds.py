"""Sources become wheels: built once for everything that their content depends on, for one interpreter each."""

from dataclasses import replace

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import parse_wheel_name
from pytest_wheeltag.core.dependencies import ReleaseMetadata, parse_release_metadata
from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.references import Reference
from pytest_wheeltag.core.source import Material, RequestedSettings, Source
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.errors import BuildError, MetadataError
from pytest_wheeltag.system.artefacts import read_declared
from pytest_wheeltag.system.bench import Bench
from pytest_wheeltag.system.buildrecords import BuildRecords, BuiltWheel
from pytest_wheeltag.system.downloads import require_any
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.promises import Promises
from pytest_wheeltag.system.recipes import Recipe, Recipes
from pytest_wheeltag.system.store import WantedWheel
from pytest_wheeltag.system.workbench import Outfitter, Workbench


class Builder:
    """Builds for one interpreter in environments that ``outfitter`` furnishes.

    Nothing built is ever looked up by name, version or tag: only by what it was built from and with.
    """

    def __init__(
        self,
        workbench: Workbench,
        outfitter: Outfitter,
        interpreter: Interpreter,
        settings: RequestedSettings | None = None,
    ) -> None:
        self._workbench = workbench
        self._interpreter = interpreter
        self._bench = Bench(workbench, interpreter)
        self._records = BuildRecords(workbench.cache)
        self._promises = Promises(self._bench.materials, self._records)
        self._recipes = Recipes(self._bench, self._records, outfitter, settings or RequestedSettings())
        self._entries: dict[Source, StoreEntry] = {}

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Source:
        """Find out whose a referenced archive or tree is, by building its wheel; raises as ``build``."""
        material = Material(reference.file, reference, hashes)
        recipe = self._recipes.find(material, name, reference.shown_url)
        entry = self._provide(recipe)
        if not material.is_tree:
            file = replace(material.file, hashes=(("sha256", recipe.piece.digest),))
            material = replace(material, file=file)
        source = Source(canonicalize_name(entry.wheel.name), Version(entry.wheel.version), material)
        if name is not None and source.name != name:
            raise self._fail(reference.shown_url, f"expected {name} there, found {source.name}")
        self._entries[source] = entry
        return source

    def metadata(self, source: Source) -> ReleaseMetadata:
        """Give what the wheel will declare: as PKG-INFO promises, else as the backend says.

        Raises as ``build``, ``MetadataError`` where it is another release's.
        """
        if source in self._entries:
            entry = self._entries[source]
            return read_declared(entry.root / entry.wheel.dist_info)
        metadata = self._promises.find(source) or self._prepared(source)
        if (metadata.name, metadata.version) != (source.name, source.version):
            found = f"{metadata.name} {metadata.version}"
            problem = f"expected name and version of the file's name, found `{found}`"
            raise MetadataError(source.file.filename, "its metadata", problem)
        return metadata

    def build(self, source: Source) -> StoreEntry:
        """Give the store's entry of the wheel, built where it was not built before from and with the same.

        Raises ``BuildError``, ``CatalogueError`` where the source cannot be had, ``WheelError`` where it or the
        wheel is refused, ``UsageError`` for a tree that is too large, ``StoreError``; whatever the build's own
        requirements raise: ``ResolutionError`` and these.
        """
        # A tree may be edited at any time.
        if source in self._entries and not source.material.is_tree:
            return self._entries[source]
        entry = self._provide(self._recipes.find(source.material, source.name, source.title))
        found = canonicalize_name(entry.wheel.name), Version(entry.wheel.version)
        if found != (source.name, source.version):
            raise self._fail(
                source.title, f"its backend made the wheel of another release: `{entry.wheel.filename}`"
            )
        self._entries[source] = entry
        return entry

    def verify(self, source: Source, hashes: Hashes) -> None:
        """Prove that an archive has one of some hashes; raises ``RefusedWheelError``, ``CatalogueError``."""
        with self._workbench.sources.open(source.file) as (stream, _):
            require_any(stream, hashes, source.file.filename)

    def _prepared(self, source: Source) -> ReleaseMetadata:
        recipe = self._recipes.find(source.material, source.name, source.title)
        known = self._records.find_metadata(recipe.key)
        if known is not None:
            return known
        bench = self._bench
        with bench.open(recipe.piece, recipe.outfit) as backend, bench.materials.reserve() as folder:
            data = backend.prepare_metadata(recipe.settings, folder)
        try:
            metadata = parse_release_metadata(data)
        except DistInfoError as error:
            raise MetadataError(source.file.filename, error.where, error.problem) from error
        self._records.keep_metadata(recipe.key, metadata)
        return metadata

    def _provide(self, recipe: Recipe) -> StoreEntry:
        """Give the wheel's entry, built unless it was built by the same recipe before."""
        entry = self._recall(recipe)
        if entry is None:
            with self._records.lock(recipe.key):
                # Another may have been faster.
                entry = self._recall(recipe) or self._make(recipe)
                # A tree that was edited meanwhile, be it by its own build, is not what the key says.
                if self._recipes.is_current(recipe):
                    self._records.keep_wheel(recipe.key, BuiltWheel(entry.digest, entry.wheel.filename))
        return entry

    def _recall(self, recipe: Recipe) -> StoreEntry | None:
        built = self._records.find_wheel(recipe.key)
        return (
            None if built is None else self._workbench.store.get(self._wanted(built.filename, built.sha256))
        )

    def _wanted(self, filename: str, sha256: str | None = None) -> WantedWheel:
        # What backends make of here is doubtful in ways of its own: editable wheels, for one, omit their build tag.
        policy = replace(self._workbench.options.policy, strict=False)
        return WantedWheel(filename, sha256, policy)

    def _make(self, recipe: Recipe) -> StoreEntry:
        title, bench = recipe.piece.title, self._bench
        self._workbench.tell(f"building {title} for {self._interpreter.label}")
        with bench.open(recipe.piece, recipe.outfit) as backend, bench.materials.reserve() as folder:
            path = backend.build(recipe.settings, folder)
            self._check_name(path.name, title)
            with path.open("rb") as file:
                return self._workbench.store.add(file, self._wanted(path.name))

    def _check_name(self, filename: str, title: str) -> None:
        # Its tags are not looked at, as with pip: it was built by and for this interpreter, whatever it says.
        try:
            parse_wheel_name(filename)
        except ValueError as error:
            raise self._fail(title, f"its backend made no wheel but: {quoted(filename)}") from error

    def _fail(self, title: str, problem: str) -> BuildError:
        return BuildError(title, self._interpreter.label, problem)
