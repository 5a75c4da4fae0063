import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.entrypoints import EntryPoint
from pytest_wheeltag.core.manifest import (
    ManifestError,
    UnpackedFile,
    UnpackedWheel,
    parse_manifest,
    render_manifest,
    stamp,
)

FILE = UnpackedFile("foo/__init__.py", 3, 315_619_200_000_000_000, 0o444, "abc")
WHEEL = UnpackedWheel(
    "foo-1.0-py3-none-any.whl",
    "0" * 64,
    "foo",
    "1.0",
    ("py3-none-any",),
    "foo-1.0.dist-info",
    is_purelib=True,
    files=(FILE,),
    data_folders=frozenset({"foo-1.0.data"}),
    entry_points=(EntryPoint("foo", "foo", "main", is_gui=True),),
    warnings=("über",),
)


def test_a_manifest_gives_back_the_wheel() -> None:
    assert parse_manifest(render_manifest(WHEEL)) == WHEEL
    assert render_manifest(WHEEL) == render_manifest(replace(WHEEL, data_folders=frozenset({"foo-1.0.data"})))


@given(st.data())
def test_a_manifest_with_any_other_byte_is_not_believed(data: st.DataObject) -> None:
    rendered = render_manifest(WHEEL)
    place = data.draw(st.integers(0, len(rendered) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != rendered[place]))
    with pytest.raises(ManifestError):
        parse_manifest(rendered[:place] + bytes([other]) + rendered[place + 1 :])


@given(st.integers(0, 500))
def test_a_manifest_cut_short_is_not_believed(size: int) -> None:
    rendered = render_manifest(WHEEL)
    with pytest.raises(ManifestError):
        parse_manifest(rendered[: min(size, len(rendered) - 1)])


def signed(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"null",
        b'{"schema":1}',
        b'{"schema":2}',
        b"\xff",
        b"not json",
        render_manifest(WHEEL).partition(b"\n")[2].replace(b'"schema":1', b'"schema":2'),
        render_manifest(WHEEL).partition(b"\n")[2].replace(b"foo/__init__.py", b"../__init__.py"),
        render_manifest(WHEEL).partition(b"\n")[2].replace(b"0" * 64, b"../../../../x"),
        render_manifest(WHEEL).partition(b"\n")[2].replace(b'"name"', b'"nome"'),
    ],
)
def test_another_content_with_the_right_digest_is_not_believed(body: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^expected a manifest as we write it, found"):
        parse_manifest(signed(body))


@given(st.binary())
def test_stamps_are_whole_seconds_that_zip_files_can_hold(content: bytes) -> None:
    """315619200 + the first 8 bytes of the digest mod 2^29, whole seconds: 1980 to 1997."""
    digest = hashlib.sha256(content).digest()
    seconds, rest = divmod(stamp(digest), 1_000_000_000)
    assert rest == 0
    assert seconds == 315_619_200 + int.from_bytes(digest[:8], "big") % 2**29
    assert 315_619_200 <= seconds < 852_490_112
