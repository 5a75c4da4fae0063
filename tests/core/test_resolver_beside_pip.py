"""What we choose is what pip's own search chooses, which runs here in memory over the same imagined releases."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, reject, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.present import Present, PresentDistribution, Upgrade
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.resolution import SearchLimits
from pytest_wheeltag.core.resolver import resolve
from pytest_wheeltag.errors import ResolutionError, SearchLimitError
from pytest_wheeltag.workshop.imagined import imagine_interpreter
from pytest_wheeltag.workshop.imagined_releases import ImaginedWorld

# Older ones searched in another order, or knew no `--all-releases`.
pytest.importorskip("pip", "26.3", reason="needs a pip whose search is ours")

Releases = Mapping[str, Sequence[str]]
Chosen = dict[str, tuple[str, str]]

PYTHON = (3, 11, 7)
MAX_ROUNDS = 2000
STRATEGIES = {
    Upgrade.KEEP: "to-satisfy-only",
    Upgrade.REQUESTED: "only-if-needed",
    Upgrade.EAGER: "eager",
    Upgrade.REINSTALL: "to-satisfy-only",
}
repeatable = settings(derandomize=True, max_examples=250)


@dataclass(frozen=True)
class Case:
    """A world, what is asked for in it, and what is installed already; ``addresses`` say which release lies where."""

    world: Releases
    roots: Sequence[str]
    constraints: Sequence[str] = ()
    yanked: frozenset[str] = frozenset()
    installed: Sequence[str] = ()
    upgrade: Upgrade = Upgrade.KEEP
    early: str = ""
    final: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)

    def requires(self, release: str) -> tuple[str, ...]:
        return tuple(self.world.get(release, ()))


def ours(case: Case) -> Chosen | None:
    """Give what we choose, by project: the version, and where it comes from."""
    facts = {f"{each.replace(' ', '-')}-py3-none-any.whl": {"yanked": ""} for each in case.yanked}
    elsewhere = {each: () for each in case.addresses.values() if each not in case.world}
    world = ImaginedWorld(
        {**case.world, **elsewhere}, filenames=elsewhere, facts=facts, addresses=case.addresses
    )
    prereleases = NameControl().include([case.early]).exclude([case.final])
    screen = Screen(
        imagine_interpreter(".".join(map(str, PYTHON))), controls=Controls(prereleases=prereleases)
    )
    request = parse_request(case.roots, case.constraints)
    limits = SearchLimits(max_rounds=MAX_ROUNDS)
    try:
        found = resolve(request, screen, replace(world.sources, present=present(case)), limits)
    except ResolutionError as error:
        if isinstance(error, SearchLimitError):
            raise
        return None
    kept: Chosen = {each.name: (str(each.version), "installed") for each in found.kept}
    return kept | {str(each.name): (str(each.version), each.file.url) for each in found.choices}


def present(case: Case) -> Present:
    split = (each.split(" ") for each in sorted(case.installed))
    distributions = (
        PresentDistribution(canonicalize_name(name), Version(version)) for name, version in split
    )
    return Present(tuple(distributions), case.upgrade)


def internal(module: str) -> Any:  # noqa: ANN401 - pip promises nothing of what is in there
    return import_module(f"pip._internal.{module}")


class Metadata(Distribution):
    """METADATA that is on no disk."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        raise NotImplementedError(path)


@cache
def distribution(release: str, requires: tuple[str, ...]) -> Any:  # noqa: ANN401 - as above
    name, version = release.split(" ")
    extras = sorted({extra for line in requires for extra in re.findall(r"extra == '(\w+)'", line)})
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {line}" for line in requires] + [
        f"Provides-Extra: {extra}" for extra in extras
    ]
    return internal("metadata.importlib").Distribution(Metadata("\n".join([*lines, "", ""])), None, None)


