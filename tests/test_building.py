"""Sources become wheels, once for everything that their content depends on, and never for anybody else."""

import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand, parse_constraint, parse_request
from pytest_wheeltag.errors import BuildError, ResolutionError
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, Recipe, SdistSpec, WheelMaker
from pytest_wheeltag.workshop.sdists import write_source_tree

NO_WHEELS = Controls(NameControl(excluded=frozenset({"foo"})))
WITNESS = Recipe(witnesses_interpreter=True)


class Site:
    """Environments made one after the other from one cache, and what was built on the way."""

    def __init__(self, place: Workplace, folder: Path) -> None:
        self.built: list[str] = []
        self.place = replace(place, tell=self.built.append)
        self._folder = folder
        self._numbers = itertools.count()

    def install(self, interpreter: Interpreter, request: Request, place: Workplace | None = None) -> str:
        """Furnish a new environment; give what foo's module says of its build."""
        prefix = self._folder / f"env{next(self._numbers)}"
        chosen = replace(place or self.place, tell=self.built.append)
        chosen.furnish(prefix, interpreter, request)
        return witness(Environment(prefix, interpreter))

    def with_controls(self, controls: Controls) -> Workplace:
        return self.place.with_options(replace(self.place.options, controls=controls))


def witness(environment: Environment) -> str:
    path = environment.site_packages / "foo" / "_built.py"
    return path.read_text(encoding="utf-8") if path.exists() else "published"


def tree_request(path: Path, *, is_editable: bool = False) -> Request:
    reference = Reference(path.as_uri(), ReferenceKind.TREE, is_editable=is_editable)
    return Request((UnnamedDemand(reference, "the test"),))


def archive_request(url: str) -> Request:
    return Request((UnnamedDemand(Reference(url, ReferenceKind.ARCHIVE), "the test"),))


@pytest.fixture
def site(place: Workplace, tmp_path: Path) -> Site:
    return Site(place, tmp_path / "site")


