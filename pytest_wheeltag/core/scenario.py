"""A conformance scenario: what is published, what is installed where, and what must lie there afterwards."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import Any

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.errors import UsageError

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)\}")


class Class(StrEnum):
    """What the results of scenarios are gathered by: what a cache has to tell apart."""

    ORDER = "order"
    BUILT = "built"
    SOURCE = "source"
    SETTINGS = "settings"
    CONTENT = "content"
    LOCAL = "local"
    LATER = "later"
    LINKS = "links"
    HASHES = "hashes"
    LOCKS = "locks"
    RECORD = "record"
    CHOICE = "choice"


class Claim(StrEnum):
    """The property that a scenario asks for.

    ``AGREEING`` is asked where the specifications leave a choice that pip's documentation decides.
    """

    BEST = "best"
    TRANSPARENT = "transparent"
    FAITHFUL = "faithful"
    AGREEING = "agreeing"
    INTACT = "intact"


class Shelf(StrEnum):
    """Where an artefact is published; ``FOLDER`` is one for ``--find-links``."""

    INDEX = "index"
    OTHER_INDEX = "other-index"
    FOLDER = "folder"


class Form(StrEnum):
    """What an artefact is."""

    WHEEL = "wheel"
    SDIST = "sdist"
    TREE = "tree"


@dataclass(frozen=True)
class Artefact:
    """One thing to be installed, which tells by its content which one it is.

    ``title`` is a wheel's file name, or ``NAME-VERSION`` of an sdist or tree; placeholders in it stand for facts of
    interpreters. The rest but ``requires`` is for what is built: the tag of its wheels, what these tell of their
    build (``interpreter``, ``settings``), and the environment variables and distributions that they tell. What an
    ``is_dynamic`` source requires only its backend can say. ``record`` is what is wrong with the RECORD of a wheel:
    ``without-hashes``, or the artefact whose rows it has instead of its own; empty where nothing is.
    """

    name: str
    form: Form
    title: str
    requires: tuple[str, ...] = ()
    requires_python: str = ""
    tag: str = "py3-none-any"
    tells: frozenset[str] = frozenset()
    variables: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    build_requires: tuple[str, ...] = ()
    is_dynamic: bool = False
    record: str = ""


WITHOUT_HASHES = "without-hashes"


@dataclass(frozen=True)
class Expected:
    """What must be installed of one project: the artefact, and for what is built what it was built with.

    ``interpreter`` is a role; None where the artefact does not tell.
    """

    artefact: str
    interpreter: str | None = None
    settings: Mapping[str, str] | None = None
    environment: Mapping[str, str] | None = None
    distributions: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Publish:
    """Artefacts appear; on ``shelf`` unless they are asked for by path or address. What has the name is replaced."""

    artefacts: tuple[str, ...]
    shelf: Shelf = Shelf.INDEX
    has_hashes: bool = True
    is_yanked: bool = False


@dataclass(frozen=True)
class Withdraw:
    """Artefacts go away from a shelf."""

    artefacts: tuple[str, ...]
    shelf: Shelf = Shelf.INDEX


@dataclass(frozen=True)
class Tamper:
    """Somebody writes in place into the file of a project that the installation numbered ``number`` (1, …) left."""

    project: str
    number: int


@dataclass(frozen=True)
class Install:
    """A new environment on the interpreter of a role, and what must be there afterwards, by project.

    ``requirements`` may hold ``{path.A}``, ``{url.A}``, ``{tree.A}``, ``{tree-url.A}``, where the artefact ``A``
    lies, and ``{sha256.A}``. Instead of them ``lock`` names the artefacts that a pylock.toml lists, each with its hash, or with
    that of another one as ``lock_hashes`` says. With ``is_refused`` nothing may be installed at all, with
    ``is_refusable`` nothing or what is expected.
    """

    requirements: tuple[str, ...]
    role: str
    expected: Mapping[str, Expected] = field(default_factory=dict)
    is_refused: bool = False
    shelves: tuple[Shelf, ...] = (Shelf.INDEX,)
    constraints: tuple[str, ...] = ()
    build_constraints: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    only_binary: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    lock_hashes: Mapping[str, str] = field(default_factory=dict)
    is_refusable: bool = False

    @property
    def may_be_refused(self) -> bool:
        """Whether it is right that nothing is installed."""
        return self.is_refused or self.is_refusable


Step = Publish | Withdraw | Tamper | Install


@dataclass(frozen=True)
class Scenario:
    """Steps in their order; ``identifier`` is the file's name, ``guards`` the rule or the public bug that it guards.

    ``roles`` are played by different interpreters of one implementation, the oldest first.
    """

    identifier: str
    title: str
    class_: Class
    claim: Claim
    guards: str
    roles: tuple[str, ...]
    artefacts: Mapping[str, Artefact]
    steps: tuple[Step, ...]

    @property
    def installs(self) -> tuple[Install, ...]:
        """The installations, in their order."""
        return tuple(step for step in self.steps if isinstance(step, Install))


@dataclass(frozen=True)
class Cast:
    """Who plays which role."""

    interpreters: Mapping[str, Interpreter]

    @property
    def labels(self) -> tuple[str, ...]:
        """The interpreters' labels, in the order of the roles."""
        return tuple(each.label for each in self.interpreters.values())

    def fill(self, text: str, locate: Callable[[str, str], str] | None = None) -> str:
        """Replace ``{ROLE.FACT}`` by facts of interpreters; others as ``locate`` gives them, of ``{KIND.ARTEFACT}``.

        Raises ``UsageError`` for a fact that there is none of.
        """

        def replace(match: re.Match[str]) -> str:
            interpreter = self.interpreters.get(match[1])
            if interpreter is not None and (fact := describe_facts(interpreter).get(match[2])):
                return fact
            if interpreter is None and locate is not None:
                return locate(match[1], match[2])
            raise UsageError("scenario", match[0], f"a fact: {', '.join(_FACTS)}")

        return _PLACEHOLDER.sub(replace, text)


