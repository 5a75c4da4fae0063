from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pytest_wheeltag.core.candidates import Candidate, Screen, screen_release
from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.hashes import Hashes
from pytest_wheeltag.core.interpreter import Interpreter
from pytest_wheeltag.core.locked import resolve_locked
from pytest_wheeltag.core.lockfile import read_lock, select_parts
from pytest_wheeltag.core.present import Present, PresentDistribution, Upgrade
from pytest_wheeltag.core.references import Reference
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.resolution import Artefact, Resolution
from pytest_wheeltag.core.source import Material, Source
from pytest_wheeltag.core.tags import PlatformFacts
from pytest_wheeltag.errors import ResolutionError, UsageError
from pytest_wheeltag.workshop.imagined import imagine_file, imagine_interpreter

CP311 = imagine_interpreter("3.11.7")
CP312 = imagine_interpreter("3.12.0")
WINDOWS = imagine_interpreter("3.12.0", PlatformFacts("Windows", "win-amd64", "AMD64"))
HEADER = 'lock-version = "1.0"\ncreated-by = "hand"\n'
FOLDER = "file:///work/"
SHA = "0" * 64

# The example of the specification, its address of files apart.
EXAMPLE = """\
lock-version = '1.0'
environments = ["sys_platform == 'win32'", "sys_platform == 'linux'"]
requires-python = '==3.12'
created-by = 'mousebender'

[[packages]]
name = 'attrs'
version = '25.1.0'
requires-python = '>=3.8'
wheels = [
  {name = 'attrs-25.1.0-py3-none-any.whl', upload-time = 2025-01-25T11:30:10.164985+00:00, url = 'https://files.example/packages/fc/30/attrs-25.1.0-py3-none-any.whl', size = 63152, hashes = {sha256 = 'c75a69e28a550a7e93789579c22aa26b0f5b83b75dc4e08fe092980051e1090a'}},
]
[[packages.attestation-identities]]
environment = 'release-pypi'
kind = 'GitHub'
repository = 'python-attrs/attrs'
workflow = 'pypi-package.yml'

[[packages]]
name = 'cattrs'
version = '24.1.2'
requires-python = '>=3.8'
dependencies = [
    {name = 'attrs'},
]
wheels = [
  {name = 'cattrs-24.1.2-py3-none-any.whl', upload-time = 2024-09-22T14:58:34.812643+00:00, url = 'https://files.example/packages/c8/d5/cattrs-24.1.2-py3-none-any.whl', size = 66446, hashes = {sha256 = '67c7495b760168d931a10233f979b28dc04daf853b30752246f4f8471c6d68d0'}},
]

[[packages]]
name = 'numpy'
version = '2.2.3'
requires-python = '>=3.10'
wheels = [
  {name = 'numpy-2.2.3-cp312-cp312-win_amd64.whl', upload-time = 2025-02-13T16:51:21.821880+00:00, url = 'https://files.example/packages/42/6e/numpy-2.2.3-cp312-cp312-win_amd64.whl', size = 12626357, hashes = {sha256 = '83807d445817326b4bcdaaaf8e8e9f1753da04341eceec705c001ff342002e5d'}},
  {name = 'numpy-2.2.3-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl', upload-time = 2025-02-13T16:50:00.079662+00:00, url = 'https://files.example/packages/39/04/numpy-2.2.3-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl', size = 16116679, hashes = {sha256 = '3b787adbf04b0db1967798dba8da1af07e387908ed1553a0d6e74c084d1ceafe'}},
]

[tool.mousebender]
command = ['.', 'lock', '--platform', 'cpython3.12-windows-x64', '--platform', 'cpython3.12-manylinux2014-x64', 'cattrs', 'numpy']
run-on = 2025-03-06T12:28:57.760769
"""


@dataclass
class FakeSurveyor:
    """Finds in each address the version that it was told."""

    versions: Mapping[str, str]
    asked: list[tuple[Reference, str | None]] = field(default_factory=list)

    def survey(self, reference: Reference, name: NormalizedName | None, hashes: Hashes = ()) -> Artefact:
        self.asked.append((reference, name))
        assert name is not None
        version = Version(self.versions[name])
        return Source(name, version, Material(reference.file, reference, hashes))


def wheels(*filenames: str) -> str:
    entries = [f'{{path = "{name}", hashes = {{sha256 = "{SHA}"}}}}' for name in filenames]
    return f"wheels = [{', '.join(entries)}]\n"


def sdist(filename: str, more: str = "") -> str:
    return f'sdist = {{path = "{filename}", hashes = {{sha256 = "{SHA}"}}{more}}}\n'


