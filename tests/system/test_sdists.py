import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_wheeltag.core.wheel import WheelBounds
from pytest_wheeltag.errors import SdistError, WheelError
from pytest_wheeltag.system.sdists import read_pkg_info, unpack_sdist
from pytest_wheeltag.workshop.sdists import Recipe, SdistSpec, pack_sdist, source_files

NAME = "foo-1.0.tar.gz"
WHEN = 1_234_567_890


@dataclass(frozen=True)
class Entry:
    """What a test puts into an archive; a link where there is a target."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644
    headers: tuple[tuple[str, str], ...] = ()


def folder(name: str) -> Entry:
    return Entry(name, kind=tarfile.DIRTYPE, mode=0o755)


def link(name: str, target: str) -> Entry:
    return Entry(name, kind=tarfile.SYMTYPE, target=target, mode=0o777)


def hard_link(name: str, target: str) -> Entry:
    return Entry(name, kind=tarfile.LNKTYPE, target=target)


def pack_tar(entries: Iterable[Entry], *, layout: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=layout) as archive:
        for each in entries:
            header = tarfile.TarInfo(each.name)
            header.type, header.linkname, header.mode, header.mtime = each.kind, each.target, each.mode, WHEN
            header.size = len(each.content)
            header.pax_headers = dict(each.headers)
            header.uname, header.uid = "somebody", 4711
            archive.addfile(header, io.BytesIO(each.content))
    return packed.getvalue()


def pack(*entries: Entry) -> bytes:
    return gzip.compress(pack_tar(entries))


def pack_zip(*entries: Entry, comment: bytes = b"") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in entries:
            info = zipfile.ZipInfo(each.name, (2009, 2, 13, 23, 31, 30))
            info.external_attr = each.mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, each.content)
        archive.comment = comment
    return packed.getvalue()


def unpack(data: bytes, folder: Path, name: str = NAME, bounds: WheelBounds | None = None) -> Path:
    return unpack_sdist(io.BytesIO(data), name, folder, bounds)


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def refusal_of(data: bytes, target: Path, name: str = NAME, bounds: WheelBounds | None = None) -> str:
    """Give the one line in which an archive is refused; nothing may be left then, inside or beside."""
    target.mkdir(exist_ok=True)
    beside = sorted(target.parent.iterdir())
    with pytest.raises(SdistError) as caught:
        unpack(data, target, name, bounds)
    assert list(target.iterdir()) == []
    assert sorted(target.parent.iterdir()) == beside
    assert isinstance(caught.value, WheelError)
    assert str(caught.value).startswith(f"{name} is refused, expected ")
    assert str(caught.value).isprintable()
    return str(caught.value)


SPEC = SdistSpec("foo", "1.0", files={"foo/__init__.py": "X = 1\n"}, recipe=Recipe(tag="py3-none-any"))
KINDS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tar.lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    ".TAR.GZ": gzip.compress,
}


@pytest.mark.parametrize("suffix", KINDS)
def test_each_kind_of_archive_is_unpacked(suffix: str, tmp_path: Path) -> None:
    packed = KINDS[suffix](gzip.decompress(pack_sdist(SPEC)))

    root = unpack(packed, tmp_path / "new" / "folder", f"foo-1.0{suffix}")

    assert root == tmp_path / "new" / "folder" / "foo-1.0"
    assert contents(root) == source_files(SPEC)
    assert (read_pkg_info(root) or b"").startswith(b"Metadata-Version: ")


@pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_each_dialect_of_tar_is_read(layout: int, tmp_path: Path) -> None:
    long = f"foo/{'d' * 90}/{'e' * 90}.py"
    packed = pack_tar(
        [folder("foo"), Entry(long, b"1"), Entry("foo/ä.py" if layout else "foo/a", b"2")], layout=layout
    )

    assert sorted(contents(unpack(packed, tmp_path, "foo.tar")).values()) == [b"1", b"2"]


def test_an_archive_without_a_name_is_known_by_its_content(tmp_path: Path) -> None:
    for number, packed in enumerate(
        [pack(Entry("foo/a")), pack_tar([Entry("foo/a")]), pack_zip(Entry("foo/a"))]
    ):
        assert unpack(packed, tmp_path / str(number), "download") == tmp_path / str(number) / "foo"


@pytest.mark.parametrize(
    ("names", "top"),
    [
        (["foo-1.0/setup.py", "foo-1.0/a/b"], "foo-1.0"),
        (["./foo-1.0/setup.py", "./foo-1.0//a/./b"], "foo-1.0"),
        (["other/setup.py"], "other"),
        (["setup.py", "a/b"], ""),
        (["setup.py"], ""),
        (["./setup.py", "./a/b"], ""),
        (["foo-1.0/setup.py", "._foo-1.0"], ""),
    ],
)
def test_the_source_tree_is_the_only_top_folder_or_the_folder_itself(
    names: list[str], top: str, tmp_path: Path
) -> None:
    assert unpack(pack(folder("./"), *map(Entry, names)), tmp_path) == tmp_path / top
    assert unpack(pack_zip(*map(Entry, names)), tmp_path / "zip", "foo.zip") == tmp_path / "zip" / top


def test_an_empty_top_folder_is_the_source_tree(tmp_path: Path) -> None:
    assert unpack(pack(folder("foo-1.0/")), tmp_path) == tmp_path / "foo-1.0"
    assert (tmp_path / "foo-1.0").is_dir()


def test_files_keep_time_and_executable_bit_and_nothing_else(tmp_path: Path) -> None:
    packed = pack(
        Entry("foo/run", b"#!/bin/sh\n", mode=0o6755),
        Entry("foo/data", mode=0o1606),
        Entry("foo/secret", mode=0),
        Entry("foo/closed", kind=tarfile.DIRTYPE, mode=0),
    )
    root = unpack(packed, tmp_path)

    found = {path.name: path.stat() for path in root.iterdir()}
    assert {name: facts.st_mtime for name, facts in found.items() if name != "closed"} == dict.fromkeys(
        ("run", "data", "secret"), WHEN
    )
    assert {facts.st_uid for facts in found.values()} == {tmp_path.stat().st_uid}
    if sys.platform != "win32":
        umask = os.umask(0)
        os.umask(umask)
        assert {name: stat.S_IMODE(facts.st_mode) for name, facts in found.items()} == {
            "run": 0o755 & ~umask,
            "data": 0o644 & ~umask,
            "secret": 0o644 & ~umask,
            "closed": 0o777 & ~umask,
        }


def test_zip_archives_keep_time_and_executable_bit_too(tmp_path: Path) -> None:
    regular = stat.S_IFREG
    root = unpack(
        pack_zip(
            Entry("foo/run", mode=regular | 0o755), Entry("foo/data", mode=0), Entry("foo/closed/", mode=0)
        ),
        tmp_path,
        "foo.zip",
    )

    assert sorted(path.name for path in root.iterdir()) == ["closed", "data", "run"]
    assert (root / "run").stat().st_mtime == WHEN
    if sys.platform != "win32":
        assert os.access(root / "run", os.X_OK)
        assert not (root / "data").stat().st_mode & 0o111


def test_a_zip_archive_of_a_forge_has_a_comment(tmp_path: Path) -> None:
    packed = pack_zip(Entry("foo-main/setup.py", b"x"), comment=b"0123456789abcdef" * 2)

    assert contents(unpack(packed, tmp_path, "main.zip")) == {"setup.py": b"x"}


def test_a_link_in_a_zip_archive_is_a_file_as_pip_has_it(tmp_path: Path) -> None:
    packed = pack_zip(Entry("foo/README", b"../../etc/passwd", mode=stat.S_IFLNK | 0o777))

    root = unpack(packed, tmp_path, "foo.zip")

    assert not (root / "README").is_symlink()
    assert contents(root) == {"README": b"../../etc/passwd"}


def test_links_that_stay_inside_are_kept(tmp_path: Path) -> None:
    packed = pack(
        Entry("foo/a/data", b"1"),
        link("foo/b/near", "../a/data"),
        link("foo/b/folder", "../a"),
        link("foo/b/through", "./folder//data"),
        link("foo/up", "../foo/a"),
        link("foo/nowhere", "missing/too"),
        hard_link("foo/same", "foo/a/data"),
        hard_link("foo/again", "./foo/same"),
    )

    root = unpack(packed, tmp_path)

    assert (root / "b" / "folder").readlink() == Path("../a")
    assert (root / "nowhere").is_symlink()
    assert {path: data for path, data in contents(root).items() if data == b"1"}.keys() >= {
        "a/data",
        "b/near",
        "b/through",
        "same",
        "again",
    }
    # What is written through one name shall not show under the other.
    assert (root / "same").stat().st_nlink == 1
    assert (root / "same").stat().st_mtime == WHEN


def test_where_there_are_no_links_files_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "symlink", refuse)
    packed = pack(Entry("foo/a/data", b"1"), link("foo/b", "a/data"), link("foo/nowhere", "missing"))

    assert contents(unpack(packed, tmp_path / "one")) == {"a/data": b"1", "b": b"1"}
    assert "this file system has no links" in refusal_of(
        pack(Entry("foo/a/x"), link("foo/b", "a")), tmp_path / "two"
    )


def test_of_what_is_there_twice_the_last_counts(tmp_path: Path) -> None:
    packed = pack(
        Entry("foo/a", b"1"), Entry("./foo/a", b"2"), link("foo/b", "../../.."), Entry("foo/b", b"3")
    )

    assert contents(unpack(packed, tmp_path)) == {"a": b"2", "b": b"3"}


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_several_compressed_streams_are_one(suffix: str, tmp_path: Path) -> None:
    packed = pack_tar([Entry("foo/a", b"x" * 3000), Entry("foo/b", os.urandom(3_000_000))])
    parts = [KINDS[suffix](packed[:1000]), KINDS[suffix](packed[1000:]), bytes(700_000)]

    assert sorted(contents(unpack(b"".join(parts), tmp_path, f"foo{suffix}"))) == ["a", "b"]


HOSTILE_NAMES = {
    "parent": ("../x", "a component `..`"),
    "parents": ("foo/../../../x", "a component `..`"),
    "harmless-parent": ("foo/a/../b", "a component `..`"),
    "absolute": ("/etc/x", "an absolute path"),
    "double-slash": ("//server/x", "an absolute path"),
    "drive": ("C:/x", "a drive letter"),
    "drive-below": ("foo/c:x", "a drive letter"),
    "backslash": ("..\\..\\x", "a backslash"),
    "newline": ("foo/a\nb", "a control character"),
    "escape": ("foo/\x1b[31m", "a control character"),
    "long-name": (f"foo/{'x' * 300}", "a component of 300 bytes"),
    "long-path": ("foo/" + "x/" * 20 + "/".join(["y" * 200] * 6), "more than 1024"),
    "deep": ("x/" * 70 + "y", "more than 64 of them"),
}


@pytest.mark.parametrize(("name", "problem"), HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_are_refused(name: str, problem: str, tmp_path: Path) -> None:
    innocent = Entry("foo/setup.py", b"1")

    assert problem in refusal_of(pack(innocent, Entry(name, b"evil")), tmp_path / "tar")
    assert problem in refusal_of(pack(innocent, folder(name)), tmp_path / "tar")
    assert problem in refusal_of(pack_zip(innocent, Entry(name, b"evil")), tmp_path / "zip", "foo.zip")
    assert problem in refusal_of(pack(innocent, hard_link("foo/x", name)), tmp_path / "tar")


def test_a_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    packed = pack(Entry("foo/a", headers=(("path", "foo/a\0b"),)))

    assert "a control character" in refusal_of(packed, tmp_path / "out")


HOSTILE_TARGETS = {
    "parents": "../../x",
    "far": "../../../../../../etc/passwd",
    "absolute": "/etc/passwd",
    "double-slash": "//etc/passwd",
    "backslash": "..\\..\\x",
    "drive": "C:/x",
    "newline": "a\nb",
    "down-and-up": "a/../../../x",
    "itself": "link",
    "long": "a/" * 80,
}


@pytest.mark.parametrize("target", HOSTILE_TARGETS.values(), ids=HOSTILE_TARGETS)
def test_links_that_lead_outside_are_refused(target: str, tmp_path: Path) -> None:
    for name in ("foo/link", "link" if target != "../../x" else "foo/link"):
        found = refusal_of(pack(Entry("foo/setup.py"), link(name, target)), tmp_path / "out")
        assert "expected a link to somewhere inside, found one to" in found


LINK_TRICKS = {
    # Each alone stays inside when its text is read; together they do not.
    "over-a-link": [link("foo/a/b/c", "../../.."), link("foo/d", "a/b/c/../x")],
    "over-two": [link("foo/one", "."), link("foo/two", "one/../.."), link("foo/three", "two/../x")],
    "other-case": [link("foo/UP", "../"), link("foo/x", "up/../y")],
    "circle": [link("foo/a", "b"), link("foo/b", "c"), link("foo/c", "a")],
    "chain": [*(link(f"foo/{n}", f"{n + 1}") for n in range(50)), Entry("foo/50")],
}


@pytest.mark.parametrize("entries", LINK_TRICKS.values(), ids=LINK_TRICKS)
def test_links_are_followed_over_other_links(entries: list[Entry], tmp_path: Path) -> None:
    assert "expected a link to somewhere inside" in refusal_of(pack(*entries), tmp_path / "out")


ODD = {
    "fifo": ([Entry("foo/x", kind=tarfile.FIFOTYPE)], "found a FIFO"),
    "device": ([Entry("foo/x", kind=tarfile.CHRTYPE)], "found a device"),
    "disk": ([Entry("foo/x", kind=tarfile.BLKTYPE)], "found a device"),
    "unknown": ([Entry("foo/x", kind=b"Z")], "found an unknown kind"),
    "sparse": ([Entry("foo/x", headers=(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")))], "a sparse one"),
    "old-sparse": ([Entry("foo/x", kind=tarfile.GNUTYPE_SPARSE)], "a sparse one"),
    "below-a-file": ([Entry("foo/x"), Entry("foo/x/y")], "others lie below it"),
    "below-a-link": ([folder("foo/a"), link("foo/x", "a"), Entry("foo/x/y")], "others lie below it"),
    "below-a-link-out": ([link("foo/x", "/tmp"), Entry("foo/x/y")], "others lie below it"),
    "link-below-a-link": ([folder("foo/a"), link("foo/x", "a"), link("foo/x/y", "z")], "others lie below it"),
    "hard-link-to-nothing": ([hard_link("foo/x", "foo/y")], "a hard link to a file before it, found one to `foo/y`"),
    "hard-link-to-later": ([hard_link("foo/x", "foo/y"), Entry("foo/y")], "a hard link to a file before it"),
    "hard-link-to-a-folder": ([folder("foo/y"), hard_link("foo/x", "foo/y")], "a hard link to a file before it"),
    "hard-link-to-a-link": ([link("foo/y", "z"), hard_link("foo/x", "foo/y")], "a hard link to a file before it"),
    "root-is-a-link": ([link("./", "foo"), Entry("foo/x")], "expected a folder as the root"),
    "empty": ([], "expected a source tree, found an empty archive"),
    "root-alone": ([folder("./")], "expected a source tree, found an empty archive"),
    "many-links": ([link(f"foo/{number}", "x") for number in range(5001)], "expected at most 5000 links"),
    "many-digits": ([Entry("foo/x", headers=(("comment", "1" * 5000),))], "digits"),
    "long-header": ([Entry("foo/x", headers=(("comment", "x" * 70_000),))], "expected headers of at most"),
}  # fmt: skip


@pytest.mark.parametrize(("entries", "problem"), ODD.values(), ids=ODD)
def test_what_no_honest_archive_has_is_refused(entries: list[Entry], problem: str, tmp_path: Path) -> None:
    assert problem in refusal_of(pack(*entries), tmp_path / "out")


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR])
def test_zip_archives_hold_files_and_folders_only(kind: int, tmp_path: Path) -> None:
    packed = pack_zip(Entry("foo/setup.py"), Entry("foo/x", mode=kind | 0o644))

    assert "expected a regular file" in refusal_of(packed, tmp_path / "out", "foo.zip")


def test_names_that_are_one_here_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_open = os.open

    def open_folded(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        return really_open(path if dir_fd is None else path.lower(), flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", open_folded)
    timeless = (("mtime", "nan"),)
    packed = pack(Entry("foo/A", b"1", headers=timeless), Entry("foo/a", b"2"))

    assert "differ in more than letter case" in refusal_of(packed, tmp_path / "out")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")

    with pytest.raises(OSError, match="not empty"):
        unpack(pack(Entry("foo/a")), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="full"):
        unpack(pack(Entry("foo/a"), Entry("foo/b", b"1")), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


SMALL = WheelBounds(max_unpacked_bytes=60_000, max_entries=10, min_ratio_bytes=15_000)
TOO_LARGE = {
    "bytes": (pack(Entry("foo/a", os.urandom(70_000))), "expected at most 60000 bytes unpacked"),
    "ratio": (pack(Entry("foo/a", bytes(40_000))), "expected it to unpack to at most 50 times its size"),
    "entries": (pack(*(Entry(f"foo/{n}") for n in range(12))), "expected at most 10 entries"),
    "hard-links": (
        pack(Entry("foo/a", os.urandom(9000)), *(hard_link(f"foo/{n}", "foo/a") for n in range(8))),
        "expected at most 60000 bytes unpacked",
    ),
}
TOO_LARGE_ZIPS = {
    "bytes": (pack_zip(Entry("foo/a", os.urandom(70_000))), "expected at most 60000 bytes unpacked"),
    "ratio": (pack_zip(Entry("foo/a", bytes(40_000))), "expected it to unpack to at most 50 times its size"),
    "entries": (pack_zip(*(Entry(f"foo/{n}") for n in range(12))), "expected at most 10 entries"),
}


@pytest.mark.parametrize(("packed", "problem"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_bounds_are_kept(packed: bytes, problem: str, tmp_path: Path) -> None:
    assert problem in refusal_of(packed, tmp_path / "out", NAME, SMALL)


@pytest.mark.parametrize(("packed", "problem"), TOO_LARGE_ZIPS.values(), ids=TOO_LARGE_ZIPS)
def test_bounds_are_kept_for_zip_archives(packed: bytes, problem: str, tmp_path: Path) -> None:
    assert problem in refusal_of(packed, tmp_path / "out", "foo.zip", SMALL)


def test_a_bomb_is_refused_before_it_went_off(tmp_path: Path) -> None:
    bomb = bytearray(pack_tar([Entry("foo/a")])[:512])
    bomb[124:136] = b"77777777777\0"
    bomb[148:156] = b"        "
    bomb[148:156] = f"{sum(bomb):06o}\0 ".encode()
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as stream:
        stream.write(bytes(bomb))
        for _ in range(100):
            stream.write(bytes(1 << 20))

    assert "at most 50 times its size" in refusal_of(packed.getvalue(), tmp_path / "out")


PLAIN = pack_tar([Entry("foo/a", b"x" * 2000), Entry("foo/b", b"y" * 2000)])
DAMAGED = {
    "html": (NAME, b"\n<!DOCTYPE html><html>", "that the server sent HTML in the archive; look at its address"),
    "html-tar": ("foo.tar", b"<html>" * 1000, "that the server sent HTML"),
    "empty": (NAME, b"", "found an empty file"),
    "text": (NAME, b"Not found", "found something else in the archive; download it again"),
    "text-tar": ("foo.tar", b"Not found", "expected a tar archive, found a mistake in it"),
    "text-nameless": ("foo", b"Not found", "expected a zip or tar archive, found something else"),
    "zip-as-gzip": (NAME, pack_zip(Entry("foo/a")), "as its name says, found a zip archive"),
    "tar-as-gzip": (NAME, PLAIN, "expected a tar archive compressed by gzip, as its name says, found a tar archive"),
    "gzip-as-zip": ("foo.zip", pack(Entry("foo/a")), "expected a zip archive, as its name says, found a tar"),
    "gzip-as-tar": ("foo.tar", pack(Entry("foo/a")), "as its name says, found a tar archive compressed by gzip"),
    "cut-gzip": (NAME, gzip.compress(PLAIN)[:-20], "expected a tar archive compressed by gzip, found only its first part"),
    "cut-trailer": (NAME, gzip.compress(PLAIN)[:-1], "found only its first part"),
    "cut-bzip2": ("foo.tar.bz2", bz2.compress(PLAIN)[:-5], "found only its first part"),
    "cut-xz": ("foo.tar.xz", lzma.compress(PLAIN)[:-5], "found only its first part"),
    "head-of-gzip": (NAME, b"\x1f\x8b", "found only its first part"),
    "wrong-crc": (NAME, gzip.compress(PLAIN)[:-8] + b"abcd" + gzip.compress(PLAIN)[-4:], "found a mistake in it"),
    "damaged-gzip": (NAME, gzip.compress(PLAIN)[:12] + b"\xff" * 40, "found a mistake in it"),
    "damaged-bzip2": ("foo.tar.bz2", b"BZh9" + b"\xff" * 400, "found a mistake in it"),
    "damaged-xz": ("foo.tar.xz", lzma.compress(PLAIN)[:60] + b"\xff" * 400, "found a mistake in it"),
    "hungry-xz": ("foo.tar.lzma", b"\x5d\0\0\0\xff" + b"\xff" * 8 + lzma.compress(PLAIN), "found a mistake in it"),
    "garbage-after-gzip": (NAME, gzip.compress(PLAIN) + b"garbage", "found a mistake in it"),
    "garbage-after-bzip2": ("foo.tar.bz2", bz2.compress(PLAIN) + b"garbage", "found a mistake in it"),
    "cut-tar": ("foo.tar", PLAIN[:3000], "found only its first part"),
    "cut-between": ("foo.tar", PLAIN[:2560], "found only its first part"),
    "cut-header": ("foo.tar", PLAIN[:2600], "found only its first part"),
    "endless": (NAME, gzip.compress(PLAIN[:5120]), "found only its first part"),
    "damaged-header": ("foo.tar", PLAIN[:2570] + b"?" + PLAIN[2571:], "expected a header, found something else"),
    "no-header": (NAME, gzip.compress(b"x" * 600), "found a mistake in it (invalid header)"),
    "zeros": (NAME, gzip.compress(bytes(10_240)), "found an empty archive"),
    "cut-zip": ("foo.zip", pack_zip(Entry("foo/a", b"x"))[:-5], "found more bytes or a comment"),
    "two-zips": ("foo.zip", pack_zip(Entry("foo/a")) + pack_zip(Entry("foo/b")), "expected the directory to end"),
    "zip-in-comment": ("foo.zip", pack_zip(Entry("foo/a"), comment=pack_zip(Entry("foo/b"))), "expected the directory"),
    "binary-comment": ("foo.zip", pack_zip(Entry("foo/a"), comment=b"a\0b"), "more bytes or a comment"),
    "garbage-after-zip": ("foo.zip", pack_zip(Entry("foo/a")) + b"garbage", "more bytes or a comment"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data", "problem"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_or_something_else_is_refused(
    name: str, data: bytes, problem: str, tmp_path: Path
) -> None:
    assert problem in refusal_of(data, tmp_path / "out", name)


def patched_zip(old: bytes, new: bytes) -> bytes:
    return pack_zip(Entry("foo/a", b"x" * 1000)).replace(old, new)


def test_content_that_is_not_what_a_zip_archive_declares_is_refused(tmp_path: Path) -> None:
    packed = pack_zip(Entry("foo/a", b"x" * 1000), Entry("foo/b", b"y"))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        crc = archive.getinfo("foo/a").CRC.to_bytes(4, "little")

    found = refusal_of(packed.replace(crc, b"abcd"), tmp_path / "out", "foo.zip")

    assert "found" in found
    assert "the CRC" in found
    assert "`foo/a`" in found


def headers_of(*blocks: tuple[bytes, int, bytes]) -> bytes:
    """Write headers of a kind and a size as they stand, each before its data."""
    packed = b""
    for kind, size, data in blocks:
        header = bytearray(tarfile.TarInfo("foo/x").tobuf(tarfile.USTAR_FORMAT))
        header[124:136] = size.to_bytes(12, "big", signed=True) if size < 0 else b"%011o\0" % size
        if size < 0:
            header[124] = 0xFF
        header[156:157] = kind
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        packed += bytes(header) + data + bytes(-len(data) % 512)
    return packed + bytes(1024)


TAR_TRICKS = {
    "negative": headers_of((b"0", -512, b"")),
    "negative-link": headers_of((b"2", -1024, b"")),
    "negative-pax": headers_of((b"x", -512, b"")),
    "negative-again": headers_of((b"x", 16, b"16 size=-100000\n"), (b"0", 0, b"")),
    "zero-length-pax": headers_of((b"x", 12, b"0 path=foo/\n"), (b"0", 0, b"")),
    "digits": headers_of((b"x", 60_000, b"1" * 60_000), (b"0", 0, b"")),
    "nested-names": headers_of(*[(b"L", 4, b"foo\0")] * 3000, (b"0", 0, b"")),
    "nested-pax": headers_of(*[(b"x", 11, b"11 path=ab\n")] * 3000, (b"0", 0, b"")),
    "long-name": headers_of((b"L", 1 << 20, b"x" * (1 << 20)), (b"0", 0, b"")),
    "long-global": headers_of((b"g", 5000, b"x" * 5000), (b"0", 0, b"")),
    "lonely-pax": headers_of((b"x", 11, b"11 path=ab\n")),
    "sparse-map": headers_of((b"x", 40, b"22 GNU.sparse.major=1\n18 GNU.sparse.map=x\n"), (b"0", 0, b"")),
}


@pytest.mark.parametrize("data", TAR_TRICKS.values(), ids=TAR_TRICKS)
def test_headers_that_tarfile_cannot_bear_are_refused(data: bytes, tmp_path: Path) -> None:
    refusal_of(data, tmp_path / "out", "foo.tar")


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "1e300"])
def test_a_time_that_is_none_is_left_out(seconds: str, tmp_path: Path) -> None:
    root = unpack(pack(Entry("foo/a", b"1", headers=(("mtime", seconds),))), tmp_path)

    assert contents(root) == {"a": b"1"}


def test_names_in_another_encoding_are_kept_where_the_system_can(tmp_path: Path) -> None:
    packed = pack_tar([Entry("foo/\udce9.py", b"1")], layout=tarfile.GNU_FORMAT)
    if sys.platform != "linux":
        pytest.skip("other systems want Unicode")

    assert os.listdir(os.fsencode(unpack(packed, tmp_path, "foo.tar"))) == [b"\xe9.py"]  # noqa: PTH208 - bytes


def test_pkg_info_is_read_where_it_is_a_small_regular_file(tmp_path: Path) -> None:
    assert read_pkg_info(tmp_path) is None
    assert read_pkg_info(tmp_path / "missing") is None
    (tmp_path / "PKG-INFO").mkdir()
    assert read_pkg_info(tmp_path) is None
    (tmp_path / "PKG-INFO").rmdir()
    (tmp_path / "PKG-INFO").symlink_to("other")
    (tmp_path / "other").write_text("Name: foo\n")
    assert read_pkg_info(tmp_path) is None
    (tmp_path / "other").replace(tmp_path / "PKG-INFO")
    assert read_pkg_info(tmp_path) == b"Name: foo\n"


# Long enough to hold every kind of thing, short enough that most changes hit something.
WHOLE = pack_tar([folder("foo"), Entry("foo/" + "a" * 120, b"1" * 600), link("foo/b", "a"), hard_link("foo/c", "foo/" + "a" * 120)])  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8)), max_size=4)


@settings(deadline=None)
@given(changes=CHANGES, length=st.integers(0, len(WHOLE)))
def test_whatever_happened_to_an_archive_nothing_escapes_and_nothing_stays(
    changes: list[tuple[int, bytes]], length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(WHOLE)
    for place, new in changes:
        data[place : place + len(new)] = new
    around = tmp_path_factory.mktemp("around")
    try:
        root = unpack(bytes(data[:length] if length % 3 else data), around / "out", "foo.tar")
    except SdistError as error:
        assert str(error).isprintable()  # noqa: PT017 - whatever is raised, if anything, is one line
        assert list((around / "out").iterdir()) == []
    else:
        assert root.is_relative_to(around / "out")
        inside = os.path.realpath(around / "out")
        assert all(os.path.realpath(path).startswith(inside) for path in root.rglob("*"))
    assert [path.name for path in around.iterdir()] == ["out"]
