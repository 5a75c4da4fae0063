"""What provisioning and auditing are done with: cache, indexes, interpreters and store, each opened when needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.audit import Auditor
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.provision import InstallReport, Provisioner, ProvisionOptions, Supplies
from pytest_wheeltag.system.admission import admit
from pytest_wheeltag.system.cache import prepare_cache
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.downloads import Downloads
from pytest_wheeltag.system.environment import Environment, EnvironmentMaker, remove_environment
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.system.linker import LinkOptions
from pytest_wheeltag.system.metadata import IndexMetadata
from pytest_wheeltag.system.sources import OpenedSources, SourceOptions, open_sources
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.system.wheels import StoredWheels


def _ignore(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Workplace:
    """Everything that one run works with, on the machine that ``environ`` describes.

    ``run_id`` names the run whose processes see every page of an index once; ``warn`` is told, in one line, of
    what was damaged in the cache.
    """

    sources: SourceOptions
    environ: Mapping[str, str] = field(repr=False)
    run_id: str | None = None
    options: ProvisionOptions = field(default_factory=ProvisionOptions)
    warn: Callable[[str], None] = _ignore

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
        return open_sources(self.sources, self.environ, self.run_id)

    @cached_property
    def store(self) -> WheelStore:
        """The store of unpacked wheels."""
        return WheelStore(self.cache, warn=self.warn)

    @cached_property
    def maker(self) -> EnvironmentMaker:
        """Makes environments."""
        return EnvironmentMaker(self.cache, self.environ)

    @cached_property
    def auditor(self) -> Auditor:
        """Judges environments."""
        return Auditor(self.opened.catalogue, exclude_newer=self.opened.exclude_newer)

    @cached_property
    def provisioner(self) -> Provisioner:
        """Resolves and installs."""
        access = self.opened.access
        wheels = StoredWheels(self.store, Downloads(access.transport), self.options.policy)
        metadata = IndexMetadata(access, wheels.read_metadata)
        supplies = Supplies(self.opened.catalogue, metadata, wheels)
        return Provisioner(
            supplies,
            replace(
                self.options,
                exclude_newer=self.opened.exclude_newer,
                constraints=self.opened.read_constraints(),
            ),
        )

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

    def with_index(self, url: str) -> "Workplace":
        """Give the same place with one index alone, whatever is configured; nothing known of indexes is kept.

        One on loopback is no network: it is asked offline too. Raises ``UsageError`` for an address that is none.
        """
        is_offline = self.sources.is_offline and not parse_url(url, setting="index_url").is_loopback
        alone = replace(self.sources, index_url=url, extra_index_urls=(), find_links=(), no_index=False)
        return replace(self, sources=replace(alone, is_alone=True, is_offline=is_offline))

    def with_options(self, options: ProvisionOptions) -> "Workplace":
        """Give the same place where wheels are chosen, checked and linked in another way."""
        return replace(self, options=options)

    def with_links(self, links: LinkOptions) -> "Workplace":
        """Give the same place where files are linked in another way."""
        return self.with_options(replace(self.options, links=links))
