"""What two environments hold of one distribution, side by side: what differs, and what can be compared at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_wheeltag.core.comparison import compress_tags, expand_tags, parse_build
from pytest_wheeltag.core.distinfo import is_same_version
from pytest_wheeltag.core.text import quoted
from pytest_wheeltag.core.verdict import InstalledWheel

_METADATA_FOLDER = ".dist-info"
_SHOWN = 3


@dataclass(frozen=True)
class Holding:
    """What one environment holds of a distribution.

    ``files`` has the SHA-256 in hexadecimal of what lies on disk, by path relative to its scheme, without what
    installers write themselves; empty for a file that cannot be read.
    """

    wheel: InstalledWheel
    files: Mapping[str, str]

    @property
    def short_tags(self) -> str:
        """Its tags as WHEEL has them, written short."""
        return compress_tags(self.wheel.tags)

    @property
    def tags(self) -> str:
        """Its tags, with the build tag where there is one."""
        return f"{self.short_tags}, build {self.wheel.build}" if self.wheel.build else self.short_tags


@dataclass(frozen=True)
class DifferingFact:
    """A fact of a distribution that is not the same in two environments: its version, its tags, its direct URL.

    ``here`` and ``there`` are how it is in the first and in the other, empty where there is none.
    """

    what: str
    here: str
    there: str

    def describe(self, elsewhere: str) -> str:
        """Say how it differs; ``elsewhere`` says what the other environment is, `with an empty cache`."""
        return f"{self.what} `{self.here or 'none'}`, {elsewhere} `{self.there or 'none'}`"


@dataclass(frozen=True)
class DifferingFile:
    """A file at a path that is not the same in two environments: its digest in the first and in the other.

    They are empty where there is no such file, or none that can be read.
    """

    what: str
    here: str
    there: str


Difference = DifferingFact | DifferingFile
"""One thing that is not the same in two environments; ``what`` names it."""


def find_differences(one: Holding, other: Holding) -> tuple[Difference, ...]:
    """Compare version, tags, build tag, direct URL and files; of another version nothing else is compared."""
    here, there = one.wheel, other.wheel
    if not is_same_version(here.version, there.version):
        return (DifferingFact("version", here.version, there.version),)
    return (*_differing_facts(one, other), *_differing_files(one.files, other.files))


def _differing_facts(one: Holding, other: Holding) -> Iterator[DifferingFact]:
    here, there = one.wheel, other.wheel
    if not has_same_tags(here, there):
        yield DifferingFact("tags", one.tags, other.tags)
    if here.direct_url != there.direct_url:
        yield DifferingFact("direct URL", here.direct_url or "", there.direct_url or "")


def has_same_tags(one: InstalledWheel, other: InstalledWheel) -> bool:
    """Tell whether two wheels carry the same tags and build tag, in whatever order WHEEL lists them."""
    is_same_build = parse_build(one.build) == parse_build(other.build)
    return is_same_build and (one.tags == other.tags or expand_tags(one.tags) == expand_tags(other.tags))


def _differing_files(here: Mapping[str, str], there: Mapping[str, str]) -> Iterator[DifferingFile]:
    for path in sorted(here.keys() | there.keys()):
        if here.get(path) != there.get(path):
            yield DifferingFile(path, here.get(path, ""), there.get(path, ""))


def describe_differences(differences: Iterable[Difference], elsewhere: str) -> str:
    """Say in one clause what differs: facts first, then files, the first few by name, code before dist-info."""
    found = tuple(differences)
    facts = [each.describe(elsewhere) for each in found if isinstance(each, DifferingFact)]
    files = [each for each in found if isinstance(each, DifferingFile)]
    return "; ".join([*facts, *_describe_files(files, elsewhere)])


def _describe_files(found: Iterable[DifferingFile], elsewhere: str) -> Iterator[str]:
    files = sorted(found, key=lambda each: not is_code(each.what))
    if len(files) > _SHOWN:
        yield f"{len(files)} files differ, {name_paths([each.what for each in files])}"
        return
    sorts = {
        "other content in": [each.what for each in files if each.here and each.there],
        "missing": [each.what for each in files if not each.here],
        f"not there {elsewhere}:": [each.what for each in files if each.here and not each.there],
    }
    yield from (f"{sort} {name_paths(paths)}" for sort, paths in sorts.items() if paths)


def name_paths(paths: Sequence[str]) -> str:
    """Name the first few paths, and count the others."""
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(quoted, paths[:_SHOWN])) + more


def is_code(path: str) -> bool:
    """Tell whether a file is code or data: what dist-info says is neither."""
    return _METADATA_FOLDER not in path.partition("/")[0]
