"""Wheels whose RECORD, metadata, data folders, entry points or file name are wrong (rows 39 to 99)."""

import re
from collections.abc import Callable
from dataclasses import replace

from pytest_wheeltag.workshop.archive_faults import ESCAPED
from pytest_wheeltag.workshop.fault import (
    Expectation,
    Fault,
    Files,
    Row,
    adding,
    dist_info_of,
    dropping,
    on_first_row,
    on_rows,
    rewriting,
    with_rows,
)
from pytest_wheeltag.workshop.zips import Archive, Member

_REFUSED, _WARNED, _STRICT = Expectation.REFUSED, Expectation.WARNED, Expectation.STRICT
_FOLDED, _ACCEPTED, _BOUNDED = Expectation.FOLDED, Expectation.ACCEPTED, Expectation.BOUNDED
_NOT_UTF8 = b"\xff\xfe"
_METADATA_BYTES = 9 * 2**20
_SWARM = 65_536
_ROWS = 100_000


def _record(
    name: str, row: str, edit: Callable[[bytes], bytes], expectation: Expectation = Expectation.REFUSED
) -> Fault:
    return Fault(name, row, expectation, record=edit)


def _rows(name: str, row: str, *rows: Row, expectation: Expectation = Expectation.REFUSED) -> Fault:
    return Fault(name, row, expectation, record=with_rows(*rows))


def _unhashed(row: Row) -> Row:
    return (row[0], "", "")


def _misfit(row: Row) -> Row:
    return (row[0], "sha256=" + "A" * 43, row[2])


def _missized(row: Row) -> Row:
    return (row[0], row[1], str(int(row[2]) + 1))


def _weak(row: Row) -> Row:
    # The digest of nothing: the reader refuses the algorithm before it compares.
    return (row[0], "md5=1B2M2Y8AsgTpgAmY7PhCfg", row[2])


def _repeated_with(edit: Callable[[Row], Row]) -> Callable[[bytes], bytes]:
    return on_rows(lambda rows: (rows[0], edit(rows[0]), *rows[1:]))


def _many_rows(record: bytes) -> bytes:
    return record + b"".join(b"gone/%d,,\n" % number for number in range(_ROWS))


RECORD_FAULTS = (
    Fault("record-missing", "39", archive=dropping("RECORD")),
    _record("record-without-file", "40", on_rows(lambda rows: rows[1:]), _STRICT),
    _rows("record-of-no-file", "41", ("wheeltag_gone.py", "sha256=" + "A" * 43, "1"), expectation=_WARNED),
    _record("record-other-hash", "42", on_first_row(_misfit), _STRICT),
    _record("record-other-size", "43", on_first_row(_missized), _STRICT),
    _record("record-md5", "44", on_first_row(_weak)),
    _record("record-without-hashes", "45", on_rows(lambda rows: tuple(map(_unhashed, rows))), _STRICT),
    _rows("record-climbs", "46", ("../../wheeltag-escape", "", "")),
    _rows("record-absolute", "47", ("/wheeltag-escape", "", "")),
    _rows("record-drive", "47", ("C:\\wheeltag-escape", "", "")),
    _rows("record-site-packages", "46b", ("../site-packages", "", "")),
    _rows("record-interpreter", "46b", ("../../../bin/python", "", "")),
    _rows("record-pyvenv-cfg", "46b", ("../../../pyvenv.cfg", "", "")),
    _record("record-two-columns", "48", on_first_row(lambda row: row[:2])),
    _record("record-not-utf8", "49", lambda record: _NOT_UTF8 + record),
    _record("record-row-twice", "50", _repeated_with(lambda row: row), _WARNED),
    _record("record-rows-differ", "50", _repeated_with(_misfit)),
    _record("record-empty", "40", lambda _: b"", _STRICT),
    _record("record-many-rows", "99", _many_rows, _BOUNDED),
)


def _line(key: str, replacement: str) -> Callable[[bytes], bytes]:
    pattern = re.compile(rf"^{key}: .*\n".encode(), re.MULTILINE)
    return lambda content: pattern.sub(replacement.encode(), content, count=0)


def _wheel(name: str, row: str, edit: Callable[[bytes], bytes], expectation: Expectation = _REFUSED) -> Fault:
    return Fault(name, row, expectation, files=rewriting("WHEEL", edit))


