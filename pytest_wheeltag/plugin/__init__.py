"""The entry point that pytest loads: options, ini values, fixtures and the hooks that bring in the rest.

Nothing of ours but this module and the package root is imported until an option or a fixture asks for it.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_wheeltag.core.interpreter import Interpreter
    from pytest_wheeltag.plugin.venvs import Installer, VenvFactory
    from pytest_wheeltag.venv import Venv
    from pytest_wheeltag.workshop import LocalIndex

MARKERS = (
    "wheeltag: a check that --wheeltag-check added",
    "wheeltag_pythons(*specs): run the test once on each of these interpreters, see the fixture wheeltag_python",
)

CURRENT_ITEM = pytest.StashKey[pytest.Item]()


class Setting(NamedTuple):
    """One row of the table of settings: an option, an ini value, or both under one name.

    ``form`` is how a value is written: a ``flag``, one ``value`` or ``number``, a ``list`` (repeatable) or ``paths``.
    """

    name: str
    form: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] | None = None
    has_ini: bool = True
    has_option: bool = True
    ini_name: str = ""

    @property
    def option(self) -> str:
        """The option's name on the command line."""
        return "--wheeltag-" + self.name

    @property
    def dest(self) -> str:
        """The name under which pytest keeps the option's value."""
        return "wheeltag_" + self.name.replace("-", "_")

    @property
    def ini(self) -> str:
        """The name of the ini value: a list is named in the plural."""
        return "wheeltag_" + self.ini_name if self.ini_name else self.dest


