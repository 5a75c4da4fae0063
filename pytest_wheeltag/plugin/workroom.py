"""What all processes of a run share: its id, and the folder on disk that environments are made in."""

import uuid
from pathlib import Path

import pytest

from pytest_wheeltag.system.environment import choose_home
from pytest_wheeltag.workplace import Workplace

RUN_KEY = "wheeltag_run"
_RUN_CHARACTERS = 12
_RUN_ID = pytest.StashKey[str]()


def run_id_of(config: pytest.Config) -> str:
    """Name the run: the snapshot of the indexes and the environments are kept under it for all its processes."""
    if _RUN_ID not in config.stash:
        worker: dict[str, str] = getattr(config, "workerinput", {})
        config.stash[_RUN_ID] = worker.get(RUN_KEY) or worker.get("testrunuid") or uuid.uuid4().hex
    return config.stash[_RUN_ID]


def shared_folder(config: pytest.Config, place: Workplace, name: str) -> Path:
    """Give a folder that all processes of a run share, on a device where links to the store are possible."""
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]  # noqa: SLF001 - pytest gives it to fixtures only
    base = factory.getbasetemp()
    if hasattr(config, "workerinput"):
        # A worker's own folder lies in the controller's.
        base = base.parent
    return choose_home(base / "wheeltag", place.cache) / run_id_of(config)[:_RUN_CHARACTERS] / name