@pytest.fixture(scope="session")
def interpreters(
    running_interpreter: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> Sequence[Interpreter]:
    """Give the running interpreter and up to two others of this machine, each of another version."""
    from pytest_wheeltag.system.discovery import InterpreterFinder  # noqa: PLC0415
    from pytest_wheeltag.system.installs import this_machine  # noqa: PLC0415

    finder = InterpreterFinder(tmp_path_factory.mktemp("found"), this_machine(os.environ))
    others = {each.label: each for each in finder.find_all() if each.version_info >= (3, 8)}
    others.pop(running_interpreter.label, None)
    return [running_interpreter, *list(others.values())[:2]]


@pytest.mark.parametrize("is_backwards", [False, True])
@pytest.mark.parametrize("way", ["index", "archive", "tree"])
def test_a_build_never_crosses_to_another_interpreter_whatever_its_tag_says(
    way: str,
    is_backwards: bool,
    site: Site,
    index: LocalIndex,
    make_wheel: WheelMaker,
    interpreters: Sequence[Interpreter],
    tmp_path: Path,
) -> None:
    if len(interpreters) == 1:
        pytest.skip("needs a second interpreter")
    sdist = make_wheel.sdist("foo", recipe=WITNESS)
    index.add(sdist)
    tree = write_source_tree(SdistSpec("foo", "1.0", recipe=WITNESS), tmp_path)
    request = {
        "index": parse_request(["foo"]),
        "archive": archive_request(sdist.as_uri()),
        "tree": tree_request(tree),
    }[way]
    order = interpreters[::-1] if is_backwards else interpreters

    seen = [site.install(interpreter, request) for interpreter in (*order, *order)]

    expected = [f"INTERPRETER = '{interpreter.version}'" for interpreter in (*order, *order)]
    assert [text.splitlines()[-1] for text in seen] == expected
    # Each once, though everything was installed twice.
    assert [line.split(" for ")[1] for line in site.built] == [each.label for each in order]


def test_a_built_wheel_never_stands_in_for_the_published_one_nor_the_other_way_round(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    index.add(make_wheel.sdist("foo", recipe=WITNESS))
    index.add(make_wheel("foo"))
    request, from_source = parse_request(["foo"]), site.with_controls(NO_WHEELS)

    seen = [
        site.install(running_interpreter, request, place).partition(" ")[0]
        for place in (None, from_source, None, from_source)
    ]

    assert seen == ["published", "ABI", "published", "ABI"]
    assert len(site.built) == 1


def test_config_settings_are_part_of_what_was_built(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    index.add(make_wheel.sdist("foo", recipe=Recipe(witnesses_settings=True)))

    def built_with(*settings: tuple[str, str]) -> str:
        (demand,) = parse_request(["foo"]).requirements
        return site.install(running_interpreter, Request((replace(demand, config_settings=settings),)))

    seen = [built_with(("a", "1")), built_with(), built_with(("a", "1"), ("a", "2")), built_with(("a", "1"))]

    assert seen == [
        "SETTINGS = {'a': '1'}\n",
        "SETTINGS = {}\n",
        "SETTINGS = {'a': ['1', '2']}\n",
        "SETTINGS = {'a': '1'}\n",
    ]
    assert len(site.built) == 3


def test_build_requirements_as_resolved_are_part_of_what_was_built(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    recipe = Recipe(distributions=("tool",))
    index.add(make_wheel.sdist("foo", build_requires=["tool"], recipe=recipe))
    index.add(make_wheel("tool", "1.0"))
    request = parse_request(["foo"])

    def bound(*constraints: str) -> Workplace:
        options = replace(site.place.options, build_constraints=tuple(map(parse_constraint, constraints)))
        return site.place.with_options(options)

    first = site.install(running_interpreter, request)
    index.add(make_wheel("tool", "2.0"))
    # Constraints of the request do not bind builds, those of builds do.
    rest = [
        site.install(running_interpreter, request.then(Request((), (parse_constraint("tool<2"),))), bound()),
        site.install(running_interpreter, request, bound("tool<2")),
    ]

    assert [first, *rest] == [f"DISTRIBUTIONS = {{'tool': '{each}'}}\n" for each in ("1.0", "2.0", "1.0")]
    assert len(site.built) == 2


def test_what_a_backend_asks_for_besides_is_there_and_counts(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    recipe = Recipe(distributions=("tool",), dynamic_requires=("tool",))
    index.add(make_wheel.sdist("foo", recipe=recipe))
    index.add(make_wheel("tool", "1.0"))
    first = site.install(running_interpreter, parse_request(["foo"]))
    index.add(make_wheel("tool", "2.0"))

    # Another place: an index is asked for each project once.
    second = site.install(running_interpreter, parse_request(["foo"]), replace(site.place))

    assert [first, second] == [f"DISTRIBUTIONS = {{'tool': '{each}'}}\n" for each in ("1.0", "2.0")]


def test_only_listed_variables_reach_a_build_and_those_count(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    names = ("CFLAGS", "SECRET_TOKEN", "MY_SWITCH", "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_FOO")
    index.add(make_wheel.sdist("foo", recipe=Recipe(environment=names)))

    def built_in(**variables: str) -> str:
        environ = {**site.place.environ, "SECRET_TOKEN": "hidden", "MY_SWITCH": "on", **variables}
        place = replace(site.place, environ=environ, build_variables=("MY_SWITCH",))
        return site.install(running_interpreter, parse_request(["foo"]), place)

    seen = [built_in(CFLAGS="-O1"), built_in(CFLAGS="-O2"), built_in(CFLAGS="-O1", SECRET_TOKEN="other")]

    assert "'CFLAGS': '-O1'" in seen[0]
    assert "'CFLAGS': '-O2'" in seen[1]
    assert seen[2] == seen[0]
    assert "hidden" not in "".join(seen)
    assert "'MY_SWITCH': 'on'" in seen[0]
    assert len(site.built) == 2


def test_an_activated_environment_in_front_of_the_path_changes_nothing(
    site: Site,
    index: LocalIndex,
    make_wheel: WheelMaker,
    make_environment: Callable[[str], Environment],
    running_interpreter: Interpreter,
) -> None:
    index.add(make_wheel.sdist("foo", recipe=WITNESS))
    active = make_environment("active")
    site.install(running_interpreter, parse_request(["foo"]))

    path = os.pathsep.join((str(active.bin), site.place.environ["PATH"]))
    place = replace(
        site.place, environ={**site.place.environ, "PATH": path, "VIRTUAL_ENV": str(active.prefix)}
    )
    site.install(running_interpreter, parse_request(["foo"]), place)

    assert len(site.built) == 1


def test_a_source_published_again_is_built_again(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    first = make_wheel.sdist("foo", files={"foo/_built.py": "first"})
    index.add(first)
    seen = [site.install(running_interpreter, parse_request(["foo"]))]
    index.remove(first.name)
    index.add(make_wheel.sdist("foo", files={"foo/_built.py": "second"}))

    seen.append(site.install(running_interpreter, parse_request(["foo"]), replace(site.place)))

    assert seen == ["first", "second"]


def test_a_tree_that_was_edited_is_built_again_and_back_again_not(
    site: Site, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    tree = write_source_tree(SdistSpec("foo", "1.0", files={"foo/_built.py": "first"}), tmp_path)
    module = tree / "src" / "foo" / "_built.py"
    before = module.stat()
    seen = [site.install(running_interpreter, tree_request(tree))]
    # Of the same size and time: content alone tells.
    for text in ("third", "first"):
        module.write_text(text, encoding="utf-8")
        os.utime(module, ns=(before.st_mtime_ns, before.st_mtime_ns))
        seen.append(site.install(running_interpreter, tree_request(tree)))

    assert seen == ["first", "third", "first"]
    assert len(site.built) == 2


def test_an_editable_tree_stays_where_it_is(
    site: Site, running_interpreter: Interpreter, tmp_path: Path
) -> None:
    tree = write_source_tree(SdistSpec("foo", "1.0"), tmp_path)
    environment = site.place.maker.make(tmp_path / "env", running_interpreter)

    site.place.provisioner.install(environment, tree_request(tree, is_editable=True))
    (tree / "src" / "foo" / "late.py").write_text("print('edited')", encoding="utf-8")

    import subprocess  # noqa: PLC0415

    done = subprocess.run(
        [environment.python, "-I", "-m", "foo.late"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "edited\n"
    (direct_url,) = environment.site_packages.glob("*.dist-info/direct_url.json")
    assert direct_url.read_text() == f'{{"dir_info": {{"editable": true}}, "url": "{tree.as_uri()}"}}'


def test_a_failed_build_shows_its_end_and_keeps_its_output(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    index.add(make_wheel.sdist("foo", recipe=Recipe(failure="the compiler is on strike")))

    with pytest.raises(BuildError) as caught:
        site.install(running_interpreter, parse_request(["foo"]))

    error = caught.value
    assert str(error).startswith(
        f"foo 1.0 cannot be built for {running_interpreter.label}, its backend failed: "
        "`RuntimeError: the compiler is on strike`; its whole output: `"
    )
    assert error.output.last_lines[-1] == "RuntimeError: the compiler is on strike"
    assert Path(error.output.log).read_text().rstrip().endswith("the compiler is on strike")
    assert not list((site.place.cache / "builds-v1").glob(".tmp-*"))


def test_a_project_that_needs_itself_to_be_built_is_told_so(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    index.add(make_wheel.sdist("foo", build_requires=["bar"]))
    index.add(make_wheel.sdist("bar", build_requires=["foo"]))

    with pytest.raises(
        BuildError, match=r"it would need itself to be built: `the build of foo 1\.0 -> the build of bar 1\.0"
    ):
        site.install(running_interpreter, parse_request(["foo"]))


def test_build_requirements_may_themselves_be_built(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    index.add(make_wheel.sdist("foo", build_requires=["tool"], recipe=Recipe(distributions=("tool",))))
    index.add(make_wheel.sdist("tool", "3.0"))

    assert site.install(running_interpreter, parse_request(["foo"])) == "DISTRIBUTIONS = {'tool': '3.0'}\n"


def test_wheels_only_wheels_first_and_no_wheels(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    index.add(make_wheel("foo", "1.0"))
    index.add(make_wheel.sdist("foo", "2.0"))
    index.add(make_wheel.sdist("bar", "1.0"))

    def chosen(name: str, controls: Controls) -> str:
        provisioner = site.with_controls(controls).provisioner
        return provisioner.resolve(parse_request([name]), running_interpreter).choices[0].file.filename

    every = frozenset({":all:"})
    assert chosen("foo", Controls()) == "foo-2.0.tar.gz"
    assert chosen("foo", Controls(NameControl(included=every))) == "foo-1.0-py3-none-any.whl"
    assert chosen("foo", Controls(wheels_first=NameControl(included=every))) == "foo-1.0-py3-none-any.whl"
    assert chosen("bar", Controls(wheels_first=NameControl(included=every))) == "bar-1.0.tar.gz"
    with pytest.raises(ResolutionError, match="no wheel is published, and only wheels are taken"):
        chosen("bar", Controls(NameControl(included=every)))


def test_offline_a_built_wheel_is_found_again(
    site: Site, index: LocalIndex, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    sdist = make_wheel.sdist("foo", build_requires=["tool"], recipe=WITNESS)
    index.add(sdist)
    index.add(make_wheel("tool"))
    first = site.install(running_interpreter, parse_request(["foo"]))
    count = index.count(sdist.name)

    second = site.install(running_interpreter, parse_request(["foo"]), replace(site.place))

    assert second == first
    # The archive's hash is known, and with it everything that its build depends on.
    assert index.count(sdist.name) == count


def test_a_direct_requirement_of_another_name_is_refused(
    site: Site, make_wheel: WheelMaker, running_interpreter: Interpreter
) -> None:
    sdist = make_wheel.sdist("foo")
    (demand,) = parse_request([f"bar @ {sdist.as_uri()}"]).requirements
    assert isinstance(demand, Demand)

    with pytest.raises(BuildError, match="expected bar there, found foo"):
        site.install(running_interpreter, Request((demand,)))


def test_a_tree_that_does_not_say_how_it_is_built_is_told_in_one_line(
    attempt: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "pyproject.toml").write_text("[build-system]\n")

    status, output, complaint = attempt("resolve", "./tree")

    problem = "expected a list of requirements (PEP 518) in `build-system.requires`, found none"
    assert (status, output) == (1, "")
    assert complaint == f"wheeltag: pyproject.toml of tree cannot be used, {problem}\n"