_FACTS = ("version", "py", "cp", "abi", "newest-platform", "oldest-platform")


def describe_facts(interpreter: Interpreter) -> dict[str, str]:
    """Give what scenarios may ask of an interpreter, by the names that they ask with.

    ``version`` is as in ``3.11``; ``py`` and ``cp`` are interpreter tags (``py311``, ``cp311``), ``abi`` its own ABI; the platforms are the best and
    the worst that it accepts, without ``linux_*``, which no index takes.
    """
    major, minor, *_ = interpreter.version_info
    python, abi, _ = interpreter.ranking.tags[0].split("-")
    platforms = [platform for _, _, platform in (tag.split("-") for tag in interpreter.ranking.tags)]
    portable = list(
        dict.fromkeys(each for each in platforms if not each.startswith("linux_") and each != "any")
    )
    found = portable or platforms[:1]
    return dict(
        zip(_FACTS, (f"{major}.{minor}", f"py{major}{minor}", python, abi, found[0], found[-1]), strict=True)
    )


def list_casts(scenario: Scenario, interpreters: Iterable[Interpreter]) -> Iterator[Cast]:
    """List the ways to fill the roles, with different interpreters of one implementation, the oldest first.

    A single role is played by the first interpreter that is given: what it asks is not which one it is.
    """
    given = {each.label: each for each in interpreters}.values()
    first = list(given)[: 1 if len(scenario.roles) == 1 else None]
    ordered = sorted(first, key=lambda each: each.version_info)
    for chosen in combinations(ordered, len(scenario.roles)):
        if len({each.implementation for each in chosen}) == 1:
            yield Cast(dict(zip(scenario.roles, chosen, strict=True)))


@dataclass(frozen=True)
class Found:
    """What an environment holds of one project: the artefact that its content tells, and what it tells of its build."""

    artefact: str
    told: Mapping[str, Any] = field(default_factory=dict)


def describe_difference(expected: Expected, found: Found, cast: Cast) -> str | None:
    """Say in one clause how what is installed differs from what must be; None if not at all."""
    if found.artefact != expected.artefact:
        return f"expected `{expected.artefact}`, found `{found.artefact}`"
    wanted = {
        "INTERPRETER": expected.interpreter and cast.interpreters[expected.interpreter].version,
        "SETTINGS": expected.settings,
        "ENVIRONMENT": expected.environment,
        "DISTRIBUTIONS": expected.distributions,
    }
    for fact, value in wanted.items():
        told = found.told.get(fact)
        if value is not None and told != value:
            return f"expected `{expected.artefact}` built with {fact.lower()} `{value}`, found `{told}`"
    return None
