import sys
from pathlib import Path

import pytest

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])
MINOR = sys.version_info[1]


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an installation that asks another index than it should fail at once."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")


def left(pytester: pytest.Pytester) -> list[Path]:
    """List the environments that are there after a run."""
    places = (pytester.path.parent / "basetemp", pytester.path / "cache")
    return sorted(path.parent for place in places for path in place.rglob("pyvenv.cfg"))


def test_an_environment_is_empty_and_the_running_interpreters(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_it(wheeltag_venv):
            assert wheeltag_venv.installed() == {}
            assert wheeltag_venv.interpreter.version_info[:2] == sys.version_info[:2]
            done = wheeltag_venv.run("python", "-c", "import sys; print(sys.prefix)")
            assert done.stdout.strip() == str(wheeltag_venv.path)
        def test_another(wheeltag_venv):
            assert wheeltag_venv.path.name.startswith("2-")
        """
    )

    pytester.runpytest().assert_outcomes(passed=2)
    assert not left(pytester)
    assert not list((pytester.path.parent / "basetemp").glob("wheeltag*"))


def test_a_wheel_is_made_served_installed_run_checked_and_uninstalled(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        def test_it(wheeltag_venv, wheeltag_index, wheeltag_make_wheel):
            script = {{"console_scripts": {{"foo": "foo:main"}}}}
            for tag in ("py3-none-any", "py3{MINOR}-none-any"):
                wheeltag_index.add(wheeltag_make_wheel("foo", "1.0", tag=tag, requires=["bar"], entry_points=script))
            wheeltag_index.add(wheeltag_make_wheel("bar", "2.0"))

            report = wheeltag_venv.install("foo")

            assert [choice.artefact.file.filename for choice in report.installed] == [
                "bar-2.0-py3-none-any.whl", "foo-1.0-py3{MINOR}-none-any.whl",
            ]
            assert set(wheeltag_venv.installed()) == {{"foo", "bar"}}
            assert wheeltag_venv.run("foo").stdout == "1.0 py3{MINOR}-none-any\\n"
            assert len(wheeltag_venv.verdicts("best")) == 2
            wheeltag_venv.check()
            wheeltag_venv.check("best", "intact")
            before = wheeltag_venv.fingerprint()
            assert wheeltag_venv.uninstall("bar").removed == ("bar 2.0",)
            assert wheeltag_venv.fingerprint() != before
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_each_install_sees_what_the_index_has_now(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        def test_it(wheeltag_venv, wheeltag_index, wheeltag_make_wheel):
            wheeltag_index.add(wheeltag_make_wheel("foo", "1.0"))
            wheeltag_venv.install("foo")
            wheeltag_index.add(wheeltag_make_wheel("foo", "2.0"))
            assert [each.name for each in wheeltag_venv.install("foo").kept] == ["foo"]
            assert wheeltag_venv.install("foo", upgrade=True).kept == ()
            assert wheeltag_venv.installed()["foo"].version == "2.0"
            wheeltag_index.remove("foo-2.0-py3-none-any.whl")
            with pytest.raises(Exception, match="foo"):
                wheeltag_venv.install("foo>1.5", "foo<3", constraints=["foo!=2.0"])
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_the_index_of_a_test_is_asked_alone_whoever_installs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_wheeltag.workshop import LocalIndex

        @pytest.fixture
        def published(wheeltag_index, wheeltag_make_wheel):
            wheeltag_index.add(wheeltag_make_wheel("foo"))

        @pytest.fixture
        def furnished(published, wheeltag_venv):
            wheeltag_venv.install("foo")
            return wheeltag_venv

        def test_in_a_fixture_that_needs_it(furnished):
            assert set(furnished.installed()) == {"foo"}

        @pytest.fixture
        def early(wheeltag_venv_factory):
            with pytest.raises(Exception) as caught:
                wheeltag_venv_factory(requirements=["foo"])
            return str(caught.value)

        def test_in_a_fixture_that_comes_before_it(early, published):
            assert "no index has a project of this name" in early

        def test_asked_for_while_it_runs(request, wheeltag_venv, wheeltag_make_wheel):
            request.getfixturevalue("wheeltag_index").add(wheeltag_make_wheel("foo"))
            wheeltag_venv.install("foo")
            wheeltag_venv.check()

        def test_unless_another_is_named(published, wheeltag_venv_factory, wheeltag_make_wheel):
            with LocalIndex() as other:
                other.add(wheeltag_make_wheel("bar"))
                made = wheeltag_venv_factory(requirements=["bar"], index_url=other.url)
                assert set(made.installed()) == {"bar"}
                made.install("bar", index_url=other.url)
            made.install("foo")

        @pytest.fixture(scope="module")
        def shared(wheeltag_venv_factory):
            with pytest.raises(Exception) as caught:
                wheeltag_venv_factory(requirements=["foo"])
            return str(caught.value)

        def test_but_not_by_what_other_tests_share(published, shared):
            assert "127.0.0.1:9" in shared

        def test_nor_in_a_test_without_it(wheeltag_venv):
            with pytest.raises(Exception, match="127.0.0.1:9"):
                wheeltag_venv.install("foo")
        """
    )

    pytester.runpytest().assert_outcomes(passed=6)


