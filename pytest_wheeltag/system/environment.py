"""Environments to install into; making throwaway ones whole or not at all, and removing them."""

import hashlib
import os
import shutil
import stat
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.target import InstallTarget, target_of
from pytest_wheeltag.errors import InterpreterError, UnsafeFileError, UsageError
from pytest_wheeltag.system.files import publish_bytes, read_regular, staging_path
from pytest_wheeltag.system.images import EnvironmentImage, EnvironmentImages, can_be_written, take_image
from pytest_wheeltag.system.transaction import Transaction, open_transaction, recover

# What virtualenv remembers of interpreters; its own place would lie outside our cache.
APP_DATA_ROOM = "virtualenv-v1"
ENVIRONMENTS_ROOM = "environments-v1"

# Says that an environment is ours, and whether it was finished.
MARKER = ".wheeltag"
_UNFINISHED = b"unfinished\n"
_COMPLETE = b"complete\n"
_MARKER_BYTES = 64
_DIGEST_CHARACTERS = 16
_FIRST_PATCHED = (3, 8)

# virtualenv's caches of interpreters were not made for threads.
_virtualenv_lock = threading.Lock()


@dataclass(frozen=True)
class Environment:
    """An environment of an interpreter in the folder ``prefix``, whoever made it."""

    prefix: Path
    interpreter: Interpreter

    @cached_property
    def _paths(self) -> Mapping[str, str]:
        return self.interpreter.scheme_paths(str(self.prefix))

    @property
    def bin(self) -> Path:
        """The folder of scripts."""
        return Path(self._paths["scripts"])

    @property
    def python(self) -> Path:
        """Its python executable, which scripts start with."""
        is_windows = self.interpreter.markers.get("os_name") == "nt"
        return self.bin / ("python.exe" if is_windows else "python")

    @property
    def site_packages(self) -> Path:
        """The folder of pure libraries (``purelib``)."""
        return Path(self._paths["purelib"])

    @property
    def libraries(self) -> tuple[Path, ...]:
        """Purelib and platlib, once where they are one folder."""
        return tuple(dict.fromkeys(Path(self._paths[key]) for key in ("purelib", "platlib")))

    @cached_property
    def target(self) -> InstallTarget:
        """Where it takes files; raises ``ValueError`` for a scheme whose folders do not lie below the prefix."""
        return target_of(self.interpreter, str(self.prefix))

    def as_existing(self) -> ExistingEnvironment:
        """Give it as something to be looked at."""
        return ExistingEnvironment(
            str(self.prefix), self.interpreter, tuple(str(library) for library in self.libraries)
        )

    def recover(self, cache: Path) -> tuple[str, ...]:
        """Undo what a killed process left half done in it, as ``transaction.recover`` does."""
        return recover(cache, self.target)

    @contextmanager
    def hold(self, cache: Path) -> Iterator["Site"]:
        """Hold it alone for work; whatever is raised there undoes all of it, as ``open_transaction`` says."""
        with open_transaction(cache, self.target) as transaction:
            yield Site(self, transaction)


@dataclass(frozen=True)
class Site:
    """An environment that is worked in; without a ``transaction`` nobody else is, and nothing is ever put back."""

    environment: Environment
    transaction: Transaction | None = None

    @property
    def is_own(self) -> bool:
        """Whether nobody else can have been at work there meanwhile."""
        return self.transaction is None

    @property
    def recovered(self) -> tuple[str, ...]:
        """What was undone there first, one line each."""
        return self.transaction.recovered if self.transaction else ()


@dataclass(frozen=True)
class BaseInterpreter(Environment):
    """An interpreter itself, to install into as into an environment."""

    @property
    def python(self) -> Path:
        """Its own executable."""
        return Path(self.interpreter.executable)

    @cached_property
    def target(self) -> InstallTarget:
        """Where it takes files; raises as an environment's."""
        # As pip has it: `site` is part of the folder of headers in virtual environments alone.
        headers, standard = self._relative("include"), self._relative("stdlib")
        executable = self.interpreter.executable
        target = target_of(self.interpreter, str(self.prefix))
        return replace(target, executable=executable, headers=headers, standard_library=standard)

    def _relative(self, key: str) -> str:
        path = self._paths.get(key)
        return "" if path is None else os.path.relpath(path, self.prefix).replace(os.sep, "/")