def _metadata(name: str, row: str, edit: Callable[[bytes], bytes]) -> Fault:
    return Fault(name, row, files=rewriting("METADATA", edit))


def _as_other_dist_info(files: Files) -> Files:
    folder = dist_info_of(files)
    copied = {path.replace(folder, "wheeltag_other-9.dist-info"): data for path, data in files.items()}
    return {**files, **copied}


def _renamed_dist_info(files: Files) -> Files:
    folder = dist_info_of(files)
    return {path.replace(folder, "wheeltag_other-9.dist-info"): data for path, data in files.items()}


def _shouted_dist_info(archive: Archive) -> Archive:
    folder = dist_info_of({member.name: None for member in archive.members})
    shouted = folder.removesuffix(".dist-info") + ".DIST-INFO"
    return replace(archive, members=tuple(_moved(member, folder, shouted) for member in archive.members))


def _moved(member: Member, old: str, new: str) -> Member:
    return member.renamed(member.name.replace(old, new).encode())


def _dist_info_as_file(archive: Archive) -> Archive:
    folder = dist_info_of({member.name: None for member in archive.members})
    kept = tuple(member for member in archive.members if not member.name.startswith(folder))
    return Archive((*kept, Member.of(folder, b"")))


METADATA_FAULTS = (
    Fault("wheel-missing", "51", archive=dropping("WHEEL")),
    _wheel("wheel-version-2", "52", _line("Wheel-Version", "Wheel-Version: 2.0\n")),
    _wheel("wheel-version-1.9", "53", _line("Wheel-Version", "Wheel-Version: 1.9\n"), _WARNED),
    _wheel("wheel-without-version", "54", _line("Wheel-Version", "")),
    _wheel("wheel-junk-version", "55", _line("Wheel-Version", "Wheel-Version: one\n")),
    _wheel("wheel-other-tag", "56", _line("Tag", "Tag: py39-none-any\n"), _STRICT),
    _wheel("wheel-without-tag", "57", _line("Tag", ""), _STRICT),
    _wheel("wheel-junk-tag", "57", _line("Tag", "Tag: py3\n"), _STRICT),
    _wheel("wheel-not-utf8", "58", lambda content: content + b"Generator: " + _NOT_UTF8 + b"\n"),
    _wheel("wheel-empty", "59", lambda _: b""),
    _wheel("wheel-purelib-maybe", "60", _line("Root-Is-Purelib", "Root-Is-Purelib: maybe\n")),
    Fault("metadata-missing", "61", archive=dropping("METADATA")),
    _metadata("metadata-other-name", "62", _line("Name", "Name: wheeltag-other\n")),
    _metadata("metadata-other-version", "63", _line("Version", "Version: 9.9\n")),
    _metadata("metadata-without-name", "62", _line("Name", "")),
    _metadata("metadata-not-utf8", "64", lambda content: content + b"Summary: " + _NOT_UTF8 + b"\n"),
    _metadata("metadata-too-large", "65", lambda content: content + b"\n" + b"x" * _METADATA_BYTES),
    Fault("dist-info-twice", "66", files=_as_other_dist_info),
    Fault("dist-info-of-another", "67", files=_renamed_dist_info),
    Fault("dist-info-is-a-file", "68", archive=_dist_info_as_file),
    Fault("dist-info-shouted", "99", _BOUNDED, archive=_shouted_dist_info),
)


def _data(name: str, row: str, path: str, content: bytes = ESCAPED) -> Fault:
    return Fault(name, row, files=adding({"{data}/" + path: content}))


def _entry_points(name: str, row: str, content: bytes) -> Fault:
    return Fault(name, row, files=adding({"{info}/entry_points.txt": content}))


def _script(name: str, row: str, line: str) -> Fault:
    return _entry_points(name, row, f"[console_scripts]\n{line}\n".encode())


def _signed(archive: Archive) -> Archive:
    # RECORD does not list its signatures (PEP 427), so this is no file without a row.
    folder = dist_info_of({member.name: None for member in archive.members})
    return archive.with_members(Member.of(f"{folder}/RECORD.jws", b"{}"))


def _many_files(archive: Archive) -> Archive:
    # More than fit into an archive without zip64.
    return archive.with_members(*(Member.of(f"swarm/{number}", b"") for number in range(_SWARM)))


