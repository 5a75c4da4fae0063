"""What a version of pip can be told of a workplace and a request, by options and by files, and what it cannot."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import Version

from pytest_wheeltag.core.controls import ALL, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.lock import Lock
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.subjects.lockedfiles import find_untold_of
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.workplace import Workplace

# By pip's changelog: the first version that can be told a thing.
_REPORT = Version("22.2")
_CONFIG_SETTINGS = Version("23.1")
_BUILD_CONSTRAINTS = Version("25.3")
_RELEASES_BY_NAME = Version("26.0")
_UPLOADS = Version("26.0")
_LOCKS = Version("26.1")
_HASHES_AS_GIVEN = Version("26.2")
_LOCK_PARTS = Version("26.3")


@dataclass(frozen=True)
class PipOptions:
    """What one version of pip is told: ``request`` is bound by what binds every one at ``place``."""

    place: Workplace
    request: Request
    version: Version

    @property
    def is_reporting(self) -> bool:
        """Whether it can say what it chose."""
        return self.version >= _REPORT

    def find_untold(self) -> Iterator[str]:
        """Say what it cannot be told, a clause each."""
        opened = self.place.opened
        controls = self.place.configured_options.controls
        preferred = controls.wheels_first
        if preferred.included - {ALL} or (preferred.included and preferred.excluded):
            yield "it knows no preference for wheels of single projects"
        if opened.locations.strategy is Strategy.FIRST and len(opened.locations.index_urls) > 1:
            yield "it pools all its indexes"
        if self.request.lock:
            yield from find_untold_of(self.request.lock)
            if opened.exclude_newer:
                yield "it does not look at the upload times in a lock"
        for is_wanted, first, what in self._list_later():
            if is_wanted and self.version < first:
                yield f"before {first} it cannot be told {what}"

    def _list_later(self) -> tuple[tuple[object, Version, str], ...]:
        request, options, lock = self.request, self.place.configured_options, self.request.lock
        early = options.controls.prereleases
        hashed = any(each.hashes for each in (*request.requirements, *request.constraints))
        told = any(each.config_settings for each in request.requirements)
        return (
            (told, _CONFIG_SETTINGS, "config settings of a requirement"),
            (options.build_constraints, _BUILD_CONSTRAINTS, "build constraints"),
            (self.place.opened.exclude_newer, _UPLOADS, "after which moment uploads do not count"),
            (early.included - {ALL} or early.excluded, _RELEASES_BY_NAME, "pre-releases of single projects"),
            (lock, _LOCKS, "what is in a lock"),
            (
                request.hash_rule is HashRule.WAIVED and hashed,
                _HASHES_AS_GIVEN,
                "to check the hashes alone that are given",
            ),
            (lock and (lock.extras or lock.groups), _LOCK_PARTS, "extras and groups of a lock"),
        )

    def tell(self) -> list[str]:
        """Give the options by which it chooses as it is asked to, but for those that name files."""
        options = self.place.configured_options
        told = [*_tell_names(options.controls.wheels_only, "--only-binary", "--no-binary")]
        told += ["--prefer-binary"] if ALL in options.controls.wheels_first.included else []
        early = options.controls.prereleases
        if self.version < _RELEASES_BY_NAME:
            told += ["--pre"] if early.included else []
        else:
            told += _tell_names(early, "--all-releases", "--only-final")
        told += [] if options.with_dependencies else ["--no-deps"]
        told += ["--require-hashes"] if self.request.checks_hashes else []
        if self.request.hash_rule is HashRule.WAIVED and self.version >= _HASHES_AS_GIVEN:
            told += ["--no-require-hashes"]
        return told

    def list_files(self) -> dict[str, list[str]]:
        """Give the lines of the files that it is handed, by the options that name them; they may hold credentials."""
        bounds = self.place.configured_options.build_constraints
        listed = {"--constraint": self.request.constraints}
        listed |= {"--build-constraint": bounds} if bounds else {}
        lines = {option: [each.line for each in demands] for option, demands in listed.items()}
        if self.request.lock is None:
            lines["--requirement"] = [each.line for each in self.request.requirements]
        return lines

    def variables(self) -> dict[str, str]:
        """Give the environment variables by which it asks the same sources and knows nothing of the user's settings."""
        # Constraints are handed over as all others are: of this variable old versions would bind builds as well.
        return {**self.place.opened.pip_variables(), "PIP_CONFIG_FILE": os.devnull, "PIP_CONSTRAINT": ""}


def select_parts(lock: Lock, path: str) -> list[str]:
    """Give the options by which what is wanted of a lock is taken, which lies at a path; with groups the default ones are left out."""
    extras = f"[{','.join(sorted(lock.extras))}]" if lock.extras else ""
    if not lock.groups:
        return [f"--requirement={path}{extras}"]
    return [f"--group={path}{extras}:{group}" for group in sorted(lock.groups)]


def _tell_names(control: NameControl, including: str, excluding: str) -> list[str]:
    listed = [(including, name) for name in control.included]
    listed += [(excluding, name) for name in control.excluded]
    # `:all:` empties both lists of pip's: names by themselves come after it.
    return [f"{option}={name}" for option, name in sorted(listed, key=lambda each: (each[1] != ALL, each))]
