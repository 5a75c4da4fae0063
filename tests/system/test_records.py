from pathlib import Path

import pytest

from pytest_wheeltag.system.records import read_all_recorded, read_installer, read_recorded

LIBRARY = "lib/site-packages"


def write(prefix: Path, content: bytes, name: str = "foo-1.0.dist-info") -> None:
    folder = prefix / LIBRARY / name
    folder.mkdir(parents=True)
    (folder / "RECORD").write_bytes(content)


def test_paths_are_given_from_the_prefix_on(tmp_path: Path) -> None:
    inside = (tmp_path / "share" / "x").as_posix()
    rows = [
        "foo.py,sha256=x,1",
        "../../bin/foo,,",
        '"a,b.py",,',
        "./foo//bar.py,,",
        f"{inside},,",
        "",
        "foo.py,,",
    ]
    write(tmp_path, "\r\n".join(rows).encode())
    recorded = read_recorded(tmp_path, LIBRARY, "foo-1.0.dist-info")
    assert recorded.paths == (
        f"{LIBRARY}/foo.py",
        "bin/foo",
        f"{LIBRARY}/a,b.py",
        f"{LIBRARY}/foo/bar.py",
        "share/x",
    )


@pytest.mark.parametrize(
    "row",
    [
        "../../../x",
        "/etc/passwd",
        "../../../env-evil/x",
        "a\\..\\..\\x",
        "C:x",
        "C:/x",
        "../..",
        "foo/../../..",
    ],
)
def test_rows_that_lead_elsewhere_are_left_out(tmp_path: Path, row: str) -> None:
    write(tmp_path / "env", f"foo.py,,\n{row},,\n".encode())
    recorded = read_recorded(tmp_path / "env", LIBRARY, "foo-1.0.dist-info")
    assert recorded.paths == (f"{LIBRARY}/foo.py",)


def test_line_ends_of_unicode_are_part_of_a_name(tmp_path: Path) -> None:
    write(tmp_path, "a\u2028b.py,,\n".encode())
    assert read_recorded(tmp_path, LIBRARY, "foo-1.0.dist-info").paths == (f"{LIBRARY}/a\u2028b.py",)


def test_distributions_that_cannot_be_read_own_nothing(tmp_path: Path) -> None:
    write(tmp_path, b"foo.py,,\n")
    write(tmp_path, b'"' + b"x" * 200_000, "broken-1.0.dist-info")
    (tmp_path / LIBRARY / "empty-1.0.dist-info").mkdir()
    (tmp_path / LIBRARY / "linked-1.0.dist-info").symlink_to("nowhere")
    found = [recorded.dist_info for recorded in read_all_recorded(tmp_path, [LIBRARY, "absent"])]
    assert found == ["foo-1.0.dist-info"]


@pytest.mark.parametrize(
    ("content", "installer"),
    [(b"pip\n", "pip"), (b"", ""), (b"\xff", ""), (b"x" * 5000, ""), (None, None)],
    ids=["pip", "empty", "no text", "too long", "none"],
)
def test_who_installed_it_is_what_installer_says(
    tmp_path: Path, content: bytes | None, installer: str | None
) -> None:
    if content is not None:
        (tmp_path / "INSTALLER").write_bytes(content)
    assert read_installer(tmp_path) == installer
