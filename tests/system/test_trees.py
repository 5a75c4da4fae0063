import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system import trees
from pytest_wheeltag.system.trees import fingerprint_tree

GIT = shutil.which("git")
SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n# a cache\n"
NO_GIT = {"PATH": ""}
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
with_git = pytest.mark.skipif(GIT is None, reason="asks git")
Changing = Callable[[Path], object]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Give an environment in which git knows nobody's configuration."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    write(root, "pyproject.toml", "[build-system]\n")
    write(root, "src/foo/__init__.py", "X = 1\n")
    write(root, "src/foo/run.sh", "#!/bin/sh\n")
    (root / "empty").mkdir()
    (root / "link").symlink_to("src/foo")
    return root


def write(root: Path, path: str, text: str = "") -> Path:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return place


def relink(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def in_turn(*changes: Changing) -> Changing:
    def change(root: Path) -> None:
        for each in changes:
            each(root)

    return change


def copy_and_replace(root: Path) -> None:
    copied = shutil.copytree(root, root.parent / "copied", symlinks=True)
    shutil.rmtree(root)
    copied.rename(root)


def run_git(folder: Path, *arguments: str) -> str:
    assert GIT is not None
    settings = ("-c", "user.name=n", "-c", "user.email=e@index.example", "-c", "commit.gpgsign=false")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    ran = subprocess.run(
        [GIT, *settings, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def commit(folder: Path, message: str = "change") -> None:
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--allow-empty", "-m", message)


CHANGES: dict[str, Changing] = {
    "content": lambda root: write(root, "src/foo/__init__.py", "X = 2\n"),
    "new-file": lambda root: write(root, "src/foo/new.py"),
    "removed-file": lambda root: (root / "src/foo/run.sh").unlink(),
    "renamed-file": lambda root: (root / "src/foo/run.sh").rename(root / "src/foo/ran.sh"),
    "moved-content": lambda root: (write(root, "pyproject.toml", ""), write(root, "new", "[build-system]\n")),
    "new-folder": lambda root: (root / "src/bar").mkdir(),
    "removed-folder": lambda root: (root / "empty").rmdir(),
    "folder-to-file": in_turn(lambda root: (root / "empty").rmdir(), lambda root: write(root, "empty")),
    "link-target": lambda root: relink(root / "link", "src"),
    "link-to-file": in_turn(
        lambda root: (root / "link").unlink(), lambda root: write(root, "link", "src/foo")
    ),
    "setuptools-rests": lambda root: write(root, "build/lib/foo/old.py"),
    "hidden": lambda root: write(root, ".env", "VERSION=2"),
    "attributes": lambda root: write(root, ".gitattributes", "* export-subst"),
    "similar-names": lambda root: write(root, "pyvenv.cfg", "home = /usr"),
    "false-cache": lambda root: write(root, "src/CACHEDIR.TAG", "Signature: none"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_a_build_may_depend_on_changes_the_fingerprint(change: Changing, tree: Path) -> None:
    before = fingerprint_tree(tree, NO_GIT)

    change(tree)

    assert fingerprint_tree(tree, NO_GIT) != before


@posix
def test_the_executable_bit_changes_the_fingerprint(tree: Path) -> None:
    before = fingerprint_tree(tree, NO_GIT)
    (tree / "src/foo/run.sh").chmod(0o755)
    executable = fingerprint_tree(tree, NO_GIT)
    (tree / "src/foo/run.sh").chmod(0o711)

    assert executable != before
    assert fingerprint_tree(tree, NO_GIT) == executable


IRRELEVANT: dict[str, Changing] = {
    "nothing": lambda root: root,
    "times": lambda root: os.utime(root / "src/foo/run.sh", (1, 1)),
    "same-content": lambda root: write(root, "src/foo/__init__.py", "X = 1\n"),
    "bytecode": lambda root: write(root, "src/foo/__pycache__/foo.cpython-311.pyc"),
    "old-bytecode": lambda root: (write(root, "src/foo/foo.pyc"), write(root, "src/foo/foo.pyo")),
    "environment": lambda root: (write(root, ".venv/pyvenv.cfg"), write(root, ".venv/bin/python")),
    "named-environment": lambda root: write(root, "src/my-env/pyvenv.cfg"),
    "cache": lambda root: (write(root, ".mypy_cache/CACHEDIR.TAG", SIGNATURE), write(root, ".mypy_cache/x")),
    "deep-cache": lambda root: (write(root, "src/c/CACHEDIR.TAG", SIGNATURE), write(root, "src/c/a/b/x")),
    "tox": lambda root: write(root, ".tox/py311/log/1.log"),
    "nox": lambda root: write(root, ".nox/tests/tmp/x"),
    "hypothesis": lambda root: write(root, ".hypothesis/examples/x"),
    "eggs": lambda root: write(root, ".eggs/README.txt"),
    "egg-info": lambda root: write(root, "src/foo.egg-info/SOURCES.txt"),
    "egg-info-file": lambda root: write(root, "foo.egg-info"),
    "copied": copy_and_replace,
}


@pytest.mark.parametrize("change", IRRELEVANT.values(), ids=IRRELEVANT)
def test_what_no_build_depends_on_leaves_the_fingerprint(change: Changing, tree: Path) -> None:
    before = fingerprint_tree(tree, NO_GIT)

    change(tree)

    assert fingerprint_tree(tree, NO_GIT) == before


def test_a_fingerprint_is_a_sha_256_that_does_not_hang_on_the_place(tree: Path) -> None:
    found = fingerprint_tree(tree, NO_GIT)
    moved = tree.rename(tree.parent / "elsewhere")
    tree.symlink_to(moved)

    assert len(bytes.fromhex(found)) == 32
    assert fingerprint_tree(moved, NO_GIT) == fingerprint_tree(tree, NO_GIT) == found


def test_a_tree_that_is_an_environment_or_a_cache_itself_counts(tree: Path) -> None:
    write(tree, "pyvenv.cfg")
    write(tree, "CACHEDIR.TAG", SIGNATURE)
    before = fingerprint_tree(tree, NO_GIT)
    write(tree, "new")

    assert fingerprint_tree(tree, NO_GIT) != before


def test_a_link_to_a_file_outside_counts_by_its_content_too(tree: Path, tmp_path: Path) -> None:
    write(tmp_path, "README", "1")
    write(tmp_path, "shared/x", "1")
    (tree / "README").symlink_to("../README")
    (tree / "shared").symlink_to(tmp_path / "shared")
    (tree / "gone").symlink_to("../gone")
    (tree / "circle").symlink_to("circle")
    before = fingerprint_tree(tree, NO_GIT)

    write(tmp_path, "shared/x", "2")
    assert fingerprint_tree(tree, NO_GIT) == before
    write(tmp_path, "README", "2")
    assert fingerprint_tree(tree, NO_GIT) != before


@posix
def test_nothing_but_regular_files_is_opened(tree: Path) -> None:
    before = fingerprint_tree(tree, NO_GIT)
    os.mkfifo(tree / "fifo")
    (tree / "zeros").symlink_to("/dev/zero")
    (tree / "waiting").symlink_to("fifo")
    with_fifo = fingerprint_tree(tree, NO_GIT)
    (tree / "fifo").unlink()
    write(tree, "fifo")

    assert len({before, with_fifo, fingerprint_tree(tree, NO_GIT)}) == 3


@posix
def test_a_socket_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")

        assert fingerprint_tree(tmp_path, NO_GIT)


@posix
def test_marks_that_are_no_files_mark_nothing(tree: Path) -> None:
    os.mkfifo(write(tree, "a/x").parent / "CACHEDIR.TAG")
    before = fingerprint_tree(tree, NO_GIT)
    write(tree, "a/x", "1")

    assert fingerprint_tree(tree, NO_GIT) != before


def test_a_deep_tree_is_read(tree: Path) -> None:
    deep = tree.joinpath(*["d"] * 500)
    deep.mkdir(parents=True)
    before = fingerprint_tree(tree, NO_GIT)
    write(deep, "x")

    assert fingerprint_tree(tree, NO_GIT) != before


@pytest.mark.parametrize(
    ("bound", "value", "expected"),
    [("_MAX_BYTES", 20, "at most 20 bytes"), ("_MAX_ENTRIES", 4, "at most 4 files and folders")],
)
def test_a_tree_that_is_too_large_says_what_to_do(
    bound: str, value: int, expected: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, bound, value)

    with pytest.raises(UsageError) as caught:
        fingerprint_tree(tree, NO_GIT)
    assert str(caught.value) == (
        f"source tree {tree}: expected {expected} (give folders that no build needs a CACHEDIR.TAG), found: `more`"
    )


def test_what_is_left_out_does_not_count_against_the_bounds(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, ".venv/pyvenv.cfg", "x" * 100)
    write(tree, ".cache/CACHEDIR.TAG", SIGNATURE + "x" * 100)
    monkeypatch.setattr(trees, "_MAX_BYTES", 50)

    assert fingerprint_tree(tree, NO_GIT)


@pytest.mark.parametrize("path", ["missing", "pyproject.toml"])
def test_what_is_no_folder_is_a_usage_error(path: str, tree: Path) -> None:
    with pytest.raises(UsageError, match="expected files that can be read, found: `No"):
        fingerprint_tree(tree / path, NO_GIT)


def test_a_file_that_cannot_be_read_is_a_usage_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, *_: object) -> int:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UsageError, match="found: `Permission denied: /"):
        fingerprint_tree(tree, NO_GIT)


def test_files_that_go_away_meanwhile_were_never_there(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint_tree(tree, NO_GIT)
    really_scan = os.scandir
    write(tree, "gone")
    (tree / "gone-link").symlink_to("x")

    def scan(path: str) -> Listing:
        entries = really_scan(path)
        with entries:
            listed = list(entries)
        for each in ("gone", "gone-link"):
            (tree / each).unlink(missing_ok=True)
        return Listing(listed)

    monkeypatch.setattr(os, "scandir", scan)

    assert fingerprint_tree(tree, NO_GIT) == before


class Listing(list["os.DirEntry[str]"]):
    """What ``os.scandir`` gives, already read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


@pytest.fixture
def checkout(tree: Path) -> Path:
    run_git(tree, "init", "--quiet", "--initial-branch=main")
    write(tree, ".gitignore", "*.log\n")
    commit(tree, "first")
    run_git(tree, "tag", "v1.0")
    return tree


GIT_CHANGES: dict[str, Changing] = {
    "commit": commit,
    "tag": lambda root: run_git(root, "tag", "v1.1"),
    "annotated-tag": lambda root: run_git(root, "tag", "-a", "-m", "x", "v1.1"),
    "no-tag": lambda root: run_git(root, "tag", "--delete", "v1.0"),
    "moved-tag": in_turn(commit, lambda root: run_git(root, "tag", "--force", "v1.0")),
    "branch": lambda root: run_git(root, "checkout", "--quiet", "-b", "other"),
    "detached": lambda root: run_git(root, "checkout", "--quiet", "--detach"),
    "tracked": lambda root: (write(root, "new"), run_git(root, "add", "new")),
    "amended": lambda root: run_git(root, "commit", "--quiet", "--amend", "-m", "other"),
    "untracked": lambda root: run_git(root, "rm", "--quiet", "--cached", "pyproject.toml"),
    "no-repository": lambda root: shutil.rmtree(root / ".git"),
}


@with_git
@pytest.mark.parametrize("asks", [True, False], ids=["asked", "read"])
@pytest.mark.parametrize("change", GIT_CHANGES.values(), ids=GIT_CHANGES)
def test_what_makes_a_version_changes_the_fingerprint(
    change: Changing, asks: object, checkout: Path, environ: dict[str, str]
) -> None:
    environ = environ if asks else NO_GIT
    before = fingerprint_tree(checkout, environ)

    change(checkout)

    assert fingerprint_tree(checkout, environ) != before


@with_git
@pytest.mark.parametrize("asks", [True, False], ids=["asked", "read"])
def test_packed_references_are_the_same_tags(asks: object, checkout: Path, environ: dict[str, str]) -> None:
    environ = environ if asks else NO_GIT
    before = fingerprint_tree(checkout, environ)
    run_git(checkout, "pack-refs", "--all")
    packed = fingerprint_tree(checkout, environ)
    run_git(checkout, "tag", "v1.1")
    run_git(checkout, "pack-refs", "--all")

    assert fingerprint_tree(checkout, environ) != packed
    if asks:
        assert packed == before


@with_git
def test_what_git_does_for_itself_leaves_the_fingerprint(checkout: Path, environ: dict[str, str]) -> None:
    before = fingerprint_tree(checkout, environ)
    index = (checkout / ".git" / "index").read_bytes()
    for path in checkout.rglob("*.py"):
        os.utime(path, (1, 1))
    run_git(checkout, "config", "some.thing", "else")

    assert fingerprint_tree(checkout, environ) == before
    assert (checkout / ".git" / "index").read_bytes() == index
    run_git(checkout, "gc", "--quiet")
    run_git(checkout, "status")
    assert fingerprint_tree(checkout, environ) == before
    assert (checkout / ".git" / "index").read_bytes() != index


@with_git
@pytest.mark.parametrize("asks", [True, False], ids=["asked", "read"])
def test_a_worktree_has_its_own_head(
    asks: object, checkout: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    environ = environ if asks else NO_GIT
    run_git(checkout, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "other"))
    before = fingerprint_tree(tmp_path / "other", environ)
    commit(checkout)
    aside = fingerprint_tree(tmp_path / "other", environ)
    commit(tmp_path / "other")
    committed = fingerprint_tree(tmp_path / "other", environ)
    run_git(checkout, "tag", "v2.0")

    assert before == aside
    assert len({aside, committed, fingerprint_tree(tmp_path / "other", environ)}) == 3


@with_git
@pytest.mark.parametrize("asks", [True, False], ids=["asked", "read"])
def test_a_tree_in_a_larger_checkout_counts_by_its_head_and_what_changed_there(
    asks: object, checkout: Path, environ: dict[str, str]
) -> None:
    environ = environ if asks else NO_GIT
    inner = checkout / "src"
    before = fingerprint_tree(inner, environ)
    write(checkout, "pyproject.toml", "changed")
    dirty = fingerprint_tree(inner, environ)
    commit(checkout)

    assert fingerprint_tree(inner, environ) not in {before, dirty}
    assert (dirty != before) == bool(asks)


@with_git
@pytest.mark.parametrize("asks", [True, False], ids=["asked", "read"])
def test_a_repository_that_is_none_hides_no_other(
    asks: object, checkout: Path, environ: dict[str, str]
) -> None:
    environ = environ if asks else NO_GIT
    (checkout / "src" / ".git").mkdir()
    before = fingerprint_tree(checkout / "src", environ)
    run_git(checkout, "tag", "v2.0")

    assert fingerprint_tree(checkout / "src", environ) != before


@posix
@with_git
def test_a_head_may_be_a_link_as_of_old(checkout: Path, environ: dict[str, str]) -> None:
    relink(checkout / ".git" / "HEAD", "refs/heads/main")
    for each in (environ, NO_GIT):
        before = fingerprint_tree(checkout, each)
        commit(checkout)
        assert fingerprint_tree(checkout, each) != before


@with_git
def test_how_much_was_fetched_counts(checkout: Path, environ: dict[str, str], tmp_path: Path) -> None:
    commit(checkout)
    run_git(tmp_path, "clone", "--quiet", "--depth=1", "--no-tags", checkout.as_uri(), "clone")
    for each in (environ, NO_GIT):
        shutil.copytree(tmp_path / "clone", tmp_path / "again", symlinks=True)
        before = fingerprint_tree(tmp_path / "again", each)
        run_git(tmp_path / "again", "fetch", "--quiet", "--unshallow", "--no-tags")
        assert fingerprint_tree(tmp_path / "again", each) != before
        shutil.rmtree(tmp_path / "again")


@with_git
def test_a_repository_without_a_commit_is_read(tree: Path, environ: dict[str, str]) -> None:
    before = fingerprint_tree(tree, environ)
    run_git(tree, "init", "--quiet")

    assert fingerprint_tree(tree, environ) != before


@with_git
def test_no_program_that_a_repository_names_is_run(checkout: Path, environ: dict[str, str]) -> None:
    watcher = write(checkout, ".git/watch", "#!/bin/sh\ntouch ran\n")
    watcher.chmod(0o755)
    run_git(checkout, "config", "core.fsmonitor", str(watcher))

    fingerprint_tree(checkout, environ)

    assert not (checkout / "ran").exists()


@with_git
def test_what_the_caller_says_to_git_leads_nowhere_else(checkout: Path, environ: dict[str, str]) -> None:
    found = fingerprint_tree(checkout, environ)

    assert fingerprint_tree(checkout, environ | {"GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/"}) == found


@posix
@pytest.mark.parametrize(
    "script", ["exit 128", "exit 1; echo", "kill -9 $$"], ids=["refusing", "mute", "dying"]
)
def test_a_git_that_does_not_tell_is_done_without(script: str, tree: Path, tmp_path: Path) -> None:
    write(tree, ".git/HEAD", "ref: refs/heads/main")
    write(tree, ".git/refs/heads/main", "1" * 40)
    write(tmp_path, "bin/git", f"#!/bin/sh\n{script}\n").chmod(0o755)
    environ = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}"}
    before = fingerprint_tree(tree, environ)
    write(tree, ".git/refs/heads/main", "2" * 40)

    assert (fingerprint_tree(tree, environ) != before) == (script != "exit 1; echo")


@pytest.mark.parametrize(
    "path",
    [".hg/dirstate", ".hg/store/00changelog.i", ".hg/localtags", ".svn/wc.db", ".bzr/branch/last-revision"],
)
def test_other_systems_count_by_their_state(path: str, tree: Path) -> None:
    for root in (tree, tree / "src"):
        write(tree, path, "1")
        before = fingerprint_tree(root, NO_GIT)
        write(tree, f"{path}.other", root.name)
        assert fingerprint_tree(root, NO_GIT) == before
        write(tree, path, "2")
        assert fingerprint_tree(root, NO_GIT) != before


HOSTILE_GIT: dict[str, Changing] = {
    "fifo": lambda root: os.mkfifo(write(root, ".git/x").parent / "HEAD"),
    "fifo-itself": lambda root: os.mkfifo(root / ".git"),
    "endless": lambda root: (root / ".git").symlink_to("/dev/zero"),
    "outside": lambda root: write(root, ".git/HEAD", "ref: refs/../../../../../etc/passwd"),
    "absolute": lambda root: write(root, ".git/HEAD", "ref: /etc/passwd"),
    "binary": lambda root: write(root, ".git/HEAD", "\0\x1b" * 6000),
    "pointer": lambda root: write(root, ".git", "gitdir: /nowhere/at/all"),
    "pointer-to-itself": lambda root: write(root, ".git", "gitdir: .git"),
    "nul": lambda root: write(root, ".git", "gitdir: a\0b"),
    "no-repository-yet": lambda root: (root / ".git").mkdir(),
    "nul-reference": lambda root: write(root, ".git/HEAD", "ref: refs/heads/a\0b"),
    "tags-fifo": lambda root: os.mkfifo(write(root, ".git/refs/tags/x").parent / "y"),
    "tags-circle": lambda root: (write(root, ".git/refs/x").parent / "tags").symlink_to("tags"),
}


@posix
@pytest.mark.parametrize("change", HOSTILE_GIT.values(), ids=HOSTILE_GIT)
def test_a_repository_that_is_none_is_no_error(change: Changing, tree: Path, environ: dict[str, str]) -> None:
    change(tree)

    assert fingerprint_tree(tree, NO_GIT) == fingerprint_tree(tree, NO_GIT)
    assert fingerprint_tree(tree, environ)


NAMES = st.text("ab\n\\é.", min_size=1, max_size=4).filter(lambda name: name.strip("."))
TREES = st.dictionaries(NAMES, st.binary(max_size=3), max_size=4)


@posix
@settings(deadline=None)
@given(one=TREES, other=TREES)
def test_equal_fingerprints_mean_equal_trees(
    one: dict[str, bytes], other: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two trees have the same fingerprint where names and contents are the same, and only there."""
    found = []
    for files in (one, other):
        root = tmp_path_factory.mktemp("tree")
        for name, content in files.items():
            (root / name).write_bytes(content)
        found.append(fingerprint_tree(root, NO_GIT))
    assert (found[0] == found[1]) == (one == other)
