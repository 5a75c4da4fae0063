import sys
from typing import Any

import pytest

# The stage is a fixture of conftest.py, which importlib mode keeps from being imported by name.
Stage = Any

LABEL = "{}{}.{}".format(sys.implementation.name, *sys.version_info[:2])


def test_the_markers_interpreter_reaches_an_environment_that_alone_is_asked_for(
    stage: Stage, all_pythons: tuple[str, ...]
) -> None:
    others = [label for label in all_pythons if label != LABEL and label.startswith("cpython3.")]
    if not others:
        pytest.skip("only one interpreter on this machine")
    stage.pytester.makepyfile(
        f"""
        import pytest

        @pytest.fixture
        def furnished(wheeltag_venv):
            return wheeltag_venv

        @pytest.mark.wheeltag_pythons({others[0]!r}, {LABEL!r})
        def test_label(wheeltag_venv, furnished, request):
            assert furnished is wheeltag_venv
            assert f"[{{wheeltag_venv.interpreter.label}}]" in request.node.name
            short = ".".join(map(str, wheeltag_venv.interpreter.version_info[:2]))
            script = "import sys; print('%d.%d' % sys.version_info[:2])"
            assert wheeltag_venv.run("python", "-c", script).stdout.strip() == short
        """
    )

    stage.pytester.runpytest().assert_outcomes(passed=2)


def test_what_came_from_one_index_is_judged_by_it(stage: Stage) -> None:
    minor = sys.version_info[1]
    stage.publish("foo", f"py3{minor - 1}-none-any", f"py3{minor}-none-any")
    stage.pytester.makepyfile(
        f"""
        def test_check(wheeltag_venv):
            wheeltag_venv.install("foo", index_url={stage.index.url!r})
            wheeltag_venv.check()
            assert [verdict.kind for verdict in wheeltag_venv.verdicts()] == ["best"]
        """
    )

    stage.pytester.runpytest("-o", "wheeltag_no_index=true").assert_outcomes(passed=1)
