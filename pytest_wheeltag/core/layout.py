"""Where each file of a wheel belongs: in a library folder, or where a ``.data`` folder sends it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from packaging.utils import NormalizedName
from packaging.version import Version

from pytest_wheeltag.core.distinfo import DistInfoError, EntryKind, is_same_version, parse_library_entry
from pytest_wheeltag.core.finding import Finding, entry, refused
from pytest_wheeltag.core.paths import find_conflicts, is_interpreter_name
from pytest_wheeltag.core.text import quoted

_THE_ARCHIVE = "the archive"
_DATA = ".data"
_LIBRARIES = frozenset({"site-packages", "dist-packages"})
_SCRIPT_FOLDERS = frozenset({"bin", "scripts"})
# The folders of an environment itself: a file in their place would break it.
_SKELETON = frozenset({"bin", "scripts", "lib", "lib64", "include", "share"})


class Scheme(StrEnum):
    """A kind of folder that a wheel installs into (binary distribution format; ``sysconfig`` calls it a path)."""

    PURELIB = "purelib"
    PLATLIB = "platlib"
    HEADERS = "headers"
    SCRIPTS = "scripts"
    DATA = "data"

    @property
    def is_library(self) -> bool:
        """Whether it is a library folder: in a virtual environment both are the same."""
        return self in {Scheme.PURELIB, Scheme.PLATLIB}


@dataclass(frozen=True)
class Layout:
    """The folders of a wheel that mean something: its dist-info, and its ``.data`` folders as they are spelt."""

    dist_info: str
    data_folders: frozenset[str]

    def is_of(self, name: NormalizedName, version: Version) -> bool:
        """Tell whether its dist-info is that of a release."""
        return _is_named(self.dist_info, name, version)

    def place(self, path: str, root: Scheme) -> tuple[Scheme, str]:
        """Give the scheme that a path belongs to and its place there; ``root`` is where the wheel's root goes.

        Raises ``DistInfoError`` for a ``.data`` folder's path without a known scheme.
        """
        top, _, rest = path.partition("/") if self.data_folders else ("", "", "")
        if top not in self.data_folders:
            return root, path
        scheme, _, relative = rest.partition("/")
        try:
            return Scheme(scheme), relative
        except ValueError as error:
            known = ", ".join(Scheme)
            raise DistInfoError(
                entry(path), f"expected one of {known} in a .data folder, found {quoted(scheme)}"
            ) from error


def parse_layout(
    files: Collection[str], folders: Collection[str], name: NormalizedName, version: Version
) -> Layout:
    """Find the dist-info folder and the ``.data`` folders, however they are spelt; raises ``DistInfoError``.

    Spelling differs between tools: ``Foo.Bar-1.0.data`` may stand beside ``foo_bar-1.0.dist-info``.
    """
    tops = {path.partition("/")[0] for path in (*files, *folders)}
    infos = sorted(top for top in tops if top.lower().endswith(EntryKind.DIST_INFO))
    if len(infos) != 1:
        found = " and ".join(map(quoted, infos[:2])) or "none"
        raise DistInfoError(_THE_ARCHIVE, f"expected one dist-info folder, found {found}")
    if infos[0] in files:
        raise DistInfoError(_THE_ARCHIVE, f"expected a dist-info folder, found a file: {quoted(infos[0])}")
    if not infos[0].endswith(EntryKind.DIST_INFO) or not _is_named(infos[0], name, version):
        raise DistInfoError(
            _THE_ARCHIVE, f"expected the dist-info of {name} {version}, found {quoted(infos[0])}"
        )
    return Layout(infos[0], _data_folders(tops - set(files), name, version))


def _data_folders(tops: Collection[str], name: NormalizedName, version: Version) -> frozenset[str]:
    found = frozenset(top for top in tops if top.lower().endswith(_DATA))
    for top in sorted(found):
        # pip takes any folder that ends so for data, other tools only one: they would install different things.
        if not top.endswith(_DATA) or not _is_named(
            top.removesuffix(_DATA) + EntryKind.DIST_INFO, name, version
        ):
            raise DistInfoError(
                _THE_ARCHIVE, f"expected the .data folder of {name} {version}, found {quoted(top)}"
            )
    return found


def _is_named(dist_info: str, name: NormalizedName, version: Version) -> bool:
    parsed = parse_library_entry(dist_info)
    return parsed is not None and parsed.key == name and is_same_version(parsed.version, str(version))


def describe_forbidden(scheme: Scheme, relative: str) -> str | None:
    """Say what of the environment a path out of a ``.data`` folder would replace or break, None for nothing.

    Compared in any letter case and without trailing dots, as Windows does.
    """
    parts = [part.lower().rstrip(". ") for part in relative.split("/")]
    if scheme is Scheme.SCRIPTS and is_interpreter_name(parts[0]):
        return "the interpreter"
    if scheme.is_library and parts[0].endswith(EntryKind.DIST_INFO):
        return "a dist-info"
    return _describe_data(parts) if scheme is Scheme.DATA else None


def _describe_data(parts: list[str]) -> str | None:
    if parts[0] == "pyvenv.cfg":
        return "pyvenv.cfg"
    if len(parts) == 1:
        return f"the folder `{parts[0]}`" if parts[0] in _SKELETON else None
    if parts[0] in _SCRIPT_FOLDERS and is_interpreter_name(parts[1]):
        return "the interpreter"
    below = pairwise(parts)
    is_info = any(folder in _LIBRARIES and part.endswith(EntryKind.DIST_INFO) for folder, part in below)
    return "a dist-info" if is_info else None


def find_forbidden(path: str, scheme: Scheme, relative: str) -> Iterator[Finding]:
    """Find out whether a path of a ``.data`` folder may go where it is sent."""
    if not relative:
        yield refused(entry(path), f"expected a folder in a .data folder, found a file called `{scheme}`")
    elif forbidden := describe_forbidden(scheme, relative):
        yield refused(entry(path), f"expected a file of its own, found one that would replace {forbidden}")


def find_twice_placed(places: Collection[tuple[Scheme, str]]) -> Iterator[Finding]:
    """Find two entries that go to one place, as a wheel's root and ``.data/purelib`` can."""
    for chosen in (Scheme.PURELIB, Scheme.HEADERS, Scheme.SCRIPTS, Scheme.DATA):
        paths = [
            relative
            for scheme, relative in places
            if scheme is chosen or (chosen.is_library and scheme.is_library)
        ]
        yield from find_conflicts(paths, ())
