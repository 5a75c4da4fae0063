import time

import pytest
from hypothesis import example, given
from hypothesis.strategies import binary, from_regex, one_of, text

from pytest_wheeltag.core.distinfo import (
    DistInfoError,
    EntryKind,
    headers,
    is_same_version,
    parse_library_entry,
    parse_metadata,
    parse_wheel_file,
    read_version,
)

GOOD = b"Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\n"


@pytest.mark.parametrize(
    ("filename", "kind", "name", "version"),
    [
        ("foo_bar-1.0.dist-info", EntryKind.DIST_INFO, "foo_bar", "1.0"),
        ("Foo-1.0.DIST-INFO", EntryKind.DIST_INFO, "Foo", "1.0"),
        ("foo-bar-1.0.dist-info", EntryKind.DIST_INFO, "foo-bar", "1.0"),
        ("foo-1.0-1.dist-info", EntryKind.DIST_INFO, "foo", "1.0-1"),
        ("foo-not-a-version.dist-info", EntryKind.DIST_INFO, "foo", "not-a-version"),
        ("foo.dist-info", EntryKind.DIST_INFO, "foo", ""),
        (".dist-info", EntryKind.DIST_INFO, ".dist-info", ""),
        ("~ad-1.0.dist-info", EntryKind.DIST_INFO, "~ad", "1.0"),
        ("-ad-1.0.dist-info", EntryKind.DIST_INFO, "-ad", "1.0"),
        ("foo-1.0-py3.11.egg-info", EntryKind.EGG_INFO, "foo", "1.0"),
        ("foo.egg-info", EntryKind.EGG_INFO, "foo", ""),
        ("foo-1.0-py3.11-linux-x86_64.egg", EntryKind.EGG, "foo", "1.0"),
        ("foo-bar.egg-link", EntryKind.EGG_LINK, "foo-bar", ""),
    ],
)
def test_an_entry_names_its_distribution(filename: str, kind: EntryKind, name: str, version: str) -> None:
    entry = parse_library_entry(filename)
    assert entry is not None
    assert (entry.kind, entry.name, entry.version) == (kind, name, version)


@pytest.mark.parametrize("filename", ["foo", "foo.py", "dist-info", "foo.dist-info.bak", ""])
def test_other_entries_describe_no_distribution(filename: str) -> None:
    assert parse_library_entry(filename) is None


@given(text())
def test_any_file_name_is_an_entry_or_none(filename: str) -> None:
    entry = parse_library_entry(f"{filename}.dist-info")
    assert entry is not None
    assert entry.key.isprintable()
    assert entry.key


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("1.0", "1.0.0", True),
        ("1.0_1", "1.0.post1", True),
        ("1.0+abc_d", "1.0+abc.d", True),
        ("1.0", "1.1", False),
        ("junk", "junk", True),
        ("junk", "1.0", False),
        ("9" * 5000, "1.0", False),
    ],
)
def test_versions_are_compared_by_pep_440(one: str, other: str, is_same: bool) -> None:
    assert is_same_version(one, other) is is_same


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"Name: ", b"name :"),
        b"Name:\n  Foo.Bar\nVersion: 1.0\n",
        b"Name: Foo.Bar\nName: Foo.Bar\nVersion: 1.0",
        GOOD + b"\nName: other\nVersion: 2.0\n",
        b"Summary: x\n Name: folded\n" + GOOD,
        GOOD + b"\r\nName: other\n",
    ],
)
def test_metadata_is_read_up_to_its_first_blank_line(data: bytes) -> None:
    metadata = parse_metadata(data)
    assert (metadata.name, metadata.version, metadata.findings) == ("Foo.Bar", "1.0", ())


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "expected one Name, found none"),
        (b"\nName: foo\nVersion: 1.0\n", "expected one Name, found none"),
        (b"Name: foo\n", "expected one Version, found none"),
        (b"Name:\nVersion: 1.0\n", "expected one Name, found none"),
        (b"Name: foo\nName: bar\nVersion: 1.0\n", "expected one Name, found `foo` and `bar`"),
        (b"Name: f\xff\n", "expected UTF-8, found another byte at offset 7"),
        (b"Name: foo bar\nVersion: 1.0\n", "expected the name of a distribution, found `foo bar`"),
        (b"Name: \x1b[2J\nVersion: 1.0\n", r"expected the name of a distribution, found `\x1b[2J`"),
        (b"Name: foo\nVersion: 1.0-junk\n", "expected a version (PEP 440), found `1.0-junk`"),
        (b"Name: foo\nVersion: " + b"9" * 5000, "expected a version (PEP 440), found"),
    ],
)
def test_metadata_that_names_no_distribution_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(DistInfoError) as caught:
        parse_metadata(data)
    assert str(caught.value).startswith("METADATA cannot be used, " + problem)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "requirement",
    [
        "foo",
        "foo >=1.0,<2",
        "foo (>=1.0)",
        "foo[bar, baz]~=1.0; python_version < '3.9' and extra == 'x'",
        "foo==1.*",
        "foo @ https://host.example/foo.whl",
    ],
)
def test_requirements_are_no_finding(requirement: str) -> None:
    assert parse_metadata(GOOD + f"Requires-Dist: {requirement}\n".encode()).findings == ()