@dataclass(frozen=True)
class UnfinishedEnvironment(Environment):
    """One that is still being made: nobody believes it, and what goes wrong in it is thrown away as a whole."""

    def recover(self, cache: Path) -> tuple[str, ...]:  # noqa: ARG002 - the same call
        """Do nothing: what dies with its maker is thrown away."""
        return ()

    @contextmanager
    def hold(self, cache: Path) -> Iterator[Site]:  # noqa: ARG002 - the same call
        """Give it as it is: nobody else is at work in it, and nothing is put back."""
        yield Site(self)

    def complete(self) -> Environment:
        """Say on disk that it holds all that it shall hold: only now it may be believed."""
        publish_bytes(self.prefix / MARKER, _COMPLETE)
        return Environment(self.prefix, self.interpreter)


class EnvironmentMaker:
    """Makes environments with virtualenv in this process, without seeds.

    ``cache`` is the cache folder, where virtualenv remembers what interpreters are; ``environ`` is handed to
    the interpreters that it asks. Neither virtualenv's configuration file nor its variables count. What environments
    look like is remembered in ``images``, which several makers may share.
    """

    def __init__(
        self, cache: Path, environ: Mapping[str, str], images: EnvironmentImages | None = None
    ) -> None:
        self._images = images or EnvironmentImages()
        self._app_data = cache / APP_DATA_ROOM
        self._environ = {
            name: value for name, value in environ.items() if not name.upper().startswith("VIRTUALENV_")
        }
        # An empty file: users' defaults (seeds, copies, prompts) would make other environments.
        self._environ["VIRTUALENV_CONFIG_FILE"] = os.devnull

    def make(self, prefix: Path, interpreter: Interpreter) -> UnfinishedEnvironment:
        """Make an environment in ``prefix``, the same as ``virtualenv --no-seed`` makes there.

        (Without its patch of distutils where that is no code for the interpreter: 3.6, 3.7.) It is not finished
        until its ``complete`` is called. One of ours that was never finished is thrown away first. Raises
        ``UsageError`` where anything else is in the way, ``InterpreterError`` where no environment can be made of
        this interpreter, ``OSError`` where the disk says no.
        """
        prefix = prefix.absolute()
        _clear_the_way(prefix)
        prefix.mkdir(parents=True, exist_ok=True)
        publish_bytes(prefix / MARKER, _UNFINISHED)
        environment = UnfinishedEnvironment(prefix, interpreter)
        try:
            self._fill(prefix, interpreter)
            _check(environment)
        except BaseException:
            remove_environment(prefix)
            raise
        return environment

    def _fill(self, prefix: Path, interpreter: Interpreter) -> None:
        """Write it from an image where there is one, else let virtualenv make it."""
        taking = partial(self._take_image, interpreter)
        image = self._images.find(interpreter, taking) if can_be_written(prefix) else None
        if image is None:
            self._create(prefix, interpreter)
        else:
            image.write(prefix)

    def _take_image(self, interpreter: Interpreter) -> EnvironmentImage | None:
        # A name that stands nowhere by chance, and a place of its own: others may be doing the same.
        self._app_data.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="wheeltag-image-", dir=self._app_data) as folder:
            prefix = Path(folder, f"image-{uuid.uuid4().hex}")
            self._create(prefix, interpreter)
            return take_image(prefix) if can_be_written(prefix) else None

    def _create(self, prefix: Path, interpreter: Interpreter) -> None:
        # Late: 70 ms, and whoever only looks at environments makes none.
        from virtualenv.run import session_via_cli  # noqa: PLC0415

        arguments = [str(prefix), "--no-seed", "--no-periodic-update"]
        arguments += ["--python", interpreter.executable, "--app-data", str(self._app_data)]
        try:
            with _virtualenv_lock:
                session = session_via_cli(arguments, setup_logging=False, env=self._environ)
            # It would write a `.venv` beside an environment that lies beside a pyproject.toml (PEP 832).
            session.creator.venv_redirect = False
            with session:
                session.run()
            _drop_broken_patch(session.creator.purelib, interpreter)
        except (RuntimeError, ValueError, SystemExit) as error:
            problem = f"virtualenv makes no environment of it ({error})"
            raise InterpreterError(interpreter.executable, problem) from error