def package(*lines: str, name: str = "foo") -> str:
    return f'[[packages]]\nname = "{name}"\n' + "".join(lines)


def resolved(
    text: str,
    screen: Screen | Interpreter = CP311,
    surveyor: FakeSurveyor | None = None,
    *,
    extras: tuple[str, ...] = (),
    groups: tuple[str, ...] | None = None,
) -> Resolution:
    lock = select_parts(read_lock(text.encode(), "pylock.toml", FOLDER), extras, groups)
    return resolve_locked(
        Request((), lock=lock), screen if isinstance(screen, Screen) else Screen(screen), surveyor
    )


def filenames(resolution: Resolution) -> list[str]:
    return [choice.file.filename for choice in resolution.choices]


def problem_of(text: str, screen: Screen | Interpreter = CP311) -> str:
    with pytest.raises(ResolutionError) as caught:
        resolved(text, screen)
    message = str(caught.value)
    assert message.isprintable()
    label = (screen.interpreter if isinstance(screen, Screen) else screen).label
    assert message.startswith(f"cannot be resolved for {label}, ")
    return caught.value.problem


@pytest.mark.parametrize(
    ("interpreter", "numpy"),
    [
        (CP312, "numpy-2.2.3-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        (
            replace(WINDOWS, markers={**WINDOWS.markers, "sys_platform": "win32"}),
            "numpy-2.2.3-cp312-cp312-win_amd64.whl",
        ),
    ],
    ids=["linux", "windows"],
)
def test_the_example_of_the_specification(interpreter: Interpreter, numpy: str) -> None:
    resolution = resolved(EXAMPLE, interpreter)

    assert filenames(resolution) == ["attrs-25.1.0-py3-none-any.whl", "cattrs-24.1.2-py3-none-any.whl", numpy]
    assert resolution.warnings == ()
    attrs = resolution.choices[0]
    sha256 = "c75a69e28a550a7e93789579c22aa26b0f5b83b75dc4e08fe092980051e1090a"
    assert (attrs.version, attrs.reference) == (Version("25.1.0"), None)
    assert attrs.hashes == attrs.file.hashes == (("sha256", sha256),)
    assert attrs.file.size == 63152
    assert attrs.file.upload_time == datetime(2025, 1, 25, 11, 30, 10, 164985, UTC)
    assert isinstance(attrs.artefact, Candidate)
    assert interpreter.ranking.tags[attrs.artefact.rank - 1] == "py3-none-any"


def test_all_that_a_lock_holds_counts_as_asked_for_by_name() -> None:
    resolution = resolved(EXAMPLE, CP312)

    assert resolution.requested == {"attrs", "cattrs", "numpy"}
    assert [(edge.by, edge.demand.text, edge.demand.origin) for edge in resolution.edges] == [
        (None, "attrs==25.1.0", "pylock.toml"),
        (None, "cattrs==24.1.2", "pylock.toml"),
        (None, "numpy==2.2.3", "pylock.toml"),
    ]


def test_the_lock_was_made_for_another_python() -> None:
    assert problem_of(EXAMPLE, CP311) == "pylock.toml requires another Python than 3.11.7: `==3.12`"


def test_the_lock_was_made_for_other_environments() -> None:
    text = HEADER + "environments = [%s]\npackages = []" % ", ".join(  # noqa: UP031 - braces are TOML's
        f"\"sys_platform == '{name}'\"" for name in ("win32", "darwin", "ios", "android")
    )

    assert problem_of(text) == (
        "pylock.toml was made for other environments: "
        '`sys_platform == "win32"`, `sys_platform == "darwin"`, `sys_platform == "ios"` and 1 more'
    )


def test_a_package_requires_another_python() -> None:
    text = HEADER + package('requires-python = ">=3.12"\n', wheels("foo-1.0-py3-none-any.whl"))

    assert problem_of(text) == "`foo` of pylock.toml requires another Python than 3.11.7: `>=3.12`"
    assert filenames(resolved(text, CP312)) == ["foo-1.0-py3-none-any.whl"]


def test_a_python_between_two_releases_is_compared_without_its_plus() -> None:
    between = replace(CP312, markers={**CP312.markers, "python_full_version": "3.12.0b1+"})
    text = HEADER + package('requires-python = ">=3.13"\n', wheels("foo-1.0-py3-none-any.whl"))

    assert "3.12.0b1" in problem_of(text, between)


