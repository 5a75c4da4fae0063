"""What a project can ask the checks and the fixtures to install, beside requirements by name."""

import importlib.util
import sys
from typing import Any

import pytest

from pytest_wheeltag.workshop import Recipe, SdistSpec
from pytest_wheeltag.workshop.sdists import write_source_tree

# The itinerary is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Itinerary = Any

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])
HERE = f"--wheeltag-python={sys.executable}"


def test_a_project_judges_its_own_tree_from_its_ini_file(itinerary: Itinerary) -> None:
    itinerary.publish("needed")
    tree = write_source_tree(SdistSpec("mine", "1.0", requires=["needed"]), itinerary.pytester.path)
    (tree / "pytest.ini").write_text("[pytest]\nwheeltag_requires = .\n", encoding="utf-8")

    result = itinerary.run(HERE, "-v", f"--rootdir={tree}", f"-c={tree / 'pytest.ini'}")

    # Its pyproject.toml says no name: the folder's stands for it.
    result.stdout.fnmatch_lines(
        [f"*wheeltag::{LABEL}::mine PASSED*", f"*wheeltag::{LABEL}::[[]dependencies[]] PASSED*"]
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*1 direct, 1 best*"])


def test_a_tree_is_called_by_the_name_in_its_pyproject_before_anything_is_built(itinerary: Itinerary) -> None:
    tree = write_source_tree(
        SdistSpec("mine", "1.0", recipe=Recipe(failure="not now")), itinerary.pytester.path
    )
    text = (tree / "pyproject.toml").read_text(encoding="utf-8")
    (tree / "pyproject.toml").write_text(
        f'{text}[project]\nname = "My.Own"\nversion = "1.0"\n', encoding="utf-8"
    )

    assert itinerary.collect(HERE, f"--wheeltag-require={tree}") == [
        f"wheeltag::{LABEL}::my-own",
        f"wheeltag::{LABEL}::[dependencies]",
    ]


def test_a_failed_build_is_uninstallable_with_the_last_word_of_its_backend(itinerary: Itinerary) -> None:
    sdist = itinerary.make_wheel.sdist("mine", recipe=Recipe(failure="no compiler here"))

    result = itinerary.run(HERE, f"--wheeltag-require={sdist}")

    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["mine on *cannot be built*no compiler here*", "*1 uninstallable*"])


def test_what_is_built_and_what_is_published_are_told_apart(itinerary: Itinerary) -> None:
    itinerary.publish("both")
    itinerary.index.add(itinerary.make_wheel.sdist("both"))
    itinerary.index.add(itinerary.make_wheel.sdist("source"))
    asked = [HERE, "--wheeltag-require=both", "--wheeltag-require=source"]

    def verdicts(*arguments: str) -> dict[str, str]:
        (environment,) = itinerary.report(*asked, *arguments)["environments"]
        return {each["name"]: each["verdict"] for each in environment["distributions"]}

    assert verdicts() == {"both": "best", "source": "built"}
    # The same tag as the published one has: tags alone do not tell.
    assert verdicts("--wheeltag-no-binary=both") == {"both": "best", "source": "built"}
    assert verdicts("--wheeltag-only-binary=:all:")["source"] == "uninstallable"


def test_requirements_files_settings_and_hashes(itinerary: Itinerary) -> None:
    itinerary.index.add(itinerary.make_wheel.sdist("told", recipe=Recipe(witnesses_settings=True)))
    (itinerary.pytester.path / "wanted.txt").write_text("--pre\ntold\n", encoding="utf-8")

    result = itinerary.run(HERE, "--wheeltag-requirements=wanted.txt", "--wheeltag-config-settings=a=b")
    result.assert_outcomes(passed=2)
    result = itinerary.run(HERE, "--wheeltag-requirements=wanted.txt", "--wheeltag-require-hashes")
    result.stdout.fnmatch_lines(["told on *hashes are checked*", "*1 uninstallable*"])


def test_fixtures_take_trees_and_archives_and_keep_or_upgrade(pytester: pytest.Pytester) -> None:
    write_source_tree(SdistSpec("tree", "1.0", files={"tree.py": "where = __file__"}), pytester.path)
    pytester.makepyfile(
        """
        import pytest

        def test_it(wheeltag_venv, wheeltag_venv_factory, wheeltag_index, wheeltag_make_wheel, pytestconfig):
            source = wheeltag_make_wheel.sdist("foo")
            tree = pytestconfig.rootpath / "tree-1.0"
            wheeltag_venv.install(source, f"-e {tree}")
            assert set(wheeltag_venv.installed()) == {"foo", "tree"}
            where = wheeltag_venv.run("python", "-c", "import tree; print(tree.where)").stdout
            assert where.startswith(str(tree))
            wheeltag_index.add(wheeltag_make_wheel("foo", "2.0"))
            assert [each.name for each in wheeltag_venv.install("foo").kept] == ["foo"]
            assert wheeltag_venv.install("foo", upgrade=True).removed == ("foo 1.0",)
            compiled = wheeltag_venv_factory(requirements=["foo"], bytecode="all")
            assert list(compiled.site_packages.glob("**/__pycache__/*.pyc"))
            with pytest.raises(Exception, match="bytecode: expected `none` or `all`"):
                wheeltag_venv_factory(bytecode="some")
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_pip_under_test_is_handed_the_same(itinerary: Itinerary) -> None:
    if importlib.util.find_spec("pip") is None:
        pytest.skip("pip is not installed here")
    itinerary.publish("needed")
    itinerary.publish("both")
    itinerary.index.add(itinerary.make_wheel.sdist("both", "2.0"))
    folder = itinerary.pytester.path
    tree = write_source_tree(SdistSpec("mine", "1.0", requires=["needed"]), folder)
    (folder / "wanted.txt").write_text(f"-e {tree}\nboth ; python_version > '3'\n", encoding="utf-8")

    report = itinerary.report(
        HERE, "--wheeltag-installer=pip", "--wheeltag-requirements=wanted.txt", "--wheeltag-only-binary=both"
    )

    (environment,) = report["environments"]
    assert environment["installer"]["name"] == "pip"
    assert {
        each["name"]: f"{each['version']} {each['verdict']}" for each in environment["distributions"]
    } == {
        "mine": "1.0 direct",
        "needed": "1.0 best",
        "both": "1.0 best",
    }
