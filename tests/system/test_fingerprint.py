import base64
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.system.fingerprint import fingerprint_environment
from pytest_wheeltag.workshop import WheelMaker, lay, make_environment
from pytest_wheeltag.workshop.environments import FakeEnvironment
from pytest_wheeltag.workshop.wheels import record_digest

Fingerprint = Callable[[FakeEnvironment], str]
CODE = "print('hi')\n"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return WheelMaker(tmp_path / "wheels")(
        "Foo.Bar",
        files={"foo/__init__.py": CODE},
        data={"scripts/run": "#!python\nprint('run')\n", "data/share/foo.txt": "shared"},
        entry_points={"console_scripts": {"foo": "foo:main"}},
    )


@pytest.fixture
def make(tmp_path: Path, wheel: Path) -> Callable[[str], FakeEnvironment]:
    """Make an environment of this name that holds the wheel."""

    def make_with_wheel(name: str) -> FakeEnvironment:
        environment = make_environment(tmp_path / name)
        lay(wheel, environment)
        return environment

    return make_with_wheel


@pytest.fixture
def fingerprint(interpreter: Interpreter) -> Fingerprint:
    def take(made: FakeEnvironment) -> str:
        existing = ExistingEnvironment(str(made.path), interpreter, (str(made.site_packages),))
        return fingerprint_environment(existing)

    return take


def info(made: FakeEnvironment, name: str) -> Path:
    return made.site_packages / "foo_bar-1.0.dist-info" / name


def line(path: str, content: bytes) -> str:
    return f"foo-bar==1.0\0{path}\0{hashlib.sha256(content).hexdigest()}\n"


def test_it_is_the_digest_of_the_lines_that_the_interface_names(
    make: Callable[[str], FakeEnvironment], fingerprint: Fingerprint
) -> None:
    made = make("env")
    lines = [
        line("foo/__init__.py", CODE.encode()),
        # A script of the environment's interpreter reads as the wheel has it.
        line("run", b"#!python\nprint('run')\n"),
        line("share/foo.txt", b"shared"),
        *(
            line(f"foo_bar-1.0.dist-info/{name}", info(made, name).read_bytes())
            for name in ("METADATA", "WHEEL", "entry_points.txt")
        ),
    ]

    expected = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    assert fingerprint(made) == f"sha256:{expected}"


def test_nothing_installed_has_a_fingerprint_too(tmp_path: Path, fingerprint: Fingerprint) -> None:
    assert fingerprint(make_environment(tmp_path / "env")) == f"sha256:{hashlib.sha256().hexdigest()}"


def test_two_places_with_the_same_code_have_one(
    make: Callable[[str], FakeEnvironment], fingerprint: Fingerprint
) -> None:
    assert fingerprint(make("one")) == fingerprint(make("another with a space"))


def test_what_installers_write_does_not_count(
    make: Callable[[str], FakeEnvironment], fingerprint: Fingerprint
) -> None:
    made = make("env")
    before = fingerprint(made)

    info(made, "INSTALLER").write_text("uv\n", encoding="utf-8")
    (made.scripts / "foo").write_text("#!another launcher", encoding="utf-8")
    with info(made, "RECORD").open("a", encoding="utf-8") as record:
        record.write("foo_bar-1.0.dist-info/REQUESTED,,\nfoo_bar-1.0.dist-info/direct_url.json,,\n")
        record.write("foo/__pycache__/__init__.cpython-311.pyc,,\nfoo/old.pyo,sha256=AAAA,\n")

    assert fingerprint(made) == before


def test_another_script_or_another_row_is_another_fingerprint(
    make: Callable[[str], FakeEnvironment], fingerprint: Fingerprint
) -> None:
    made, other = make("one"), make("other")
    before = fingerprint(made)

    (made.scripts / "run").write_text("#!/bin/sh\n", encoding="utf-8")
    with info(other, "RECORD").open("a", encoding="utf-8") as record:
        record.write(f"foo/more.py,sha256={record_digest(b'')},0\n")

    assert len({before, fingerprint(made), fingerprint(other)}) == 3


def test_a_long_shebang_reads_as_a_short_one(
    make: Callable[[str], FakeEnvironment], fingerprint: Fingerprint
) -> None:
    made = make("env")
    before = fingerprint(made)

    long = f"#!/bin/sh\n'''exec' \"{made.scripts / 'python'}\" \"$0\" \"$@\"\n' '''\nprint('run')\n"
    (made.scripts / "run").write_text(long, encoding="utf-8")

    assert fingerprint(made) == before


@pytest.mark.skipif(os.name != "posix", reason="Windows gives the right to make links to few")
def test_a_linked_way_to_the_environment_changes_nothing(
    make: Callable[[str], FakeEnvironment], wheel: Path, fingerprint: Fingerprint, tmp_path: Path
) -> None:
    before = fingerprint(make("env"))
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    made = make_environment(tmp_path / "linked" / "env")
    lay(wheel, made)

    assert fingerprint(made) == before


@pytest.mark.parametrize("claim", ["", "sha512", "odd", "short", "md5"])
def test_a_digest_that_record_does_not_tell_as_sha256_is_computed(
    make: Callable[[str], FakeEnvironment], fingerprint: Fingerprint, claim: str
) -> None:
    made = make("env")
    before = fingerprint(made)
    strong = base64.urlsafe_b64encode(hashlib.sha512(CODE.encode()).digest()).decode().rstrip("=")
    claims = {
        "": "",
        "sha512": f"sha512={strong}",
        "odd": "sha256=AAAAA",
        "short": "sha256=AAAA",
        "md5": "md5=AAAA",
    }
    record = info(made, "RECORD")
    rows = record.read_text(encoding="utf-8").replace(f"sha256={record_digest(CODE.encode())}", claims[claim])

    record.write_text(rows, encoding="utf-8")

    assert "foo/__init__.py," + claims[claim] + "," in rows
    assert fingerprint(made) == before


def test_a_file_that_is_gone_or_outside_has_no_digest_and_is_never_read(
    make: Callable[[str], FakeEnvironment], fingerprint: Fingerprint
) -> None:
    made, other = make("one"), make("other")
    for each in (made, other):
        with info(each, "RECORD").open("a", encoding="utf-8") as record:
            record.write("../../../../outside.txt,,\n")
    before = fingerprint(other)
    (made.path.parent / "outside.txt").write_text("secret", encoding="utf-8")

    assert fingerprint(made) == before
    (made.scripts / "run").unlink()
    assert fingerprint(made) != before


def test_without_record_or_with_a_mistaken_one_there_are_no_lines(
    make: Callable[[str], FakeEnvironment], fingerprint: Fingerprint
) -> None:
    made = make("env")
    empty = f"sha256:{hashlib.sha256().hexdigest()}"

    info(made, "RECORD").write_text("one column\n", encoding="utf-8")
    assert fingerprint(made) == empty
    info(made, "RECORD").unlink()
    assert fingerprint(made) == empty
    shutil.rmtree(made.site_packages)
    assert fingerprint(made) == empty
