"""Sources become wheels: built once for everything that their content depends on, for one interpreter each."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.buildkey import BuildInputs, select_environment
from pytest_wheeltag.core.candidates import parse_wheel_name
from pytest_wheeltag.core.dependencies import ReleaseMetadata, parse_release_metadata
from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.pyproject import BuildSystem
from pytest_wheeltag.core.references import Hashes, Reference
from pytest_wheeltag.core.requirements import ConfigSettings
from pytest_wheeltag.core.source import Material, RequestedSettings, Source
from pytest_wheeltag.core.sourcemetadata import parse_static_metadata
from pytest_wheeltag.errors import BuildError, MetadataError
from pytest_wheeltag.system.artefacts import read_declared
from pytest_wheeltag.system.backends import Backend, BuildPlace
from pytest_wheeltag.system.builtwheels import BuiltWheel, BuiltWheels
from pytest_wheeltag.system.downloads import require_any
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.files import STAGING_PREFIX, lock, staging_path
from pytest_wheeltag.system.materials import Materials
from pytest_wheeltag.system.sdists import read_pkg_info
from pytest_wheeltag.system.store import WantedWheel
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.system.workbench import LOGS, Outfit, Outfitter, Workbench

_TREE_LOCK_SECONDS = 3600.0
_TITLE_CHARACTERS = 80
# Where setuptools would leave what an earlier build made, for another interpreter to find: outside of the tree.
_EXTRA_CONFIG = "[build]\nbuild_base = {folder}/build\n[egg_info]\negg_base = {folder}\n"


@dataclass(frozen=True)
class _Recipe:
    """A material that was identified: the digest of its content, how it is built, what its backend is told."""

    material: Material
    digest: str
    system: BuildSystem
    settings: ConfigSettings

    @property
    def place(self) -> str:
        """Where a tree lies, empty for an archive."""
        return str(parse_url(self.material.file.url).file_path) if self.material.is_tree else ""


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
        self._outfitter = outfitter
        self._interpreter = interpreter
        self._settings = settings or RequestedSettings()
        self._built = BuiltWheels(workbench.cache)
        self._materials = Materials(workbench)
        self._entries: dict[Source, StoreEntry] = {}

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Source:
        """Find out whose a referenced archive or tree is, by building its wheel; raises as ``build``."""
        material = Material(reference.file, reference, hashes)
        entry, digest = self._build(material, name, reference.shown_url)
        if not material.is_tree:
            file = replace(material.file, hashes=(("sha256", digest),))
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
        metadata = self._promised(source) or self._prepared(source)
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
        entry, _ = self._build(source.material, source.name, source.title)
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

    def _parse(self, data: bytes, source: Source) -> ReleaseMetadata:
        try:
            return parse_release_metadata(data)
        except DistInfoError as error:
            raise MetadataError(source.file.filename, error.where, error.problem) from error

    def _promised(self, source: Source) -> ReleaseMetadata | None:
        """Give what PKG-INFO of an archive promises (PEP 643), None where it promises nothing."""
        digest = source.file.sha256
        if digest and (known := self._built.find_metadata(digest)):
            return known
        if digest and self._built.find_system(digest):
            return None
        with self._materials.open(source.material) as opened:
            try:
                promised = parse_static_metadata(read_pkg_info(opened.folder) or b"")
            except DistInfoError:
                promised = None
            if promised is not None:
                self._built.keep_metadata(opened.digest, promised)
        return promised

    def _prepared(self, source: Source) -> ReleaseMetadata:
        recipe = self._identify(source.material, source.name)
        outfit, key = self._outfit(recipe, source.title)
        known = self._built.find_metadata(key)
        if known is not None:
            return known
        with self._backend(recipe, outfit, source.title) as backend, self._materials.reserve() as folder:
            metadata = self._parse(backend.prepare_metadata(recipe.settings, folder), source)
        self._built.keep_metadata(key, metadata)
        return metadata

    def _build(self, material: Material, name: NormalizedName | None, title: str) -> tuple[StoreEntry, str]:
        """Give the wheel's entry and the digest of what it was built from."""
        recipe = self._identify(material, name)
        outfit, key = self._outfit(recipe, title)
        entry = self._recall(key)
        if entry is None:
            with self._built.lock(key):
                # Another may have been faster.
                entry = self._recall(key) or self._make(recipe, outfit, title)
                # A tree that was edited meanwhile, be it by its own build, is not what the key says.
                if not material.is_tree or self._identify(material, name).digest == recipe.digest:
                    self._built.keep_wheel(key, BuiltWheel(entry.digest, entry.wheel.filename))
        return entry, recipe.digest

    def _recall(self, key: str) -> StoreEntry | None:
        built = self._built.find_wheel(key)
        return (
            None if built is None else self._workbench.store.get(self._wanted(built.filename, built.sha256))
        )

    def _wanted(self, filename: str, sha256: str | None = None) -> WantedWheel:
        # What backends make of here is doubtful in ways of its own: editable wheels, for one, omit their build tag.
        policy = replace(self._workbench.options.policy, strict=False)
        return WantedWheel(filename, sha256, policy)

    def _make(self, recipe: _Recipe, outfit: Outfit, title: str) -> StoreEntry:
        self._workbench.tell(f"building {title} for {self._interpreter.label}")
        with self._backend(recipe, outfit, title) as backend, self._materials.reserve() as folder:
            path = backend.build(recipe.settings, folder)
            self._check_name(path.name, title)
            with path.open("rb") as file:
                return self._workbench.store.add(file, self._wanted(path.name))

    def _check_name(self, filename: str, title: str) -> None:
        # Its tags are not looked at, as with pip: it was built by and for this interpreter, whatever it says.
        try:
            parse_wheel_name(filename)
        except ValueError as error:
            raise self._fail(title, f"its backend made no wheel but: `{filename}`") from error

    def _fail(self, title: str, problem: str) -> BuildError:
        return BuildError(title, self._interpreter.label, problem)

    def _identify(self, material: Material, name: NormalizedName | None) -> _Recipe:
        """Find out what a material holds and how it is built; an archive that was seen before is not opened."""
        settings = self._settings.find(name, material.reference)
        digest = material.file.sha256
        if digest and not material.subdirectory and (known := self._built.find_system(digest)):
            return _Recipe(material, digest, known, settings)
        with self._materials.open(material) as opened:
            system = opened.read_system()
        if not material.is_tree and not material.subdirectory:
            self._built.keep_system(opened.digest, system)
        return _Recipe(material, opened.digest, system, settings)

    def _outfit(self, recipe: _Recipe, title: str) -> tuple[Outfit, str]:
        """Give what the build needs, as resolved, and the key of everything that the wheel depends on."""
        origin = f"the build of {title}"
        requires = recipe.system.requires
        outfit = self._outfitter.gather(requires, origin, self._interpreter)
        key = self._key(recipe, outfit)
        further = self._built.find_requirements(key)
        if further is None:
            with self._backend(recipe, outfit, title) as backend:
                further = backend.list_requirements(recipe.settings)
            self._built.keep_requirements(key, further)
        if further:
            outfit = self._outfitter.gather((*requires, *further), origin, self._interpreter)
            key = self._key(recipe, outfit)
        return outfit, key

    def _key(self, recipe: _Recipe, outfit: Outfit) -> str:
        material = recipe.material
        return BuildInputs(
            recipe.digest,
            recipe.place,
            material.subdirectory,
            material.is_editable,
            self._interpreter,
            outfit.requirements,
            recipe.settings,
            tuple(self._environ.items()),
        ).key()

    @cached_property
    def _environ(self) -> Mapping[str, str]:
        options = self._workbench.options
        selected = select_environment(options.environ, options.variables)
        if "PATH" in selected:
            # What an activated environment puts in front is none of a build's business.
            folders = selected["PATH"].split(os.pathsep)
            own = (each for each in folders if not Path(each).parent.joinpath("pyvenv.cfg").exists())
            selected["PATH"] = os.pathsep.join(own)
        return selected

    @contextmanager
    def _backend(self, recipe: _Recipe, outfit: Outfit, title: str) -> Iterator[Backend]:
        """Give the backend in its environment, beside the unpacked source; what it prints is kept where it fails."""
        with (
            self._materials.reserve() as scratch,
            self._materials.open(recipe.material) as opened,
            outfit.open() as environment,
            self._tree_lock(recipe),
        ):
            log = self._log(title)
            place = BuildPlace(
                opened.folder,
                environment.python,
                self._variables(environment, scratch),
                log,
                title,
                self._interpreter.label,
                self._workbench.options.seconds,
            )
            yield Backend(recipe.system, place, is_editable=recipe.material.is_editable)
            # What went wrong leaves by an error, and keeps it.
            log.unlink(missing_ok=True)

    def _variables(self, environment: Environment, scratch: Path) -> dict[str, str]:
        config = scratch / "setup.cfg"
        config.write_text(_EXTRA_CONFIG.format(folder=scratch), encoding="utf-8")
        path = os.pathsep.join(filter(None, (str(environment.bin), self._environ.get("PATH", os.defpath))))
        # What is left in a temporary folder goes with the build.
        temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
        ours = {"VIRTUAL_ENV": str(environment.prefix), "DIST_EXTRA_CONFIG": str(config)}
        return {**temporary, **ours, **self._environ, "PATH": path}

    @contextmanager
    def _tree_lock(self, recipe: _Recipe) -> Iterator[None]:
        """Let one process at a time build in a tree: backends write there."""
        if not recipe.place:
            yield
            return
        name = hashlib.sha256(recipe.place.encode()).hexdigest()
        with lock(self._workbench.room / f"{name}.lock", timeout_seconds=_TREE_LOCK_SECONDS):
            yield

    def _log(self, title: str) -> Path:
        logs = self._workbench.room / LOGS
        logs.mkdir(exist_ok=True)
        # Of an address, what it leads to.
        name = title.rstrip("/").rpartition("/")[2][:_TITLE_CHARACTERS]
        plain = "".join(each if each.isalnum() or each in "._-" else "-" for each in name)
        unique = staging_path(logs).name.removeprefix(STAGING_PREFIX)
        return logs / f"{plain}-{self._interpreter.label}-{unique}.log"
