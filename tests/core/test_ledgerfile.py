import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_wheeltag.core.ledger import Ledger, LockFormat
from pytest_wheeltag.core.ledgerfile import find_format, read_ledger
from pytest_wheeltag.errors import LockError, UsageError

SHA = "ab" * 32
PYLOCK = f"""
lock-version = "1.0"
created-by = "hand"
packages = [{{ name = "foo", wheels = [
    {{ name = "foo-1.0-py3-none-any.whl", path = "w/foo-1.0-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }},
] }}]
"""
UV = f"""
version = 1
[[package]]
name = "foo"
version = "1.0"
source = {{ registry = "https://index.example/simple" }}
wheels = [{{ url = "https://files.example/foo-1.0-py3-none-any.whl", hash = "sha256:{SHA}" }}]
"""
POETRY = f"""
[[package]]
name = "foo"
version = "1.0"
files = [{{ file = "foo-1.0-py3-none-any.whl", hash = "sha256:{SHA}" }}]
[metadata]
lock-version = "2.1"
"""
PDM = f"""
[metadata]
lock_version = "4.5.0"
[[package]]
name = "foo"
version = "1.0"
files = [{{ file = "foo-1.0-py3-none-any.whl", hash = "sha256:{SHA}" }}]
"""
LOCKS = {
    "pylock.toml": PYLOCK,
    "pylock.dev.toml": PYLOCK,
    "uv.lock": UV,
    "poetry.lock": POETRY,
    "pdm.lock": PDM,
}


def read(text: str | bytes, filename: str) -> Ledger:
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return read_ledger(data, filename, f"sub/{filename}", "file:///work/sub/")


@pytest.mark.parametrize("filename", LOCKS)
def test_the_name_tells_the_format(filename: str) -> None:
    ledger = read(LOCKS[filename], filename)

    assert ledger.format == ("pylock.toml" if filename.startswith("pylock") else filename)
    assert ledger.origin == f"sub/{filename}"
    assert ledger.digest == hashlib.sha256(LOCKS[filename].encode()).hexdigest()
    (package,) = ledger.contents.packages
    (file,) = package.files
    assert (package.name, str(package.version)) == ("foo", "1.0")
    assert (file.filename, file.sha256) == ("foo-1.0-py3-none-any.whl", SHA)


@pytest.mark.parametrize(
    "filename", ["requirements.txt", "Uv.lock", "pylock.a.b.toml", "Pipfile.lock", "", "\x1b.lock"]
)
def test_no_other_name_is_a_locks(filename: str) -> None:
    assert find_format(filename) is None
    with pytest.raises(LockError) as caught:
        read(UV, filename)
    assert "expected a lock called `pylock.toml`, `pylock.NAME.toml`, `uv.lock`," in str(caught.value)
    assert caught.value.problem.isprintable()


def test_a_newer_minor_version_of_pylock_is_a_warning() -> None:
    ledger = read(PYLOCK.replace('"1.0"', '"1.9"', 1), "pylock.toml")

    assert ledger.contents.format_version == "1.9"
    assert len(ledger.contents.warnings) == 1


@pytest.mark.parametrize("filename", LOCKS)
@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"a = ",
        b"a = 1\na = 2",
        b"a = " + b"[" * 100_000,
        b".".join([b"a"] * 100_000),
        b"",
        b"[[package]]",
    ],
    ids=["not UTF-8", "not TOML", "twice", "deep", "long key", "empty", "cut"],
)
def test_hostile_bytes_are_refused_in_one_line(data: bytes, filename: str) -> None:
    if data == b"" and filename == "poetry.lock":
        # poetry's first format has no version: nothing in it is required.
        assert read(data, filename).contents.packages == ()
        return
    with pytest.raises(UsageError) as caught:
        read(data, filename)

    message = str(caught.value)
    assert message.startswith(f"sub/{filename}")
    assert message.isprintable()
    assert len(message) < 500


@pytest.mark.parametrize("filename", LOCKS)
@pytest.mark.parametrize("odd", ["\\u001b[31m", "\\u202e", "\\\\", "x" * 300])
def test_names_of_files_that_may_not_be_shown_are_refused(odd: str, filename: str) -> None:
    # The compressed set still holds a tag that every interpreter accepts.
    text = LOCKS[filename].replace("-any.whl", f"-any.{odd}.whl")
    with pytest.raises(UsageError) as caught:
        read(text, filename)

    message = str(caught.value)
    assert message.startswith(f"sub/{filename}")
    assert message.isprintable()
    assert len(message) < 500


def test_a_lock_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(LockError, match="expected at most 8388608 characters, found 8388609"):
        read(b"#" * ((8 << 20) + 1), "uv.lock")


# Values of any kind where any key of a format may stand.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 9)
    | st.sampled_from(["", "a", "1.0", "a-1.0-py3-none-any.whl"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["url", "hash", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)
KEYS = [
    "name",
    "version",
    "files",
    "wheels",
    "sdist",
    "source",
    "marker",
    "markers",
    "groups",
    "dependencies",
    "extras",
]


def to_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {to_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    # The text of other values is the same in JSON and in TOML.
    return "2020-01-01" if value is None else json.dumps(value)


@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES), st.sampled_from(["uv.lock", "poetry.lock", "pdm.lock"])
)
def test_values_of_any_kind_are_read_or_refused(values: dict[str, object], filename: str) -> None:
    header = "version = 1\n" if filename == "uv.lock" else ""
    entry = "".join(f"{key} = {to_toml(value)}\n" for key, value in values.items())
    metadata = "[metadata]\nlock-version = '2.1'\nlock_version = '4.5'\n"
    try:
        ledger = read(f"{header}[[package]]\n{entry}{metadata}", filename)
    except UsageError as error:
        assert str(error).startswith(f"sub/{filename} cannot be used, expected ")  # noqa: PT017 - either is right
        assert str(error).isprintable()  # noqa: PT017 - as above
    else:
        assert ledger.format is LockFormat(filename)
