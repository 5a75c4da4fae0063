"""What is installed in an environment, read back from disk alone: nothing is executed, no installer believed."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import PurePath

from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.interpreter import ExistingEnvironment
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.core.verdict import InstalledDistribution, MalformedDistribution
from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.conda import CondaRecords
from pytest_wheeltag.system.distinfo import Place, list_places, read_places
from pytest_wheeltag.system.enclosure import Enclosure, Folder
from pytest_wheeltag.system.files import describe_os_error

_OPERATING_SYSTEM = "the operating system's package manager"


def read_installed(
    environment: ExistingEnvironment, *, inherited: bool = False
) -> tuple[InstalledDistribution, ...]:
    """Read every distribution of an environment, one for each normalised name, sorted by it.

    A distribution hides those of its name in later folders: first the environment's own libraries, then the
    operating system's, then, with ``inherited``, the base's and the user's. Whatever lies there, nothing is
    raised: what cannot be read is a ``MalformedDistribution``, and so is a library folder that is there but
    cannot be listed, under the folder's name. All texts but ``location`` are fit to be printed.
    """
    with ExitStack() as opened:
        return tuple(_take_inventory(environment, opened, inherited=inherited).read())


def read_by_name(
    environment: ExistingEnvironment, *, inherited: bool = False
) -> Mapping[str, InstalledDistribution]:
    """Give what ``read_installed`` gives, by normalised name."""
    return {canonicalize_name(each.name): each for each in read_installed(environment, inherited=inherited)}


def list_names(environment: ExistingEnvironment, *, inherited: bool = False) -> tuple[str, ...]:
    """List the normalised names of all that ``read_installed`` gives, sorted; folders are listed, no file is opened."""
    with ExitStack() as opened:
        return _take_inventory(environment, opened, inherited=inherited).names


@dataclass(frozen=True)
class _Library:
    """A library folder, the prefix that it belongs to with conda's records, and who owns it if not its user."""

    path: str
    conda: CondaRecords
    owner: str | None = None

    def open(self) -> Folder:
        """Open it inside its prefix, or as an enclosure of its own where its path is not below the prefix.

        An interpreter may well keep its libraries elsewhere, as Homebrew's does; a link on the way is another
        matter. Raises ``UnsafeFileError`` for one that leads out of the prefix, ``OSError``.
        """
        prefix = _enclose(self.conda.prefix)
        if prefix is not None and prefix.parts_of(self.path) is not None:
            return prefix.open(self.path)
        real = os.path.realpath(self.path, strict=True)
        if prefix is not None and prefix.parts_of(real) is not None:
            return prefix.open(real)
        return Enclosure.around(real).open(real)


def _enclose(path: str) -> Enclosure | None:
    try:
        return Enclosure.around(path)
    except OSError:
        return None


@dataclass
class _Inventory:
    """What describes distributions in an environment, by normalised name; ``blocked`` are unlistable folders."""

    places: dict[NormalizedName, list[Place]] = field(default_factory=dict)
    blocked: dict[NormalizedName, MalformedDistribution] = field(default_factory=dict)

    @property
    def names(self) -> tuple[NormalizedName, ...]:
        """All names, sorted."""
        return tuple(sorted(self.places.keys() | self.blocked.keys()))

    def add(self, places: list[Place]) -> None:
        """Add what one set of folders holds; what an earlier set holds under the same name hides it."""
        found: dict[NormalizedName, list[Place]] = defaultdict(list)
        for place in places:
            found[place.parsed.key].append(place)
        self.places = found | self.places

    def block(self, library: _Library, problem: str) -> None:
        """Note that a library folder is there but cannot be listed."""
        name = printable(PurePath(library.path).name or library.path)
        clause = f"its libraries cannot be listed, {problem}: `{printable(library.path)}`"
        self.blocked.setdefault(
            canonicalize_name(name), MalformedDistribution(name, "", clause, library.path)
        )

    def read(self) -> Iterator[InstalledDistribution]:
        """Read what was found, sorted by name."""
        for name in self.names:
            yield self.blocked[name] if name in self.blocked else read_places(self.places[name])


def _take_inventory(environment: ExistingEnvironment, opened: ExitStack, *, inherited: bool) -> _Inventory:
    inventory = _Inventory()
    seen: set[str] = set()
    for libraries in _library_sets(environment, inherited=inherited):
        places: list[Place] = []
        for library in libraries:
            try:
                folder = opened.enter_context(library.open())
                # `lib64` is often a link to `lib`: purelib and platlib are one folder then.
                if folder.path not in seen:
                    places += list_places(folder, library.conda, library.owner)
                    seen.add(folder.path)
            except FileNotFoundError:
                continue
            except UnsafeFileError as error:
                inventory.block(library, error.problem)
            except OSError as error:
                inventory.block(library, describe_os_error(error))
        inventory.add(places)
    return inventory


def _library_sets(environment: ExistingEnvironment, *, inherited: bool) -> Iterator[tuple[_Library, ...]]:
    """Give the library folders in the order in which they hide each other; those of one set hide nothing."""
    foreign = {*environment.foreign_libraries, *environment.interpreter.foreign_libraries}
    conda = CondaRecords(environment.prefix)
    yield tuple(_Library(path, conda) for path in environment.libraries if path not in foreign)
    owned = (path for path in environment.libraries if path in foreign)
    for path in (*owned, *environment.foreign_libraries):
        yield (_Library(path, conda, _OPERATING_SYSTEM),)
    conda = CondaRecords(environment.interpreter.prefix)
    for path in environment.inherited if inherited else ():
        yield (_Library(path, conda, _OPERATING_SYSTEM if path in foreign else None),)
