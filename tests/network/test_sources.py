"""Source trees and archives of the real world, built with real backends on every interpreter that is found."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from distlib.index import DEFAULT_INDEX

from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.system.discovery import InterpreterFinder
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.installs import this_machine
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace

pytestmark = pytest.mark.network

IS_FULL = bool(os.environ.get("WHEELTAG_FULL"))
PUBLIC_INDEX = urlsplit(DEFAULT_INDEX)._replace(path="/simple/").geturl()
PROJECT = Path(__file__).parents[2]
_FIRST_OF_OURS = (3, 11)

EXTENSION = {
    "pyproject.toml": """
        [build-system]
        requires = ["setuptools>=64"]
        build-backend = "setuptools.build_meta"
    """,
    "setup.py": """
        import sys
        from setuptools import Extension, setup
        setup(
            name="speaking",
            version="1.0",
            package_dir={"": "src"},
            packages=["speaking"],
            ext_modules=[Extension("speaking._native", ["src/speaking/_native.c"])],
        )
    """,
    "src/speaking/__init__.py": "from speaking._native import built_for",
    "src/speaking/_native.c": """
        #include <Python.h>
        static PyObject *built_for(PyObject *self, PyObject *args) { return PyUnicode_FromString(PY_VERSION); }
        static PyMethodDef methods[] = {{"built_for", built_for, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
        static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", NULL, -1, methods};
        PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }
    """,
}


def interpreters(tmp_path: Path) -> Iterator[Interpreter]:
    """Give the newest interpreter of each version from 3.8 on, all of them or the first and the last."""
    finder = InterpreterFinder(tmp_path / "finder", this_machine(os.environ))
    found = {each.label: each for each in finder.find_all() if each.version_info >= (3, 8)}
    every = sorted(found.values(), key=lambda each: (each.implementation, each.version_info))
    yield from every if IS_FULL else every[:: max(1, len(every) - 1)]


def has_headers(interpreter: Interpreter) -> bool:
    """Tell whether extension modules can be compiled: Debian's PyPy comes without."""
    return Path(interpreter.scheme_paths(interpreter.prefix)["include"], "Python.h").exists()


def write_tree(folder: Path) -> Path:
    for name, text in EXTENSION.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        indent = len(text) - len(text.lstrip("\n ")) - 1
        lines = (line[max(indent, 0) :] for line in text.strip("\n").splitlines())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def run(environment: Environment, code: str) -> str:
    done = subprocess.run(
        [environment.python, "-I", "-B", "-c", code], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace(SourceOptions(tmp_path / "cache"), os.environ).with_index(PUBLIC_INDEX)


def ask_for(place: Workplace, path: Path, *, is_editable: bool) -> Request:
    demand = (place.reader.editable if is_editable else place.reader.requirement)(str(path), "the test")
    return Request((demand,))


@pytest.mark.parametrize("is_editable", [False, True], ids=["installed", "editable"])
def test_a_tree_with_an_extension_module_is_built_for_each_interpreter(
    is_editable: bool, place: Workplace, tmp_path: Path
) -> None:
    tree = write_tree(tmp_path / "tree")
    before = sorted(path.relative_to(tree) for path in tree.rglob("*") if path.suffix != ".so")
    able = [each for each in interpreters(tmp_path) if has_headers(each)]
    for number, interpreter in enumerate((*able, *able)):
        prefix = tmp_path / f"env{number}"
        place.furnish(prefix, interpreter, ask_for(place, tree, is_editable=is_editable))

        told = run(Environment(prefix, interpreter), "import speaking; print(speaking.built_for())")

        # PyPy says which CPython it stands for.
        assert told == interpreter.markers["python_full_version"]
    assert sorted(path.relative_to(tree) for path in tree.rglob("*") if path.suffix != ".so") == before


@pytest.mark.parametrize("is_editable", [False, True], ids=["installed", "editable"])
def test_this_project_is_installed_from_its_own_tree(
    is_editable: bool, place: Workplace, tmp_path: Path
) -> None:
    for interpreter in interpreters(tmp_path):
        if interpreter.implementation != "cpython" or interpreter.version_info < _FIRST_OF_OURS:
            continue
        prefix = tmp_path / interpreter.label
        place.furnish(prefix, interpreter, ask_for(place, PROJECT, is_editable=is_editable))

        where = run(
            Environment(prefix, interpreter), "import pytest_wheeltag; print(pytest_wheeltag.__file__)"
        )

        assert Path(where).is_relative_to(PROJECT if is_editable else prefix)


def test_multiprocess_from_source_never_crosses(
    place: Workplace, tmp_path: Path, find_python: Callable[[str], Interpreter]
) -> None:
    told: list[str] = []
    from_source = Controls(NameControl(excluded=frozenset({"multiprocess"})))
    place = replace(place, tell=told.append)
    building = place.with_options(replace(place.options, controls=from_source))
    request = parse_request(["multiprocess==0.70.17"])
    pair = [find_python(spec) for spec in ("3.10", "3.12")]

    seen: dict[str, set[str]] = {}
    for number, interpreter in enumerate((*pair, *pair[::-1])):
        prefix = tmp_path / f"env{number}"
        building.furnish(prefix, interpreter, request)
        module = Environment(prefix, interpreter).site_packages / "multiprocess" / "util.py"
        seen.setdefault(interpreter.label, set()).add(module.read_text(encoding="utf-8"))
    place.furnish(tmp_path / "published", pair[0], request)

    # Its wheels have one name, and hold what their interpreter's own multiprocessing is like.
    assert [len(each) for each in seen.values()] == [1, 1]
    assert seen[pair[0].label] != seen[pair[1].label]
    assert len(told) == 2
    installed = Environment(tmp_path / "published", pair[0]).site_packages
    wheel = (installed / "multiprocess-0.70.17.dist-info" / "WHEEL").read_text(encoding="utf-8")
    assert "Tag: py310-none-any" in wheel
