"""Whether what an installer leaves depends on its cache: an environment beside one that was made with an empty cache."""

from collections.abc import Callable

from pytest_wheeltag.core.conclusion import Conclusion
from pytest_wheeltag.core.likeness import (
    Difference,
    Holding,
    describe_differences,
    find_differences,
    is_code,
    name_paths,
)
from pytest_wheeltag.core.verdict import VerdictKind

WITH_EMPTY_CACHE = "with an empty cache"


def judge_transparency(warm: Holding, cold: Holding, ask_again: Callable[[], Holding | None]) -> Conclusion:
    """Compare what an installer left with what it leaves with an empty cache.

    ``ask_again`` gives what a second installation with an empty cache holds, asked only where there is a difference:
    what is not the same in both is left out. Gives ``transparent``, ``opaque``, ``irreproducible`` where no file of
    code is left to be compared, or ``unknown`` where neither tells its files.
    """
    differences = find_differences(warm, cold)
    if not differences and not warm.files:
        clause = f"no RECORD that can be read, here nor {WITH_EMPTY_CACHE}, tells which files to compare"
        return Conclusion(VerdictKind.UNKNOWN, clause)
    if not differences:
        return _same(f"the same {WITH_EMPTY_CACHE}, file by file")
    again = ask_again()
    unstable = find_differences(cold, again) if again else ()
    left_out = {each.what for each in unstable}
    remaining = tuple(each for each in differences if each.what not in left_out)
    warnings = (_leave_out(warm, unstable),) if unstable else ()
    if remaining:
        clause = f"depends on the cache: {describe_differences(remaining, WITH_EMPTY_CACHE)}"
        return Conclusion(VerdictKind.OPAQUE, clause, warnings)
    if not any(is_code(path) and path not in left_out for path in warm.files):
        clause = f"two builds {WITH_EMPTY_CACHE} differ in all that could be compared: {_named(unstable)}"
        return Conclusion(VerdictKind.IRREPRODUCIBLE, clause)
    return _same(f"the same {WITH_EMPTY_CACHE}, but for what differs between two builds", *warnings)


def _same(clause: str, *warnings: str) -> Conclusion:
    return Conclusion(VerdictKind.TRANSPARENT, clause, warnings)


def _leave_out(warm: Holding, unstable: tuple[Difference, ...]) -> str:
    title = f"{warm.wheel.name} {warm.wheel.version}"
    return f"{title}: two builds {WITH_EMPTY_CACHE} differ, left out: {_named(unstable)}"


def _named(differences: tuple[Difference, ...]) -> str:
    return name_paths([each.what for each in differences])
