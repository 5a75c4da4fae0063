"""What files ask for all in all: the request, and the options that stand beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain

from pytest_wheeltag.core.controls import ALL, Controls, NameControl
from pytest_wheeltag.core.lineoptions import LineOption, OptionName
from pytest_wheeltag.core.requirements import Request

_NOTHING = Request(())


@dataclass(frozen=True)
class FileOptions:
    """What requirements files say of where files come from and which are taken, in the order of their lines.

    An ``index_url`` stands for itself and the ``extra_index_urls`` here: all others that were given or configured fall
    out. Without one the extra ones, as always ``find_links`` and ``trusted_hosts``, come after what was given. Addresses
    are absolute, may hold credentials and are not shown; ``find_links`` may be absolute paths. ``control_options`` are the
    options on kinds of files and releases.
    """

    index_url: str | None = field(default=None, repr=False)
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = field(default=(), repr=False)
    trusted_hosts: tuple[str, ...] = ()
    no_index: bool = False
    control_options: tuple[LineOption, ...] = ()

    def then(self, later: "FileOptions") -> "FileOptions":
        """Give both: the index URL of what is read ``later`` takes the place of all indexes before, as with pip."""
        extra = later.extra_index_urls if later.index_url else self.extra_index_urls + later.extra_index_urls
        return FileOptions(
            later.index_url or self.index_url,
            extra,
            self.find_links + later.find_links,
            self.trusted_hosts + later.trusted_hosts,
            self.no_index or later.no_index,
            self.control_options + later.control_options,
        )

    def apply_to(self, controls: Controls) -> Controls:
        """Give what is taken of each project, by what counted before and these options, one after the later."""
        return reduce(_apply, self.control_options, controls)


@dataclass(frozen=True)
class AskedFor:
    """A request with the options that the same files hold; ``warnings`` are one line each."""

    request: Request = _NOTHING
    options: FileOptions = field(default_factory=FileOptions)
    warnings: tuple[str, ...] = ()


def join_asked(parts: Iterable[AskedFor]) -> AskedFor:
    """Ask for all parts, in their order; raises ``UsageError`` for a lock beside other requirements."""
    given = tuple(parts)
    requests = [each.request for each in given]
    # Not one by one: a file may have some 100,000 lines.
    whole = Request(
        tuple(chain.from_iterable(each.requirements for each in requests)),
        tuple(chain.from_iterable(each.constraints for each in requests)),
    )
    special = [replace(each, requirements=(), constraints=()) for each in requests]
    request = reduce(Request.then, (each for each in special if each != _NOTHING), whole)
    options = reduce(
        FileOptions.then, (each.options for each in given if each.options != FileOptions()), FileOptions()
    )
    return AskedFor(request, options, tuple(chain.from_iterable(each.warnings for each in given)))


def _apply(controls: Controls, option: LineOption) -> Controls:
    wheels, prereleases, names = controls.wheels_only, controls.prereleases, (option.value,)
    match option.name:
        case OptionName.ONLY_BINARY:
            wheels = wheels.include(names)
        case OptionName.NO_BINARY:
            wheels = wheels.exclude(names)
        case OptionName.ALL_RELEASES:
            prereleases = prereleases.include(names)
        case OptionName.ONLY_FINAL:
            prereleases = prereleases.exclude(names)
        case OptionName.PRE:
            # Unlike `--all-releases :all:` it takes nothing from the other list (pip).
            prereleases = NameControl(prereleases.included | {ALL}, prereleases.excluded)
        case OptionName.PREFER_BINARY:
            return replace(controls, wheels_first=controls.wheels_first.include([ALL]))
    return replace(controls, wheels_only=wheels, prereleases=prereleases)
