import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_wheeltag.system.checkouts import read_checkout

GIT = shutil.which("git")
NO_GIT = {"PATH": ""}
with_git = pytest.mark.skipif(GIT is None, reason="asks git")


def write(folder: Path, path: str, text: str) -> None:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Give an environment in which git knows nobody's configuration."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def checkout(tmp_path: Path, environ: dict[str, str]) -> Path:
    """Give a working copy of one commit, tagged v1."""
    folder = tmp_path / "checkout"
    write(folder, "src/foo.py", "")
    for command in (["init", "--initial-branch=main"], ["add", "."], ["commit", "-m", "x"], ["tag", "v1"]):
        who = ("-c", "user.name=n", "-c", "user.email=e@index.example", "-c", "commit.gpgsign=false")
        subprocess.run([str(GIT), *who, *command], cwd=folder, env=environ, check=True, capture_output=True)
    return folder


def test_a_folder_in_no_working_copy_has_no_facts(tmp_path: Path, environ: dict[str, str]) -> None:
    write(tmp_path, "src/foo.py", "")
    assert read_checkout(tmp_path / "src", environ) == ()


@with_git
def test_git_tells_revision_branch_tags_and_changes(checkout: Path, environ: dict[str, str]) -> None:
    facts = dict(read_checkout(checkout, environ))
    head = facts["head"].decode().strip()
    assert len(head) == 40
    assert facts["branch"] == b"refs/heads/main\n"
    assert facts["tags"].decode() == f"refs/tags/v1 {head}\n"
    assert facts["changes"] == b""
    write(checkout, "src/foo.py", "changed")
    write(checkout, "untracked.py", "")
    assert dict(read_checkout(checkout, environ))["changes"] == b" M src/foo.py\0"


@with_git
def test_a_folder_deep_inside_belongs_to_the_working_copy(checkout: Path, environ: dict[str, str]) -> None:
    for variables in (environ, NO_GIT):
        assert read_checkout(checkout / "src", variables) == read_checkout(checkout, variables) != ()


@with_git
def test_without_git_the_same_is_read_from_its_files(checkout: Path, environ: dict[str, str]) -> None:
    before = read_checkout(checkout, NO_GIT)
    assert dict(before)["head"] == b"ref: refs/heads/main\n"
    subprocess.run([str(GIT), "tag", "v2"], cwd=checkout, env=environ, check=True)
    assert read_checkout(checkout, NO_GIT) != before
    assert "tags/v2" in dict(read_checkout(checkout, NO_GIT))


@with_git
def test_what_points_git_elsewhere_does_not_count(
    checkout: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    astray = {**environ, "GIT_DIR": str(tmp_path / "nowhere"), "GIT_WORK_TREE": "/"}
    assert read_checkout(checkout, astray) == read_checkout(checkout, environ)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (".hg/dirstate", ".hg/dirstate"),
        (".svn/wc.db", ".svn/wc.db"),
        (".bzr/branch/tags", ".bzr/branch/tags"),
    ],
)
def test_other_systems_are_told_by_the_files_that_they_keep(tmp_path: Path, path: str, name: str) -> None:
    write(tmp_path, path, "one")
    before = dict(read_checkout(tmp_path, NO_GIT))
    assert len(before[name]) == 32
    write(tmp_path, path, "two")
    assert dict(read_checkout(tmp_path, NO_GIT))[name] != before[name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.parametrize("place", [".git", ".git/HEAD"])
def test_what_would_wait_for_ever_is_not_opened(tmp_path: Path, environ: dict[str, str], place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / place)
    assert read_checkout(tmp_path, environ) == ()
