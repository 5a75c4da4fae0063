"""When pytest has taken its configuration from beside a path that was meant for an option of ours."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

_NAMES = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)


def strayed_configuration(config: pytest.Config) -> Iterator[str]:
    """Warn, in one line, where ``--wheeltag-env PATH`` has led pytest away from the project's configuration.

    Before plugins are loaded pytest takes every path that stands alone for a test folder, and looks for its
    configuration beside it; with an equals sign it does not.
    """
    folder = config.invocation_params.dir
    near = next((path for parent in (folder, *folder.parents) if (path := _configuration_in(parent))), None)
    option = _option_before_path([str(each) for each in config.invocation_params.args], folder)
    if (
        option is not None
        and near is not None
        and config.inipath not in {near, *_configurations_in(near.parent)}
    ):
        yield f"warning: pytest did not read `{near}`; write `{option}=…`, with an equals sign"


def _option_before_path(arguments: list[str], folder: Path) -> str | None:
    pairs = pairwise(arguments)
    return next(
        (
            name
            for name, value in pairs
            if name.startswith("--wheeltag-") and "=" not in name and (folder / value).exists()
        ),
        None,
    )


def _configurations_in(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / name for name in _NAMES if (folder / name).is_file())


def _configuration_in(folder: Path) -> Path | None:
    return next(iter(_configurations_in(folder)), None)
