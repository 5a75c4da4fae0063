"""Why a lock gives nothing for an interpreter: the first rule of its specification that does not hold."""

from collections import Counter
from collections.abc import Iterator, Sequence

from packaging.markers import Marker
from packaging.pylock import Package
from packaging.specifiers import SpecifierSet

from pytest_wheeltag.core.candidates import parse_wheel_name
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.lockentries import locked_offer
from pytest_wheeltag.core.nearest import describe_nearest
from pytest_wheeltag.core.text import quoted

_MAX_SHOWN = 3


def describe_misfits(lock: Lock, interpreter: Interpreter) -> Iterator[str]:
    """Say in one clause each why a lock does not fit, in the order of the specification's steps; may be empty."""
    yield from describe_others(lock, interpreter)
    applying = [each for each in lock.pylock.packages if applies(each, lock, interpreter)]
    for package in applying:
        yield from describe_other_python(package, lock, interpreter)
    for name, count in Counter(package.name for package in applying).items():
        if count > 1:
            problem = f"{count} entries of {lock.origin} apply at once, so one may be wanted without the other's extra"
            yield f"{problem} or group: `{name}`"
    for package in applying:
        yield from _describe_wheels(package, lock, interpreter)


def describe_others(lock: Lock, interpreter: Interpreter) -> Iterator[str]:
    """Say in one clause each why the whole of a lock is for other interpreters."""
    yield from _describe_python(lock.pylock.requires_python, lock.origin, interpreter)
    yield from _describe_environments(lock.pylock.environments or (), lock.origin, interpreter)


def describe_other_python(package: Package, lock: Lock, interpreter: Interpreter) -> Iterator[str]:
    """Say in one clause that a package of a lock is for another Python, if it is."""
    what = f"`{package.name}` of {lock.origin}"
    yield from _describe_python(package.requires_python, what, interpreter)


def _describe_python(required: SpecifierSet | None, what: str, interpreter: Interpreter) -> Iterator[str]:
    # A build between two releases calls itself `3.14.0a1+`.
    version = interpreter.markers["python_full_version"].removesuffix("+")
    if required is not None and not required.contains(version):
        yield f"{what} requires another Python than {version}: `{required}`"


def _describe_environments(
    environments: Sequence[Marker], origin: str, interpreter: Interpreter
) -> Iterator[str]:
    markers = dict(interpreter.markers)
    if environments and not any(each.evaluate(markers, context="requirement") for each in environments):
        more = len(environments) - _MAX_SHOWN
        shown = ", ".join(quoted(str(each)) for each in environments[:_MAX_SHOWN])
        yield f"{origin} was made for other environments: {shown}{f' and {more} more' if more > 0 else ''}"


def applies(package: Package, lock: Lock, interpreter: Interpreter) -> bool:
    """Tell whether a package of a lock is wanted for an interpreter, by its marker and the extras and groups wanted."""
    groups = lock.groups if lock.groups is not None else frozenset(lock.pylock.default_groups or ())
    wanted = {"extras": lock.extras, "dependency_groups": groups}
    return package.marker is None or package.marker.evaluate(
        {**interpreter.markers, **wanted}, context="lock_file"
    )


def _describe_wheels(package: Package, lock: Lock, interpreter: Interpreter) -> Iterator[str]:
    if package.sdist is not None or not package.wheels:
        return
    version = parse_wheel_name(package.wheels[0].filename).version
    offer = locked_offer(package, version, lock, interpreter)
    if offer.best is None:
        nearest = describe_nearest(offer.rejections[::-1], interpreter)
        problem = f"no compatible wheel is locked and no source distribution{nearest}"
        yield f"{problem}, asked for by {lock.origin}: `{package.name} {version}`"
