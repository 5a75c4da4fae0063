"""Where the artefacts of a conformance scenario lie: two indexes and a host of files on loopback, and folders."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from packaging.utils import parse_wheel_filename

from pytest_wheeltag.core.scenario import Artefact, Cast, Form, Publish, Shelf, Withdraw
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.index import LocalIndex
from pytest_wheeltag.workshop.sdists import Recipe, SdistSpec, pack_sdist, write_source_tree
from pytest_wheeltag.workshop.wheels import WheelSpec, pack_wheel

MARK = "_artefact.py"


class Stage:
    """Publishes and withdraws; every artefact tells by a file ``<project>/_artefact.py`` which one it is.

    What is published lies on its shelf, at a path and at an address of its own as well; another artefact of the same
    file name takes its place there.
    """

    def __init__(self, folder: Path, start: Callable[[LocalIndex], LocalIndex]) -> None:
        self.folder = folder
        self._start = start
        self._indexes = {shelf: LocalIndex() for shelf in (Shelf.INDEX, Shelf.OTHER_INDEX)}
        self._host = LocalIndex()

    @property
    def find_links(self) -> Path:
        """The folder for ``--find-links``."""
        return self.folder / "folder"

    def index_url(self, shelf: Shelf) -> str:
        """Give the address of an index; ``KeyError`` for a shelf that is none."""
        return self._started(self._indexes[shelf]).url

    def _started(self, index: LocalIndex) -> LocalIndex:
        """Give a server that answers: few scenarios ask more than one."""
        return index if index.is_started else self._start(index)

    def publish(self, step: Publish, artefacts: Mapping[str, Artefact], cast: Cast) -> None:
        """Put artefacts on a shelf, at their paths and at their addresses."""
        for name in step.artefacts:
            artefact = artefacts[name]
            if artefact.form is Form.TREE:
                self._write_tree(artefact, cast)
                continue
            path = self._write(artefact, cast)
            _replace(self._host, path, has_hashes=True)
            if step.shelf is Shelf.FOLDER:
                self.find_links.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, self.find_links / path.name)
            else:
                _replace(self._indexes[step.shelf], path, has_hashes=step.has_hashes)

    def withdraw(self, step: Withdraw, artefacts: Mapping[str, Artefact], cast: Cast) -> None:
        """Take artefacts from a shelf."""
        for name in step.artefacts:
            filename = _filename(artefacts[name], cast)
            if step.shelf is Shelf.FOLDER:
                (self.find_links / filename).unlink()
            else:
                self._indexes[step.shelf].remove(filename)

    def locate(self, artefact: Artefact, kind: str, cast: Cast) -> str:
        """Give the ``path``, ``url`` or ``sha256`` of an artefact, the folder of a ``tree``.

        Raises ``UsageError`` for another kind.
        """
        filename = _filename(artefact, cast)
        path = self._path(artefact, filename)
        if kind in {"path", "tree"}:
            return str(path)
        if kind == "url":
            return self._started(self._host).file_url(filename)
        if kind == "sha256":
            return hashlib.sha256(_pack(artefact, cast)).hexdigest()
        raise UsageError("scenario", kind, "one of path, url, tree, sha256")

    def _path(self, artefact: Artefact, filename: str) -> Path:
        return self.folder / ("trees" if artefact.form is Form.TREE else "files") / filename

    def _write(self, artefact: Artefact, cast: Cast) -> Path:
        path = self._path(artefact, _filename(artefact, cast))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_pack(artefact, cast))
        return path

    def _write_tree(self, artefact: Artefact, cast: Cast) -> None:
        # Over what lies there, as somebody edits it.
        write_source_tree(_source(artefact, cast), self.folder / "trees")


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Give empty indexes, which are started when they are first asked for and closed in the end."""
    with ExitStack() as opened:
        yield Stage(folder, opened.enter_context)


def _replace(index: LocalIndex, path: Path, *, has_hashes: bool) -> None:
    with suppress(KeyError):
        index.remove(path.name)
    if has_hashes:
        index.add(path)
    else:
        index.add(path, hashes={})


def _filename(artefact: Artefact, cast: Cast) -> str:
    if artefact.form is Form.WHEEL:
        return cast.fill(artefact.title)
    spec = _source(artefact, cast)
    return spec.stem if artefact.form is Form.TREE else spec.filename


def _pack(artefact: Artefact, cast: Cast) -> bytes:
    if artefact.form is not Form.WHEEL:
        return pack_sdist(_source(artefact, cast))
    filename = cast.fill(artefact.title)
    _, version, build, _ = parse_wheel_filename(filename)
    name, tag = filename.split("-")[0], "-".join(filename.removesuffix(".whl").split("-")[-3:])
    spec = WheelSpec(
        name,
        str(version),
        tag=tag,
        build="".join(map(str, build)),
        files=_files(name, artefact),
        requires=artefact.requires,
        requires_python=cast.fill(artefact.requires_python),
    )
    return pack_wheel(spec)


def _source(artefact: Artefact, cast: Cast) -> SdistSpec:
    name, _, version = artefact.title.partition("-")
    recipe = Recipe(
        cast.fill(artefact.tag),
        witnesses_interpreter="interpreter" in artefact.tells,
        witnesses_settings="settings" in artefact.tells,
        environment=artefact.variables,
        distributions=artefact.distributions,
    )
    return SdistSpec(
        name,
        version,
        files=_files(name, artefact),
        requires=artefact.requires,
        requires_python=cast.fill(artefact.requires_python),
        build_requires=artefact.build_requires,
        is_static=not artefact.is_dynamic,
        recipe=recipe,
    )


def _files(module: str, artefact: Artefact) -> dict[str, bytes | str]:
    return {f"{module}/__init__.py": "", f"{module}/{MARK}": f"ARTEFACT = {artefact.name!r}\n"}


def list_shelves(shelves: Iterable[Shelf]) -> tuple[Shelf, ...]:
    """Give the indexes among some shelves, in their order."""
    return tuple(each for each in shelves if each is not Shelf.FOLDER)
