"""What is asked for is handed to each installer or refused, never dropped: a table, played with programs that note what they are told."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_wheeltag.core.controls import ALL, Controls, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.requirements import Request, parse_request
from pytest_wheeltag.errors import InapplicableError
from pytest_wheeltag.subjects.roster import SUBJECTS
from pytest_wheeltag.subjects.subject import Lodging
from pytest_wheeltag.supplies import ProvisionOptions
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.system.sources import SourceOptions
from pytest_wheeltag.workplace import Workplace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-ins for installers are shell scripts")

OPTIONS = (
    "--requirements --constraints --build-constraints --only-binary --no-binary --config-setting --prerelease "
    "--prerelease-package --index-strategy --exclude-newer --require-hashes --no-verify-hashes --no-deps "
    "--config-settings-package --no-index --find-links --extra --group --locked --no-build-package "
    "--no-binary-package"
)
# Tells its version and its options, and notes its words, the files that they name, its variables and its project.
SCRIPT = """#!/bin/sh
case "$*" in *--version*) echo "it 99.0"; exit;; esac
case "$*" in *--help*) printf '%s\\n' {options}; exit;; esac
{{
    for word in "$@"; do
        echo "$word"
        case "$word" in *=*.txt) cat "${{word#*=}}";; esac
    done
    env
    cat -- *.toml 2>/dev/null
}} >> '{log}'
exit 0
"""
LOCK = """
lock-version = "1.0"
created-by = "a test"
extras = ["fast"]
dependency-groups = ["main", "docs"]
default-groups = ["main"]
[[packages]]
name = "foo"
version = "1.0"
wheels = [{name = "foo-1.0-py3-none-any.whl", path = "foo-1.0-py3-none-any.whl", hashes = {sha256 = "%s"}}]
""" % ("0" * 64)
HASH = f"sha256:{'0' * 64}"
NAMES, EVERY = frozenset({"foo"}), frozenset({ALL})

Change = Callable[[Workplace], Workplace]
Ask = Callable[[Workplace, Path], Request]


def asking(*requirements: str, constraints: tuple[str, ...] = (), rule: HashRule = HashRule.IF_GIVEN) -> Ask:
    def ask(place: Workplace, folder: Path) -> Request:
        lines = folder / "asked.txt"
        lines.write_text("\n".join(requirements), encoding="utf-8")
        asked = place.reader.file(str(lines), "-r").request
        return replace(asked, hash_rule=rule, constraints=parse_request((), constraints).constraints)

    return ask


def asking_locked(suffix: str = "", *, group: str = "", has_groups: bool = True) -> Ask:
    def ask(place: Workplace, folder: Path) -> Request:
        path = folder / "pylock.toml"
        path.write_text(LOCK, encoding="utf-8")
        if group:
            return place.reader.group(f"{path}:{group}", "--group").request
        asked = place.reader.file(f"{path}{suffix}", "-r").request
        assert asked.lock
        return asked if has_groups else replace(asked, lock=replace(asked.lock, groups=frozenset()))

    return ask


def asking_editable(place: Workplace, folder: Path) -> Request:
    (folder / "tree").mkdir()
    (folder / "tree" / "pyproject.toml").write_text('[project]\nname = "tree"\n', encoding="utf-8")
    demand = place.reader.editable(f"tree @ {(folder / 'tree').as_uri()}", "-e")
    return Request((demand,))


def optional(**changes: object) -> Change:
    return lambda place: place.with_options(replace(place.options, **changes))  # type: ignore[arg-type] # of several types


def controlled(**controls: NameControl) -> Change:
    return optional(controls=Controls(**controls))


def sourced(**changes: object) -> Change:
    return lambda place: replace(place, sources=replace(place.sources, **changes))  # type: ignore[arg-type] # as above


def alike(place: Workplace) -> Workplace:
    return place


def seeing(place: Workplace) -> Workplace:
    return replace(
        place, environ={**place.environ, "PYTHONHASHSEED": "4711"}, build_variables=("PYTHONHASHSEED",)
    )


PLAIN = asking("foo")


@dataclass(frozen=True)
class Row:
    """What is asked for, by which fields, and for each installer what it is told, or after an exclamation mark why not."""

    fields: str
    expected: Mapping[str, str]
    ask: Ask = PLAIN
    change: Change = alike


def told(pip: str, uv: str, sync: str, poetry: str, pdm: str) -> dict[str, str]:
    return {"pip": pip, "uv": uv, "uv-sync": sync, "poetry": poetry, "pdm": pdm}


HASHED = "!cannot be given the hashes"
UNLOCKED = "!takes a lock as that of a project alone"
SYNC_HASHED = "!requirements have no hashes"
ROWS = {
    "extras": Row("requirements", dict.fromkeys(SUBJECTS, r"foo\[x\]|\"x\""), asking("foo[x]<2")),
    "specifier": Row("requirements", dict.fromkeys(SUBJECTS, r"<2"), asking("foo<2")),
    "marker": Row(
        "requirements", dict.fromkeys(SUBJECTS, "python_version"), asking("foo; python_version > '2'")
    ),
    "editable": Row(
        "requirements",
        told(
            "-e file://.*/tree", "-e file://.*/tree", "editable = true", "develop = true", "-e file://.*/tree"
        ),
        asking_editable,
    ),
    "settings": Row(
        "requirements",
        told(
            r"--config-settings=.*key=value",
            "--config-setting=key=value",
            "--config-setting=key=value",
            r'"?key"? = "value"',
            "--config-setting=key=value",
        ),
        asking("foo --config-settings=key=value"),
    ),
    "constraint": Row(
        "constraints",
        told("^bar<2", "^bar<2", '"bar<2"', "!no constraints", "!no constraints"),
        asking("foo", constraints=("bar<2",)),
    ),
    "constraints of all": Row(
        "constraints",
        told("^bar<2", "^bar<2", '"bar<2"', "!no constraints", "!no constraints"),
        change=optional(constraints=parse_request((), ["bar<2"]).constraints),
    ),
    "hashes": Row(
        "hash_rule",
        told("--require-hashes", "--require-hashes", SYNC_HASHED, HASHED, HASHED),
        asking(f"foo==1.0 --hash={HASH}"),
    ),
    "hashes of all": Row(
        "hash_rule",
        told("--require-hashes", "--require-hashes", SYNC_HASHED, HASHED, HASHED),
        change=optional(hash_rule=HashRule.REQUIRED),
    ),
    "hashes of some": Row(
        "hash_rule",
        told("--no-require-hashes", f"foo==1.0 --hash={HASH}", SYNC_HASHED, HASHED, HASHED),
        asking(f"foo==1.0 --hash={HASH}", rule=HashRule.WAIVED),
    ),
    "lock": Row(
        "lock",
        told("--requirement=.*/pylock.toml$", "/pylock.toml$", "!by its own lock", UNLOCKED, UNLOCKED),
        asking_locked(),
    ),
    "extra of a lock": Row(
        "lock",
        told(r"/pylock.toml\[fast\]$", "--extra=fast", "!by its own lock", UNLOCKED, UNLOCKED),
        asking_locked("[fast]"),
    ),
    "group of a lock": Row(
        "lock",
        told(r"--group=.*/pylock.toml:docs$", "--group=docs", "!by its own lock", UNLOCKED, UNLOCKED),
        asking_locked(group="docs"),
    ),
    "lock without its default group": Row(
        "lock",
        told("!default groups", "!default groups", "!by its own lock", UNLOCKED, UNLOCKED),
        asking_locked(has_groups=False),
    ),
    "lock within constraints": Row(
        "lock constraints",
        told("^bar<2", "!no constraints beside a lock", "!by its own lock", UNLOCKED, UNLOCKED),
        asking_locked(),
        optional(constraints=parse_request((), ["bar<2"]).constraints),
    ),
    "lock until a moment": Row(
        "lock exclude_newer",
        told("!upload times in a lock", "!upload times in a lock", "!by its own lock", UNLOCKED, UNLOCKED),
        asking_locked(),
        sourced(exclude_newer=datetime(2026, 1, 2, tzinfo=UTC)),
    ),
    "uploads": Row(
        "exclude_newer",
        told(
            "PIP_UPLOADED_PRIOR_TO=2026-01-02",
            "--exclude-newer=2026-01-02",
            "--exclude-newer=2026-01-02",
            "!no moment",
            'exclude-newer = "2026-01-02',
        ),
        change=sourced(exclude_newer=datetime(2026, 1, 2, tzinfo=UTC)),
    ),
    "build constraints": Row(
        "build_constraints",
        told(
            "^wheel<1",
            "^wheel<1",
            'build-constraint-dependencies = \\["wheel<1"\\]',
            'wheel.*"<1"',
            "!no build constraints",
        ),
        change=optional(build_constraints=parse_request((), ["wheel<1"]).constraints),
    ),
    "only wheels": Row(
        "controls",
        told(
            "--only-binary=foo",
            "--no-build-package=foo",
            "--no-build-package=foo",
            "ONLY_BINARY=foo",
            "ONLY_BINARY=foo",
        ),
        change=controlled(wheels_only=NameControl(NAMES)),
    ),
    "no wheels": Row(
        "controls",
        told(
            "--no-binary=foo",
            "--no-binary-package=foo",
            "--no-binary-package=foo",
            "NO_BINARY=foo",
            "NO_BINARY=foo",
        ),
        change=controlled(wheels_only=NameControl(excluded=NAMES)),
    ),
    "wheels first": Row(
        "controls",
        told(
            "--prefer-binary", "!--prefer-binary", "!--prefer-binary", "!no preference", "PREFER_BINARY=:all:"
        ),
        change=controlled(wheels_first=NameControl(EVERY)),
    ),
    "wheels of one first": Row(
        "controls",
        told(
            "!single projects", "!--prefer-binary", "!--prefer-binary", "!no preference", "PREFER_BINARY=foo"
        ),
        change=controlled(wheels_first=NameControl(NAMES)),
    ),
    "pre-releases": Row(
        "controls",
        told(
            "--all-releases=:all:",
            "--prerelease=allow",
            "--prerelease=allow",
            "!pre-releases",
            "allow-prereleases = true",
        ),
        change=controlled(prereleases=NameControl(EVERY)),
    ),
    "pre-releases of one": Row(
        "controls",
        told(
            "--all-releases=foo",
            "--prerelease-package=foo=allow",
            "--prerelease-package=foo=allow",
            "!pre-releases",
            "!pre-releases",
        ),
        change=controlled(prereleases=NameControl(NAMES)),
    ),
    "final releases of one": Row(
        "controls",
        told(
            "--only-final=foo",
            "--prerelease-package=foo=disallow",
            "--prerelease-package=foo=disallow",
            "!exception",
            "!exception",
        ),
        change=controlled(prereleases=NameControl(excluded=NAMES)),
    ),
    "no dependencies": Row(
        "with_dependencies",
        told("--no-deps", "--no-deps", "!all dependencies", "!all that is needed", "!all that is needed"),
        change=optional(with_dependencies=False),
    ),
    "pooled": Row(
        "extra_index_urls",
        told(
            "EXTRA_INDEX_URL=http://127.0.0.1:9/",
            "unsafe-best-match",
            "unsafe-best-match",
            "127.0.0.1:9",
            "127.0.0.1:9",
        ),
        change=sourced(extra_index_urls=("http://127.0.0.1:9/simple/",)),
    ),
    "first index": Row(
        "strategy",
        told("!pools all", "127.0.0.1:9", "127.0.0.1:9", "!pools all", "!pools all"),
        change=sourced(extra_index_urls=("http://127.0.0.1:9/simple/",), strategy=Strategy.FIRST),
    ),
    "links": Row(
        "find_links",
        told("PIP_FIND_LINKS=.*/tmp", "--find-links.*/tmp", "--find-links=.*/tmp", "!links", "file:///tmp"),
        change=sourced(find_links=("/tmp",)),
    ),
    "no index": Row(
        "no_index",
        told("PIP_NO_INDEX=1", "--no-index", "--no-index", "127.0.0.1:9/", "find_links"),
        change=sourced(no_index=True, index_url=None),
    ),
    "build variables": Row("", dict.fromkeys(SUBJECTS, "PYTHONHASHSEED=4711"), change=seeing),
}
# What decides nothing about an installer of others.
OURS = {
    "upgrade": "each environment is new, there is nothing to upgrade",
    "limits": "of our search",
    "links": "how we put files in place",
    "bytecode": "how we put files in place",
    "policy": "what we bear of wheels",
    "cache": "each has its own",
    "runs": "each has its own",
    "page_policy": "what we bear of pages",
    "is_alone": "read into what is opened",
    "reads_uv": "read into what is opened",
    "beside": "read into what is opened",
    "index_url": "shown of each subject by itself",
    "is_offline": "shown of each subject by itself",
}
TABLE = [
    pytest.param(row, name, expected, id=f"{title}-{name}")
    for title, row in ROWS.items()
    for name, expected in row.expected.items()
    if name in {"pip", "uv", "uv-sync", "poetry", "pdm"}
]


@pytest.mark.parametrize(("row", "name", "expected"), TABLE)
def test_it_is_told_or_refused(
    place: Workplace, running_interpreter: Interpreter, tmp_path: Path, row: Row, name: str, expected: str
) -> None:
    log = tmp_path / "told"
    program = tmp_path / "bin" / name.removesuffix("-sync")
    program.parent.mkdir()
    program.write_text(SCRIPT.format(options=OPTIONS, log=log), encoding="utf-8")
    program.chmod(0o755)
    at = row.change(replace(place, environ={**place.environ, "PATH": f"{program.parent}:{os.defpath}"}))
    request = row.ask(at, tmp_path)
    subject = SUBJECTS[name](at, Lodging(tmp_path / "home", tmp_path / "kept", place), "")

    if expected.startswith("!"):
        with pytest.raises(InapplicableError, match=expected[1:]):
            subject.provision(tmp_path / "env", running_interpreter, request)
        assert not log.exists()
    else:
        subject.provision(tmp_path / "env", running_interpreter, request)
        assert re.search(expected, log.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_table_knows_all_that_can_be_asked_for() -> None:
    asked = {field.name for kind in (Request, ProvisionOptions, SourceOptions) for field in fields(kind)}

    assert asked == set(" ".join(row.fields for row in ROWS.values()).split()) | OURS.keys()
