import os
from collections.abc import Callable
from pathlib import Path

from pytest_wheeltag.subjects.seclusion import Seclusion, activate, seclude, seclude_at
from pytest_wheeltag.system.environment import Environment
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace


def test_nothing_of_the_users_settings_is_seen_and_every_home_is_in_the_folder(tmp_path: Path) -> None:
    settings = dict.fromkeys(
        (
            *("PIP_TARGET", "UV_INDEX", "POETRY_HOME", "PDM_PYPI_URL", "PYTHONPATH", "VIRTUAL_ENV"),
            *("CONDA_PREFIX", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "HOME", "APPDATA", "NETRC"),
        ),
        "/user",
    )
    kept = {"PATH": "/bin", "CFLAGS": "-O2", "SSL_CERT_FILE": "/bundle.pem", "HTTPS_PROXY": "http://proxy"}

    seen = seclude({**settings, **kept}, tmp_path / "own").variables

    assert kept.items() <= seen.items()
    assert "/user" not in seen.values()
    homes = {name for name in seen if name.startswith("XDG_") or name in {"HOME", "APPDATA", "USERPROFILE"}}
    assert len(homes) == 8
    assert all(Path(seen[name]).is_relative_to(tmp_path / "own") for name in homes)
    assert Path(seen["HOME"]).is_dir()


def test_what_is_told_besides_counts_unless_it_is_empty(tmp_path: Path) -> None:
    told = seclude({"PIP_PRE": "1"}, tmp_path).told({"PIP_PRE": "", "PIP_NO_INDEX": "1"}).variables

    assert "PIP_PRE" not in told
    assert told["PIP_NO_INDEX"] == "1"


def test_passwords_of_indexes_and_in_addresses_and_what_backends_are_told_are_not_shown(
    tmp_path: Path,
) -> None:
    sources = SourceOptions(
        tmp_path / "cache",
        index_url="https://user:s%40fe@index.example/simple/",
        extra_index_urls=("https://token@other.example/simple/",),
    )
    seclusion = seclude_at(Workplace(sources, {"HOME": str(tmp_path)}), tmp_path)

    assert "s@fe" not in repr(seclusion)
    assert seclusion.redact("sent s@fe, s%40fe and token") == "sent ****, **** and ****"
    assert seclusion.redact("at http://me:mine@other.example/x") == "at http://****@other.example/x"
    assert seclusion.redact_word("--config-setting=key=mine") == "--config-setting=key=****"
    assert seclusion.redact_word("--config-settings=key=a=b") == "--config-settings=key=****"
    assert Seclusion({}).redact("user@example.org") == "user@example.org"


def test_an_active_environment_comes_first_on_path(make_environment: Callable[[str], Environment]) -> None:
    environment = make_environment("env")

    seen = activate(Seclusion({"PATH": "/bin"}), environment).variables
    alone = activate(Seclusion({}), environment).variables

    assert seen["VIRTUAL_ENV"] == str(environment.prefix)
    assert seen["PATH"] == f"{environment.bin}{os.pathsep}/bin"
    assert alone["PATH"] == str(environment.bin)


def test_temporary_files_lie_below_the_home_as_long_as_they_are_needed(tmp_path: Path) -> None:
    secluded = seclude({"TMPDIR": "/user", "TEMP": "/user"}, tmp_path)

    with secluded.with_temporary_folder() as seen:
        folder = Path(seen.variables["TMPDIR"])
        assert folder.is_relative_to(seen.variables["HOME"])
        assert {seen.variables[each] for each in ("TMPDIR", "TEMP", "TMP")} == {str(folder)}
        (folder / "pip-unpack-1").mkdir()

    assert not folder.exists()


def test_who_has_no_home_has_the_machines_temporary_files() -> None:
    homeless = Seclusion({"TMPDIR": "/user"})

    with homeless.with_temporary_folder() as seen:
        assert seen == homeless