def test_packages_whose_markers_do_not_hold_are_left_out() -> None:
    text = HEADER + package("marker = \"python_version < '3.12'\"\n", wheels("foo-1.0-py3-none-any.whl"))
    text += package("marker = \"python_version >= '3.12'\"\n", wheels("foo-2.0-py3-none-any.whl"))

    assert filenames(resolved(text, CP311)) == ["foo-1.0-py3-none-any.whl"]
    assert filenames(resolved(text, CP312)) == ["foo-2.0-py3-none-any.whl"]


PARTS = (
    HEADER
    + 'extras = ["fast"]\ndependency-groups = ["dev"]\ndefault-groups = ["main"]\n'
    + package("marker = \"'fast' in extras\"\n", wheels("fast-1-py3-none-any.whl"), name="fast")
    + package("marker = \"'dev' in dependency_groups\"\n", wheels("dev-1-py3-none-any.whl"), name="dev")
    + package("marker = \"'main' in dependency_groups\"\n", wheels("main-1-py3-none-any.whl"), name="main")
)


@pytest.mark.parametrize(
    ("extras", "groups", "names"),
    [
        ((), None, ["main"]),
        ((), (), []),
        (("Fast",), None, ["fast", "main"]),
        ((), ("dev",), ["dev"]),
        (("fast",), ("main", "DEV"), ["dev", "fast", "main"]),
    ],
    ids=["default", "no group", "an extra", "a group", "all"],
)
def test_extras_and_groups_bring_packages(
    extras: tuple[str, ...], groups: tuple[str, ...] | None, names: list[str]
) -> None:
    resolution = resolved(PARTS, extras=extras, groups=groups)

    assert [choice.name for choice in resolution.choices] == names


def test_two_entries_of_one_package_that_both_apply_are_refused() -> None:
    text = HEADER + package(wheels("foo-1.0-py3-none-any.whl")) + package(wheels("foo-2.0-py3-none-any.whl"))

    assert problem_of(text) == (
        "2 entries of pylock.toml apply at once, so one may be wanted without the other's extra or group: `foo`"
    )


@pytest.mark.parametrize(
    "marker", ["extra == 'x'", "python_version >= '3.8' and extra == 'x'"], ids=["extra", "and extra"]
)
def test_a_marker_that_cannot_be_decided_is_refused(marker: str) -> None:
    text = HEADER + package(f'marker = "{marker}"\n', wheels("foo-1.0-py3-none-any.whl"))

    with pytest.raises(
        UsageError, match=r"^pylock.toml: expected markers that can be decided for a lock, found: "
    ):
        resolved(text)


def test_no_wheel_fits_and_the_nearest_is_named() -> None:
    text = HEADER + package(
        wheels(
            "foo-1.0-cp39-cp39-win_amd64.whl",
            "foo-1.0-cp313-cp313-manylinux_2_17_x86_64.whl",
            "foo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
            "foo-1.0-cp311-cp311-win_amd64.whl",
        )
    )

    assert problem_of(text) == (
        "no compatible wheel is locked and no source distribution (the nearest miss is "
        "foo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl: no tag of it is accepted, cp312-cp312-manylinux_2_17_x86_64), "
        "asked for by pylock.toml: `foo 1.0`"
    )


def test_where_no_wheel_fits_the_source_distribution_is_taken() -> None:
    text = HEADER + package(wheels("foo-1.0-cp39-cp39-win_amd64.whl"), sdist("s/foo-1.0.tar.gz"))
    (choice,) = resolved(text).choices

    assert isinstance(choice.artefact, Source)
    assert (choice.name, choice.version, choice.reference) == ("foo", Version("1.0"), None)
    assert choice.file.url == "file:///work/s/foo-1.0.tar.gz"
    assert choice.hashes == (("sha256", SHA),)
    assert choice.artefact.material.reference is None


FILES = (
    "foo-1.0-py3-none-any.whl",
    "foo-1.0-py311-none-any.whl",
    "foo-1.0-2-py311-none-any.whl",
    "foo-1.0-10-py311-none-any.whl",
    "foo-1.0-py2.py3-none-any.whl",
    "foo-1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "foo-1.0-cp311-abi3-manylinux_2_28_x86_64.whl",
    "foo-1.0-cp311-cp311-manylinux_2_5_x86_64.manylinux1_x86_64.whl",
    "foo-1.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    "foo-1.0-cp311-cp311-manylinux_2_99_x86_64.whl",
    "foo-1.0-1-cp311-cp311-linux_x86_64.whl",
    "foo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
    "foo-1.0-pp39-pypy39_pp73-win32.whl",
)