SETTINGS = (
    Setting(
        "check", "flag", "collect the checks: every installed wheel is the best published one", has_ini=False
    ),
    Setting("only", "flag", "collect nothing but the checks: no test module is imported", has_ini=False),
    Setting(
        "env",
        "paths",
        "an existing environment to audit: its folder or a python executable (repeatable; default: the one that runs pytest)",
        "PATH",
        ini_name="envs",
    ),
    Setting(
        "inherited", "flag", "audit what the environment inherits too: its base's packages and the user site"
    ),
    Setting(
        "python",
        "list",
        "an interpreter for a throwaway environment, in this order (repeatable): `3.13`, `3.13t`, `pypy3.9`, a path, `all`",
        "SPEC",
        ini_name="check_pythons",
    ),
    Setting(
        "target",
        "list",
        "an interpreter elsewhere, of which is asked what it would take (repeatable): `cp313-manylinux_2_28_x86_64`, "
        "a pattern like `cp31?-win*`, `all`",
        "TARGET",
        ini_name="targets",
    ),
    Setting(
        "require", "list", "what to install in each of them (repeatable)", "REQUIREMENT", ini_name="requires"
    ),
    Setting(
        "requirements",
        "paths",
        "a file that says what to install: requirements, a pylock.toml, a pyproject.toml (repeatable)",
        "FILE",
    ),
    Setting("constraint", "paths", "a file of constraints (repeatable)", "FILE", ini_name="constraints"),
    Setting(
        "lock",
        "value",
        "a lock that says what is published, in place of the indexes: pylock.toml, uv.lock, poetry.lock or pdm.lock",
        "FILE",
    ),
    Setting("require-hashes", "flag", "take nothing whose hash was not given"),
    Setting(
        "only-binary", "list", "projects that are never built from source, or `:all:` (repeatable)", "NAMES"
    ),
    Setting(
        "no-binary", "list", "projects that are always built from source, or `:all:` (repeatable)", "NAMES"
    ),
    Setting(
        "prefer-binary",
        "list",
        "projects of which an older wheel is better than a newer source, or `:all:` (repeatable)",
        "NAMES",
    ),
    Setting("pre", "list", "projects whose pre-releases count like others, or `:all:` (repeatable)", "NAMES"),
    Setting(
        "config-settings", "list", "for the build backends of what is required (repeatable)", "KEY=VALUE"
    ),
    Setting(
        "build-constraint",
        "paths",
        "a file of constraints for what builds require (repeatable)",
        "FILE",
        ini_name="build_constraints",
    ),
    Setting(
        "installer",
        "value",
        "the installer under test: `wheeltag` (default), `pip`, `uv`, `uv-sync`, `poetry`, `pdm`, `pdm-cache`, also with `==VERSION`",
        "INSTALLER",
    ),
    Setting(
        "conformance",
        "flag",
        "play the built-in scenarios against the installer, on an index of their own (implies --wheeltag-check)",
    ),
    Setting(
        "scenario-file",
        "paths",
        "a scenario of one's own for --wheeltag-conformance, instead of the built-in ones (repeatable)",
        "FILE",
        ini_name="scenario_files",
    ),
    Setting(
        "property",
        "list",
        "what is asked (repeatable): `best` (default), `transparent`, `faithful`, `agreeing`, `intact`",
        "PROPERTY",
        ini_name="properties",
    ),
    Setting(
        "orders",
        "value",
        "`given` (default), `both` (given and reversed), `all` (permutations of up to 4 interpreters)",
        "ORDERS",
        ("given", "both", "all"),
    ),
    Setting(
        "missing-python",
        "value",
        "`skip` or `fail` (default: `fail` for interpreters named on the command line, else `skip`)",
        "POLICY",
        ("skip", "fail"),
    ),
    Setting(
        "link-mode",
        "value",
        "how files get from the store into environments (also WHEELTAG_LINK_MODE; default: `auto`)",
        "MODE",
        ("auto", "reflink", "hardlink", "copy"),
    ),
    Setting(
        "bytecode",
        "value",
        "`all`: compile every module with the environment's python, as pip does; `none` (default)",
        "WHICH",
        ("none", "all"),
    ),
    Setting("strict-wheels", "flag", "doubtful wheels are refused instead of warned about"),
    Setting("index-url", "value", "the index to ask (default: what pip is configured with)", "URL"),
    Setting("extra-index-url", "list", "a further index (repeatable)", "URL"),
    Setting("find-links", "list", "a folder or page of files, as pip's (repeatable)", "PATH_OR_URL"),
    Setting("no-index", "flag", "ask no index, only find-links"),
    Setting(
        "index-strategy",
        "value",
        "`merge` (default) pools all indexes as pip does, `first` stops at the first that has the name",
        "STRATEGY",
        ("merge", "first"),
    ),
    Setting(
        "uv-settings", "flag", "obey uv's environment variables (UV_INDEX and so on) over pip's settings"
    ),
    Setting("offline", "flag", "no network: cached answers only; what cannot be known is `unknown`"),
    Setting("exclude-newer", "value", "ignore files uploaded later: a date or an RFC 3339 time, UTC", "DATE"),
    Setting(
        "accept", "list", "a finding that shall pass: `VERDICT` or `NAME:VERDICT` (repeatable)", "FINDING"
    ),
    Setting("strict", "flag", "what is skipped fails"),
    Setting(
        "cache-dir", "value", "the cache folder (also WHEELTAG_CACHE_DIR; default: the user's cache)", "DIR"
    ),
    Setting("build_env", "list", "further environment variables that builds see", has_option=False),
    Setting("pythons", "list", "the interpreters that fixtures are parametrised with", has_option=False),
    Setting(
        "max_rounds", "number", "after how many rounds a resolution is given up (200000)", has_option=False
    ),
    Setting(
        "deadline_seconds",
        "number",
        "after how many seconds a resolution is given up (900)",
        has_option=False,
    ),
    Setting("allow_md5", "flag", "admit files whose only hash is MD5", has_option=False),
    Setting("refuse_pth", "flag", "refuse wheels with .pth files", has_option=False),
    Setting("max_unpacked", "number", "the most bytes that a wheel may unpack to", has_option=False),
    Setting("json", "value", "write the report as JSON to this file", "FILE", has_ini=False),
)
_INI_TYPES = {"flag": "bool", "value": "string", "number": "int", "list": "linelist", "paths": "linelist"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options and ini values of the table."""
    group = parser.getgroup("wheeltag", "wheeltag: is every installed wheel the best published one?")
    for setting in SETTINGS:
        if setting.has_option:
            _add_option(group, setting)
        if setting.has_ini:
            default: Any = [] if setting.form in {"list", "paths"} else None
            parser.addini(setting.ini, setting.help, type=_INI_TYPES[setting.form], default=default)  # type: ignore[arg-type]  # the table holds its literals


def _add_option(group: pytest.OptionGroup, setting: Setting) -> None:
    keywords: dict[str, Any] = {"help": setting.help, "default": None, "dest": setting.dest}
    if setting.form == "flag":
        keywords["action"] = "store_true"
    else:
        keywords["action"] = "store" if setting.form == "value" else "append"
        keywords |= {"metavar": setting.metavar, "choices": setting.choices}
    group.addoption(setting.option, **keywords)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and the checks where they are asked for."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    _refuse_unknown_ini_values(config)
    if config.getoption("wheeltag_check") or config.getoption("wheeltag_conformance"):
        from pytest_wheeltag.plugin.registration import register  # noqa: PLC0415 - costs only who asks for it

        register(config)
    else:
        _refuse_lonely_options(config)
    if config.getini("wheeltag_pythons"):
        from pytest_wheeltag.plugin.pythons import check_ini_value  # noqa: PLC0415 - costs only who has set it

        check_ini_value(config)


def _refuse_unknown_ini_values(config: pytest.Config) -> None:
    known = {setting.ini for setting in SETTINGS if setting.has_ini}
    # pytest 9 has no public way to ask which keys a file holds: `inicfg` is deprecated without successor.
    written = config._inicfg if hasattr(config, "_inicfg") else config.inicfg  # noqa: SLF001
    unknown = [key for key in written if key.startswith("wheeltag_") and key not in known]
    if unknown:
        from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

        nearest = get_close_matches(unknown[0], known, n=1, cutoff=0)[0]
        msg = f"{config.inipath or '-o'}: expected a known ini value, the nearest is `{nearest}`, found: `{unknown[0]}`"
        raise pytest.UsageError(msg)


def _refuse_lonely_options(config: pytest.Config) -> None:
    for name in ("only", "json"):
        if config.getoption(f"wheeltag_{name}"):
            msg = f"--wheeltag-{name} is about the checks: add `--wheeltag-check`"
            raise pytest.UsageError(msg)
    for argument in config.args:
        if argument.startswith("wheeltag::"):
            msg = f"the id of a check was given without asking for checks: add `--wheeltag-check` to `{argument}`"
            raise pytest.UsageError(msg)


def pytest_ignore_collect(collection_path: "Path") -> bool | None:
    """Leave a cache of ours that lies in the project alone: the wheels in it bring tests of their own."""
    try:
        text = (collection_path / "CACHEDIR.TAG").read_text("utf-8", errors="replace")
    except OSError:
        return None
    return True if "pytest-wheeltag" in text else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember which test runs: what fixtures make goes with it, and its ``wheeltag_index`` is asked."""
    item.config.stash[CURRENT_ITEM] = item


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise tests that ask for ``wheeltag_python``, or bear the marker ``wheeltag_pythons``, with interpreters."""
    marker = metafunc.definition.get_closest_marker("wheeltag_pythons")
    if "wheeltag_python" not in metafunc.fixturenames and marker is None:
        return
    from pytest_wheeltag.plugin.pythons import parametrise  # noqa: PLC0415 - costs only who asks for it

    parametrise(metafunc, marker)


@pytest.fixture
def wheeltag_python(request: pytest.FixtureRequest) -> "Interpreter":
    """Give an interpreter of this machine; the test is skipped where there is none such.

    Each of ``@pytest.mark.wheeltag_pythons("3.10", "3.11")``, else each of the ini value ``wheeltag_pythons``, else
    the one that runs.
    """
    from pytest_wheeltag.plugin.pythons import provide  # noqa: PLC0415 - costs only who asks for it

    return provide(request)


@pytest.fixture(scope="session")
def wheeltag_venv_factory(request: pytest.FixtureRequest) -> "VenvFactory":
    """Make throwaway environments: ``factory(python=None, requirements=(), *, constraints=(), …) -> Venv``.

    One made while a test runs goes when the test ends, one made in a fixture when its ``with`` block or the
    session ends; it stays where a test that ran meanwhile failed.
    """
    from pytest_wheeltag.plugin.venvs import VenvFactory, keeper_of  # noqa: PLC0415 - costs only who asks for it

    return VenvFactory(keeper_of(request.config))


@pytest.fixture
def wheeltag_venv(request: pytest.FixtureRequest, wheeltag_venv_factory: "VenvFactory") -> "Venv":
    """Give an empty throwaway environment on the running interpreter, or on ``wheeltag_python``'s or the marker's."""
    from pytest_wheeltag.plugin.venvs import keeper_of  # noqa: PLC0415 - costs only who asks for it

    # The marker's interpreters are parameters of a test that need not name the fixture.
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    is_asked_for = "wheeltag_python" in request.fixturenames or "wheeltag_python" in parameters
    venv = wheeltag_venv_factory(request.getfixturevalue("wheeltag_python") if is_asked_for else None)
    keeper_of(request.config).adopt(venv)
    return venv


@pytest.fixture(scope="session")
def wheeltag_installer(request: pytest.FixtureRequest) -> "Installer":
    """Give our installer: ``resolve(requirements, interpreter)``, ``install(venv, requirements)``."""
    from pytest_wheeltag.plugin.venvs import Installer, keeper_of  # noqa: PLC0415 - costs only who asks for it

    return Installer(keeper_of(request.config))


@pytest.fixture
def wheeltag_make_wheel(tmp_path: "Path") -> Callable[..., "Path"]:
    """Make small wheels: ``make_wheel("foo", "1.0", tag="py3-none-any", files={}, requires=(), build="") -> Path``.

    ``make_wheel.sdist(…)`` makes a source distribution that any PEP 517 front end builds offline.
    """
    from pytest_wheeltag.workshop import WheelMaker  # noqa: PLC0415 - costs only who asks for it

    return WheelMaker(tmp_path / "wheeltag-wheels")


@pytest.fixture
def wheeltag_index() -> "Iterator[LocalIndex]":
    """Give a simple index (PEP 503 and 691) on loopback: ``index.add(wheel)``, ``index.remove(filename)``, ``index.url``."""
    from pytest_wheeltag.workshop import LocalIndex  # noqa: PLC0415 - costs only who asks for it

    with LocalIndex() as index:
        yield index
