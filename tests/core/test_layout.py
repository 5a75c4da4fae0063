import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.distinfo import DistInfoError
from pytest_wheeltag.core.layout import Layout, Scheme, describe_forbidden, parse_layout

FOO, ONE = canonicalize_name("foo"), Version("1.0")


def test_layout_places() -> None:
    layout = Layout("foo-1.0.dist-info", frozenset({"foo-1.0.data"}))
    assert layout.place("foo/x.py", Scheme.PLATLIB) == (Scheme.PLATLIB, "foo/x.py")
    assert layout.place("foo-1.0.data/scripts/a/b", Scheme.PURELIB) == (Scheme.SCRIPTS, "a/b")
    for path in ("foo-1.0.data/x", "foo-1.0.data/Scripts/x", "foo-1.0.data"):
        with pytest.raises(DistInfoError, match=r"purelib, platlib, headers, scripts, data"):
            layout.place(path, Scheme.PURELIB)


@pytest.mark.parametrize("info", ["foo-1.0", "Foo-1.0", "foo-1.0.0", "FOO-1"])
def test_layout_however_it_is_spelt(info: str) -> None:
    layout = parse_layout([f"{info}.dist-info/RECORD", f"{info}.data/scripts/x"], [], FOO, ONE)
    assert layout == Layout(f"{info}.dist-info", frozenset({f"{info}.data"}))


@pytest.mark.parametrize(
    "files",
    [
        [],
        ["foo/x.py"],
        ["bar-1.0.dist-info/RECORD"],
        ["foo-2.0.dist-info/RECORD"],
        ["foo.dist-info/RECORD"],
        ["foo-1.0.dist-info"],
        ["foo-1.0.DIST-INFO/RECORD"],
        ["foo-1.0.dist-info/RECORD", "Foo-1.0.dist-info/x"],
        ["foo-1.0.dist-info/RECORD", "bar-1.0.data/scripts/x"],
        ["foo-1.0.dist-info/RECORD", "foo-1.0.Data/scripts/x"],
    ],
)
def test_layouts_that_are_refused(files: list[str]) -> None:
    with pytest.raises(DistInfoError):
        parse_layout(files, [], FOO, ONE)


@pytest.mark.parametrize(
    "relative", ["share/python", "lib/python3.11/x.py", "bin/tool", "lib/x.dist-info/y", "etc/pyvenv.cfg"]
)
def test_data_that_harm_nothing(relative: str) -> None:
    assert describe_forbidden(Scheme.DATA, relative) is None
