import base64
import hashlib
import io
import random
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_wheeltag.core.layout import Scheme
from pytest_wheeltag.core.wheel import WheelBounds, WheelPolicy
from pytest_wheeltag.errors import RefusedWheelError, WheelError
from pytest_wheeltag.system.archive import WheelArchive, open_wheel
from pytest_wheeltag.workshop.fault import (
    Expectation,
    Fault,
    adding,
    on_first_member,
    rewriting,
    with_members,
)
from pytest_wheeltag.workshop.faults import FAULTS
from pytest_wheeltag.workshop.wheels import Spelling, WheelSpec, pack_wheel, wheel_filename
from pytest_wheeltag.workshop.zips import FOLDER, STORED, Member

SPEC = WheelSpec("foo", "1.0")
RICH = WheelSpec(
    "foo",
    "1.0",
    files={"foo/__init__.py": "X = 1\n", "foo/data.bin": bytes(range(256)) * 9000},
    data={
        "scripts/foo-run": "#!python\n",
        "data/share/foo": "1",
        "headers/foo.h": "",
        "platlib/foo_c.so": "C",
    },
    entry_points={"console_scripts": {"foo": "foo:main"}},
)
STRICT = WheelPolicy(strict=True)
WINDOWS = WheelPolicy(windows=True)
FOLDED = WheelPolicy(folds_case=True)
# What only shows once contents are hashed, and what is a matter of the interpreter: rows 42 and 96.
SEEN_ELSEWHERE = {"record-other-hash", "name-unknown-tag"}
ROWS = {f"{fault.row}-{name}": fault for name, fault in FAULTS.items() if name not in SEEN_ELSEWHERE}
REFUSING = {Expectation.STRICT: STRICT, Expectation.WINDOWS: WINDOWS, Expectation.FOLDED: FOLDED}
# Nothing but a bound could refuse these: here the bounds do, or leave them alone.
UNBOUNDED = {"content-bytecode", "content-many-files"}


def expecting(expectation: Expectation) -> dict[str, Fault]:
    return {name: fault for name, fault in ROWS.items() if fault.expectation is expectation}


def open_bytes(
    content: bytes, filename: str = SPEC.filename, policy: WheelPolicy | None = None
) -> WheelArchive:
    return open_wheel(io.BytesIO(content), filename, policy)


def open_faulty(fault: Fault, policy: WheelPolicy | None = None, spec: WheelSpec = SPEC) -> WheelArchive:
    return open_bytes(pack_wheel(spec, [fault]), wheel_filename(spec, [fault]), policy)


def read_all(archive: WheelArchive) -> dict[str, bytes]:
    return {each.path: b"".join(archive.read(each)) for each in archive.contents.entries}


def refusal_of(fault: Fault, policy: WheelPolicy | None = None) -> RefusedWheelError:
    with pytest.raises(RefusedWheelError) as caught:
        read_all(open_faulty(fault, policy))
    return caught.value


@pytest.mark.parametrize("fault", expecting(Expectation.REFUSED).values(), ids=expecting(Expectation.REFUSED))
def test_refused_in_one_line_that_says_what_where_and_what_to_do(fault: Fault) -> None:
    error = refusal_of(fault)
    assert str(error).isprintable()
    assert error.filename == wheel_filename(SPEC, [fault])
    assert error.where
    assert error.problem.startswith("expected ")
    assert error.remedy


@pytest.mark.parametrize("name", [name for name in ROWS if name.partition("-")[0] not in {"26", "36"}])
def test_what_can_be_known_without_unpacking_is_refused_before(name: str) -> None:
    if ROWS[name].expectation is Expectation.REFUSED:
        with pytest.raises(RefusedWheelError):
            open_faulty(ROWS[name])
    elif ROWS[name].expectation is not Expectation.BOUNDED:
        assert open_faulty(ROWS[name]).contents.entries


CONDITIONAL = {name: fault for condition in REFUSING for name, fault in expecting(condition).items()}


@pytest.mark.parametrize("fault", CONDITIONAL.values(), ids=CONDITIONAL)
def test_warned_about_and_refused_where_asked_for(fault: Fault) -> None:
    contents = open_faulty(fault).contents
    assert contents.warnings
    assert bool(contents.doubts) == (fault.expectation is Expectation.STRICT)
    assert set(contents.doubts) <= set(contents.warnings)
    assert refusal_of(fault, REFUSING[fault.expectation]).problem in contents.warnings[0]