class Pip:
    """pip's resolution, where this stands for its finder and its preparer, the only ones that touch the world."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.target_python = internal("models.target_python").TargetPython(py_version_info=PYTHON)
        make = internal("req.constructors").install_req_from_req_string
        self._factory = internal("resolution.resolvelib.factory").Factory(
            finder=self,
            preparer=self,
            make_install_req=make,
            wheel_cache=None,
            use_user_site=False,
            force_reinstall=case.upgrade is Upgrade.REINSTALL,
            ignore_installed=True,
            ignore_requires_python=False,
            py_version_info=PYTHON,
        )
        self._factory._installed_dists = {  # noqa: SLF001 - it would look at the environment of this process
            each.split(" ")[0]: distribution(each, case.requires(each)) for each in case.installed
        }

    def find_best_candidate(self, project_name: str, specifier: object, hashes: object) -> Any:  # noqa: ANN401 - as above
        control = internal("models.release_control").ReleaseControl()
        control.handle_mutual_excludes(
            self._case.early, control.all_releases, control.only_final, "all_releases"
        )
        control.handle_mutual_excludes(
            self._case.final, control.only_final, control.all_releases, "only_final"
        )
        evaluator = internal("index.package_finder").CandidateEvaluator.create(
            project_name, self.target_python, release_control=control, specifier=specifier, hashes=hashes
        )
        releases = (each for each in self._case.world if each.split(" ")[0] == project_name)
        return evaluator.compute_best_candidate([self._candidate(each) for each in releases])

    def _candidate(self, release: str) -> Any:  # noqa: ANN401 - as above
        name, version = release.split(" ")
        url = f"https://files.example/{name}-{version}-py3-none-any.whl"
        link = internal("models.link").Link(url, yanked_reason="" if release in self._case.yanked else None)
        return internal("models.candidate").InstallationCandidate(name, version, link)

    def prepare_installed_requirement(self, *_: object) -> None:
        """Nothing is to be prepared."""

    def prepare_linked_requirement(self, requirement: Any, **_: object) -> Any:  # noqa: ANN401 - as above
        link = requirement.link.url_without_fragment
        plain = link.rpartition("/")[2].removesuffix("-py3-none-any.whl").replace("-", " ")
        release = self._case.addresses.get(link, plain)
        return distribution(release, self._case.requires(release))

    def resolve(self) -> Chosen | None:
        """Give what pip chooses."""
        search = import_module("pip._vendor.resolvelib")
        parse = internal("req.constructors").install_req_from_line
        wanted = [parse(each, user_supplied=True) for each in self._case.roots]
        bounds = [parse(each, constraint=True) for each in self._case.constraints]
        collected = self._factory.collect_root_requirements([*wanted, *bounds])
        provider = internal("resolution.resolvelib.provider").PipProvider(
            factory=self._factory,
            constraints=collected.constraints,
            ignore_dependencies=False,
            only_dependencies=False,
            upgrade_strategy=STRATEGIES[self._case.upgrade],
            user_requested=collected.user_requested,
        )
        resolver = search.Resolver(provider, search.BaseReporter())
        try:
            found = resolver.resolve(collected.requirements, max_rounds=MAX_ROUNDS)
        except search.ResolutionImpossible:
            return None
        except RecursionError:
            # pip's walk over its result does not end where releases that nothing needs any more need each other.
            reject()
        plain = (each for each in found.mapping.values() if each.name == each.project_name)
        return {each.name: (str(each.version), self._origin(each)) for each in plain}

    def _origin(self, candidate: Any) -> str:  # noqa: ANN401 - as above
        return "installed" if candidate.is_installed else str(candidate.source_link.url)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pip from telling what it thinks."""
    logger = logging.getLogger("pip")
    before, logger.disabled = logger.level, True
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.disabled = False
        logger.setLevel(before)


def pips(case: Case) -> Chosen | None:
    with quiet():
        return Pip(case).resolve()


NAMES = ("a", "b", "c", "d")
VERSIONS = ("1", "2", "3a1", "3", "4rc1")
BOUNDS = ("", "", "==1", "==2", "<2", "<3", ">=2", "!=2", ">=3a1", "==3a1", "==1.*", "~=2.0", "<=3", ">2")
EXTRAS = ("", "", "", "[x]", "[y]", "[x,y]")
MARKERS = ("", "", " ; extra == 'x'", " ; extra == 'y'")
ADDRESSES = {
    f"https://{host}.example/{name}-{version}-py3-none-any.whl": f"{name} {version}"
    for host in ("one", "two")
    for name in NAMES
    for version in ("1", "2", "3a1")
}
PLACES = [f" @ {address}" for address in ADDRESSES]


def joined(*parts: Sequence[str]) -> st.SearchStrategy[str]:
    return st.tuples(*map(st.sampled_from, parts)).map("".join)


releases = joined(NAMES, [" "], VERSIONS)
by_name = joined(NAMES, EXTRAS, BOUNDS)
by_address = st.builds(
    lambda address, extras: f"{ADDRESSES[address][0]}{extras} @ {address}",
    st.sampled_from(sorted(ADDRESSES)),
    st.sampled_from(EXTRAS),
)
fewer_by_address = st.one_of(by_name, by_name, by_address)
constraints = joined(NAMES, BOUNDS)
# One version of a project is installed at most.
installed = st.lists(releases, max_size=3, unique_by=lambda release: release.split(" ")[0])


def cases(demands: st.SearchStrategy[str], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Case]:
    needs = st.tuples(demands, st.sampled_from(MARKERS)).map("".join)
    world = st.dictionaries(releases, st.lists(needs, max_size=2), min_size=5, max_size=14)
    parts = {"constraints": st.lists(constraints, max_size=1), "yanked": st.frozensets(releases, max_size=2)}
    return st.builds(Case, world, st.lists(demands, min_size=1, max_size=3), **(parts | more))


def compare(case: Case) -> None:
    chosen = pips(case)

    event("pip finds nothing" if chosen is None else "pip finds something")
    assert ours(case) == chosen


@repeatable
@given(cases(by_name))
def test_the_same_releases_are_chosen(case: Case) -> None:
    compare(case)


@repeatable
@given(cases(by_name, installed=installed, upgrade=st.sampled_from(Upgrade)))
def test_what_is_installed_is_kept_or_upgraded_alike(case: Case) -> None:
    compare(case)


@repeatable
@given(
    cases(
        by_name,
        early=st.sampled_from(("", ":all:", "a", "a,b")),
        final=st.sampled_from(("", "a", "c", ":all:")),
    )
)
def test_pre_releases_are_let_in_or_kept_out_alike(case: Case) -> None:
    compare(case)


@repeatable
@given(
    cases(
        fewer_by_address,
        installed=installed,
        constraints=st.lists(
            st.one_of(constraints, by_address.map(lambda text: text[0] + text[text.index(" @ ") :])),
            max_size=2,
        ),
        addresses=st.just(ADDRESSES),
    )
)
def test_what_lies_at_addresses_is_taken_alike(case: Case) -> None:
    compare(case)


def test_we_have_an_answer_where_pip_follows_a_circle_for_ever() -> None:
    """The reason why some worlds are left out above: ``b`` and ``c`` need each other when ``a 2`` is given up."""
    case = Case({"a 1": [], "a 2": ["b"], "b 1": ["c"], "c 1": ["b", "a<2"]}, ["a"])

    assert ours(case) == {"a": ("1", "https://files.example/a-1-py3-none-any.whl")}