@pytest.mark.parametrize(
    "requirement",
    [
        "foo bar",
        "foo >=x",
        "foo; junk",
        "foo; extra == " + "(" * 1900,
        "foo" + " " * 1900 + "!",
        "foo[" + " " * 1900,
        "x" * 100_000,
        "",
    ],
)
def test_a_requirement_that_is_none_is_a_finding(requirement: str) -> None:
    start = time.perf_counter()
    (finding,) = parse_metadata(GOOD + f"Requires-Dist: {requirement}\n".encode()).findings
    assert finding.startswith("expected a requirement (PEP 508) in each Requires-Dist of METADATA, found `")
    assert len(finding) < 300
    assert time.perf_counter() - start < 1


def test_too_many_requirements_are_a_finding() -> None:
    (finding,) = parse_metadata(GOOD + b"Requires-Dist: foo>=1.0\n" * 200_000).findings
    assert finding == "expected at most 1000000 characters of Requires-Dist in METADATA, found 1600000"


def test_a_wheel_file_gives_tags_and_build() -> None:
    wheel = parse_wheel_file(
        b"Wheel-Version: 1.0\r\nTag: py2-none-any\r\nBuild: 1abc\r\nTag: py3-none-any\r\n"
    )
    assert wheel.tags == ("py2-none-any", "py3-none-any")
    assert wheel.build == "1abc"
    assert wheel.findings == ()


def test_invalid_lines_beside_a_valid_tag_are_findings() -> None:
    parts = ".".join(f"a{number}" for number in range(1000))
    wheel = parse_wheel_file(f"Tag: py3-none-any\nTag: {parts}-{parts}-{parts}\nBuild: x1\n".encode())
    assert wheel.tags == ("py3-none-any",)
    assert wheel.build is None
    assert [finding.partition(",")[0] for finding in wheel.findings] == [
        "expected a tag in each Tag line of WHEEL",
        "expected a build tag that starts with a digit in WHEEL",
    ]


EXPANDS_TO_A_BILLION = "-".join(".".join(f"a{number}" for number in range(1000)) for _ in range(3))
EXPANDS_TO_8000 = "-".join(".".join(f"a{number}" for number in range(20)) for _ in range(3))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "expected a valid Tag, found none"),
        (b"Tag: " + b"a.a-" * (1 << 21), "expected a valid Tag, found `a.a-a.a-"),
        (b"Tag:\n", "expected a valid Tag, found ``"),
        (b"Tag: py3-none\n", "expected a valid Tag, found `py3-none`"),
        (b"Tag: py3-none-a ny\n", "expected a valid Tag, found `py3-none-a ny`"),
        (b"Tag: py3-none-\x1b[1m\n", r"expected a valid Tag, found `py3-none-\x1b[1m`"),
        (b"Tag: \xff\n", "expected UTF-8, found another byte at offset 5"),
        (b"Tag: py3-none-any\n" * 100_000, "expected at most 10000 Tag lines, found 100000"),
        (f"Tag: {EXPANDS_TO_A_BILLION}\n".encode(), "expected a valid Tag, found `a0.a1."),
        (
            "".join(f"Tag: {EXPANDS_TO_8000}{number}\n" for number in range(9_999)).encode(),
            "expected at most 10000 tags, found 79992000",
        ),
        (
            f"Tag: {EXPANDS_TO_8000}\nTag: {EXPANDS_TO_8000}.b\n".encode(),
            "expected at most 10000 tags, found 16400",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_wheel_file_without_a_usable_tag_is_refused(data: bytes, problem: str) -> None:
    start = time.perf_counter()
    with pytest.raises(DistInfoError) as caught:
        parse_wheel_file(data)
    assert str(caught.value).startswith("WHEEL cannot be used, " + problem)
    assert str(caught.value).isprintable()
    assert time.perf_counter() - start < 1


def test_headers_end_at_the_first_blank_line_and_are_unfolded() -> None:
    assert headers("A: 1\na : 2\r\n 3\nAB: 4\n\r\nA: 5\n", "A") == ("1", "2 3")
    assert headers("\nA: 1\n", "A") == ()


def test_an_empty_tag_line_beside_a_tag_is_a_finding() -> None:
    (finding,) = parse_wheel_file(b"Tag:\nTag: py3-none-any\n").findings
    assert finding == "expected a tag in each Tag line of WHEEL, found ``"


def test_the_version_of_an_egg_is_read() -> None:
    assert read_version(GOOD) == "1.0"
    with pytest.raises(DistInfoError, match="PKG-INFO cannot be used"):
        read_version(b"")


LINES = from_regex(
    rb"((Name|Version|Tag|Build|Requires-Dist|[ \t])[ \t]?:?[ -~\x80-\xff]{0,40}\r?\n?){0,12}", fullmatch=True
)


@given(one_of(binary(), LINES))
@example(GOOD + b"Requires-Dist: foo; " + b"(" * 1000)
def test_whatever_metadata_holds_it_is_parsed_or_refused_in_one_printable_line(data: bytes) -> None:
    try:
        shown = "".join(parse_metadata(data).findings)
    except DistInfoError as error:
        shown = str(error)
    assert shown.isprintable()


@given(one_of(binary(), LINES))
@example(b"Tag: py3-none-any\nBuild: " + b"9" * 5000)
def test_whatever_wheel_holds_it_is_parsed_or_refused_in_one_printable_line(data: bytes) -> None:
    try:
        wheel = parse_wheel_file(data)
        shown = "".join((*wheel.tags, wheel.build or "", *wheel.findings))
    except DistInfoError as error:
        shown = str(error)
    assert shown.isprintable()
