"""What interpreter is asked for, and what a probe found one to be."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from packaging.version import InvalidVersion, Version

from pytest_wheeltag.core.tags import InterpreterFacts, Libc, PlatformFacts, TagRanking, rank_tags
from pytest_wheeltag.errors import UsageError

# `3.13t`, `pypy3.9`, `cpython3.12`, `cp312`-like spellings are left to targets.
_SPEC = re.compile(r"(?P<implementation>[a-z]+)?-?(?P<version>3(\.\d{1,4}){0,2})?(?P<flags>t?d?)", re.ASCII)
_IMPLEMENTATIONS = {
    "": "cpython",
    "python": "cpython",
    "cpython": "cpython",
    "pypy": "pypy",
    "graalpy": "graalpy",
}
_EXPECTED = "an interpreter like `3.13`, `3.13t`, `3.13d`, `pypy3.9`, `cpython3.12`, a path, or `all`"


@dataclass(frozen=True)
class InterpreterSpec:
    """What interpreter is asked for: an implementation with a version and a build, a path, or all.

    ``version`` holds one to three numbers, or none for any; an ordinary build is asked for unless
    ``is_free_threaded`` or ``is_debug`` says otherwise; with ``path`` or ``is_all`` the rest does not count.
    """

    text: str
    implementation: str = "cpython"
    version: tuple[int, ...] = ()
    is_free_threaded: bool = False
    is_debug: bool = False
    path: str | None = None
    is_all: bool = False

    @property
    def label(self) -> str:
        """What an interpreter of this specification would be called; a path is called by itself."""
        if self.path is not None or self.is_all:
            return self.text
        flags = "t" * self.is_free_threaded + "d" * self.is_debug
        return f"{self.implementation}{'.'.join(map(str, self.version))}{flags}"

    def matches(self, interpreter: "Interpreter") -> bool:
        """Tell whether an interpreter is what was asked for; a path is compared by who finds interpreters."""
        if self.is_all:
            return True
        return self.path is None and (
            self.implementation == interpreter.implementation
            and interpreter.version_info[: len(self.version)] == self.version
            and self.is_free_threaded == interpreter.is_free_threaded
            and self.is_debug == interpreter.is_debug
        )


def parse_interpreter_spec(text: str, *, setting: str = "--wheeltag-python") -> InterpreterSpec:
    """Parse what a user types for an interpreter.

    ``3.13`` is the newest ordinary CPython 3.13, ``3.13t`` a free-threaded and ``3.13d`` a debug build,
    ``pypy3.9`` another implementation, anything with a path separator a path, ``all`` every one found.
    Raises ``UsageError``, which names ``setting``, for anything else.
    """
    stripped = text.strip()
    if "\0" in stripped:
        raise UsageError(setting, text.replace("\0", "\\0"), _EXPECTED)
    if stripped == "all":
        return InterpreterSpec(stripped, is_all=True)
    if "/" in stripped or "\\" in stripped or stripped.startswith("~"):
        return InterpreterSpec(stripped, path=stripped)
    match = _SPEC.fullmatch(stripped.lower())
    implementation = _IMPLEMENTATIONS.get((match["implementation"] or "") if match else "?")
    # `t` and `d` alone name no interpreter.
    is_named = match is not None and bool(match["implementation"] or match["version"])
    if match is None or implementation is None or not is_named:
        raise UsageError(setting, text, _EXPECTED)
    version = tuple(int(part) for part in (match["version"] or "").split(".") if part)
    return InterpreterSpec(
        stripped,
        implementation,
        version,
        is_free_threaded="t" in match["flags"],
        is_debug="d" in match["flags"],
    )


@dataclass(frozen=True)
class Interpreter:
    """What a probe found an interpreter to be; its identity is the executable's real path.

    ``executable`` is the base executable, never one of a virtual environment; ``version`` is the full
    version (``3.11.7``, ``3.14.0rc1``); ``markers`` are the environment markers of the dependency
    specifiers specification; ``schemes`` maps a scheme's name to its ``sysconfig`` path templates,
    with ``variables`` to fill them besides the prefix; ``scheme`` is the one of a virtual environment;
    ``prefix`` is the base prefix; ``libraries`` are its own purelib and platlib folders,
    ``foreign_libraries`` those that the operating system's package manager owns (Debian's dist-packages);
    ``user_scheme`` is the one of the user's own folder, below ``user_base`` with ``~`` or ``%APPDATA%``
    unfilled; ``managed_marker`` is where PEP 668's marker file would lie, ``externally_managed`` tells
    whether it lies there.
    """

    executable: str
    version: str
    facts: InterpreterFacts
    platform: PlatformFacts
    markers: Mapping[str, str] = field(hash=False)
    prefix: str
    scheme: str = "posix_prefix"
    schemes: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    libraries: tuple[str, ...] = ()
    foreign_libraries: tuple[str, ...] = ()
    externally_managed: bool = False
    managed_marker: str = ""
    user_scheme: str = ""
    user_base: str = ""

    @property
    def implementation(self) -> str:
        """``cpython``, ``pypy``, …: ``sys.implementation.name``."""
        return self.facts.implementation

    @property
    def is_free_threaded(self) -> bool:
        """Whether it was built without the global interpreter lock."""
        return self.facts.is_free_threaded

    @property
    def is_debug(self) -> bool:
        """Whether it was built with ``Py_DEBUG``."""
        return self.facts.is_debug

    @cached_property
    def version_info(self) -> tuple[int, ...]:
        """The release numbers, (3, 11, 7)."""
        return Version(self.version).release

    @property
    def label(self) -> str:
        """What it is called in reports and item ids: ``cpython3.13t``, ``pypy3.9``."""
        flags = "t" * self.is_free_threaded + "d" * self.is_debug
        return f"{self.implementation}{'.'.join(map(str, self.version_info[:2]))}{flags}"

    @property
    def is_final(self) -> bool:
        """Whether it is neither an alpha, a beta nor a release candidate."""
        return not Version(self.version).is_prerelease

    def scheme_paths(self, prefix: str, scheme: str = "") -> Mapping[str, str]:
        """Fill the path templates of a scheme, by default a virtual environment's, for the folder ``prefix``.

        The keys are those of ``sysconfig.get_paths`` (``purelib``, ``scripts``, …). Raises ``KeyError``
        where the probe saw no such scheme.
        """
        values = {**self.variables, "base": prefix, "platbase": prefix, "userbase": prefix}
        templates = self.schemes[scheme or self.scheme]
        return {key: _fill(template, values) for key, template in templates.items()}

    @cached_property
    def ranking(self) -> TagRanking:
        """The tags that it accepts, best first."""
        return rank_tags(self.facts, self.platform)

    def __repr__(self) -> str:
        return f"<Interpreter {self.label} {self.version} {self.executable}>"

    def to_json(self) -> dict[str, Any]:
        """Give the facts as plain JSON values, which ``interpreter_from_json`` reads back."""
        plain = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return {**plain, "facts": dict(vars(self.facts)), "platform": dict(vars(self.platform))}


def _fill(template: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], ""), template)


def interpreter_from_json(values: Mapping[str, Any]) -> Interpreter:
    """Read an interpreter back from what ``Interpreter.to_json`` gave; unknown keys are ignored.

    Raises ``ValueError`` where a fact is missing or of another type, whatever the text held.
    """
    try:
        plain = _read_fields(Interpreter, {**values, "facts": None, "platform": None})
        facts = InterpreterFacts(**_read_fields(InterpreterFacts, values["facts"]))
        platform = PlatformFacts(**_read_fields(PlatformFacts, values["platform"]))
        Version(plain["version"])
        return Interpreter(**{**plain, "facts": facts, "platform": platform})
    except (KeyError, TypeError, AttributeError, InvalidVersion) as error:
        msg = f"not the facts of an interpreter, {type(error).__name__}: {error}"
        raise ValueError(msg) from error


def _read_fields(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    known = {spec.name: spec.type for spec in fields(kind) if spec.name in values}
    return {name: _READERS.get(str(type_), _keep)(values[name]) for name, type_ in known.items()}


def _keep(value: object) -> object:
    return value


def _unlike(expected: str, value: object) -> TypeError:
    return TypeError(f"expected {expected}, found: `{value!r:.60}`")


def _read_text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _unlike("text", value)
    return value


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _unlike("boolean", value)
    return value


def _read_texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _unlike("list", value)
    return tuple(_read_text(item) for item in value)


def _read_pair(value: object) -> tuple[int, int]:
    match value:
        case [int(major), int(minor)]:
            return major, minor
    raise _unlike("pair", value)


def _read_mapping(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _unlike("mapping", value)
    return {_read_text(key): _read_text(item) for key, item in value.items()}


def _read_mappings(value: object) -> dict[str, dict[str, str]]:
    if not isinstance(value, Mapping):
        raise _unlike("mapping", value)
    return {_read_text(key): _read_mapping(item) for key, item in value.items()}


def _read_libc(value: object) -> str:
    if value not in {"glibc", "musl", ""}:
        raise _unlike("libc", value)
    return str(value)


# By the written type of a field: a value of any other type never gets into a frozen one.
_READERS: Mapping[str, Callable[[object], object]] = {
    str(str): _read_text,
    str(bool): _read_flag,
    str(tuple[str, ...]): _read_texts,
    str(tuple[int, int]): _read_pair,
    str(Mapping[str, str]): _read_mapping,
    str(Mapping[str, Mapping[str, str]]): _read_mappings,
    str(Libc): _read_libc,
}


@dataclass(frozen=True)
class ExistingEnvironment:
    """An environment that is looked at, never run: its folder, its base interpreter, where its libraries lie.

    ``libraries`` are its own purelib and platlib; ``foreign_libraries`` belong to an operating system's
    package manager; ``inherited`` are the base's and the user's, judged only when asked for.
    """

    prefix: str
    interpreter: Interpreter
    libraries: tuple[str, ...]
    foreign_libraries: tuple[str, ...] = ()
    inherited: tuple[str, ...] = ()
