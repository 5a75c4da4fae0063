"""What wheels follow from: the content of a source, how it is built, with what, and the key of it all."""

from dataclasses import dataclass, field

from packaging.utils import NormalizedName

from pytest_wheeltag.core.buildkey import BuildInputs
from pytest_wheeltag.core.requirements import ConfigSettings
from pytest_wheeltag.core.source import Material, RequestedSettings
from pytest_wheeltag.system.bench import Bench, Workpiece
from pytest_wheeltag.system.buildrecords import BuildRecords
from pytest_wheeltag.system.workbench import Outfit, Outfitter


@dataclass(frozen=True)
class Recipe:
    """A workpiece with all that its wheel depends on besides; ``key`` covers the whole, in hexadecimal."""

    piece: Workpiece
    settings: ConfigSettings
    outfit: Outfit = field(repr=False)
    key: str


@dataclass(frozen=True)
class Recipes:
    """Finds out what wheels follow from, on a bench; what is requested of single projects are their ``settings``."""

    bench: Bench
    records: BuildRecords
    outfitter: Outfitter
    settings: RequestedSettings = field(default_factory=RequestedSettings)

    def find(self, material: Material, name: NormalizedName | None, title: str) -> Recipe:
        """Give the recipe for the wheel of a material, whose ``name`` may be unknown; ``title`` is for messages.

        Raises ``BuildError`` where its backend does not answer, and as ``Materials.open`` and ``Outfitter.gather``.
        """
        piece = self._identify(material, title)
        settings = self.settings.find(name, material.reference)
        recipe = self._gather(piece, settings, piece.system.requires)
        further = self.records.find_requirements(recipe.key)
        if further is None:
            with self.bench.open(piece, recipe.outfit) as backend:
                further = backend.list_requirements(settings)
            self.records.keep_requirements(recipe.key, further)
        return self._gather(piece, settings, (*piece.system.requires, *further)) if further else recipe

    def is_current(self, recipe: Recipe) -> bool:
        """Tell whether the source still is what the recipe says: a tree may be edited at any time."""
        if not recipe.piece.material.is_tree:
            return True
        with self.bench.materials.open(recipe.piece.material) as opened:
            return opened.digest == recipe.piece.digest

    def _identify(self, material: Material, title: str) -> Workpiece:
        """Find out what a material holds and how it is built; an archive that was seen before is not opened."""
        digest = material.file.sha256
        if digest and not material.subdirectory and (known := self.records.find_system(digest)):
            return Workpiece(material, digest, known, title)
        with self.bench.materials.open(material) as opened:
            piece = Workpiece(material, opened.digest, opened.read_system(), title)
        if not material.is_tree and not material.subdirectory:
            self.records.keep_system(piece.digest, piece.system)
        return piece

    def _gather(self, piece: Workpiece, settings: ConfigSettings, requires: tuple[str, ...]) -> Recipe:
        interpreter = self.bench.interpreter
        outfit = self.outfitter.gather(requires, f"the build of {piece.title}", interpreter)
        inputs = BuildInputs(
            source=piece.digest,
            place=piece.place,
            subdirectory=piece.material.subdirectory,
            is_editable=piece.material.is_editable,
            interpreter=interpreter,
            requirements=outfit.requirements,
            settings=settings,
            environment=tuple(self.bench.environ.items()),
        )
        return Recipe(piece, settings, outfit, inputs.key())