def test_offline_the_index_of_a_test_is_asked_all_the_same(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nwheeltag_offline = true\n")
    pytester.makepyfile(
        """
        def test_it(wheeltag_venv, wheeltag_index, wheeltag_make_wheel):
            wheeltag_index.add(wheeltag_make_wheel("foo"))
            wheeltag_venv.install("foo")
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_the_factory_makes_what_it_is_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import sys
        import pytest

        def test_it(wheeltag_venv_factory, wheeltag_index, wheeltag_make_wheel, wheeltag_python):
            for version in ("1.0", "2.0"):
                wheeltag_index.add(wheeltag_make_wheel("foo", version))
            made = wheeltag_venv_factory(sys.executable, ["foo"], constraints=["foo<2"], name="mine", link_mode="copy")
            assert made.installed()["foo"].version == "1.0"
            assert made.path.name.endswith("-mine")
            assert (made.site_packages / "foo" / "__init__.py").stat().st_nlink == 1
            made.install("foo>1")
            assert (made.site_packages / "foo" / "__init__.py").stat().st_nlink == 1
            assert wheeltag_venv_factory(wheeltag_python).interpreter == wheeltag_python

        def test_mistakes(wheeltag_venv_factory, wheeltag_installer, wheeltag_venv):
            for mistaken in (
                lambda: wheeltag_venv_factory(requirements="foo"),
                lambda: wheeltag_venv_factory(requirements=["foo"], constraints="foo"),
                lambda: wheeltag_installer.install(wheeltag_venv, "foo"),
                lambda: wheeltag_installer.resolve("foo", wheeltag_venv.interpreter),
            ):
                with pytest.raises(TypeError, match="found a bare string: `foo`"):
                    mistaken()
            for name in ("transparent", "faithful", "agreeing", "nonsense"):
                with pytest.raises(ValueError, match=f"found: `{name}`"):
                    wheeltag_venv.check(name)
            for name in ("", "..", "a/b", os.path.abspath("x")):
                with pytest.raises(ValueError, match="name: expected the name of a folder"):
                    wheeltag_venv_factory(name=name)
            with pytest.raises(Exception, match="link_mode: expected .*found: `weld`"):
                wheeltag_venv_factory(link_mode="weld")
            with pytest.raises(Exception, match="no such interpreter on this machine .*`3.99`"):
                wheeltag_venv_factory("3.99")
            with pytest.raises(Exception, match="python: expected an interpreter like .*`x3`"):
                wheeltag_venv_factory("x3")
        """
    )

    pytester.runpytest().assert_outcomes(passed=2)


def test_the_installer_resolves_and_installs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(wheeltag_installer, wheeltag_venv, wheeltag_index, wheeltag_make_wheel):
            wheeltag_index.add(wheeltag_make_wheel("foo", requires=["bar"]))
            wheeltag_index.add(wheeltag_make_wheel("bar"))
            resolution = wheeltag_installer.resolve(["foo"], wheeltag_venv.interpreter)
            assert [choice.name for choice in resolution.choices] == ["bar", "foo"]
            assert wheeltag_venv.installed() == {}
            wheeltag_installer.install(wheeltag_venv, ["bar"])
            assert set(wheeltag_venv.installed()) == {"bar"}
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_a_check_that_fails_is_an_assertion_with_the_sentence(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        def test_it(wheeltag_venv, wheeltag_index, wheeltag_make_wheel):
            wheeltag_index.add(wheeltag_make_wheel("foo", tag="py3{MINOR - 1}-none-any"))
            wheeltag_venv.install("foo")
            wheeltag_index.add(wheeltag_make_wheel("foo", tag="py3{MINOR}-none-any"))
            wheeltag_venv.check()
        """
    )

    result = pytester.runpytest()

    result.assert_outcomes(failed=1)
    worse, better = f"py3{MINOR - 1}-none-any", f"py3{MINOR}-none-any"
    sentence = f"foo 1.0 on {LABEL}: installed `{worse}`, better published `{better}` (rank * against * of *) in `foo-1.0-{better}.whl`"
    result.stdout.fnmatch_lines([f"E *AssertionError: {sentence}"])


def test_a_command_that_fails_shows_its_output(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(wheeltag_venv):
            wheeltag_venv.run("python", "-c", "import sys; print('told'); sys.exit('why')")
        """
    )

    result = pytester.runpytest()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *returned non-zero exit status 1.", "E *stdout:", "E *told", "E *stderr:", "E *why"]
    )


def test_every_fixture_and_marker_is_described(pytester: pytest.Pytester) -> None:
    fixtures = pytester.runpytest("--fixtures").outlines
    starts = {line.split(" ")[0]: at for at, line in enumerate(fixtures) if line.startswith("wheeltag_")}

    assert sorted(starts) == [
        "wheeltag_index",
        "wheeltag_installer",
        "wheeltag_make_wheel",
        "wheeltag_python",
        "wheeltag_venv",
        "wheeltag_venv_factory",
    ]
    assert all(fixtures[at + 1].startswith(("    Give ", "    Make ")) for at in starts.values())
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.wheeltag_pythons(*specs): *"])
