from collections.abc import Callable

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, PublishedFile, parse_wheel_name
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.resolution import Artefact, Choice, Resolution
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.errors import WheelError
from pytest_wheeltag.system.artefacts import Artefacts
from pytest_wheeltag.system.delivery import Delivery, deliver
from pytest_wheeltag.system.entries import StoreEntry
from pytest_wheeltag.workshop import WheelSpec

Stored = Callable[[WheelSpec], StoreEntry]
ONE = Version("1.0")
SHA256, SHA512 = ("sha256", "1" * 64), ("sha512", "3" * 128)


class ImaginedArtefacts(Artefacts):
    """Knows what of everything is in the store; remembers what was asked of it."""

    def __init__(self, entry: StoreEntry, known: tuple[str, ...] = ()) -> None:
        self.entry = entry
        self.known = known
        self.provided: list[str] = []
        self.verified: list[str] = []

    def recall(self, artefact: Artefact) -> StoreEntry | None:
        return self.entry if artefact.name in self.known else None

    def provide(self, artefact: Artefact) -> StoreEntry:
        self.provided.append(artefact.name)
        if artefact.name == "broken":
            raise WheelError(artefact.file.filename, "", "expected another")
        return self.entry

    def verify(self, choice: Choice) -> None:
        self.verified.append(choice.name)


@pytest.fixture
def entry(stored: Stored) -> StoreEntry:
    return stored(WheelSpec("any", "1.0"))


def wheel(name: str, given: Hashes = (), claimed: Hashes = ()) -> Choice:
    filename = f"{name}-1.0-py3-none-any.whl"
    file = PublishedFile(filename, f"https://files.example/{filename}", claimed)
    artefact = Candidate(file, parse_wheel_name(filename), 1)
    return Choice(canonicalize_name(name), ONE, artefact, hashes=given)


def archive(name: str) -> Choice:
    file = PublishedFile(f"{name}-1.0.tar.gz", f"https://files.example/{name}-1.0.tar.gz", ())
    return Choice(canonicalize_name(name), ONE, Source(canonicalize_name(name), ONE, Material(file)))


def test_what_the_store_has_is_not_asked_for_and_sources_come_last(entry: StoreEntry) -> None:
    choices = (archive("a"), wheel("b"), wheel("c"), wheel("d"))
    artefacts = ImaginedArtefacts(entry, ("c",))
    delivery = deliver(Resolution(choices), artefacts)
    assert sorted(artefacts.provided[:2]) == ["b", "d"]
    assert artefacts.provided[2:] == ["a"]
    assert delivery.choices == choices
    assert dict(delivery.entries) == dict.fromkeys("abcd", entry)


def test_only_what_the_index_does_not_vouch_for_is_verified(entry: StoreEntry) -> None:
    choices = (wheel("a"), wheel("b", (SHA512,), (SHA256,)), wheel("c", (SHA256,), (SHA256,)))
    artefacts = ImaginedArtefacts(entry, ("a", "b", "c"))
    deliver(Resolution(choices), artefacts)
    assert artefacts.verified == ["b"]


def test_one_that_is_refused_stops_it(entry: StoreEntry) -> None:
    artefacts = ImaginedArtefacts(entry)
    with pytest.raises(WheelError, match="expected another"):
        deliver(Resolution((wheel("a"), wheel("broken"), archive("z"))), artefacts)
    assert "z" not in artefacts.provided


def test_nothing_chosen_is_delivered_at_once(entry: StoreEntry) -> None:
    assert deliver(Resolution(()), ImaginedArtefacts(entry)) == Delivery()
