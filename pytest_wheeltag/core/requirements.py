"""What was asked for, read from text: requirements and constraints, each with where it came from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.candidates import is_wheel, sdist_stem
from pytest_wheeltag.core.hashes import Hashes, HashRule
from pytest_wheeltag.core.lineoptions import quote_value
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.references import Reference, parse_reference
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError

COMMAND_LINE = "the command line"
EXPECTED_CONSTRAINT = "a requirement by name without extras, like `NAME<2.0`, or `NAME @ URL`"

_FIRST_VERSION = re.compile(r"-(?=[0-9])", re.ASCII)
_MAX_LINE_CHARACTERS = 10_000
_SHOWN_CHARACTERS = 200
_EXPECTED = "a requirement by name, like `NAME`, `NAME[EXTRA]>=1.0` or `NAME==1.0; MARKER`, or `NAME @ URL`"
_EXPECTED_ALONE = "a lock that stands alone, since it says all by itself"

ConfigSettings = tuple[tuple[str, str], ...]
"""What a build backend is told (PEP 517), key by key; a key that comes twice has two values."""


@dataclass(frozen=True)
class Demand:
    """A requirement of a project (dependency specifiers) and who makes it.

    ``origin`` names a place (``the command line``, ``requirements.txt:3``) or a release (``flask 3.0``). With a
    ``reference`` only what lies there will do. ``hashes`` are those that its file may have, any of them;
    ``config_settings`` count where it must be built.
    """

    requirement: Requirement
    origin: str
    reference: Reference | None = None
    hashes: Hashes = ()
    # Not shown: a backend may be given secrets.
    config_settings: ConfigSettings = field(default=(), repr=False)

    @cached_property
    def name(self) -> NormalizedName:
        """The normalised name of the project that is asked for."""
        return canonicalize_name(self.requirement.name)

    @cached_property
    def extras(self) -> frozenset[NormalizedName]:
        """The normalised names of the extras that are asked for."""
        return frozenset(map(canonicalize_name, self.requirement.extras))

    @property
    def marker(self) -> Marker | None:
        """When it counts (dependency specifiers, environment markers), None for always."""
        return self.requirement.marker

    @cached_property
    def text(self) -> str:
        """The requirement without its marker, fit to be shown."""
        bound = f" @ {self.reference}" if self.reference else self.requirement.specifier
        return printable(f"{self.requirement.name}{_extras(self)}{bound}"[:_SHOWN_CHARACTERS])

    @property
    def line(self) -> str:
        """It as a line of a requirements file, which may hold credentials: not fit to be shown.

        Raises ``UsageError``, which shows no secret, for a config setting that no single line can hold.
        """
        if self.reference and self.reference.is_editable:
            # By its path alone: only so do all versions of pip take it. Whose it is, the tree says.
            return _line(f"-e {_address(self.reference)}{_extras(self)}", self)
        bound = f" @ {_address(self.reference)}" if self.reference else self.requirement.specifier
        return _line(f"{self.requirement.name}{_extras(self)}{bound}", self)

    def __str__(self) -> str:
        return f"`{self.text}` (asked for by {self.origin})"


@dataclass(frozen=True)
class UnnamedDemand:
    """A file or source tree asked for by path or address alone: whose it is shows when it is looked at.

    ``hint`` is the name that a tree's pyproject.toml has, empty where it says none. ``marker``, ``hashes`` and
    ``config_settings`` are as in ``Demand``.
    """

    reference: Reference
    origin: str
    extras: frozenset[NormalizedName] = frozenset()
    marker: Marker | None = None
    hashes: Hashes = ()
    # Not shown: a backend may be given secrets.
    config_settings: ConfigSettings = field(default=(), repr=False)
    hint: str = ""

    @property
    def name(self) -> NormalizedName:
        """Whose it most likely is, as far as pyproject.toml, or the name of the file or folder, tells."""
        filename = self.reference.filename
        stem = _FIRST_VERSION.split(sdist_stem(filename) or filename)[0]
        return canonicalize_name(self.hint or (filename.partition("-")[0] if is_wheel(filename) else stem))

    @property
    def text(self) -> str:
        """Where it lies, fit to be shown."""
        return f"{self.reference}{_extras(self)}"

    @property
    def line(self) -> str:
        """It as a line of a requirements file, as ``Demand.line``."""
        editable = "-e " if self.reference.is_editable else ""
        return _line(f"{editable}{_address(self.reference)}{_extras(self)}", self)

    def named(self, name: str) -> Demand:
        """Give the same demand once its project is known."""
        requirement = Requirement(name)
        requirement.extras = set(self.extras)
        requirement.marker = self.marker
        return Demand(requirement, self.origin, self.reference, self.hashes, self.config_settings)

    def __str__(self) -> str:
        return f"`{self.text}` (asked for by {self.origin})"


def _extras(demand: Demand | UnnamedDemand) -> str:
    return f"[{','.join(sorted(demand.extras))}]" if demand.extras else ""


def _address(reference: Reference) -> str:
    parts = [f"{name}={digest}" for name, digest in reference.hashes]
    parts += [f"subdirectory={reference.subdirectory}"] if reference.subdirectory else []
    return f"{reference.url}#{'&'.join(parts)}" if parts else reference.url


def _line(text: str, demand: Demand | UnnamedDemand) -> str:
    marker = f" ; {demand.marker}" if demand.marker else ""
    hashes = "".join(f" --hash={name}:{digest}" for name, digest in demand.hashes)
    told = [f"{key}={value}" for key, value in demand.config_settings]
    if any(each.splitlines() != [each] for each in told):
        raise UsageError(demand.origin, "a line break", "config settings of one line each")
    settings = "".join(f" --config-settings={quote_value(each)}" for each in told)
    return f"{text}{marker}{hashes}{settings}"


@dataclass(frozen=True)
class Request:
    """What an environment shall hold, in the order asked for, and what bounds it without asking for anything.

    A ``lock`` says by itself what to take, and stands alone.
    """

    requirements: tuple[Demand | UnnamedDemand, ...]
    constraints: tuple[Demand, ...] = ()
    hash_rule: HashRule = HashRule.IF_GIVEN
    lock: Lock | None = None

    @property
    def shown(self) -> str:
        """All that is asked for on one line, fit to be shown."""
        return self.lock.origin if self.lock else ", ".join(demand.text for demand in self.requirements)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not self.requirements and self.lock is None

    @property
    def checks_hashes(self) -> bool:
        """Whether every file must have a hash that was given, as with pip."""
        if self.hash_rule is not HashRule.IF_GIVEN:
            return self.hash_rule is HashRule.REQUIRED
        return any(each.hashes for each in (*self.requirements, *self.constraints))

    def then(self, later: "Request") -> "Request":
        """Ask for both; raises ``UsageError`` for a lock beside anything else, and where hashes are required and waived."""
        lock = self._join_locks(later)
        if lock and (self.requirements or later.requirements):
            raise UsageError(lock.origin, lock.origin, _EXPECTED_ALONE)
        return Request(
            self.requirements + later.requirements,
            self.constraints + later.constraints,
            self.hash_rule.then(later.hash_rule),
            lock,
        )

    def _join_locks(self, later: "Request") -> Lock | None:
        """Give the lock of either, or both as one where they are the same file."""
        if self.lock is None or later.lock is None:
            return self.lock or later.lock
        if self.lock.is_same_file(later.lock):
            return self.lock.then(later.lock)
        raise UsageError(later.lock.origin, later.lock.origin, _EXPECTED_ALONE)


def parse_config_setting(text: str, origin: str) -> tuple[str, str]:
    """Parse what a build backend is told, ``KEY=VALUE``; raises ``UsageError``, which names ``origin`` and shows nothing of it."""
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise UsageError(origin, "no key" if sign else "no equals sign", "a config setting like `KEY=VALUE`")
    return key, value


def parse_request(
    requirements: Iterable[str], constraints: Iterable[str] = (), origin: str = COMMAND_LINE
) -> Request:
    """Parse requirements and constraints as somebody, the ``origin``, gave them; raises ``UsageError``, which names it."""
    return Request(
        tuple(parse_demand(text, origin) for text in requirements),
        tuple(parse_constraint(text, origin) for text in constraints),
    )


def parse_demand(text: str, origin: str = COMMAND_LINE) -> Demand:
    """Parse one requirement of a project (dependency specifiers); raises ``UsageError``, which names ``origin``."""
    return _parse(text, origin, _EXPECTED)


def parse_constraint(text: str, origin: str = COMMAND_LINE) -> Demand:
    """Parse one constraint: a requirement of a project without extras; raises ``UsageError``."""
    demand = _parse(text, origin, EXPECTED_CONSTRAINT)
    if demand.extras:
        raise UsageError(origin, shown_address(text), EXPECTED_CONSTRAINT)
    return demand


def _parse(text: str, origin: str, expected: str) -> Demand:
    try:
        if len(text) > _MAX_LINE_CHARACTERS:
            raise UsageError(origin, shown_address(text), expected)
        requirement = Requirement(text.strip())
    except (InvalidRequirement, ValueError, RecursionError) as error:
        raise UsageError(origin, shown_address(text), expected) from error
    # `foo.whl` is a valid name, but means a file, to pip too.
    if is_wheel(requirement.name.lower()) or sdist_stem(requirement.name.lower()) is not None:
        raise UsageError(origin, shown_address(text), expected)
    return demand_of(requirement, origin)


def demand_of(requirement: Requirement, origin: str) -> Demand:
    """Give the demand that a parsed requirement makes; raises ``UsageError`` for an address that cannot be used."""
    if requirement.url is None:
        return Demand(requirement, origin)
    reference = parse_reference(requirement.url, origin)
    plain = Requirement(requirement.name)
    plain.extras, plain.marker = requirement.extras, requirement.marker
    return Demand(plain, origin, reference)
