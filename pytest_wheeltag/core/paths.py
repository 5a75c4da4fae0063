"""Paths inside a wheel: which are unsafe, which not every system can hold, which fall together."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping

from pytest_wheeltag.core.finding import Finding, Severity, entry, refused
from pytest_wheeltag.core.text import quoted

MAX_COMPONENT_BYTES = 255

# Nearly all components look like this and cannot be unsafe.
_PLAIN = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]{0,99}", re.ASCII)
_NO_NAMES = {
    "": "an absolute path or an empty component",
    ".": "a component `.`",
    "..": "a component `..`",
}
# The names of the groups are words of the messages.
_HOSTILE = re.compile(
    r"(?P<backslash>\\)|(?P<control_character>[\x00-\x1f\x7f-\x9f\u2028\u2029])|(?P<drive_letter>\A[A-Za-z]:)"
)
_RESERVED_NAME = r"(?:con|prn|aux|nul|com[0-9\xb9\xb2\xb3]|lpt[0-9\xb9\xb2\xb3]|conin\$|conout\$) *(?:\..*)?"
_UNPORTABLE = re.compile(rf'[<>:"|?*]|[. ]\Z|\A{_RESERVED_NAME}\Z', re.IGNORECASE | re.DOTALL)
# With the names of launchers and libraries beside it, as virtual environments have them on any system.
_INTERPRETER = re.compile(
    r"(?:lib)?(?:python|pypy|graalpy)w?[0-9.]*(?:-c|_d|[tdw]{0,2})(?:\.(?:exe|com|bat|cmd|ps1|dll|so|dylib))?",
    re.IGNORECASE | re.ASCII,
)


def describe_unsafe(path: str) -> str | None:
    r"""Say why a path with ``/`` between its components may not be followed on any system, None for a safe one.

    Hostile everywhere are absolute paths, drive letters, ``\``, ``.``, ``..``, empty components, control
    characters and components of more than 255 bytes.
    """
    return next(filter(None, map(_describe_component, path.split("/"))), None)


def _describe_component(component: str) -> str | None:
    if _PLAIN.fullmatch(component):
        return None
    if component in _NO_NAMES:
        return _NO_NAMES[component]
    hostile = _HOSTILE.search(component)
    if hostile and hostile.lastgroup:
        return f"a {hostile.lastgroup.replace('_', ' ')}"
    size = len(component.encode("utf-8", "surrogatepass"))
    return f"a component of {size} bytes" if size > MAX_COMPONENT_BYTES else None


def components(paths: Iterable[str]) -> dict[str, str]:
    """Map each component to a path that has it: looked at once, where thousands of paths share it."""
    return {component: path for path in paths for component in path.split("/")}


def find_unsafe(components: Mapping[str, str]) -> Iterator[Finding]:
    """Find the first path that may not be followed; paths of folders come without the last ``/``."""
    for component, path in components.items():
        if problem := _describe_component(component):
            limit = f" of at most {MAX_COMPONENT_BYTES} bytes" if "bytes" in problem else ""
            yield refused(entry(path), f"expected a path of plain components{limit}, found {problem}")
            return


def find_unportable(components: Mapping[str, str], *, windows: bool) -> Iterator[Finding]:
    """Find paths that Windows cannot hold; refused where the target is Windows (naming files, Win32)."""
    wrong = [path for component, path in components.items() if _UNPORTABLE.search(component)]
    if wrong:
        severity = Severity.REFUSED if windows else Severity.NOTED
        yield Finding(severity, entry(wrong[0]), "expected a name that Windows can hold, found another")


def find_too_deep(paths: Collection[str], max_depth: int, max_bytes: int) -> Iterator[Finding]:
    """Find a path of too many components or bytes."""
    deepest = max(paths, key=_depth, default="")
    if _depth(deepest) >= max_depth:
        problem = f"expected at most {max_depth} components, found {_depth(deepest) + 1}"
        yield refused(entry(deepest), problem)
    longest = max(paths, key=len, default="")
    if (size := len(longest.encode())) > max_bytes:
        yield refused(entry(longest), f"expected a path of at most {max_bytes} bytes, found {size}")


def _depth(path: str) -> int:
    return path.count("/")


def find_conflicts(files: Collection[str], folders: Collection[str]) -> Iterator[Finding]:
    """Find a path that is there twice, or is both a file and a folder; ``folders`` are those with entries."""
    for paths in (files, folders):
        if len(set(paths)) < len(paths):
            yield refused(entry(_first_repeated(paths)), "expected each path once, found it twice")
    both = set(files) & {*folders, *parents(files), *parents(folders)}
    if both:
        yield refused(entry(min(both)), "expected a file or a folder, found both of one path")


def _first_repeated(paths: Collection[str]) -> str:
    seen: set[str] = set()
    # `add` gives None: the first path is taken that was seen before.
    return next(path for path in paths if path in seen or seen.add(path))  # type: ignore[func-returns-value] # says why above


def parents(paths: Collection[str]) -> set[str]:
    """Give all folders that the paths lie in, however deep."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def find_collisions(paths: Collection[str], *, folds_case: bool) -> Iterator[Finding]:
    """Find paths that are one where the file system folds letter case or Unicode normal forms.

    Folders count too: ``A/x`` and ``a/y`` would share one. Refused where the target folds.
    """
    spelt = {*paths, *parents(paths)}
    folded: dict[str, str] = {}
    for path in sorted(spelt):
        other = folded.setdefault(fold(path), path)
        if other != path:
            severity = Severity.REFUSED if folds_case else Severity.NOTED
            problem = (
                f"expected names that differ in more than letter case or accents, found {quoted(other)} too"
            )
            yield Finding(severity, entry(path), problem)
            return


def fold(path: str) -> str:
    """Give what a path is to a file system that folds letter case and normal forms (Unicode, caseless matching)."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def is_interpreter_name(name: str) -> bool:
    """Tell whether a file of this name beside an environment's python would replace it or stand in for it."""
    return _INTERPRETER.fullmatch(name.rstrip(". ")) is not None
