"""What a version of uv can be told on its command line, and what it is told of a workplace and a request."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_wheeltag.core.controls import ALL, Controls, NameControl
from pytest_wheeltag.core.requirements import ConfigSettings, Request
from pytest_wheeltag.errors import InapplicableError
from pytest_wheeltag.subjects.attempt import Attempt
from pytest_wheeltag.subjects.lockedfiles import find_untold_of
from pytest_wheeltag.subjects.program import ask
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.system.urls import Url
from pytest_wheeltag.workplace import Workplace

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_POOLED = "unsafe-best-match"


@dataclass(frozen=True)
class UvOptions:
    """The options of one command of uv, as its own help lists them; ``attempt`` is refused what is not there."""

    command: str
    known: frozenset[str]
    attempt: Attempt

    def name(self, *spellings: str) -> str:
        """Give the first spelling that it knows; raises ``InapplicableError`` where it knows none."""
        found = next((each for each in spellings if each in self.known), None)
        if found is None:
            problem = f"its `{self.command}` knows no `{spellings[0]}`"
            raise self.refuse(problem)
        return found

    def refuse(self, problem: str) -> InapplicableError:
        """Give the error that it cannot be told something, ``problem`` being one clause, why."""
        return self.attempt.refuse(problem)


def read_options(path: str, command: Sequence[str], attempt: Attempt) -> UvOptions:
    """Ask a uv which options a command of it has."""
    # The same question for every home: asked once.
    seclusion = replace(attempt.seclusion, variables={"PATH": attempt.seclusion.variables.get("PATH", "")})
    printed = ask(path, (*command, "--help"), seclusion)
    return UvOptions(" ".join(("uv", *command)), frozenset(_OPTION.findall(printed)), attempt)


def tell_variables(place: Workplace) -> dict[str, str]:
    """Give the environment variables by which uv obeys no configuration but ours, and reaches what we reach."""
    configuration = place.opened.configuration
    told = dict(configuration.origins)
    proxy = configuration.proxy.secret if configuration.proxy else ""
    return {
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        # As our own transport does it, which trusts what the system trusts.
        # Not `1`, which old versions refuse.
        "UV_NATIVE_TLS": "" if configuration.cert else "true",
        "UV_SYSTEM_CERTS": "" if configuration.cert else "1",
        "SSL_CERT_FILE": configuration.cert or "",
        "SSL_CLIENT_CERT": configuration.client_cert or "",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy),
        "UV_HTTP_TIMEOUT": f"{configuration.timeout_seconds:.0f}" if "timeout" in told else "",
        "UV_KEYRING_PROVIDER": "subprocess" if configuration.keyring_provider == "subprocess" else "",
    }


def locations_known(place: Workplace) -> tuple[list[str], list[str]]:
    """Give the indexes and the find-links locations that uv is told of; they hold credentials.

    It cannot be told to ask this machine alone, and folders that are not there would end it.
    """
    locations, is_offline = place.opened.locations, place.opened.access.is_offline

    def is_known(url: Url) -> bool:
        return url.file_path.is_dir() if url.scheme == "file" else url.is_loopback or not is_offline

    indexes, links = (
        [url.secret for url in urls if is_known(url)] for urls in (locations.index_urls, locations.find_links)
    )
    return indexes, links


def tell_indexes(place: Workplace) -> dict[str, str]:
    """Give the environment variables by which uv asks the indexes that it is told of; they hold credentials."""
    indexes, _ = locations_known(place)
    return {"UV_INDEX_URL": "".join(indexes[:1]), "UV_EXTRA_INDEX_URL": " ".join(indexes[1:])}


def tell_links(place: Workplace, options: UvOptions) -> list[str]:
    """Give the options by which uv looks where no index is asked; raises ``InapplicableError``."""
    indexes, links = locations_known(place)
    return [*([] if indexes else [options.name("--no-index")]), *(f"--find-links={url}" for url in links)]


def list_locations(place: Workplace) -> tuple[str, ...]:
    """Give where files are looked for, as lines of a requirements file, which is not shown: they may hold credentials."""
    indexes, links = locations_known(place)
    first = [f"--index-url {url}" for url in indexes[:1]] or ["--no-index"]
    further = [f"--extra-index-url {url}" for url in indexes[1:]]
    return (*first, *further, *(f"--find-links {url}" for url in links))


def tell_choice(place: Workplace, options: UvOptions) -> list[str]:
    """Give the options by which uv chooses as we are told to; raises ``InapplicableError``."""
    opened = place.opened
    told = [*_tell_strategy(place, options), *_tell_controls(place.configured_options.controls, options)]
    if opened.exclude_newer:
        told.append(f"{options.name('--exclude-newer')}={opened.exclude_newer:%Y-%m-%dT%H:%M:%SZ}")
    # Without TLS there is nothing to be trusted.
    bare = {url.netloc for url in opened.locations.index_urls if url.scheme == "http"}
    trusted = [host for host in opened.configuration.trusted_hosts if host not in bare]
    return [*told, *(f"{options.name('--allow-insecure-host', '--trusted-host')}={host}" for host in trusted)]


def _tell_strategy(place: Workplace, options: UvOptions) -> list[str]:
    is_plain = len(locations_known(place)[0]) < 2  # noqa: PLR2004 - one has no order
    if is_plain or place.opened.locations.strategy is Strategy.FIRST:
        # What it does by itself.
        return []
    return [f"{options.name('--index-strategy')}={_POOLED}"]


def _tell_controls(controls: Controls, options: UvOptions) -> list[str]:
    if controls.wheels_first.included:
        problem = "it knows no `--prefer-binary`"
        raise options.refuse(problem)
    return [*_tell_kinds(controls.wheels_only, options), *_tell_prereleases(controls.prereleases, options)]


def _tell_kinds(kinds: NameControl, options: UvOptions) -> list[str]:
    """Tell which kinds of files are taken, as ``uv pip`` spells it or as its commands on projects do."""
    if (ALL in kinds.included and kinds.excluded) or (ALL in kinds.excluded and kinds.included):
        problem = "it knows no exceptions from `:all:` of `--only-binary` and `--no-binary`"
        raise options.refuse(problem)
    told = []
    for names, pip_option, option in (
        (kinds.included, "--only-binary", "--no-build"),
        (kinds.excluded, "--no-binary", "--no-binary"),
    ):
        if "--no-binary-package" not in options.known:
            told += [f"{options.name(pip_option)}={name}" for name in sorted(names)]
        elif ALL in names:
            told.append(options.name(option))
        else:
            told += [f"{options.name(f'{option}-package')}={name}" for name in sorted(names)]
    return told


def _tell_prereleases(releases: NameControl, options: UvOptions) -> list[str]:
    told = []
    for names, meaning in ((releases.included, "allow"), (releases.excluded, "disallow")):
        for name in sorted(names):
            if name == ALL:
                told.append(f"{options.name('--prerelease')}={meaning}")
            else:
                told.append(f"{options.name('--prerelease-package')}={name}={meaning}")
    return told


def tell_settings(request: Request, options: UvOptions) -> list[str]:
    """Give the options by which build backends are told what they are; raises ``InapplicableError``."""
    settings = dict.fromkeys(demand.config_settings for demand in request.requirements)
    if len(settings) < 2:  # noqa: PLR2004 - alike for all, so for every build
        option = "--config-setting"
        return [f"{options.name(option)}={each}" for each in _spell(next(iter(settings), ()))]
    return [
        f"{options.name('--config-settings-package')}={demand.name}:{each}"
        for demand in request.requirements
        for each in _spell(demand.config_settings)
    ]


def _spell(settings: ConfigSettings) -> Iterable[str]:
    return (f"{key}={value}" for key, value in settings)


def tell_lock(place: Workplace, request: Request, options: UvOptions) -> list[str]:
    """Give the options by which uv takes of a request's lock what is wanted; raises ``InapplicableError``."""
    if reason := next(_find_untold_of(place, request), None):
        raise options.refuse(reason)
    lock = request.lock
    parts = [("--extra", lock.extras), ("--group", lock.groups or ())] if lock else []
    told = [f"{options.name(option)}={name}" for option, names in parts for name in sorted(names)]
    return [*told, *tell_choice(place, options), *tell_hashes(request, options)]


def _find_untold_of(place: Workplace, request: Request) -> Iterator[str]:
    if request.lock:
        yield from find_untold_of(request.lock)
    if request.constraints:
        yield "it knows no constraints beside a lock"
    if place.opened.exclude_newer:
        yield "it does not look at the upload times in a lock"


def tell_hashes(request: Request, options: UvOptions) -> list[str]:
    """Give the options by which hashes are asked for and checked; raises ``InapplicableError``."""
    if request.checks_hashes:
        return [options.name("--require-hashes")]
    has_hashes = any(demand.hashes for demand in (*request.requirements, *request.constraints))
    if has_hashes and "--no-verify-hashes" not in options.known:
        return [options.name("--verify-hashes")]
    return []
