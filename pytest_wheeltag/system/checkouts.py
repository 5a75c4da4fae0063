"""What version control says of a source tree: that of which build backends make versions and lists of files.

The tree's own files are none of this. Everything here changes when a version could; more often does no harm.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_wheeltag.errors import UnsafeFileError
from pytest_wheeltag.system.files import hash_regular, read_regular

GIT = ".git"
# What tells the revision, the tags, and what is tracked, relative to the folder.
_STATE_FILES = {
    ".hg": ("dirstate", "branch", "bookmarks", "localtags", "store/00changelog.i"),
    ".svn": ("wc.db", "entries"),
    ".bzr": ("branch/last-revision", "branch/tags", "checkout/dirstate"),
}
VERSION_CONTROL = frozenset({GIT, *_STATE_FILES})

_GIT_SECONDS = 30
# A repository may name a program of its own that watches files.
_GIT_OPTIONS = ("-c", "core.fsmonitor=false")
_GIT_FACTS = {
    "head": ("rev-parse", "--verify", "--quiet", "HEAD"),
    "branch": ("symbolic-ref", "--quiet", "HEAD"),
    "tags": ("for-each-ref", "--format=%(refname) %(objectname)", "refs/tags", "refs/replace"),
    # A build hashes untracked files as any others.
    "changes": ("status", "--porcelain", "-z", "--untracked-files=no"),
}
_NO_SUCH_REF = 1
_MAX_POINTER_BYTES = 10_000

Fact = tuple[str, bytes]


def read_checkout(folder: Path, environ: Mapping[str, str]) -> tuple[Fact, ...]:
    """Give named facts about the working copies that a folder lies in, none where it lies in none.

    Git is asked where it is on the ``PATH`` of ``environ``, with nothing else of it that is git's; where it is
    not, or will not tell, and for other systems, the files are read that they keep.
    """
    facts: list[Fact] = []
    above = (folder, *folder.parents)
    repository = next(filter(None, (_find_repository(each / GIT) for each in above)), None)
    if repository is not None:
        facts += _ask_git(folder, environ) or _read_git_files(repository)
    for name, files in _STATE_FILES.items():
        place = next((each / name for each in above if (each / name).is_dir()), None)
        facts += (_digest_fact(place, relative) for relative in files if place is not None)
    return tuple(facts)


def _find_repository(place: Path) -> Path | None:
    """Give a repository's folder, None where ``place`` neither is nor names one: for a FIFO git waits for ever."""
    folder = _follow(place, "gitdir:") if place.is_file() else place
    return folder if (folder / "HEAD").is_file() else None


def _digest_fact(folder: Path, relative: str) -> Fact:
    path = folder / relative
    found = hash_regular(str(path), 1 << 40)
    return f"{folder.name}/{relative}", found[0] if found is not None else b""


def _ask_git(folder: Path, environ: Mapping[str, str]) -> list[Fact] | None:
    """Ask git; None where there is none, or it refuses, as it does where others own the repository."""
    git = shutil.which("git", path=environ.get("PATH", ""))
    if git is None:
        return None
    # GIT_DIR and its kin reach no build, and would lead elsewhere.
    own = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    own |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = [git, "-C", str(folder), *_GIT_OPTIONS]
    shallow = _run([*command, "rev-parse", "--git-path", "shallow"], own)
    if shallow is None:
        return None
    # How many commits there are since a tag depends on how many were fetched.
    path = folder / os.fsdecode(shallow.rstrip(b"\r\n"))
    facts = [_digest_fact(path.parent, path.name)]
    for name, arguments in _GIT_FACTS.items():
        answer = _run([*command, *arguments], own)
        if answer is None:
            return None
        facts.append((name, answer))
    return facts


def _run(command: list[str], environ: Mapping[str, str]) -> bytes | None:
    try:
        ran = subprocess.run(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout if ran.returncode in {0, _NO_SUCH_REF} else None


def _read_git_files(private: Path) -> Iterator[Fact]:
    """Read what git would tell, as it lies on disk (gitrepository-layout)."""
    common = _follow(private / "commondir", "")
    # In old repositories it is a link.
    is_link = (private / "HEAD").is_symlink()
    head = str((private / "HEAD").readlink()) if is_link else _read_text(private / "HEAD")
    yield "head", os.fsencode(head)
    reference = head.removeprefix("ref:").strip()
    if reference.startswith("refs/") and ".." not in reference:
        yield _digest_fact(common, reference)
        yield _digest_fact(private, reference)
    # The index also says when files were looked at: git alone changes it, and is not here.
    yield _digest_fact(private, "index")
    for name in ("packed-refs", "shallow", "reftable/tables.list"):
        yield _digest_fact(common, name)
    tags = common / "refs" / "tags"
    for path in sorted(tags.rglob("*")):
        yield _digest_fact(tags, path.relative_to(tags).as_posix())


def _follow(pointer: Path, prefix: str) -> Path:
    """Give the folder that a file of one line names, the file's own folder where there is no such file."""
    target = _read_text(pointer).removeprefix(prefix).strip()
    return pointer.parent / target


def _read_text(path: Path) -> str:
    try:
        text = os.fsdecode(read_regular(path, _MAX_POINTER_BYTES))
    except (OSError, UnsafeFileError):
        return ""
    return "" if "\0" in text else text
