"""Where the artefacts of a conformance scenario lie: two indexes and a host of files on loopback, and folders."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from packaging.utils import parse_wheel_filename

from pytest_wheeltag.core.scenario import WITHOUT_HASHES, Artefact, Cast, Form, Publish, Shelf, Withdraw
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.fault import Fault, render_rows
from pytest_wheeltag.workshop.index import IndexOptions, LocalIndex
from pytest_wheeltag.workshop.sdists import Recipe, SdistSpec, pack_sdist, write_source_tree
from pytest_wheeltag.workshop.served import Claims
from pytest_wheeltag.workshop.wheels import WheelSpec, pack_wheel, wheel_files, wheel_record

MARK = "_artefact.py"
# As public indexes are: an installer may ask whether what it has is still the same, and keep what it made of it.
# Without being told otherwise it may guess for how long an answer is fresh (RFC 9111 4.2.2), as uv did for ten minutes.
_VALIDATING = IndexOptions(has_etags=True, cache_control="no-cache")


class Stage:
    """Publishes and withdraws; every artefact tells by a file ``<project>/_artefact.py`` which one it is.

    What is published lies on its shelf, at a path and at an address of its own as well; another artefact of the same
    file name takes its place there.
    """

    def __init__(self, folder: Path, start: Callable[[LocalIndex], LocalIndex]) -> None:
        self.folder = folder
        self._start = start
        self._indexes = {shelf: LocalIndex(_VALIDATING) for shelf in (Shelf.INDEX, Shelf.OTHER_INDEX)}
        self._host = LocalIndex(_VALIDATING)

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
            path = self._write(artefact, artefacts, cast)
            _replace(self._host, path, {})
            if step.shelf is Shelf.FOLDER:
                self.find_links.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, self.find_links / path.name)
            else:
                _replace(self._indexes[step.shelf], path, _claims(step))

    def withdraw(self, step: Withdraw, artefacts: Mapping[str, Artefact], cast: Cast) -> None:
        """Take artefacts from a shelf."""
        for name in step.artefacts:
            filename = _filename(artefacts[name], cast)
            if step.shelf is Shelf.FOLDER:
                (self.find_links / filename).unlink()
            else:
                self._indexes[step.shelf].remove(filename)

    def locate(self, name: str, kind: str, artefacts: Mapping[str, Artefact], cast: Cast) -> str:
        """Give the ``filename``, ``path``, ``url`` or ``sha256`` of an artefact, the folder of a ``tree`` or its ``tree-url``.

        Raises ``UsageError`` for another kind.
        """
        artefact = artefacts[name]
        filename = _filename(artefact, cast)
        path = self._path(artefact, filename)
        if kind in {"path", "tree"}:
            return str(path)
        if kind == "tree-url":
            return path.absolute().as_uri()
        if kind == "url":
            return self._started(self._host).file_url(filename)
        if kind == "sha256":
            return hashlib.sha256(_pack(artefact, artefacts, cast)).hexdigest()
        if kind == "filename":
            return filename
        raise UsageError("scenario", kind, "one of filename, path, url, tree, tree-url, sha256")

    def _path(self, artefact: Artefact, filename: str) -> Path:
        return self.folder / ("trees" if artefact.form is Form.TREE else "files") / filename

    def _write(self, artefact: Artefact, artefacts: Mapping[str, Artefact], cast: Cast) -> Path:
        path = self._path(artefact, _filename(artefact, cast))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_pack(artefact, artefacts, cast))
        return path

    def _write_tree(self, artefact: Artefact, cast: Cast) -> None:
        # Over what lies there, as somebody edits it.
        write_source_tree(_source(artefact, cast), self.folder / "trees")


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Give empty indexes, which are started when they are first asked for and closed in the end."""
    with ExitStack() as opened:
        yield Stage(folder, opened.enter_context)


def _replace(index: LocalIndex, path: Path, claims: Claims) -> None:
    with suppress(KeyError):
        index.remove(path.name)
    index.add(path, **claims)


def _claims(step: Publish) -> Claims:
    """Give what an index says of a file otherwise than the file itself."""
    claims: Claims = {} if step.has_hashes else {"hashes": {}}
    return {**claims, "yanked": "withdrawn by its author"} if step.is_yanked else claims


def _filename(artefact: Artefact, cast: Cast) -> str:
    if artefact.form is Form.WHEEL:
        return cast.fill(artefact.title)
    spec = _source(artefact, cast)
    return spec.stem if artefact.form is Form.TREE else spec.filename


def _pack(artefact: Artefact, artefacts: Mapping[str, Artefact], cast: Cast) -> bytes:
    if artefact.form is not Form.WHEEL:
        return pack_sdist(_source(artefact, cast))
    return pack_wheel(_wheel(artefact, cast), _record_faults(artefact, artefacts, cast))


def _wheel(artefact: Artefact, cast: Cast) -> WheelSpec:
    filename = cast.fill(artefact.title)
    _, version, build, _ = parse_wheel_filename(filename)
    name, tag = filename.split("-")[0], "-".join(filename.removesuffix(".whl").split("-")[-3:])
    return WheelSpec(
        name,
        str(version),
        tag=tag,
        build="".join(map(str, build)),
        files=_files(name, artefact),
        requires=artefact.requires,
        requires_python=cast.fill(artefact.requires_python),
    )


def _record_faults(artefact: Artefact, artefacts: Mapping[str, Artefact], cast: Cast) -> tuple[Fault, ...]:
    """Give what makes a RECORD prove nothing."""
    if not artefact.record:
        return ()
    if artefact.record == WITHOUT_HASHES:
        return (Fault("record-without-hashes", "45", record=_without_hashes),)
    other = wheel_record(wheel_files(_wheel(artefacts[artefact.record], cast)))
    return (Fault("record-of-another", "42", record=lambda _: other),)


def _without_hashes(record: bytes) -> bytes:
    return render_rows(tuple((row.split(",")[0], "", "") for row in record.decode().splitlines()))


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
