import sys
from pathlib import Path

import pytest

from pytest_wheeltag.workshop import LocalIndex, WheelMaker

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])


def left(pytester: pytest.Pytester) -> list[Path]:
    """List the environments that are there after a run."""
    places = (pytester.path.parent / "basetemp", pytester.path / "cache")
    return sorted(path.parent for place in places for path in place.rglob("pyvenv.cfg"))


def ids(pytester: pytest.Pytester) -> list[str]:
    result = pytester.runpytest("--collect-only", "-q")
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_tests_are_run_on_each_interpreter_of_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.wheeltag_pythons({sys.executable!r}, "3.99")
        def test_both(wheeltag_python, wheeltag_venv):
            assert wheeltag_venv.interpreter is wheeltag_python

        @pytest.mark.wheeltag_pythons({sys.executable!r})
        class TestMarked:
            def test_venv(self, wheeltag_venv):
                assert wheeltag_venv.interpreter.label == {LABEL!r}
            def test_nothing(self): pass

        def test_running(wheeltag_python):
            assert wheeltag_python.label == {LABEL!r}

        def test_other(wheeltag_venv): pass
        """
    )

    assert ids(pytester) == [
        f"test_both[{LABEL}]",
        "test_both[cpython3.99]",
        f"TestMarked::test_venv[{LABEL}]",
        f"TestMarked::test_nothing[{LABEL}]",
        "test_running",
        "test_other",
    ]
    result = pytester.runpytest("-rs")
    result.assert_outcomes(passed=5, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *missing-python: no such interpreter on this machine *`3.99`"])


def test_the_ini_value_is_for_those_that_ask_and_have_no_marker(pytester: pytest.Pytester) -> None:
    pytester.makeini(f"[pytest]\nwheeltag_pythons =\n    {sys.executable}\n    3.99\n    {sys.executable}\n")
    pytester.makepyfile(
        """
        import pytest
        def test_ini(wheeltag_python): pass
        @pytest.mark.wheeltag_pythons("3.98")
        def test_marked(wheeltag_python): pass
        def test_not_asking(wheeltag_venv): pass
        """
    )

    assert ids(pytester) == [
        f"test_ini[{LABEL}]",
        "test_ini[cpython3.99]",
        f"test_ini[{LABEL}@2]",
        "test_marked[cpython3.98]",
        "test_not_asking",
    ]
    pytester.runpytest().assert_outcomes(passed=3, skipped=2)


def test_all_means_every_interpreter_of_this_machine(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.wheeltag_pythons("all")
        def test_it(wheeltag_python): pass
        """
    )

    found = ids(pytester)

    assert f"test_it[{LABEL}]" in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("3.10", 'wheeltag_pythons: expected interpreters as texts, like `"3.10", "3.11"`, found: `3.1`'),
        ("['3.10']", "wheeltag_pythons: expected interpreters as texts, *found: `[[]'3.10'[]]`"),
        ("", "wheeltag_pythons: expected interpreters as texts, *found: `()`"),
        ("'x3'", "wheeltag_pythons: expected an interpreter like *found: `x3`"),
    ],
)
def test_a_mistaken_marker_is_one_line(pytester: pytest.Pytester, arguments: str, message: str) -> None:
    pytester.makepyfile(
        test_module=f"import pytest\n@pytest.mark.wheeltag_pythons({arguments})\ndef test_it(): pass\n"
    )

    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"test_module.py::test_it: {message}"])
    result.stdout.no_fnmatch_line("*During handling*")
    result.stdout.no_fnmatch_line("*.py:*: in *")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("wheeltag_link_mode = weld", "wheeltag_link_mode: expected *found: `weld`"),
        ("wheeltag_index_strategy = last", "wheeltag_index_strategy: expected *found: `last`"),
        ("wheeltag_max_rounds = few", "wheeltag_max_rounds: expected a whole number*few*"),
    ],
)
def test_a_mistaken_ini_value_is_one_line(pytester: pytest.Pytester, line: str, message: str) -> None:
    pytester.makeini(f"[pytest]\n{line}\n")
    pytester.makepyfile("def test_it(wheeltag_python, wheeltag_venv): pass")

    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*During handling*")


def test_a_mistaken_interpreter_of_the_ini_value_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nwheeltag_pythons = x3\n")
    pytester.makepyfile("def test_it(wheeltag_python): pass")

    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: wheeltag_pythons: expected an interpreter like *found: `x3`"])