@given(st.lists(st.sampled_from(FILES), unique=True, min_size=1), st.sampled_from([CP311, CP312]))
def test_the_wheel_is_the_one_that_an_index_would_give(listed: list[str], interpreter: Interpreter) -> None:
    """Best rank over the file's expanded tags; then the build tag as (int, str), none lowest; of equals the first."""
    files = [imagine_file(name) for name in reversed(listed)]
    offer = screen_release(canonicalize_name("foo"), Version("1.0"), files, Screen(interpreter))
    text = HEADER + package(wheels(*listed), sdist("foo-1.0.tar.gz"))

    expected = offer.best.file.filename if offer.best else "foo-1.0.tar.gz"
    assert filenames(resolved(text, interpreter)) == [expected]


@pytest.mark.parametrize(
    "listed", list(permutations(("py3-none-any", "py2.py3-none-any"))), ids=["2 last", "2 first"]
)
def test_of_wheels_that_tie_the_first_is_taken_with_a_warning(listed: tuple[str, str]) -> None:
    first, second = (f"foo-1.0-{tag}.whl" for tag in listed)
    resolution = resolved(HEADER + package(wheels(first, second)))

    assert filenames(resolution) == [first]
    assert resolution.warnings == (f"foo 1.0 has locked wheels that fit as well as {first}: `{second}`",)


def test_a_build_tag_that_decides_against_pip_is_told() -> None:
    first, second = "foo-1.0-py3-none-any.whl", "foo-1.0-1-py3-none-any.whl"

    assert resolved(HEADER + package(wheels(first, second))).warnings == (
        f"foo 1.0: {second} is taken for its build tag, where pip takes the first: `{first}`",
    )
    assert resolved(HEADER + package(wheels(second, first))).warnings == ()


def test_wheels_of_a_package_without_version_are_those_of_the_best() -> None:
    text = HEADER + package(wheels("foo-2.0-py3-none-any.whl", "foo-1.0-py311-none-any.whl"))
    (choice,) = resolved(text).choices

    assert (choice.version, choice.file.filename) == (Version("1.0"), "foo-1.0-py311-none-any.whl")


def only(**lists: NameControl) -> Screen:
    return Screen(CP311, controls=Controls(**lists))


FOO = NameControl(frozenset({"foo"}))
NOT_FOO = NameControl(excluded=frozenset({"foo"}))
BOTH = HEADER + package(wheels("foo-1.0-py3-none-any.whl"), sdist("foo-1.0.tar.gz"))


def test_a_source_distribution_is_taken_where_wheels_are_not() -> None:
    assert filenames(resolved(BOTH, only(wheels_only=NOT_FOO))) == ["foo-1.0.tar.gz"]
    assert filenames(resolved(BOTH, only(wheels_only=FOO))) == ["foo-1.0-py3-none-any.whl"]


def test_wheels_are_not_taken_and_nothing_else_is_locked() -> None:
    text = HEADER + package(wheels("foo-1.0-py3-none-any.whl"))

    assert problem_of(text, only(wheels_only=NOT_FOO)) == (
        "wheels are not taken of it, and no source distribution is locked, asked for by pylock.toml: `foo`"
    )


def test_sources_are_not_taken_and_no_wheel_fits() -> None:
    text = HEADER + package(wheels("foo-1.0-cp312-none-any.whl"), sdist("foo-1.0.tar.gz"))

    assert problem_of(text, only(wheels_only=FOO)) == (
        "no compatible wheel is locked and source distributions are not taken of it (the nearest miss is "
        "foo-1.0-cp312-none-any.whl: no tag of it is accepted, cp312-none-any), asked for by pylock.toml: `foo`"
    )


def test_a_pre_release_is_refused_where_only_final_ones_are_taken() -> None:
    text = HEADER + package(wheels("foo-1.0rc1-py3-none-any.whl"))

    assert filenames(resolved(text)) == ["foo-1.0rc1-py3-none-any.whl"]
    assert problem_of(text, only(prereleases=NOT_FOO)) == (
        "only final releases are taken of it, and 1.0rc1 is locked, asked for by pylock.toml: `foo`"
    )


