"""Hash-checking mode: all files have a hash that was given beforehand, or none needs one."""

from collections.abc import Iterable, Iterator, Mapping

from packaging.utils import NormalizedName

from pytest_wheeltag.core.hashes import Hash, Hashes
from pytest_wheeltag.core.references import ReferenceKind
from pytest_wheeltag.core.releases import Release, is_pinned
from pytest_wheeltag.core.requirements import Demand, UnnamedDemand
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.source import Source
from pytest_wheeltag.errors import HashCheckError

_PINNED = "every requirement must be pinned with `==`, have a hash, or be a file by its address, found"
_AGREEING = "all that is said of a project must have a hash in common, found none in"
_NO_TREES = "no source tree can be installed, which has none"
_ALL_FILES = "every file by its address needs one, found"
_ALL = "every distribution needs one, add to what is asked for"


def allowed_hashes(
    requirements: Iterable[Demand | UnnamedDemand], constraints: Iterable[Demand]
) -> Mapping[NormalizedName, frozenset[Hash]]:
    """Give, by project, the hashes that a file may have: those that every demand with hashes admits.

    Projects that no hash was given for are left out. Raises ``HashCheckError`` where demands contradict each other.
    """
    told: dict[NormalizedName, list[Demand]] = {}
    for demand in (*requirements, *constraints):
        if isinstance(demand, Demand) and given_hashes(demand):
            told.setdefault(demand.name, []).append(demand)
    allowed = {
        name: frozenset[Hash].intersection(*(frozenset(given_hashes(each)) for each in demands))
        for name, demands in told.items()
    }
    for name in (name for name, hashes in allowed.items() if not hashes):
        # Nothing is no set of hashes: it would admit every file.
        raise HashCheckError(_AGREEING, tuple(f"{each.text} ({each.origin})" for each in told[name]))
    return allowed


def given_hashes(demand: Demand | UnnamedDemand) -> Hashes:
    """Give the hashes that come with a demand, be it as an option or in its address."""
    return (*demand.hashes, *(demand.reference.hashes if demand.reference else ()))


def check_pins(requirements: Iterable[Demand | UnnamedDemand], constraints: Iterable[Demand] = ()) -> None:
    """Refuse what cannot be checked before anything is looked at; raises ``HashCheckError``.

    That is a requirement that is neither pinned nor has a hash, its own or a constraint's; a file by its address
    without a hash; a tree. Of what an index lists and is pinned a missing hash shows later, since nothing of it is
    run.
    """
    requirements = tuple(requirements)
    bound = {each.name for each in constraints if each.hashes}
    if trees := tuple(each.text for each in requirements if _leads_to_tree(each)):
        raise HashCheckError(_NO_TREES, trees)
    if bare := tuple(each.text for each in requirements if each.reference and not _has_hash(each, bound)):
        raise HashCheckError(_ALL_FILES, bare)
    if loose := tuple(each.text for each in requirements if not (_is_fixed(each) or _has_hash(each, bound))):
        raise HashCheckError(_PINNED, loose)


def _leads_to_tree(demand: Demand | UnnamedDemand) -> bool:
    return demand.reference is not None and demand.reference.kind is ReferenceKind.TREE


def _has_hash(demand: Demand | UnnamedDemand, bound: set[NormalizedName]) -> bool:
    return bool(given_hashes(demand)) or (isinstance(demand, Demand) and demand.name in bound)


def check_source(release: Release) -> None:
    """Refuse to look at a source that nobody gave a hash for; raises ``HashCheckError`` that says what to add."""
    taken = release.taken
    if isinstance(taken, Source) and not taken.material.hashes:
        choice = Choice(release.name, release.version, taken)
        raise HashCheckError(_ALL, (_suggest(choice),))


def _is_fixed(demand: Demand | UnnamedDemand) -> bool:
    if isinstance(demand, Demand) and demand.reference is None:
        return is_pinned(demand.requirement.specifier)
    return demand.reference is not None and bool(demand.reference.filename)


def check_choices(choices: Iterable[Choice]) -> None:
    """Refuse what was chosen without that a hash was given for it; raises ``HashCheckError`` that says what to add."""
    chosen = tuple(choices)
    if trees := tuple(str(each.reference or each.name) for each in chosen if each.is_tree):
        raise HashCheckError(_NO_TREES, trees)
    if missing := tuple(_suggest(each) for each in chosen if not each.hashes):
        raise HashCheckError(_ALL, missing)


def _suggest(choice: Choice) -> str:
    known = (f" --hash=sha256:{digest}" for name, digest in choice.file.hashes if name == "sha256")
    return f"{choice.name}=={choice.version}{next(known, '')}"


def unverified(choices: Iterable[Choice]) -> Iterator[Choice]:
    """Give the choices whose index claims no hash of an algorithm that was given: only their bytes can tell."""
    for choice in choices:
        claimed = {algorithm for algorithm, _ in choice.file.hashes}
        if choice.hashes and claimed.isdisjoint(algorithm for algorithm, _ in choice.hashes):
            yield choice