def _drop_broken_patch(library: Path, interpreter: Interpreter) -> None:
    # virtualenv 21 writes it for Python 3.8 and later; older ones complain about its syntax at every start.
    if interpreter.version_info < _FIRST_PATCHED:
        for name in ("_virtualenv.pth", "_virtualenv.py"):
            (library / name).unlink(missing_ok=True)


def _check(environment: Environment) -> None:
    # What is linked goes where the scheme says; the interpreter must look there.
    for folder in (environment.bin, *environment.libraries):
        if not folder.is_dir():
            problem = f"virtualenv made no folder `{folder}` that its scheme names"
            raise InterpreterError(environment.interpreter.executable, problem)


def _clear_the_way(prefix: Path) -> None:
    expected = "a folder that is absent or empty"
    try:
        found = prefix.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        setting = "folder of an environment"
        raise UsageError(setting, str(prefix), expected)
    if _read_marker(prefix) == _UNFINISHED:
        remove_environment(prefix)
    elif any(prefix.iterdir()):
        setting = "folder of an environment"
        raise UsageError(setting, str(prefix), expected)


def _read_marker(prefix: Path) -> bytes:
    try:
        return read_regular(prefix / MARKER, _MARKER_BYTES)
    except (OSError, UnsafeFileError):
        return b""


def open_environment(prefix: Path, interpreter: Interpreter) -> Environment | None:
    """Give an environment that we made and finished there before, None where there is none to be believed."""
    prefix = prefix.absolute()
    return Environment(prefix, interpreter) if _read_marker(prefix) == _COMPLETE else None


def set_aside(prefix: Path) -> Path | None:
    """Take an environment out of the way in one step, to be removed later; None where there is none.

    Removing files one by one is what takes time, and slows the making of folders after it.
    """
    aside = staging_path(prefix)
    try:
        prefix.rename(aside)
    except FileNotFoundError:
        return None
    return aside


def remove_environment(prefix: Path) -> None:
    """Remove an environment that we made, with all that is in it; that it is gone already is no error.

    Modes are never changed on the way: its files may be links to those of the store. Raises ``UsageError``
    for a folder that is none of ours.
    """
    if not os.path.lexists(prefix):
        return
    if _read_marker(prefix) not in {_UNFINISHED, _COMPLETE}:
        setting = "environment to remove"
        raise UsageError(setting, str(prefix), "one that pytest-wheeltag made")
    # Should this be interrupted, what is left is not taken for complete.
    publish_bytes(prefix / MARKER, _UNFINISHED)
    aside = set_aside(prefix)
    if aside is not None:
        shutil.rmtree(aside)


def choose_home(wanted: Path, cache: Path) -> Path:
    """Choose the folder that environments are made in: ``wanted``, or one in the cache on another device.

    Links do not cross devices, and ``wanted`` (pytest's temporary folder) may lie in memory. The two need not
    exist; the one in the cache is told apart by ``wanted``'s own path.
    """
    if _device(wanted) == _device(cache):
        return wanted
    key = hashlib.sha256(os.fsencode(wanted.absolute())).hexdigest()[:_DIGEST_CHARACTERS]
    return cache / ENVIRONMENTS_ROOM / key


def _device(path: Path) -> int:
    for folder in (path.absolute(), *path.absolute().parents):
        with suppress(FileNotFoundError, NotADirectoryError):
            return folder.stat().st_dev
    return -1