@pytest.mark.parametrize("fault", expecting(Expectation.WARNED).values(), ids=expecting(Expectation.WARNED))
def test_only_warned_about(fault: Fault) -> None:
    contents = open_faulty(fault, STRICT).contents
    assert contents.warnings
    assert contents.doubts == ()
    assert all(
        line.startswith(f"{SPEC.filename}: expected ") and line.isprintable() for line in contents.warnings
    )


@pytest.mark.parametrize(
    "fault", expecting(Expectation.ACCEPTED).values(), ids=expecting(Expectation.ACCEPTED)
)
def test_accepted_even_where_strict(fault: Fault) -> None:
    archive = open_faulty(fault, STRICT)
    assert "foo/__init__.py" in read_all(archive)
    assert archive.contents.doubts == ()


@pytest.mark.parametrize("fault", expecting(Expectation.BOUNDED).values(), ids=expecting(Expectation.BOUNDED))
def test_left_to_bounds(fault: Fault) -> None:
    if fault.name in UNBOUNDED:
        assert open_faulty(fault).contents.entries
    else:
        refusal_of(fault)


def test_row_42_another_hash_is_told_by_the_row() -> None:
    archive = open_faulty(FAULTS["record-other-hash"], STRICT)
    for path, content in read_all(archive).items():
        row = archive.contents.row_by_path[path]
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        is_first = path == "foo/__init__.py"
        assert (row.describe_mismatch(digest, len(content)) is not None) == is_first


def test_row_96_a_tag_that_no_python_has_is_for_the_ranking() -> None:
    assert "zz99" in open_faulty(FAULTS["name-unknown-tag"]).contents.doubts[0]


def test_contents() -> None:
    archive = open_bytes(pack_wheel(RICH), RICH.filename, STRICT)
    contents = archive.contents
    assert (contents.name.name, str(contents.name.version), contents.name.tags) == (
        "foo",
        "1.0",
        "py3-none-any",
    )
    assert contents.dist_info == "foo-1.0.dist-info"
    assert contents.facts.tags == ("py3-none-any",)
    assert contents.metadata.startswith(b"Metadata-Version")
    assert [point.name for point in contents.entry_points] == ["foo"]
    assert contents.warnings == contents.doubts == contents.pth_files == ()
    placed = {each.path: (each.scheme, each.relative) for each in contents.entries}
    assert placed["foo-1.0.data/scripts/foo-run"] == (Scheme.SCRIPTS, "foo-run")
    assert placed["foo-1.0.data/data/share/foo"] == (Scheme.DATA, "share/foo")
    assert placed["foo-1.0.data/headers/foo.h"] == (Scheme.HEADERS, "foo.h")
    assert placed["foo-1.0.data/platlib/foo_c.so"] == (Scheme.PLATLIB, "foo_c.so")
    assert placed["foo/data.bin"] == (Scheme.PURELIB, "foo/data.bin")
    assert [each.path for each in contents.entries if each.is_executable] == ["foo-1.0.data/scripts/foo-run"]
    assert [each.offset for each in contents.entries] == sorted(each.offset for each in contents.entries)
    assert {row.path for row in contents.rows} == set(placed)


def test_reads_what_zipfile_reads() -> None:
    content = pack_wheel(RICH)
    with zipfile.ZipFile(io.BytesIO(content)) as peer:
        expected = {name: peer.read(name) for name in peer.namelist()}
    archive = open_bytes(content, RICH.filename)
    assert read_all(archive) == expected
    assert archive.contents.unpacked_bytes == sum(map(len, expected.values()))


def test_reads_from_a_file_and_leaves_its_position_alone(tmp_path: Path) -> None:
    path = tmp_path / RICH.filename
    path.write_bytes(pack_wheel(RICH))
    with path.open("rb") as file:
        archive = open_wheel(file, path.name)
        assert read_all(archive)["foo/__init__.py"] == b"X = 1\n"


def test_a_root_that_is_no_purelib_goes_to_platlib() -> None:
    spec = replace(SPEC, tag="cp311-cp311-linux_x86_64")
    contents = open_bytes(pack_wheel(spec), spec.filename).contents
    assert {each.scheme for each in contents.entries} == {Scheme.PLATLIB}


@pytest.mark.parametrize("data", ["Foo.Bar", "foo-bar", "foo_bar", "FOO_BAR"])
@pytest.mark.parametrize("dist_info", ["foo_bar", "Foo.Bar", "foo-bar"])
def test_folders_count_however_they_are_spelt(data: str, dist_info: str) -> None:
    spec = WheelSpec(
        "foo-bar", "1.0", data={"scripts/run": "#!python\n"}, spelling=Spelling("Foo_Bar", dist_info, data)
    )
    contents = open_bytes(pack_wheel(spec), spec.filename, STRICT).contents
    assert contents.dist_info == f"{dist_info}-1.0.dist-info"
    assert [each.relative for each in contents.entries if each.is_script] == ["run"]


