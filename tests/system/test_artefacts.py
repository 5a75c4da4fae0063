from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, PublishedFile, parse_wheel_name
from pytest_wheeltag.core.dependencies import MAX_METADATA_BYTES, ReleaseMetadata
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.references import Reference, parse_reference
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import MetadataError, NoWheelError, UnreachableError, UsageError
from pytest_wheeltag.system.artefacts import Artefacts, read_declared
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.system.store import WheelStore
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.system.wheels import StoredWheels
from pytest_wheeltag.workshop import WheelMaker, WheelSpec
from pytest_wheeltag.workshop.imagined import imagine_file, imagine_interpreter

FOO, ONE = canonicalize_name("foo"), Version("1.0")
Stored = Callable[[WheelSpec], StoreEntry]


class LocalFiles:
    """Gives files of this disk by their address, and tells what is not there as ``Downloads`` does."""

    @contextmanager
    def open(self, file: PublishedFile) -> Iterator[BinaryIO]:
        try:
            stream = parse_url(file.url).file_path.open("rb")
        except OSError as error:
            raise UnreachableError(file.url, f"{error.strerror}") from error
        with stream:
            yield stream


class ImaginedIndex:
    """Declares a name and version for every wheel; remembers what was announced."""

    def __init__(self) -> None:
        self.announced: list[str] = []

    def metadata(self, candidate: Candidate) -> ReleaseMetadata:
        return ReleaseMetadata(candidate.name, candidate.version, requires_python=">=3")

    def prefetch(self, candidates: Iterable[Candidate]) -> None:
        self.announced += [each.file.filename for each in candidates]


class ImaginedBuilder:
    """Builds the same wheel of every source; remembers what was verified."""

    def __init__(self, entry: StoreEntry) -> None:
        self.entry = entry
        self.verified: list[Hashes] = []

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Source:
        return Source(name or FOO, ONE, Material(reference.file, reference, hashes))

    def metadata(self, source: Source) -> ReleaseMetadata:
        return ReleaseMetadata(source.name, source.version)

    def build(self, _: Source) -> StoreEntry:
        return self.entry

    def verify(self, _: Source, hashes: Hashes) -> None:
        self.verified.append(hashes)


class Scene:
    def __init__(self, folder: Path, entry: StoreEntry) -> None:
        self.make_wheel = WheelMaker(folder / "made")
        self.index = ImaginedIndex()
        self.builder = ImaginedBuilder(entry)
        wheels = StoredWheels(WheelStore(folder / "cache"), LocalFiles())
        self.artefacts = Artefacts(imagine_interpreter(), self.index, wheels, self.open_builder)
        self.opened = 0

    def open_builder(self) -> ImaginedBuilder:
        self.opened += 1
        return self.builder


@pytest.fixture
def scene(tmp_path: Path, stored: Stored) -> Scene:
    return Scene(tmp_path, stored(WheelSpec("built", "1.0")))


def candidate(filename: str) -> Candidate:
    return Candidate(imagine_file(filename), parse_wheel_name(filename), 1)


def source() -> Source:
    return Source(FOO, ONE, Material(imagine_file("foo-1.0.tar.gz")))


def refer(path: Path) -> Reference:
    return parse_reference(path.as_uri(), "the test")


def test_each_declares_by_whoever_knows_it(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "METADATA").write_text("Metadata-Version: 2.1\nName: there\nVersion: 3\n")
    there = PresentDistribution(canonicalize_name("there"), Version("3"), str(tmp_path))
    published = candidate("foo-1.0-py3-none-any.whl")
    assert scene.artefacts.metadata(there).name == "there"
    assert scene.artefacts.metadata(published).requires_python == ">=3"
    assert scene.opened == 0
    assert scene.artefacts.metadata(source()) == ReleaseMetadata(FOO, ONE)
    scene.artefacts.prefetch([published, source()])
    assert scene.index.announced == [published.file.filename]


def test_a_builder_is_opened_once_and_only_for_sources(scene: Scene) -> None:
    assert scene.artefacts.recall(source()) is None
    assert scene.opened == 0
    for _ in range(2):
        assert scene.artefacts.provide(source()) == scene.builder.entry
    scene.artefacts.verify(Choice(FOO, ONE, source(), hashes=(("sha256", "1" * 64),)))
    assert (scene.opened, scene.builder.verified) == (1, [(("sha256", "1" * 64),)])


def test_a_wheel_at_an_address_is_read_where_it_lies(scene: Scene) -> None:
    path = scene.make_wheel("foo", requires=["bar"])
    found = scene.artefacts.survey(refer(path), FOO)
    assert isinstance(found, Candidate)
    assert (found.name, found.version, found.file.sha256 is not None) == (FOO, ONE, True)
    assert [str(each.requirement) for each in scene.artefacts.metadata(found).requires] == ["bar"]
    entry = scene.artefacts.provide(found)
    assert scene.artefacts.recall(found) == entry
    assert entry.digest == found.file.sha256


def test_a_wheel_that_was_made_again_is_another(scene: Scene) -> None:
    path = scene.make_wheel("foo")
    before = scene.artefacts.survey(refer(path), None)
    path.write_bytes(scene.make_wheel("foo", files={"more.py": ""}).read_bytes())
    assert scene.artefacts.survey(refer(path), None).file.sha256 != before.file.sha256


def test_an_archive_at_an_address_is_the_builders(scene: Scene, tmp_path: Path) -> None:
    reference = refer(tmp_path / "foo-1.0.tar.gz")
    hashes = (("sha256", "1" * 64),)
    expected = Source(FOO, ONE, Material(reference.file, reference, hashes))
    assert scene.artefacts.survey(reference, None, hashes) == expected


def test_a_wheel_of_another_project_or_for_others_is_refused(scene: Scene) -> None:
    with pytest.raises(UsageError, match=r"expected a wheel of bar, found: `foo`"):
        scene.artefacts.survey(refer(scene.make_wheel("foo")), canonicalize_name("bar"))
    with pytest.raises(NoWheelError, match=r"it takes `cp311-cp311-linux_x86_64` and \d+ more"):
        scene.artefacts.survey(refer(scene.make_wheel("foo", tag="cp27-cp27mu-win32")), None)
    nameless = scene.make_wheel("foo").rename(scene.make_wheel.folder / "foo.whl")
    with pytest.raises(UsageError, match=r"expected the name of a wheel .* found: `foo\.whl`"):
        scene.artefacts.survey(refer(nameless), None)


def test_a_file_that_is_gone_is_told_by_its_address(scene: Scene) -> None:
    path = scene.make_wheel("foo")
    path.unlink()
    with pytest.raises(UnreachableError, match="No such file") as caught:
        scene.artefacts.survey(refer(path), None)
    assert caught.value.url == path.as_uri()


@pytest.mark.parametrize(
    "content",
    [None, b"Name: foo\n", b"\xff", b"Name: foo\nVersion: 1\n" + b"x" * MAX_METADATA_BYTES],
    ids=["none", "no version", "no text", "too large"],
)
def test_metadata_that_cannot_be_used_names_its_distribution(tmp_path: Path, content: bytes | None) -> None:
    place = tmp_path / "foo-1.0.dist-info"
    place.mkdir()
    if content is not None:
        (place / "METADATA").write_bytes(content)
    with pytest.raises(MetadataError) as caught:
        read_declared(place)
    assert caught.value.filename == place.name
