"""Wheels as the world really has them: every odd corner of the format, installed for real."""

import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import parse_request
from pytest_wheeltag.core.tags import rank_tags
from pytest_wheeltag.core.verdict import VerdictKind
from pytest_wheeltag.core.wheel import WheelPolicy
from pytest_wheeltag.errors import ResolutionError, WheelError
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.venv import Venv
from pytest_wheeltag.workplace import Workplace
from pytest_wheeltag.workshop import LocalIndex, WheelMaker
from pytest_wheeltag.workshop.wheels import Spelling

Make = Callable[[str], Environment]


@pytest.fixture
def venv(place: Workplace, make_environment: Make) -> Venv:
    environment = make_environment("env")
    return Venv(environment, lambda: place)


def filenames(venv: Venv, *requirements: str) -> list[str]:
    """Install, and give the files that were taken; what is installed must be judged the best."""
    report = venv.install(*requirements)
    assert {verdict.kind for verdict in venv.verdicts("best")} <= {VerdictKind.BEST}
    venv.check("intact")
    return [choice.file.filename for choice in report.installed]


def test_a_newer_minor_wheel_version_is_a_warning_a_newer_major_one_a_refusal(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("newer", wheel_version="1.9"))
    index.add(make_wheel("newest", wheel_version="2.0"))

    (warning,) = venv.install("newer").warnings
    assert "expected Wheel-Version 1.0, found `1.9`" in warning
    with pytest.raises(WheelError, match=r"expected Wheel-Version 1\.0, found `2\.0`"):
        venv.install("newest")
    assert set(venv.installed()) == {"newer"}


def test_a_wheel_that_disagrees_with_its_name_is_a_warning_and_refused_where_strict(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker, place: Workplace, make_environment: Make
) -> None:
    index.add(make_wheel("foo", wheel_tags=["py2-none-any", "py3-none-any"]))

    (warning,) = venv.install("foo").warnings
    assert "expected the tags of the file name `py3-none-any`, found `py2-none-any` and 1 more" in warning
    strict = place.with_options(replace(place.options, policy=WheelPolicy(strict=True)))
    with pytest.raises(WheelError, match="expected the tags of the file name"):
        strict.provisioner.install(make_environment("strict"), parse_request(["foo"]))