@pytest.mark.parametrize("version", ["1.0.0", "1"])
def test_versions_are_equal_by_pep_440(version: str) -> None:
    spec = replace(SPEC, version=version)
    assert open_bytes(pack_wheel(spec), SPEC.filename).contents.entries


@pytest.mark.parametrize("folder", ["other-1.0.data", "foo-2.0.data", "foo-1.0.DATA", "stuff.data"])
def test_other_data_folders_are_refused(folder: str) -> None:
    fault = Fault("", "", files=adding({f"{folder}/purelib/x.py": b""}))
    assert "expected the .data folder of foo 1.0" in refusal_of(fault).problem


@pytest.mark.parametrize(
    "path",
    [
        "scripts/PYTHON3.EXE",
        "scripts/pythonw.exe",
        "scripts/pypy3",
        "scripts/python/x",
        "data/Scripts/python.exe",
        "data/bin/python3.13t",
        "data/PyVenv.cfg.",
        "data/bin",
        "data/lib",
        "data/lib/python3.11/site-packages/other-1.0.dist-info/RECORD",
        "data/Lib/site-packages/foo-1.0.dist-info/RECORD",
        "platlib/foo-1.0.dist-info/METADATA",
        "purelib/Other-1.0.Dist-Info/x",
        "scripts",
    ],
)
def test_what_the_environment_needs_is_not_replaced(path: str) -> None:
    fault = Fault("", "", files=adding({"{data}/" + path: b""}))
    assert refusal_of(fault).where == f"entry `foo-1.0.data/{path}`"


@pytest.mark.parametrize(
    "path",
    ["{data}/scripts/ipython", "{data}/data/share/bin/python", "foo/_vendor/x-1.dist-info/RECORD", "python"],
)
def test_what_only_looks_like_it_is_accepted(path: str) -> None:
    assert open_faulty(Fault("", "", files=adding({path: b""})), STRICT).contents.warnings == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [("x.py", "{data}/purelib/x.py"), ("{data}/platlib/x", "{data}/purelib/x"), ("x", "{data}/platlib/x/y")],
)
def test_two_entries_for_one_place_are_refused(first: str, second: str) -> None:
    refusal_of(Fault("", "", files=adding({first: b"1", second: b"2"})))


def test_a_file_where_an_empty_folder_stands_is_refused() -> None:
    folder = Member.of("foo/__init__.py/", b"", method=STORED, mode=FOLDER)
    assert "both of one path" in refusal_of(Fault("", "", archive=with_members(folder))).problem


def test_a_folder_with_data_is_refused() -> None:
    folder = Member.of("foo/x/", b"data", method=STORED, mode=FOLDER)
    assert "without data" in refusal_of(Fault("", "", archive=with_members(folder))).problem


@pytest.mark.parametrize(
    ("name", "mode"), [("x/", 0o100644), ("x", FOLDER), ("x", 0o140644), ("x", 0o150000)]
)
def test_a_kind_that_is_not_that_of_the_name_is_refused(name: str, mode: int) -> None:
    member = Member.of(name, b"", method=STORED, mode=mode)
    assert refusal_of(Fault("", "", archive=with_members(member))).where == f"entry `{name}`"


def test_folders_are_named_in_no_entry() -> None:
    contents = open_faulty(FAULTS["odd-folder"]).contents
    assert not [each.path for each in contents.entries if each.path.endswith("/")]


@pytest.mark.parametrize("name", ["content-installer", "content-requested", "content-direct-url"])
def test_what_installers_write_is_left_out(name: str) -> None:
    contents = open_faulty(FAULTS[name]).contents
    assert {each.path.rpartition("/")[2] for each in contents.entries} == {
        "__init__.py",
        "METADATA",
        "WHEEL",
        "RECORD",
    }
    assert {row.path for row in contents.rows} == {each.path for each in contents.entries}


def test_rows_without_file_are_dropped() -> None:
    contents = open_faulty(FAULTS["record-of-no-file"]).contents
    assert "wheeltag_gone.py" not in contents.row_by_path


def test_only_executable_is_kept_of_modes() -> None:
    entries = {each.path: each for each in open_faulty(FAULTS["entry-setuid"]).contents.entries}
    assert entries["foo/__init__.py"].is_executable
    assert not entries["foo-1.0.dist-info/RECORD"].is_executable


