"""What provisioning and auditing are done with: cache, indexes, interpreters and store, each opened when needed."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.askedfor import FileOptions, join_asked
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.ledger import Ledger
from pytest_wheeltag.core.requirements import Demand, Request
from pytest_wheeltag.errors import UnreachableError
from pytest_wheeltag.forecast import Forecaster
from pytest_wheeltag.provision import Provisioner
from pytest_wheeltag.supplies import ProvisionOptions, Supplies
from pytest_wheeltag.system import transport
from pytest_wheeltag.system.admission import admit
from pytest_wheeltag.system.artefacts import SourceBuilder
from pytest_wheeltag.system.cache import prepare_cache
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.environment import Environment, EnvironmentMaker, remove_environment
from pytest_wheeltag.system.images import EnvironmentImages
from pytest_wheeltag.system.installation import InstallReport
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.system.keptsources import KeptSources
from pytest_wheeltag.system.linker import LinkOptions
from pytest_wheeltag.system.metadata import IndexMetadata
from pytest_wheeltag.system.provenance import Provenance
from pytest_wheeltag.system.publishedrecords import PublishedRecords
from pytest_wheeltag.system.requestfiles import RequestReader
from pytest_wheeltag.system.sources import OpenedSources, SourceOptions, open_sources
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.urls import Url, parse_url
from pytest_wheeltag.system.wheels import StoredWheels
from pytest_wheeltag.system.workbench import BuildOptions, Workbench

_DOCUMENT_BYTES = 16 * transport.MEGABYTE


def _ignore(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Workplace:
    """Everything that one run works with, on the machine that ``environ`` describes.

    ``run_id`` names the run whose processes see every page of an index once; ``build_variables`` are those that builds
    see besides our list. ``warn`` is told, in one line, of what was damaged in the cache, ``tell`` of each build that
    begins. ``stand_in`` takes the place of what ``sources`` would open. ``ledger`` is the lock that environments are
    judged by; without one the indexes are asked. ``images`` remember what environments look like, also for the places
    that are derived from this one.
    """

    sources: SourceOptions
    environ: Mapping[str, str] = field(repr=False)
    run_id: str | None = None
    options: ProvisionOptions = field(default_factory=ProvisionOptions)
    build_variables: tuple[str, ...] = ()
    warn: Callable[[str], None] = _ignore
    tell: Callable[[str], None] = _ignore
    stand_in: OpenedSources | None = field(default=None, repr=False)
    ledger: Ledger | None = None
    images: EnvironmentImages = field(default_factory=EnvironmentImages, repr=False)

    @cached_property
    def cache(self) -> Path:
        """The cache folder, made if it was not there."""
        return prepare_cache(self.sources.cache)

    @cached_property
    def finder(self) -> InterpreterFinder:
        """Finds interpreters and environments."""
        return InterpreterFinder(self.cache, this_machine(self.environ))

    @cached_property
    def opened(self) -> OpenedSources:
        """The catalogue of all sources; raises ``UsageError`` for an address that is none."""
        return self.stand_in or open_sources(self.sources, self.environ, self.run_id)

    @cached_property
    def reader(self) -> RequestReader:
        """Reads what is asked for; files at addresses come as indexes are asked."""
        return RequestReader(Path.cwd(), self.environ, self._fetch_document)

    def _fetch_document(self, url: Url) -> bytes:
        with self.opened.access.transport.get(transport.Request(url, max_bytes=_DOCUMENT_BYTES)) as response:
            if response.status != transport.OK:
                problem = f"expected a file of requirements, found status {response.status}"
                raise UnreachableError(str(url), problem, status=response.status)
            return response.read()

    @cached_property
    def store(self) -> WheelStore:
        """The store of unpacked wheels."""
        return WheelStore(self.cache, warn=self.warn)

    @cached_property
    def maker(self) -> EnvironmentMaker:
        """Makes environments."""
        return EnvironmentMaker(self.cache, self.environ, self.images)

    @cached_property
    def auditor(self) -> Auditor:
        """Judges environments; where a lock says what is published, no index is opened for it."""
        if self.ledger is not None:
            return Auditor(self.ledger)
        return Auditor(
            self.opened.catalogue,
            Provenance(PublishedRecords(self.opened.access), self._wheels),
            exclude_newer=self.opened.exclude_newer,
            controls=self.opened.configuration.controls.then(self.options.controls),
        )

    @cached_property
    def _wheels(self) -> StoredWheels:
        return StoredWheels(self.store, Downloads(self.opened.access.transport), self.options.policy)

    @cached_property
    def provisioner(self) -> Provisioner:
        """Resolves and installs."""
        return Provisioner(self._supplies, self.configured_options)

    @cached_property
    def forecaster(self) -> Forecaster:
        """Foresees for targets what would be installed there."""
        return Forecaster(self._supplies, self.configured_options, self._open_host, self.ledger)

    def _open_host(self, request: Request) -> SourceBuilder:
        return self.provisioner.open_builder(request, self.finder.ask(Path(sys.executable)))

    @cached_property
    def _supplies(self) -> Supplies:
        access = self.opened.access
        downloads = Downloads(access.transport)
        metadata = IndexMetadata(access, self._wheels.read_metadata)
        sources = KeptSources(self.cache, downloads, is_offline=access.is_offline)
        builds = BuildOptions(self.environ, self.build_variables, policy=self.options.policy)
        workbench = Workbench(self.cache, self.store, sources, builds, self.tell)
        return Supplies(self.opened.catalogue, metadata, self._wheels, workbench, self.maker)

    @cached_property
    def configured_options(self) -> ProvisionOptions:
        """What was asked for, over what pip is configured with."""
        configuration, options = self.opened.configuration, self.options
        return replace(
            options,
            exclude_newer=self.opened.exclude_newer,
            constraints=(
                *options.constraints,
                *self._read_constraints(self._origin("constraint"), configuration.constraints),
            ),
            build_constraints=options.build_constraints
            or self._read_constraints(self._origin("build-constraint"), configuration.build_constraints),
            controls=self.opened.configuration.controls.then(options.controls),
            hash_rule=configuration.hash_rule.then(options.hash_rule),
        )

    def read_build_constraints(self, locations: Iterable[str]) -> tuple[Demand, ...]:
        """Read files of constraints for what builds require; raises ``UsageError``."""
        return self._read_constraints("--build-constraint", locations)

    def _origin(self, setting: str) -> str:
        told = dict(self.opened.configuration.origins).get(setting, "")
        return told if told.startswith("UV_") else f"pip's {setting}"

    def _read_constraints(self, origin: str, locations: Iterable[str]) -> tuple[Demand, ...]:
        return join_asked(self.reader.constraints(each, origin) for each in locations).request.constraints

    def open_environment(self, path: Path) -> Environment:
        """Give an environment that is there, to install into or uninstall from.

        ``path`` is its folder or its python. Raises ``EnvironmentNotFoundError`` where it is no environment,
        ``EnvironmentRefusedError`` where it belongs to others.
        """
        return admit(self.finder.find_environment(path))

    def furnish(self, prefix: Path, interpreter: Interpreter, request: Request) -> InstallReport:
        """Make an environment that holds a request, or none at all; raises as ``maker`` and ``provisioner``."""
        environment = self.maker.make(prefix, interpreter)
        try:
            report = self.provisioner.install(environment, request)
        except BaseException:
            remove_environment(environment.prefix)
            raise
        environment.complete()
        return report

    def heeding(self, options: FileOptions) -> "Workplace":
        """Give the same place where what requirements files say of indexes and kinds of files counts."""
        if options == FileOptions():
            return self
        controls = options.apply_to(self.options.controls)
        sources = replace(self.sources, beside=options)
        return replace(self, sources=sources, options=replace(self.options, controls=controls))

    def with_index(self, url: str) -> "Workplace":
        """Give the same place with one index alone, whatever is configured; nothing known of indexes is kept.

        One on loopback is no network: it is asked offline too. Raises ``UsageError`` for an address that is none.
        """
        is_offline = self.sources.is_offline and not parse_url(url, setting="index_url").is_loopback
        alone = replace(
            self.sources,
            index_url=url,
            extra_index_urls=(),
            find_links=(),
            no_index=False,
            beside=FileOptions(),
        )
        sources = replace(alone, is_alone=True, is_offline=is_offline)
        return replace(self, sources=sources, stand_in=None)

    def with_cache(self, cache: Path) -> "Workplace":
        """Give the same place with another cache, where the pages of indexes are still those that this run has seen."""
        if cache == self.sources.cache:
            return self
        runs = self.sources.runs or self.sources.cache
        return replace(self, sources=replace(self.sources, cache=cache, runs=runs))

    def served_at(self, urls: tuple[Url, ...]) -> "Workplace":
        """Give the same place for an installer that is pointed at other addresses of the same indexes."""
        return replace(self, stand_in=self.opened.served_at(urls))

    def with_options(self, options: ProvisionOptions) -> "Workplace":
        """Give the same place where wheels are chosen, checked and linked in another way."""
        return replace(self, options=options)

    def with_links(self, links: LinkOptions) -> "Workplace":
        """Give the same place where files are linked in another way."""
        return self.with_options(replace(self.options, links=links))