@pytest.mark.parametrize("kind", ["wheels", "sdist"])
def test_a_file_that_came_later_than_asked_is_refused_and_no_other_taken(kind: str) -> None:
    entry = "{{url = 'https://files.example/{}', upload-time = {}, hashes = {{sha256 = '00'}}}}"
    name = "foo-1.0-py311-none-any.whl" if kind == "wheels" else "foo-1.0.tar.gz"
    late = entry.format(name, "2025-01-02T00:00:00Z")
    early = entry.format("foo-1.0-py3-none-any.whl", "2024-01-02T00:00:00Z")
    text = HEADER + package(f"wheels = [{late}, {early}]" if kind == "wheels" else f"sdist = {late}")

    assert problem_of(text, Screen(CP311, datetime(2025, 1, 1, tzinfo=UTC))) == (
        f"what is locked cannot be taken ({name}: it was uploaded later than the date asked for, "
        "uploaded 2025-01-02 00:00), asked for by pylock.toml: `foo`"
    )
    assert filenames(resolved(text, Screen(CP311, datetime(2025, 1, 3, tzinfo=UTC)))) == [name]


def test_what_lies_at_an_address_is_surveyed() -> None:
    text = (
        HEADER
        + package('directory = {path = "tree", editable = true}\n', name="tree")
        + package(f'archive = {{path = "arch-2.0.zip", hashes = {{sha256 = "{SHA}"}}}}\n', name="arch")
    )
    surveyor = FakeSurveyor({"tree": "1.5", "arch": "2.0"})
    # Direct references are taken whatever kinds of published files are, as with pip.
    controls = Controls(wheels_only=NameControl(frozenset({":all:"})))
    resolution = resolved(text, Screen(CP311, controls=controls), surveyor)

    archive, tree = resolution.choices
    assert (archive.version, archive.hashes) == (Version("2.0"), (("sha256", SHA),))
    assert (tree.version, tree.hashes) == (Version("1.5"), ())
    assert tree.reference is not None
    assert (tree.reference.url, tree.reference.is_editable) == ("file:///work/tree", True)
    assert surveyor.asked == [(archive.reference, "arch"), (tree.reference, "tree")]
    assert [edge.demand.reference for edge in resolution.edges] == [archive.reference, tree.reference]
    assert resolution.edges[1].demand.text == "tree @ file:///work/tree (editable)"
    assert resolution.requested == {"arch", "tree"}
    assert resolution.warnings == ()


def test_a_surveyed_version_that_the_lock_does_not_say_is_told() -> None:
    text = HEADER + package('version = "1.0"\ndirectory = {path = "tree"}\n')

    assert resolved(text, surveyor=FakeSurveyor({"foo": "1.1"})).warnings == (
        "foo is 1.1 and not 1.0, as pylock.toml says: `file:///work/tree/`",
    )


def test_addresses_need_a_surveyor() -> None:
    with pytest.raises(
        UsageError, match=r"^pylock.toml: expected a place where .*, found: `file:///work/tree/`$"
    ):
        resolved(HEADER + package('directory = {path = "tree"}\n'))


def test_version_control_is_refused_only_where_it_applies() -> None:
    vcs = f'vcs = {{type = "git", url = "https://git.example/foo", commit-id = "{SHA[:40]}"}}\n'

    with pytest.raises(UsageError, match=r"clone it and take the folder"):
        resolved(HEADER + package(vcs))
    assert resolved(HEADER + package("marker = \"os_name == 'nt'\"\n", vcs)).choices == ()


@pytest.mark.parametrize(
    ("installed", "upgrade", "is_kept"),
    [
        ("1.0", Upgrade.KEEP, True),
        ("1.0+local", Upgrade.EAGER, True),
        ("1.1", Upgrade.KEEP, False),
        ("1.0", Upgrade.REINSTALL, False),
    ],
    ids=["same", "local", "other", "reinstalled"],
)
def test_what_is_installed_in_the_locked_version_is_kept(
    installed: str, upgrade: Upgrade, *, is_kept: bool
) -> None:
    found = PresentDistribution(canonicalize_name("foo"), Version(installed))
    lock = read_lock(BOTH.encode(), "pylock.toml", FOLDER)
    resolution = resolve_locked(Request((), lock=lock), Screen(CP311), present=Present((found,), upgrade))

    assert resolution.kept == ((found,) if is_kept else ())
    assert filenames(resolution) == ([] if is_kept else ["foo-1.0-py3-none-any.whl"])
    assert resolution.requested == {"foo"}


def test_what_was_locked_by_its_place_is_not_kept_for_its_version() -> None:
    found = PresentDistribution(canonicalize_name("foo"), Version("1.0"))
    lock = read_lock((HEADER + package('directory = {path = "foo"}\n')).encode(), "pylock.toml", FOLDER)
    resolution = resolve_locked(
        Request((), lock=lock), Screen(CP311), FakeSurveyor({"foo": "1.0"}), present=Present((found,))
    )

    assert (resolution.kept, [choice.name for choice in resolution.choices]) == ((), ["foo"])
