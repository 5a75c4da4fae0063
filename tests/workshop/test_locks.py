import pytest

from pytest_wheeltag.core.lockfile import read_lock
from pytest_wheeltag.workshop.locks import Pin, render_lock

DIGEST = "ab" * 32


def test_a_lock_lists_each_release_once_with_its_files() -> None:
    text = render_lock(
        [
            Pin("foo-1.0.tar.gz", "http://127.0.0.1:1/foo-1.0.tar.gz", DIGEST, is_wheel=False),
            Pin("foo-1.0-py3-none-any.whl", "http://127.0.0.1:1/a", DIGEST, is_wheel=True),
            Pin("bar-2-py3-none-any.whl", "http://127.0.0.1:1/b", DIGEST, is_wheel=True),
            Pin("foo-1.0-py311-none-any.whl", "http://127.0.0.1:1/c", DIGEST, is_wheel=True),
        ]
    )

    bar, foo = read_lock(text.encode(), "pylock.toml", "file:///").pylock.packages

    assert (bar.name, bar.sdist) == ("bar", None)
    assert (foo.name, str(foo.version)) == ("foo", "1.0")
    assert [each.name for each in foo.wheels or ()] == [
        "foo-1.0-py3-none-any.whl",
        "foo-1.0-py311-none-any.whl",
    ]
    assert foo.sdist is not None
    assert foo.sdist.hashes == {"sha256": DIGEST}


def test_a_file_that_names_no_release_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"(?i)invalid wheel filename"):
        render_lock([Pin("foo.whl", "", DIGEST, is_wheel=True)])
