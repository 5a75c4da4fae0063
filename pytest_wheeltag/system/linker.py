"""Carrying out an installation plan: payload first, scripts next, the dist-info folder last and in one step."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pytest_wheeltag.core.plan import InstallPlan, LinkedFolder, WrittenFile
from pytest_wheeltag.errors import InstallationError
from pytest_wheeltag.system.compiler import CompilePayload
from pytest_wheeltag.system.disposal import Deletion, Disposal
from pytest_wheeltag.system.files import CREATE, describe_os_error, staging_path
from pytest_wheeltag.system.folders import FolderWalk, OpenFolder
from pytest_wheeltag.system.leftovers import sweep
from pytest_wheeltag.system.links import FileLinker, LinkMode, write_all
from pytest_wheeltag.system.records import read_all_recorded
from pytest_wheeltag.system.transaction import Transaction


@dataclass(frozen=True)
class LinkReport:
    """What came of installing one wheel: how many files each way of linking placed, and warnings, one clause each."""

    distribution: str
    placed: Mapping[LinkMode, int]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LinkOptions:
    """How files are placed: the mode, and whether ``strict`` refuses to replace another distribution's files.

    ``compile_payload`` makes the bytecode that RECORD shall list, None for none.
    """

    mode: LinkMode = LinkMode.AUTO
    strict: bool = False
    compile_payload: CompilePayload | None = None


@dataclass(frozen=True)
class Route:
    """Whence a wheel comes and where it goes: the folder it is unpacked in, and an environment's.

    As part of a ``transaction`` all that is done there can be undone.
    """

    source: Path
    prefix: Path
    transaction: Transaction | None = None


def install(plan: InstallPlan, route: Route, options: LinkOptions | None = None) -> LinkReport:
    """Put a wheel into an environment as planned.

    The distribution counts as installed only once everything is in place; a call that was interrupted can be
    made again. Raises ``InstallationError`` where it is installed already, where a link lies in the way, where
    the strict option forbids to replace a file, and where the disk says no.
    """
    return _Linking(plan, route, options or LinkOptions()).run()


@dataclass
class _Linking:
    plan: InstallPlan
    route: Route
    options: LinkOptions
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def linker(self) -> FileLinker:
        return FileLinker(self.options.mode)

    @property
    def distribution(self) -> str:
        return f"{self.plan.name} {self.plan.version}"

    def run(self) -> LinkReport:
        """Check what can be checked before, then write."""
        self._refuse_entanglement()
        final = self.route.prefix / self.plan.dist_info
        if os.path.lexists(final):
            problem = "it is there already; uninstall it first"
            raise self._fail(problem, str(final))
        with self._told():
            self._write(final)
        return LinkReport(self.distribution, dict(self.linker.used), (*self.plan.warnings, *self.warnings))

    @cached_property
    def disposal(self) -> Disposal:
        return self.route.transaction or Deletion(str(self.route.prefix))

    def _write(self, final: Path) -> None:
        staged = staging_path(final)
        if self.route.transaction:
            self._announce(self.route.transaction, staged)
        self._link(self.plan.payload, self.route.prefix)
        self._write_files(self.plan.scripts, self.route.prefix)
        compile_payload = self.options.compile_payload
        plan = self.plan.with_unhashed(compile_payload(self.plan.sources)) if compile_payload else self.plan
        sweep(final.parent)
        staged.mkdir()
        try:
            self._link(_moved(plan.information, plan.dist_info), staged)
            self._write_files(_renamed(plan.metadata, plan.dist_info), staged)
            staged.rename(final)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise

    def _announce(self, transaction: Transaction, staged: Path) -> None:
        files: dict[str, list[str]] = {}
        for link in self.plan.payload:
            files.setdefault(link.destination, []).extend(link.names)
        for script in self.plan.scripts:
            folder, _, name = script.path.rpartition("/")
            files.setdefault(folder, []).append(name)
        library = self.plan.dist_info.rpartition("/")[0]
        transaction.announce(files, (f"{library}/{staged.name}", self.plan.dist_info))

    def _link(self, links: Iterable[LinkedFolder], root: Path) -> None:
        bases = self.plan.bases if root == self.route.prefix else ()
        with (
            FolderWalk(str(self.route.source)) as sources,
            FolderWalk(str(root), bases=bases, create=True) as destinations,
        ):
            for link in links:
                self._link_folder(link, sources.open(link.source), destinations.open(link.destination))

    def _link_folder(self, link: LinkedFolder, source: OpenFolder, destination: OpenFolder) -> None:
        place = self.linker.copy if link.is_copied else self.linker.place
        for name in link.names:
            try:
                place(name, source, destination)
            except FileExistsError:
                self._take_away(name, link.destination, destination)
                place(name, source, destination)
            if link.is_copied:
                # Archives made on Windows carry no executable bits (binary distribution format, scripts).
                _make_executable(name, destination)

    def _write_files(self, files: Iterable[WrittenFile], root: Path) -> None:
        bases = self.plan.bases if root == self.route.prefix else ()
        with FolderWalk(str(root), bases=bases, create=True) as destinations:
            for file in files:
                folder, _, name = file.path.rpartition("/")
                destination = destinations.open(folder)
                try:
                    _write(name, destination, file)
                except FileExistsError:
                    self._take_away(name, folder, destination)
                    _write(name, destination, file)

    def _take_away(self, name: str, folder: str, destination: OpenFolder) -> None:
        path = f"{folder}/{name}" if folder else name
        if owner := self._owners.get(path):
            problem = f"a file of it belongs to {owner} already"
            if self.options.strict:
                raise self._fail(problem, path)
            self.warnings.append(f"{problem}, the last one wins: `{path}`")
        self.disposal.take(name, folder, destination)

    @cached_property
    def _owners(self) -> Mapping[str, str]:
        recorded = read_all_recorded(self.route.prefix, sorted(self.plan.bases))
        return {
            path: files.dist_info.removesuffix(".dist-info") for files in recorded for path in files.paths
        }

    def _refuse_entanglement(self) -> None:
        store, prefix = (Path(os.path.realpath(path)) for path in (self.route.source, self.route.prefix))
        if store.is_relative_to(prefix) or prefix.is_relative_to(store):
            problem = "expected an environment and a store that do not lie in each other"
            raise self._fail(problem, str(prefix))

    def _fail(self, problem: str, path: str) -> InstallationError:
        return InstallationError(self.distribution, problem, path)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            path = str(error.filename2 or error.filename or self.route.prefix)
            raise self._fail(_clause(error), path) from error


def _clause(error: OSError) -> str:
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        return "expected a folder, found a link or a file"
    return describe_os_error(error)


def _moved(links: Iterable[LinkedFolder], dist_info: str) -> Iterator[LinkedFolder]:
    for link in links:
        inner = link.destination[len(dist_info) + 1 :]
        yield LinkedFolder(link.source, inner, link.names, link.is_copied)


def _renamed(files: Iterable[WrittenFile], dist_info: str) -> Iterator[WrittenFile]:
    for file in files:
        yield WrittenFile(file.path[len(dist_info) + 1 :], file.content, file.is_executable)


def _write(name: str, folder: OpenFolder, file: WrittenFile) -> None:
    mode = 0o777 if file.is_executable else 0o666
    descriptor = os.open(folder.name(name), CREATE, mode, dir_fd=folder.descriptor)
    try:
        write_all(descriptor, file.content)
    except BaseException:
        with suppress(OSError):
            os.unlink(folder.name(name), dir_fd=folder.descriptor)
        raise
    finally:
        os.close(descriptor)


def _make_executable(name: str, folder: OpenFolder) -> None:
    found = os.stat(folder.name(name), dir_fd=folder.descriptor, follow_symlinks=False)
    if not found.st_mode & 0o100:
        # Those who may read it may run it.
        mode = found.st_mode | (found.st_mode & 0o444) >> 2
        os.chmod(folder.name(name), mode & 0o777, dir_fd=folder.descriptor)
