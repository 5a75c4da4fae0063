import json

import pytest
from hypothesis import given
from hypothesis.strategies import binary, booleans, dictionaries, lists, none, recursive, sampled_from, text

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.origin import is_wheel_installer, parse_direct_url, parse_installer

GIT = {"vcs": "git", "commit_id": "abc123"}


@pytest.mark.parametrize(
    ("installer", "is_known"),
    [
        ("pip", True),
        ("uv", True),
        ("Poetry 1.8.3", True),
        ("pdm", True),
        ("pytest-wheeltag", True),
        ("conda", False),
        ("rpm", False),
        ("pipx", False),
        ("", False),
    ],
)
def test_installers_that_put_wheels_of_an_index_in_place(installer: str, is_known: bool) -> None:
    assert is_wheel_installer(installer) is is_known


@pytest.mark.parametrize(
    ("data", "installer"), [(b"pip\n", "pip"), (b"\n uv \r\nmore", "uv"), (b"", ""), (b" \n", "")]
)
def test_the_first_line_of_installer_counts(data: bytes, installer: str) -> None:
    assert parse_installer(data) == installer


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"url": "https://host.example/f.whl", "archive_info": {}}, "https://host.example/f.whl"),
        (
            {"url": "https://me:s3cret@host.example:8443/f.whl?token=s3cret#s3cret", "archive_info": {}},
            "https://host.example:8443/f.whl",
        ),
        ({"url": "file:///src/foo", "dir_info": {"editable": True}}, "file:///src/foo (editable)"),
        ({"url": "file:///src/foo", "dir_info": {"editable": "s3cret"}}, "file:///src/foo"),
        (
            {"url": "https://s3cret@host.example/foo", "vcs_info": GIT},
            "git+https://host.example/foo@abc123",
        ),
        ({"url": "git@host.example:a/foo.git", "vcs_info": GIT}, "git+ssh://host.example/a/foo.git@abc123"),
        (
            {"url": "https://${USER}:${TOKEN}@host.example/f.whl", "archive_info": {}},
            "https://host.example/f.whl",
        ),
    ],
)
def test_a_direct_url_is_shown_without_credentials(values: object, shown: str) -> None:
    """PEP 610: user and password may be there although they should not."""
    assert parse_direct_url(json.dumps(values).encode()) == shown


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "expected JSON, found something else at offset 0"),
        (b"\xff", "expected UTF-8, found another byte at offset 0"),
        (b"[]", "expected an object, found a value of the type `list`"),
        (b"[" * 200_000, "expected an object, found one nested too deep"),
        (b'{"a":' * 190_000, "expected an object, found one nested too deep"),
        (b"9" * 5000, "expected JSON, found a number that is too long"),
        (b"{}", "expected one of vcs_info, archive_info, dir_info, found none"),
        (b'{"url": "https://h/", "dir_info": [], "x": 1}', "expected one of vcs_info"),
        (
            b'{"url": "https://h/", "dir_info": {}, "archive_info": {}}',
            "expected one of vcs_info, archive_info, dir_info, found archive_info, dir_info",
        ),
        (b'{"url": "https://h/", "vcs_info": {"vcs": 1}}', "expected vcs and commit_id as texts"),
        (b'{"url": 1, "dir_info": {}}', "expected a URL, found none"),
        (b'{"url": "s3cret@nowhere", "dir_info": {}}', "expected a URL, found none"),
        (b'{"url": "https://[s3cret", "dir_info": {}}', "expected a URL, found none"),
        (b'{"url": "https://me:s3/cret@host/", "dir_info": {}}', "expected a URL, found none"),
        (b'{"url": "https:///me:s3cret@host/", "dir_info": {}}', "expected a URL, found none"),
        (b'{"url": "https:\\\\\\\\me:s3cret@host/", "dir_info": {}}', "expected a URL, found none"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_junk_is_refused_and_no_secret_of_it_shown(data: bytes, problem: str) -> None:
    with pytest.raises(DistInfoError) as caught:
        parse_direct_url(data)
    assert str(caught.value).startswith("direct_url.json cannot be used, " + problem)
    assert "cret" not in str(caught.value)


JSON = recursive(
    none() | booleans() | text(),
    lambda values: (
        lists(values)
        | dictionaries(
            sampled_from(["url", "vcs_info", "archive_info", "dir_info", "vcs", "commit_id"]), values
        )
    ),
)


@given(JSON)
def test_any_json_is_parsed_or_refused(values: object) -> None:
    _parse(json.dumps(values).encode())


@given(binary())
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    _parse(data)


def _parse(data: bytes) -> None:
    try:
        assert "://" in parse_direct_url(data)
    except DistInfoError as error:
        assert str(error).startswith("direct_url.json cannot be used, ")  # noqa: PT017 - either way is right
