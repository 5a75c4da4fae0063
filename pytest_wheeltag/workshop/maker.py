"""Makes samples into one folder, with as few words as a test wants to spend."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from pytest_wheeltag.workshop.fault import Fault
from pytest_wheeltag.workshop.sdists import Recipe, SdistSpec, pack_sdist
from pytest_wheeltag.workshop.wheels import Spelling, WheelSpec, pack_wheel, wheel_filename


class WheelWishes(TypedDict, total=False):
    """The options of ``WheelSpec``."""

    tag: str
    build: str
    files: Mapping[str, bytes | str]
    data: Mapping[str, bytes | str]
    modes: Mapping[str, int]
    requires: Sequence[str]
    requires_python: str
    extras: Sequence[str]
    entry_points: str | Mapping[str, Mapping[str, str]]
    headers: tuple[tuple[str, str], ...]
    description: str
    spelling: Spelling
    wheel_tags: Sequence[str] | None
    wheel_version: str
    root_is_purelib: bool | None
    generator: str


class SdistWishes(TypedDict, total=False):
    """The options of ``SdistSpec``."""

    files: Mapping[str, bytes | str]
    requires: Sequence[str]
    requires_python: str
    extras: Sequence[str]
    entry_points: str | Mapping[str, Mapping[str, str]]
    build_requires: Sequence[str]
    recipe: Recipe
    is_static: bool


class WheelMaker:
    """Makes wheels, and sdists with ``sdist``, into one folder.

    A second file of the same name but with other content goes into a numbered folder below, so that both paths
    stay good: that is how a release is published again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, name: str, version: str = "1.0", *, faults: Iterable[Fault] = (), **wishes: Unpack[WheelWishes]
    ) -> Path:
        """Make a wheel and give its path; ``UsageError`` as ``WheelSpec``."""
        spec, faults = WheelSpec(name, version, **wishes), tuple(faults)
        return self._put(wheel_filename(spec, faults), pack_wheel(spec, faults))

    def sdist(self, name: str, version: str = "1.0", **wishes: Unpack[SdistWishes]) -> Path:
        """Make an sdist and give its path."""
        spec = SdistSpec(name, version, **wishes)
        return self._put(spec.filename, pack_sdist(spec))

    def _put(self, filename: str, content: bytes) -> Path:
        numbered = (self.folder / str(number) for number in itertools.count(2))
        places = (folder / filename for folder in itertools.chain((self.folder,), numbered))
        path = next(place for place in places if not place.exists() or place.read_bytes() == content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path