def test_several_tag_lines_are_one_compressed_set(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", tag="py2.py3-none-any"))

    assert filenames(venv, "foo") == ["foo-1.0-py2.py3-none-any.whl"]
    assert venv.installed()["foo"].tags == ("py2-none-any", "py3-none-any")


def test_the_higher_build_tag_is_taken_by_its_number_and_no_better_tag_is_beaten(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    minor = venv.interpreter.version_info[1]
    for build in ("", "2", "10", "9z"):
        index.add(make_wheel("foo", build=build))
    index.add(make_wheel("bar", build="99"))
    index.add(make_wheel("bar", tag=f"py3{minor}-none-any"))

    assert filenames(venv, "foo", "bar") == [
        f"bar-1.0-py3{minor}-none-any.whl",
        "foo-1.0-10-py3-none-any.whl",
    ]


@pytest.mark.parametrize(
    ("published", "asked", "taken"),
    [
        (["1.0", "1.0+local.2", "1.0+local.10"], "foo==1.0", "1.0+local.10"),
        (["1.0", "1.0+local.2"], "foo==1.0+local.2", "1.0+local.2"),
        (["2024.1", "1!0.1"], "foo", "1!0.1"),
        (["2024.1", "1!0.1"], "foo<1!0", "2024.1"),
        (["1.0", "1.0.post1"], "foo~=1.0", "1.0.post1"),
        (["1.0", "1.0.post1"], "foo==1.0", "1.0"),
        (["1.0", "1.1rc1", "1.1.dev3"], "foo", "1.0"),
        (["1.0", "1.1rc1"], "foo>=1.1a0", "1.1rc1"),
        (["1.1.dev3", "1.1rc1"], "foo", "1.1rc1"),
        (["1.0.0"], "foo==1", "1.0.0"),
    ],
)
def test_versions_of_every_kind(
    published: list[str], asked: str, taken: str, venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    for version in published:
        index.add(make_wheel("foo", version))

    assert filenames(venv, asked) == [f"foo-{taken}-py3-none-any.whl"]
    assert venv.installed()["foo"].version == taken


def test_names_spelt_in_other_ways_are_one_project(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    spelling = Spelling("Foo.Bar_Baz", "foo_bar_baz", "Foo.Bar-Baz".replace("-", "_"))
    wheel = make_wheel("Foo.Bar_Baz", spelling=spelling, data={"scripts/greet": "#!python\nprint('hello')\n"})
    index.add(wheel)

    assert filenames(venv, "FOO-bar.baz") == ["Foo.Bar_Baz-1.0-py3-none-any.whl"]
    assert venv.run("greet").stdout == "hello\n"
    assert venv.uninstall("foo__bar--baz").removed
    assert not (venv.bin / "greet").exists()


def test_variants_are_counted_and_left_alone(venv: Venv, index: LocalIndex, make_wheel: WheelMaker) -> None:
    plain = make_wheel("foo")
    index.add(plain)
    page = index.page("foo")
    variant = {**page["files"][0], "filename": "foo-1.0-py3-none-any-x86_64_v3.whl"}
    variant["url"] = variant["url"].replace(plain.name, variant["filename"])
    page["files"].append(variant)
    import json  # noqa: PLC0415

    from pytest_wheeltag.workshop import Answer  # noqa: PLC0415

    index.answer("foo", Answer.of_text(json.dumps(page), "application/vnd.pypi.simple.v1+json"))

    assert filenames(venv, "foo") == [plain.name]
    shelf = plain.with_name(str(variant["filename"]))
    shelf.write_bytes(plain.read_bytes())
    with pytest.raises(Exception, match="wheel"):
        venv.install(shelf)


def test_a_wheel_for_both_stable_abis_is_taken_by_either_build(
    running_interpreter: Interpreter, index: LocalIndex, make_wheel: WheelMaker, place: Workplace
) -> None:
    # `abi3t` is that of free-threaded builds (PEP 803); no such build is on this machine.
    platform = running_interpreter.ranking.tags[0].rpartition("-")[2]
    index.add(make_wheel("foo", tag=f"cp315-abi3.abi3t-{platform}"))
    index.add(make_wheel("foo", tag="py3-none-any"))
    for is_free_threaded in (False, True):
        facts = replace(
            running_interpreter.facts,
            implementation="cpython",
            version=(3, 15),
            version_nodot="315",
            is_free_threaded=is_free_threaded,
        )
        interpreter = replace(running_interpreter, facts=facts, version="3.15.0")
        accepted = rank_tags(facts, interpreter.platform)
        (choice,) = place.provisioner.resolve(parse_request(["foo"]), interpreter).choices
        is_known = accepted.rank(f"cp315-abi3.abi3t-{platform}") is not None
        assert is_known == choice.file.filename.startswith("foo-1.0-cp315")
        assert is_known or is_free_threaded


def test_namespace_packages_are_shared_of_the_new_style_and_the_old(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    old = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    for name in ("one", "two"):
        files = {f"new/{name}.py": "", f"old/{name}.py": "", "old/__init__.py": old}
        index.add(make_wheel(f"ns-{name}", files=files))
    venv.install("ns-one", "ns-two")

    code = "import new.one, new.two, old.one, old.two"
    venv.run("python", "-c", code)
    venv.uninstall("ns-one")

    venv.run("python", "-c", "import new.two, old.two")
    assert not (venv.site_packages / "new" / "one.py").exists()
    with pytest.raises(subprocess.CalledProcessError):
        venv.run("python", "-c", code)


def test_headers_data_scripts_and_pth_files_go_where_pip_puts_them_and_away_again(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    before = {path.relative_to(venv.path) for path in venv.path.rglob("*")}
    index.add(
        make_wheel(
            "foo",
            files={"foo.py": "", "foo.pth": "import sys; sys.foo_was_here = True\n"},
            data={
                "headers/foo.h": "",
                "data/share/foo/notes.txt": "",
                "purelib/pure.py": "",
                "platlib/plat.py": "",
                "scripts/foo-script": "#!python\nimport pure, plat\n",
            },
            entry_points={"console_scripts": {"foo-command": "foo:main"}},
        )
    )

    venv.install("foo")

    major, minor = venv.interpreter.version_info[:2]
    for place in (f"include/site/python{major}.{minor}/foo/foo.h", "share/foo/notes.txt", "bin/foo-command"):
        assert (venv.path / place).is_file(), place
    assert venv.run("python", "-c", "import sys; print(sys.foo_was_here)").stdout == "True\n"
    venv.run("foo-script")
    venv.uninstall("foo")
    # The folder for headers stays, as with pip.
    left = {path.relative_to(venv.path) for path in venv.path.rglob("*")} - before
    assert {path for path in left if path.parts[0] != "include"} == set()


def test_no_release_with_a_wheel_for_others_alone(
    venv: Venv, index: LocalIndex, make_wheel: WheelMaker
) -> None:
    index.add(make_wheel("foo", tag="cp27-cp27m-win32"))

    with pytest.raises(ResolutionError, match="no compatible wheel or source distribution is published"):
        venv.install("foo")