SCOPES = """
    import pytest
    seen = {}

    @pytest.fixture(scope="session")
    def session(wheeltag_venv_factory):
        return wheeltag_venv_factory(name="session")

    @pytest.fixture
    def block(wheeltag_venv_factory):
        with wheeltag_venv_factory(name="block") as made:
            yield made

    def test_first(session, block, wheeltag_venv, wheeltag_venv_factory):
        made = wheeltag_venv_factory(name="made")
        seen.update(session=session, block=block, venv=wheeltag_venv, made=made)
        with wheeltag_venv_factory() as inner:
            assert inner.path.exists()
        assert not inner.path.exists()
        with pytest.raises(RuntimeError), wheeltag_venv_factory(name="failed") as failed:
            raise RuntimeError
        assert failed.path.exists()
        seen["failed"] = failed
        FIRST

    def test_second():
        there = {name for name, made in seen.items() if made.path.exists()}
        assert there == THERE
"""


def test_environments_go_with_the_scope_that_asked_for_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SCOPES.replace("FIRST", "").replace("THERE", "{'session'}"))

    pytester.runpytest().assert_outcomes(passed=2)
    assert not left(pytester)


def test_those_that_were_there_while_a_test_failed_are_kept_and_named(pytester: pytest.Pytester) -> None:
    source = SCOPES.replace("FIRST", "assert False").replace(
        "THERE", "{'session', 'block', 'venv', 'made', 'failed'}"
    )
    pytester.makepyfile(source)

    result = pytester.runpytest()

    result.assert_outcomes(passed=1, failed=1)
    kept = left(pytester)
    assert [path.name.partition("-")[2] for path in kept] == ["session", "block", LABEL, "made", "failed"]
    section = result.outlines[
        result.outlines.index(
            "------------------------ environments kept by wheeltag -------------------------"
        ) :
    ]
    assert set(map(str, kept)) < set(section)
    # Besides its headline, those five and what comes after: the one of the block that was left is gone.
    assert len([line for line in section if line.startswith(str(kept[0].parent))]) == len(kept)


@pytest.mark.parametrize("how", ["setup", "teardown"])
def test_a_test_that_fails_before_or_after_its_call_keeps_them_too(
    pytester: pytest.Pytester, how: str
) -> None:
    pytester.makepyfile(
        f"""
        import pytest
        @pytest.fixture
        def broken(wheeltag_venv):
            if {how!r} == "setup":
                raise RuntimeError
            yield
            raise RuntimeError
        def test_it(broken): pass
        """
    )

    result = pytester.runpytest()

    (kept,) = left(pytester)
    result.stdout.fnmatch_lines(["*environments kept by wheeltag*", str(kept)])


def test_a_test_that_is_expected_to_fail_or_skipped_keeps_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.xfail
        def test_xfail(wheeltag_venv): assert False
        def test_skip(wheeltag_venv): pytest.skip("later")
        """
    )

    pytester.runpytest().assert_outcomes(xfailed=1, skipped=1)
    assert not left(pytester)


def test_workers_download_once_and_clean_up(pytester: pytest.Pytester, tmp_path: Path) -> None:
    with LocalIndex() as index:
        served = index.add(WheelMaker(tmp_path)("foo"))
        pytester.makeini(f"[pytest]\nwheeltag_index_url = {index.url}\n")
        pytester.makepyfile(
            """
            import pytest
            @pytest.mark.parametrize("number", range(6))
            def test_it(wheeltag_venv_factory, wheeltag_venv, number):
                made = wheeltag_venv_factory(requirements=["foo"])
                made.check("best")
                wheeltag_venv.install("foo")
                assert number != 5
            """
        )

        result = pytester.runpytest("-n", "2")

        result.assert_outcomes(passed=5, failed=1)
        assert index.count(served.filename) == 1
        assert index.count("foo") <= 2
    kept = left(pytester)
    assert len(kept) == 2
    result.stdout.fnmatch_lines(["*environments kept by wheeltag*", *map(str, kept)], consecutive=True)


def test_a_password_of_an_index_is_not_in_a_traceback(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nwheeltag_index_url = http://user:hunter2@127.0.0.1:9/simple/\n")
    pytester.makepyfile("def test_it(wheeltag_venv): wheeltag_venv.install('foo')")

    result = pytester.runpytest("-l", "--full-trace")

    result.assert_outcomes(failed=1)
    assert "hunter2" not in result.stdout.str() + result.stderr.str()
