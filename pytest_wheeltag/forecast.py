"""The way out to elsewhere: which files targets would take, found out without installing or building anything there."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.choosing import try_to_choose
from pytest_wheeltag.core.candidates import Candidate, ProjectFiles, screen_release
from pytest_wheeltag.core.foreign import Target
from pytest_wheeltag.core.ledger import Ledger
from pytest_wheeltag.core.ledgerprospects import foresee_ledger
from pytest_wheeltag.core.lockprospects import foresee_locked
from pytest_wheeltag.core.nearest import describe_nearest
from pytest_wheeltag.core.pathways import Pathways
from pytest_wheeltag.core.prospect import Forecast, Prospect
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.resolution import Catalogue, Choice, Impasse, Resolution, SearchPathways, Sources
from pytest_wheeltag.core.shelf import shelve
from pytest_wheeltag.core.source import Source
from pytest_wheeltag.core.verdict import VerdictKind
from pytest_wheeltag.errors import (
    CatalogueError,
    OfflineError,
    UsageError,
    WheeltagError,
)
from pytest_wheeltag.supplies import ProvisionOptions, Supplies
from pytest_wheeltag.system.artefacts import Artefacts, SourceBuilder
from pytest_wheeltag.system.buildrecords import BuildRecords
from pytest_wheeltag.system.foreignsources import Declarations, ForeignSources
from pytest_wheeltag.system.materials import Materials
from pytest_wheeltag.system.promises import Promises


class RememberedCatalogue:
    """A catalogue whose projects are read once, although hundreds of targets ask for them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._projects: dict[NormalizedName, ProjectFiles] = {}
        self._releases: dict[tuple[NormalizedName, Version], ProjectFiles] = {}

    def files(self, name: NormalizedName) -> ProjectFiles:
        """Give all files of a project, as ``Catalogue`` says."""
        if name not in self._projects:
            self._projects[name] = shelve(self._catalogue.files(name))
        return self._projects[name]

    def release(self, name: NormalizedName, version: Version) -> ProjectFiles:
        """Give the files of one release, as ``Catalogue`` says."""
        key = (name, version)
        if key not in self._releases:
            self._releases[key] = self._catalogue.release(name, version)
        return self._releases[key]

    def prefetch(self, names: Iterable[NormalizedName]) -> None:
        """Fetch side by side what will be asked for."""
        self._catalogue.prefetch(name for name in names if name not in self._projects)


class Forecaster:
    """Chooses for targets as a provisioner does for interpreters that are here.

    ``open_host`` gives what builds on the interpreter that runs us: only a backend knows whose a tree is. With a
    ``ledger`` nothing is chosen: all that it wants is looked up there.
    """

    def __init__(
        self,
        supplies: Supplies,
        options: ProvisionOptions,
        open_host: Callable[[Request], SourceBuilder],
        ledger: Ledger | None = None,
    ) -> None:
        self._ledger = ledger
        self._supplies = supplies
        self._options = options
        self._open_host = open_host
        self._catalogue = RememberedCatalogue(supplies.catalogue)
        self._promises = Promises(Materials(supplies.workbench), BuildRecords(supplies.workbench.cache))
        self._declarations: dict[Request, Declarations] = {}
        self._pathways: SearchPathways = Pathways()

    def resolve(self, request: Request, target: Target) -> Resolution:
        """Give what an installer would take on a target; raises as ``choose``."""
        found = self._try_to_resolve(request, target)
        if isinstance(found, Resolution):
            return found
        raise found.explain()

    def _try_to_resolve(self, request: Request, target: Target) -> Resolution | Impasse:
        foreign = ForeignSources(target, self._declared(request))
        artefacts = Artefacts(target, self._supplies.metadata, self._supplies.wheels, lambda: foreign)
        sources = Sources(self._catalogue, artefacts, artefacts, pathways=self._pathways)
        found = try_to_choose(request, self._options.screen_for(target), sources, self._options)
        if isinstance(found, Impasse):
            return found
        doubts = foreign.doubts_of(choice.artefact for choice in found.choices)
        return replace(found, warnings=(*found.warnings, *doubts))

    def forecast(self, request: Request, target: Target) -> Forecast:
        """Tell what a target would take of a request, and what of it has no file for it.

        Where nothing satisfies the request, files of any tag count, behind all others, so that what is missing has a
        name. Raises ``UsageError`` for what no target could take.
        """
        if self._ledger is not None:
            return foresee_ledger(self._ledger, target, self._options.controls)
        try:
            if request.lock is not None:
                return foresee_locked(request.lock, target, self._options.controls)
            return self._foresee(target, self._resolve_openly(request, target))
        except UsageError:
            raise
        except OfflineError as error:
            return Forecast(target, problem=str(error), kind=VerdictKind.UNKNOWN)
        except CatalogueError as error:
            return Forecast(target, problem=str(error), kind=VerdictKind.UNREACHABLE)
        except WheeltagError as error:
            return Forecast(target, problem=str(error))

    def _resolve_openly(self, request: Request, target: Target) -> Resolution:
        found = self._try_to_resolve(request, target)
        if isinstance(found, Resolution):
            return found
        opened = self._try_to_resolve(request, target.opened())
        if isinstance(opened, Resolution):
            return opened
        # With any file nothing fits together either: the first reason is the target's own.
        raise found.explain()

    def _foresee(self, target: Target, resolution: Resolution) -> Forecast:
        prospects = tuple(self._prospect(target, each) for each in resolution.choices)
        return Forecast(target, prospects, resolution.warnings)

    def _prospect(self, target: Target, choice: Choice) -> Prospect:
        name, version, artefact = choice.name, str(choice.version), choice.artefact
        if choice.reference or (isinstance(artefact, Candidate) and target.ranking.accepts(artefact.rank)):
            return Prospect(name, version, choice)
        screen = self._options.screen_for(target)
        files = self._catalogue.release(name, choice.version).files
        offer = screen_release(name, choice.version, files, screen)
        nearest = describe_nearest((each for each in offer.rejections if each.wheel), target)
        if isinstance(artefact, Source):
            return Prospect(name, version, choice, f"no published wheel is compatible{nearest}")
        sources = "" if screen.controls.takes_sources(name) else ", and nothing is built from source"
        return Prospect(name, version, None, f"no published file is compatible{sources}{nearest}")

    def _declared(self, request: Request) -> Declarations:
        if request not in self._declarations:
            opening = partial(self._open_host, request)
            self._declarations[request] = Declarations(
                self._catalogue, self._supplies.metadata, self._promises, opening
            )
        return self._declarations[request]