@pytest.mark.parametrize("path", ["wheeltag.pth", "{data}/purelib/wheeltag.PTH"])
def test_path_files_are_listed_and_refused_on_request(path: str) -> None:
    fault = Fault("", "", files=adding({path: b"", "foo/inner.pth": b"", "{data}/scripts/a.pth": b""}))
    assert len(open_faulty(fault).contents.pth_files) == 1
    assert ".pth" in refusal_of(fault, WheelPolicy(refuse_pth=True)).problem


def test_scripts_that_launchers_replace_are_told() -> None:
    fault = Fault("", "", files=adding({"{data}/scripts/foo-script.py": b"", "{data}/scripts/bar": b""}))
    contents = open_faulty(
        fault, STRICT, replace(SPEC, entry_points={"console_scripts": {"foo": "foo:main"}})
    ).contents
    assert ["scripts/foo-script.py" in line for line in contents.warnings] == [True]


def test_commands_that_differ_in_letter_case_only() -> None:
    spec = replace(SPEC, entry_points={"console_scripts": {"foo": "foo:main", "Foo": "foo:main"}})
    content = pack_wheel(spec)
    assert open_bytes(content).contents.warnings
    with pytest.raises(RefusedWheelError, match="letter case"):
        open_bytes(content, policy=FOLDED)


def test_folders_fold_too() -> None:
    fault = Fault("", "", files=adding({"Foo/other.py": b""}))
    assert open_faulty(fault).contents.warnings
    assert "letter case" in refusal_of(fault, FOLDED).problem


def test_a_build_tag_is_compared() -> None:
    spec = replace(SPEC, build="1local")
    assert open_bytes(pack_wheel(spec), spec.filename, STRICT).contents.name.build == (1, "local")
    assert "build tag" in open_bytes(pack_wheel(spec), SPEC.filename).contents.doubts[0]


def test_a_requirement_that_cannot_be_read_is_a_warning() -> None:
    spec = replace(SPEC, requires=("junk ===== 1",))
    contents = open_bytes(pack_wheel(spec), policy=STRICT).contents
    assert "Requires-Dist" in contents.warnings[0]


def tight(**bounds: int) -> WheelPolicy:
    return WheelPolicy(bounds=WheelBounds(**bounds))


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (tight(max_unpacked_bytes=100), "100 bytes unpacked"),
        (tight(min_ratio_bytes=100, max_ratio=0), "0 times its size"),
        (tight(max_entries=3), "3 entries"),
        (tight(max_directory_bytes=50), "directory of at most 50"),
        (tight(max_metadata_bytes=10), "at most 10 bytes"),
        (tight(max_record_bytes=10), "at most 10 bytes"),
        (tight(max_record_rows=1), "at most 1 lines"),
        (tight(max_depth=1), "at most 1 components"),
        (tight(max_path_bytes=10), "at most 10 bytes"),
    ],
)
def test_bounds_are_settings(policy: WheelPolicy, problem: str) -> None:
    with pytest.raises(RefusedWheelError) as caught:
        open_bytes(pack_wheel(SPEC), policy=policy)
    assert problem in caught.value.problem
    assert caught.value.remedy


def test_commands_are_bounded() -> None:
    spec = replace(SPEC, entry_points={"console_scripts": {"foo": "foo:main"}})
    with pytest.raises(RefusedWheelError, match="at most 5 bytes"):
        open_bytes(pack_wheel(spec), policy=tight(max_entry_points_bytes=5))


def test_one_bomb_among_honest_files_is_refused() -> None:
    filler = adding({"random.bin": random.Random(1).randbytes(3 << 20)})  # noqa: S311 - bytes that do not pack
    fault = Fault("", "", files=filler, archive=FAULTS["entry-bomb"].archive)
    assert refusal_of(fault, tight(max_ratio=500)).where == "entry `wheeltag_bomb.bin`"


def test_many_small_bombs_are_refused_together() -> None:
    spec = replace(SPEC, files={f"foo/{number}": bytes(2000) for number in range(50)})
    with pytest.raises(RefusedWheelError) as caught:
        open_bytes(pack_wheel(spec), policy=tight(min_ratio_bytes=3000, max_ratio=5))
    assert caught.value.where == "the archive"


def test_the_name_of_a_wheel_is_escaped() -> None:
    error = refusal_of(Fault("", "", filename=lambda _: "foo\x1b[31m-1.0.whl"))
    assert error.filename == r"foo\x1b[31m-1.0.whl"
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("name-three-parts", "wrong number of parts"),
        ("name-bad-version", "invalid version"),
        ("name-empty", "invalid project name"),
        ("name-empty-tag", "invalid tag component"),
        ("name-shouted-suffix", "extension must be '.whl'"),
        ("name-variant", "a wheel variant"),
    ],
)
def test_the_wrong_part_of_a_name_is_told(name: str, part: str) -> None:
    assert part in refusal_of(FAULTS[name]).problem


