import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_wheeltag.workshop import (
    IndexOptions,
    LocalIndex,
    Recipe,
    WheelMaker,
    write_file_index,
)
from pytest_wheeltag.workshop.negotiation import HTML, JSON_V1

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not installed here")


def install(target: Path, *arguments: str) -> None:
    """Let pip install into a folder, deaf to proxies and to the user's own settings."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    options = ("--isolated", "--no-cache-dir", "--disable-pip-version-check", "--no-compile", "--no-input")
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_pip_installs_from_json_with_metadata_and_credentials(tmp_path: Path) -> None:
    make = WheelMaker(tmp_path)
    options = IndexOptions(credentials=("user", "secret"), has_etags=True)
    with LocalIndex(options) as index:
        index.add(make("Foo.Bar", "1.0", requires=["baz>=2"]), metadata=True)
        index.add(make("foo-bar", "2.0"), yanked="broken")
        for version in ("1", "2", "3"):
            index.add(make("baz", version, requires_python=">=99" if version == "3" else ">=3.8"))
        install(tmp_path / "t", "--index-url", index.authenticated_url, "foo_bar")
        pages = [
            asked for asked in index.requests if asked.path == "/simple/foo-bar/" and asked.status == 200
        ]
        assert JSON_V1 in pages[0].headers["accept"]
        assert index.count("foo_bar-1.0-py3-none-any.whl.metadata") == 1
    found = {path.name for path in (tmp_path / "t").glob("*.dist-info")}
    assert found == {"foo_bar-1.0.dist-info", "baz-2.dist-info"}


def test_pip_takes_the_best_tag_from_html(tmp_path: Path) -> None:
    make, here = WheelMaker(tmp_path), "py{}{}".format(*sys.version_info)
    with LocalIndex(IndexOptions(formats=(HTML,), has_gzip=False)) as index:
        for tag in ("py3", here, "py30"):
            index.add(
                make("foo", tag=f"{tag}-none-any", entry_points={"console_scripts": {"foo": "foo:main"}})
            )
        install(tmp_path / "t", "--index-url", index.url, "foo")
    assert f"Tag: {here}-none-any\n" in (tmp_path / "t" / "foo-1.0.dist-info" / "WHEEL").read_text()


def test_pip_builds_an_sdist_without_network(tmp_path: Path) -> None:
    make = WheelMaker(tmp_path)
    with LocalIndex() as index:
        index.add(make("helper", "2.0"))
        recipe = Recipe(witnesses_interpreter=True, distributions=("helper",))
        index.add(make.sdist("foo", build_requires=["helper"], recipe=recipe))
        install(tmp_path / "t", "--index-url", index.url, "foo")
    built = (tmp_path / "t" / "foo" / "_built.py").read_text()
    assert "DISTRIBUTIONS = {'helper': '2.0'}" in built
    assert f"INTERPRETER = {sys.version.split()[0]!r}" in built


def test_pip_installs_from_an_index_in_files(tmp_path: Path) -> None:
    url = write_file_index(tmp_path / "index", [WheelMaker(tmp_path)("foo")])
    install(tmp_path / "t", "--index-url", url, "foo")
    assert (tmp_path / "t" / "foo" / "__init__.py").is_file()