INSTALLED_FAULTS = (
    _data("data-unknown-scheme", "69", "wheeltag/x"),
    _data("data-climbs", "70", "purelib/../../../../wheeltag-escape"),
    _data("data-climbs-data", "72", "data/../../wheeltag-escape"),
    _data("data-scripts-python", "71", "scripts/python"),
    _data("data-pyvenv-cfg", "73", "data/pyvenv.cfg"),
    _data("data-bin-python3", "74", "data/bin/python3"),
    _data("data-other-dist-info", "75", "purelib/wheeltag_other-9.dist-info/RECORD", b""),
    Fault(
        "data-odd-script",
        "76",
        _ACCEPTED,
        files=adding({"{data}/scripts/wheeltag-odd": b"#!python -c\xff\n\0binary"}),
    ),
    Fault("content-pth", "77", _ACCEPTED, files=adding({"wheeltag_path.pth": b"wheeltag_sub\n"})),
    Fault("content-installer", "99", _WARNED, files=adding({"{info}/INSTALLER": b"wheeltag-shipped\n"})),
    Fault("content-requested", "99", _WARNED, files=adding({"{info}/REQUESTED": b""})),
    Fault("content-direct-url", "99", _WARNED, files=adding({"{info}/direct_url.json": b"{}"})),
    Fault("content-jws", "99", _ACCEPTED, archive=_signed),
    Fault("content-bytecode", "99", _BOUNDED, files=adding({"__pycache__/foo.cpython-311.pyc": b"\0" * 16})),
    Fault("content-many-files", "99", _BOUNDED, archive=_many_files),
    _script("script-climbs", "78", "../wheeltag-escape = foo:main"),
    _script("script-absolute", "79", "/wheeltag-escape = foo:main"),
    _script("script-python", "80", "Python = foo:main"),
    _script("script-python-versioned", "80", "python3.11 = foo:main"),
    _script("script-statement", "81", "wheeltag-run = bad:x;import os"),
    _script("script-call", "82", "wheeltag-run = bad:x(...)"),
    _script("script-without-callable", "83", "wheeltag-run = foo"),
    _entry_points("script-not-utf8", "84", b"[console_scripts]\n" + _NOT_UTF8 + b" = foo:main\n"),
    _entry_points("script-without-section", "85", b"wheeltag-run = foo:main\n"),
    _script("script-twice", "86", "wheeltag-run = foo:main\nwheeltag-run = foo:other"),
    _script("script-backslash", "87", "..\\wheeltag-escape = foo:main"),
    _script("script-hidden", "78", ".wheeltag = foo:main"),
    _script("script-dashed", "78", "-wheeltag = foo:main"),
)


def _named(name: str, row: str, edit: Callable[[str], str]) -> Fault:
    return Fault(name, row, filename=edit)


def _part(place: int, text: str) -> Callable[[str], str]:
    def edit(filename: str) -> str:
        parts = filename.removesuffix(".whl").split("-")
        parts[place] = text
        return "-".join(parts) + ".whl"

    return edit


NAME_FAULTS = (
    _named("name-two-parts", "88", lambda name: "-".join(name.split("-")[:2]) + ".whl"),
    _named("name-three-parts", "89", lambda name: "-".join(name.split("-")[:3]) + ".whl"),
    _named("name-variant", "90", lambda name: name.replace("-py3", "-x86_64_v3-py3", 1)),
    _named("name-bad-version", "91", _part(1, "one")),
    _named("name-empty", "92", _part(0, "")),
    _named("name-empty-tag", "93", _part(-1, "")),
    _named("name-shouted-suffix", "94", lambda name: name.removesuffix(".whl") + ".WHL"),
    _named("name-bad-character", "95", _part(0, "b@d")),
    _named("name-unknown-tag", "96", _part(-3, "zz99")),
    _named("name-extra-dash", "97", _part(-3, "py2.py3-")),
    _named("name-other-distribution", "67", _part(0, "wheeltag_other")),
    _named("name-other-version", "67", _part(1, "9.9")),
)
CONTENT_FAULTS = RECORD_FAULTS + METADATA_FAULTS + INSTALLED_FAULTS + NAME_FAULTS
