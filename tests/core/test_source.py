from dataclasses import replace

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import PublishedFile
from pytest_wheeltag.core.references import Reference, ReferenceKind
from pytest_wheeltag.core.requirements import UnnamedDemand, parse_request
from pytest_wheeltag.core.source import Material, RequestedSettings, Source

FOO, BAR = canonicalize_name("foo"), canonicalize_name("bar")
ARCHIVE = Reference("https://files.example/foo-1.0.tar.gz", ReferenceKind.ARCHIVE, subdirectory="inner")
TREE = Reference("file:///src/foo", ReferenceKind.TREE, is_editable=True)
SETTINGS = (("a", "1"), ("a", "2"))


@pytest.mark.parametrize(
    ("reference", "is_tree", "is_editable", "subdirectory"),
    [(None, False, False, ""), (ARCHIVE, False, False, "inner"), (TREE, True, True, "")],
    ids=["index", "archive", "tree"],
)
def test_a_material_is_what_its_reference_says(
    reference: Reference | None, is_tree: bool, is_editable: bool, subdirectory: str
) -> None:
    material = Material(PublishedFile("foo-1.0.tar.gz", "https://files.example/foo-1.0.tar.gz"), reference)

    assert (material.is_tree, material.is_editable) == (is_tree, is_editable)
    assert material.subdirectory == subdirectory


def test_a_source_has_the_file_of_its_material_and_a_title() -> None:
    source = Source(FOO, Version("1.0"), Material(ARCHIVE.file, ARCHIVE))

    assert source.file == ARCHIVE.file
    assert source.title == "foo 1.0"


def test_settings_are_found_by_name_and_by_address_and_dependencies_get_none() -> None:
    (named,) = parse_request(["foo"]).requirements
    named_too = UnnamedDemand(TREE, "the test", config_settings=(("b", "1"),))
    requested = RequestedSettings.of([replace(named, config_settings=SETTINGS), named_too])

    assert requested.find(FOO, None) == SETTINGS
    assert requested.find(None, TREE) == (("b", "1"),)
    assert requested.find(FOO, TREE) == (("b", "1"),)
    assert requested.find(FOO, ARCHIVE) == SETTINGS
    assert requested.find(BAR, None) == requested.find(None, None) == requested.find(None, ARCHIVE) == ()