def test_what_the_server_sent_is_told() -> None:
    assert "the server sent HTML" in str(refusal_of(FAULTS["archive-html"]))
    assert "expected a whole zip archive" in str(refusal_of(FAULTS["archive-truncated"]))
    assert "found an empty file" in str(refusal_of(FAULTS["archive-empty"]))
    assert "found something else" in str(refusal_of(Fault("", "", content=lambda _: b"\x89PNG")))


def test_the_byte_that_is_not_utf8_is_told() -> None:
    fault = Fault("", "", files=rewriting("METADATA", lambda text: text[:30] + b"\xff" + text[30:]))
    assert str(refusal_of(fault)).endswith(
        "found another byte at offset 30 in METADATA; take another file or tell its publisher"
    )


# Data that are not what was declared show while they are read.


def stream_error(edit: Callable[[Member], Member]) -> str:
    archive = open_faulty(Fault("", "", archive=on_first_member(edit)))
    with pytest.raises(RefusedWheelError) as caught:
        read_all(archive)
    assert caught.value.where == "entry `foo/__init__.py`"
    return caught.value.problem


def with_payload(change: Callable[[bytes], bytes]) -> Callable[[Member], Member]:
    def edit(member: Member) -> Member:
        payload = change(member.payload)
        return replace(member.restated(compressed_size=len(payload)), payload=payload)

    return edit


def declared(extra_bytes: int) -> Callable[[Member], Member]:
    def edit(member: Member) -> Member:
        assert member.central
        return member.restated(size=member.central.size + extra_bytes)

    return edit


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (with_payload(lambda payload: payload + b"more"), "nothing after the end"),
        (with_payload(lambda payload: payload[:-4]), "the end of the compressed data, found none"),
        (with_payload(lambda _: b""), "the end of the compressed data, found none"),
        (with_payload(lambda payload: b"\xff" + payload[1:]), "a mistake in them"),
        (declared(1), "as declared, found"),
        (declared(-1), "as declared, found more"),
        (lambda member: member.restated(crc=7), "with the CRC 00000007"),
    ],
)
def test_data_that_lie_are_refused_while_reading(edit: Callable[[Member], Member], problem: str) -> None:
    assert problem in stream_error(edit)


def test_a_lying_size_stops_reading_at_once() -> None:
    spec = replace(SPEC, files={"foo/zeros": bytes(40 << 20)})
    archive = open_faulty(
        Fault("", "", archive=on_first_member(lambda each: each.restated(size=3 << 20))), None, spec
    )
    pieces: list[int] = []
    with pytest.raises(RefusedWheelError, match="found more"):
        pieces.extend(len(piece) for piece in archive.read(archive.contents.entries[0]))
    assert sum(pieces) <= 3 << 20


def test_a_file_that_shrinks_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / RICH.filename
    path.write_bytes(pack_wheel(RICH))
    with path.open("rb") as file:
        archive = open_wheel(file, path.name)
        path.write_bytes(b"")
        with pytest.raises(RefusedWheelError, match="the end of the file"):
            read_all(archive)


# Whatever the bytes, nothing else is raised.


def mutated(content: bytes, source: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(source.choice((1, 1, 2, 5))):
        place = source.randrange(len(data))
        length = source.choice((0, 1, 1, 4))
        data[place : place + length] = source.choice(
            (b"\xff" * 4, b"\0" * 4, source.randbytes(1), b"", b"PK")
        )
    return bytes(data)


def count_refused(contents: Iterable[bytes]) -> int:
    problems = []
    for content in contents:
        try:
            read_all(open_bytes(content))
        except WheelError as error:
            problems.append(str(error))
    assert all(map(str.isprintable, problems))
    return len(problems)


@pytest.mark.parametrize("name", ["odd-descriptor", "odd-zip64", "odd-folder"])
def test_mutations_are_accepted_or_refused_and_nothing_else(name: str) -> None:
    source = random.Random(name)  # noqa: S311 - the same mutations every time
    content = pack_wheel(replace(SPEC, data={"scripts/x": "1"}), [FAULTS[name]])
    assert 100 < count_refused(mutated(content, source) for _ in range(400)) < 400


def test_every_cut_is_refused() -> None:
    content = pack_wheel(SPEC)
    assert count_refused(content[:size] for size in range(len(content))) == len(content)
