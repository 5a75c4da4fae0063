"""Hash-checking mode: all files have a hash that was given beforehand, or none needs one."""

from collections.abc import Iterable, Iterator, Mapping

from packaging.utils import NormalizedName

from pytest_wheeltag.core.references import Hashes
from pytest_wheeltag.core.releases import is_pinned
from pytest_wheeltag.core.requirements import Demand, UnnamedDemand
from pytest_wheeltag.core.resolution import Choice
from pytest_wheeltag.core.source import Source
from pytest_wheeltag.errors import HashCheckError

_PINNED = "every requirement must be pinned with `==`, or be a file by its address, found"
_NO_TREES = "no source tree can be installed, which has none"
_ALL = "every distribution needs one, add to what is asked for"


def allowed_hashes(
    requirements: Iterable[Demand], constraints: Iterable[Demand]
) -> Mapping[NormalizedName, frozenset[tuple[str, str]]]:
    """Give, by project, the hashes that a file may have: those that every demand with hashes admits."""
    allowed: dict[NormalizedName, frozenset[tuple[str, str]]] = {}
    for demand in (*requirements, *constraints):
        hashes = frozenset(given_hashes(demand))
        if hashes:
            allowed[demand.name] = allowed.get(demand.name, hashes) & hashes
    return allowed


def given_hashes(demand: Demand | UnnamedDemand) -> Hashes:
    """Give the hashes that come with a demand, be it as an option or in its address."""
    return (*demand.hashes, *(demand.reference.hashes if demand.reference else ()))


def check_pins(requirements: Iterable[Demand | UnnamedDemand]) -> None:
    """Refuse what cannot be checked: a requirement that is not pinned, a tree; raises ``HashCheckError``.

    That a hash is missing shows later, since a constraint may bring it.
    """
    if loose := tuple(demand.text for demand in requirements if not _is_fixed(demand)):
        raise HashCheckError(_PINNED, loose)


def _is_fixed(demand: Demand | UnnamedDemand) -> bool:
    if isinstance(demand, Demand) and demand.reference is None:
        return is_pinned(demand.requirement.specifier)
    return demand.reference is not None and bool(demand.reference.filename)


def check_choices(choices: Iterable[Choice]) -> None:
    """Refuse what was chosen without that a hash was given for it; raises ``HashCheckError`` that says what to add."""
    chosen = tuple(choices)
    if trees := tuple(str(each.reference or each.name) for each in chosen if _is_tree(each)):
        raise HashCheckError(_NO_TREES, trees)
    if missing := tuple(_suggest(each) for each in chosen if not each.hashes):
        raise HashCheckError(_ALL, missing)


def _is_tree(choice: Choice) -> bool:
    return isinstance(choice.candidate, Source) and choice.candidate.material.is_tree


def _suggest(choice: Choice) -> str:
    known = (f" --hash=sha256:{digest}" for name, digest in choice.file.hashes if name == "sha256")
    return f"{choice.name}=={choice.version}{next(known, '')}"


def unverified(choices: Iterable[Choice]) -> Iterator[Choice]:
    """Give the choices whose index claims no hash of an algorithm that was given: only their bytes can tell."""
    for choice in choices:
        claimed = {algorithm for algorithm, _ in choice.file.hashes}
        if choice.hashes and claimed.isdisjoint(algorithm for algorithm, _ in choice.hashes):
            yield choice
