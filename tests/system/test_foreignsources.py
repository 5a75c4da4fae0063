import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, PublishedFile
from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.foreign import parse_target
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import BuildError, MetadataError
from pytest_wheeltag.system.foreignsources import Declarations, ForeignSources
from pytest_wheeltag.workshop.imagined import ImaginedCatalogue, imagine_file

FOO = canonicalize_name("foo")
SOURCE = Source(FOO, Version("1.0"), Material(imagine_file("foo-1.0.tar.gz")))


class ImaginedMetadata:
    """What wheels declare: nothing, but their own file names are remembered; of ``broken`` ones it cannot be used."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.asked: list[str] = []

    def metadata(self, candidate: Candidate) -> ReleaseMetadata:
        self.asked.append(candidate.file.filename)
        if candidate.file.filename in self.broken:
            raise MetadataError(candidate.file.filename, "METADATA", "it cannot be used")
        return ReleaseMetadata(candidate.name, candidate.version)

    def prefetch(self, candidates: object) -> None:
        """Everything is here already."""


class Silent:
    """Archives whose PKG-INFO says nothing, or what another release does."""

    def __init__(self, stated: ReleaseMetadata | None = None) -> None:
        self.stated = stated

    def read_stated(self, source: Source) -> ReleaseMetadata | None:  # noqa: ARG002 - whatever the archive
        return self.stated


def look(
    metadata: ImaginedMetadata, *filenames: str, target: str, stated: ReleaseMetadata | None = None
) -> ForeignSources:
    def nobody() -> object:
        raise AssertionError

    declarations = Declarations(ImaginedCatalogue(filenames), metadata, Silent(stated), nobody)  # type: ignore[arg-type]  # fakes of what is asked
    return ForeignSources(parse_target(target), declarations)


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("cp312-win32", "foo-1.0-cp312-cp312-win_amd64.whl"),
        ("cp313-musllinux_1_2_x86_64", "foo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
        ("cp313-android_24_x86_64", "foo-1.0-cp312-cp312-win_amd64.whl"),
    ],
)
def test_a_wheel_for_the_same_system_is_asked_else_any(target: str, asked: str) -> None:
    metadata = ImaginedMetadata()
    files = (
        "foo-1.0-cp312-cp312-win_amd64.whl",
        "foo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl",
        "foo-1.0-odd.whl",
    )

    assert look(metadata, *files, target=target).metadata(SOURCE) == ReleaseMetadata(FOO, Version("1.0"))
    assert metadata.asked == [asked]


def test_the_smallest_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = ImaginedMetadata()
    sources = look(metadata, target="cp312-win32")
    files = tuple(
        PublishedFile(f"foo-1.0-cp31{minor}-none-any.whl", "https://files.example/", size=size)
        for minor, size in ((1, 30), (2, 10), (3, 20))
    )
    catalogue = sources._declarations.catalogue  # noqa: SLF001 - its files have sizes here
    release = ImaginedCatalogue().release(FOO, Version("1.0"))
    monkeypatch.setattr(catalogue, "release", lambda *_: type(release)(FOO, files))

    sources.metadata(SOURCE)
    assert metadata.asked == ["foo-1.0-cp312-none-any.whl"]


@pytest.mark.parametrize("stated", [None, ReleaseMetadata(FOO, Version("2.0"))])
def test_where_nothing_says_what_is_required_a_warning_does(stated: ReleaseMetadata | None) -> None:
    metadata = ImaginedMetadata("foo-1.0-py3-none-any.whl")
    sources = look(metadata, "foo-1.0-py3-none-any.whl", target="cp312-win32", stated=stated)

    assert sources.metadata(SOURCE).requires == ()
    assert sources.doubts_of([SOURCE]) == (
        "what foo 1.0 requires is not known without building it, nothing is assumed",
    )
    assert not sources.doubts_of([])


def test_what_pkg_info_says_is_believed() -> None:
    stated = ReleaseMetadata(FOO, Version("1.0"), extras=frozenset({canonicalize_name("x")}))
    sources = look(ImaginedMetadata(), target="cp312-win32", stated=stated)

    assert sources.metadata(SOURCE) is stated
    assert not sources.doubts_of([SOURCE])


def test_nothing_is_built() -> None:
    with pytest.raises(BuildError, match="the interpreter is not on this machine"):
        look(ImaginedMetadata(), target="cp312-win32").build(SOURCE)
