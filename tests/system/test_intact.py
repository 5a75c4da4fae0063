import os
from pathlib import Path

import pytest

from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.verdict import InstalledWheel
from pytest_wheeltag.system import enclosure
from pytest_wheeltag.system.installed import read_installed
from pytest_wheeltag.system.intact import find_alterations
from pytest_wheeltag.workshop import WheelMaker, lay, make_environment
from pytest_wheeltag.workshop.environments import FakeEnvironment

FILES = {"foo/__init__.py": "print('hi')\n", "foo/data.txt": "data"}
posix = pytest.mark.skipif(os.name != "posix", reason="links and modes are POSIX's")


@pytest.fixture
def made(tmp_path: Path) -> FakeEnvironment:
    """Make an environment with one wheel that has everything an installer makes something of."""
    environment = make_environment(tmp_path / "env")
    wheel = WheelMaker(tmp_path / "wheels")(
        "foo",
        files=FILES,
        data={"scripts/run": "#!python\n", "data/share/foo.txt": "shared"},
        entry_points={"console_scripts": {"foo": "foo:main"}},
    )
    lay(wheel, environment)
    return environment


@pytest.fixture
def existing(made: FakeEnvironment, interpreter: Interpreter) -> ExistingEnvironment:
    return ExistingEnvironment(str(made.path), interpreter, (str(made.site_packages),))


def alterations(existing: ExistingEnvironment) -> list[str]:
    (wheel,) = read_installed(existing)
    assert isinstance(wheel, InstalledWheel)
    return list(find_alterations(existing, wheel))


def append(made: FakeEnvironment, row: str) -> None:
    record = made.site_packages / "foo-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")


def test_what_was_just_installed_is_intact(existing: ExistingEnvironment) -> None:
    assert alterations(existing) == []


def test_another_length_and_another_content_are_told_by_file(
    made: FakeEnvironment, existing: ExistingEnvironment
) -> None:
    (made.site_packages / "foo" / "__init__.py").write_text("print('ho')\n", encoding="utf-8")
    (made.site_packages / "foo" / "data.txt").write_text("longer", encoding="utf-8")
    (made.path / "share" / "foo.txt").unlink()

    assert sorted(alterations(existing)) == [
        "expected 4 bytes as in RECORD, found 6 in `foo/data.txt`",
        f"expected a file, found none: `{os.path.relpath(made.path, made.site_packages)}/share/foo.txt`",
        "expected the sha256 of RECORD, found another in `foo/__init__.py`",
    ]


def test_an_altered_script_and_an_altered_launcher_are_findings(
    made: FakeEnvironment, existing: ExistingEnvironment
) -> None:
    for name in ("run", "foo"):
        (made.scripts / name).write_text("#!/bin/sh\n", encoding="utf-8")

    assert len(alterations(existing)) == 2


def test_what_installers_write_and_bytecode_are_exempt(
    made: FakeEnvironment, existing: ExistingEnvironment
) -> None:
    info = made.site_packages / "foo-1.0.dist-info"
    (info / "INSTALLER").write_text("uv\n", encoding="utf-8")
    for name in ("REQUESTED", "direct_url.json", "RECORD.jws", "RECORD.p7s"):
        append(made, f"foo-1.0.dist-info/{name},sha256=AAAA,1")
    append(made, "foo/__pycache__/__init__.cpython-311.pyc,,")
    append(made, "foo/old.pyo,sha256=AAAA,7")

    assert alterations(existing) == []


@pytest.mark.parametrize(
    ("row", "clause"),
    [
        ("foo/more.py,,", "expected a digest, found none in the row of `foo/more.py`"),
        ("foo/more.py,,3", "expected a digest, found none in the row of `foo/more.py`"),
        (
            "other-1.0.dist-info/INSTALLER,,",
            "expected a digest, found none in the row of `other-1.0.dist-info/INSTALLER`",
        ),
        ("foo/more.py,md5=AAAA,", "expected sha256 or better, found `md5` for `foo/more.py`"),
        ("foo,sha256=AAAA,", "expected a regular file, found a folder: `foo`"),
        (
            "../../../../../etc/passwd,sha256=AAAA,",
            "expected a file of the environment, found a path that leads outside: `../../../../../etc/passwd`",
        ),
        (
            "/etc/passwd,sha256=AAAA,",
            "expected a file of the environment, found a path that leads outside: `/etc/passwd`",
        ),
    ],
)
def test_rows_that_no_file_can_fit_are_findings(
    made: FakeEnvironment, existing: ExistingEnvironment, row: str, clause: str
) -> None:
    append(made, row)

    assert alterations(existing) == [clause]


@posix
def test_links_are_not_followed_out_of_the_environment(
    made: FakeEnvironment, existing: ExistingEnvironment, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "data.txt").write_text("data", encoding="utf-8")
    (outside / "__init__.py").write_text("print('hi')\n", encoding="utf-8")
    for path in (made.site_packages / "foo").iterdir():
        path.unlink()
    (made.site_packages / "foo").rmdir()
    (made.site_packages / "foo").symlink_to(outside)

    found = alterations(existing)

    assert len(found) == 2
    assert all("leads" in clause or "link" in clause for clause in found)


@posix
def test_a_fifo_is_told_and_never_waited_for(made: FakeEnvironment, existing: ExistingEnvironment) -> None:
    path = made.site_packages / "foo" / "data.txt"
    path.unlink()
    os.mkfifo(path)

    assert alterations(existing) == ["expected a regular file, found a FIFO: `foo/data.txt`"]


def test_a_distribution_without_record_or_with_a_mistaken_one_is_altered(
    made: FakeEnvironment, existing: ExistingEnvironment
) -> None:
    record = made.site_packages / "foo-1.0.dist-info" / "RECORD"
    record.write_text("foo/__init__.py,nonsense\n", encoding="utf-8")
    (clause,) = alterations(existing)
    assert clause.startswith("its RECORD cannot be read, ")
    assert "line 1" in clause

    record.unlink()
    assert alterations(existing) == ["it has no RECORD to be compared with"]


def test_what_it_says_is_fit_to_be_printed(made: FakeEnvironment, existing: ExistingEnvironment) -> None:
    append(made, "foo/\x1b[31m.py,sha256=AAAA,")

    (clause,) = alterations(existing)

    assert "\x1b" not in clause


def test_without_descriptors_of_folders_the_findings_are_the_same(
    made: FakeEnvironment, existing: ExistingEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made.site_packages / "foo" / "data.txt").write_text("atad", encoding="utf-8")
    monkeypatch.setattr(enclosure, "_HAS_DESCRIPTORS", False, raising=False)

    assert alterations(existing) == ["expected the sha256 of RECORD, found another in `foo/data.txt`"]


def test_a_record_of_a_million_rows_is_told_at_once(
    made: FakeEnvironment, existing: ExistingEnvironment
) -> None:
    record = made.site_packages / "foo-1.0.dist-info" / "RECORD"
    record.write_bytes(b"foo/a.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n" * 10**6)
    (clause,) = alterations(existing)
    assert "expected at most 50331648 bytes" in clause

    record.write_bytes(b"a,,\n" * 10**6)
    (clause,) = alterations(existing)
    assert (
        clause
        == "its RECORD cannot be read, RECORD cannot be used, expected at most 250000 lines, found more"
    )
