import pytest

from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.foreign import parse_target
from pytest_wheeltag.core.lockfile import read_lock
from pytest_wheeltag.core.lockprospects import foresee_locked
from pytest_wheeltag.core.prospect import Forecast
from pytest_wheeltag.errors import UsageError

LINUX = "cp312-manylinux_2_28_x86_64"
FILE = '{path = "%s", hashes = {sha256 = "00"}}'
HEAD = 'lock-version = "1.0"\ncreated-by = "hand"\n'
PACKAGES = f"""
packages = [
    {{name = "pure", version = "1", wheels = [{FILE % "pure-1-py3-none-any.whl"}]}},
    {{name = "win", version = "1", wheels = [{FILE % "win-1-cp312-cp312-win_amd64.whl"}]}},
    {{name = "both", wheels = [{FILE % "both-1-cp312-cp312-win_amd64.whl"}], sdist = {FILE % "both-1.tar.gz"}}},
    {{name = "only", marker = "sys_platform == 'win32'", wheels = [{FILE % "only-1-py3-none-any.whl"}]}},
    {{name = "next", version = "1", requires-python = ">=3.13", wheels = [{FILE % "next-1-py3-none-any.whl"}]}},
    {{name = "tree", directory = {{path = "tree"}}}},
    {{name = "archive", archive = {FILE % "archive-1-cp312-cp312-win_amd64.whl"}}},
    {{name = "repository", vcs = {{type = "git", url = "https://host.example/it", commit-id = "00"}}}},
]
"""


def foresee(text: str, target: str = LINUX, *, controls: Controls | None = None) -> Forecast:
    lock = read_lock((HEAD + text).encode(), "pylock.toml", "file:///work/")
    return foresee_locked(lock, parse_target(target), controls or Controls())


def kinds(forecast: Forecast) -> dict[str, str]:
    return {each.name: str(each.kind) for each in forecast.verdicts(())}


def test_each_package_is_looked_up_by_itself() -> None:
    assert kinds(foresee(PACKAGES)) == {
        "archive": "uninstallable",
        "both": "built",
        "next": "uninstallable",
        "pure": "best",
        "repository": "uninstallable",
        "tree": "direct",
        "win": "uninstallable",
    }
    assert kinds(foresee(PACKAGES, "cp312-win_amd64")) == {
        "archive": "direct",
        "both": "best",
        "next": "uninstallable",
        "only": "best",
        "pure": "best",
        "repository": "uninstallable",
        "tree": "direct",
        "win": "best",
    }


def test_a_message_names_the_nearest_miss_and_the_lock() -> None:
    messages = {each.name: each.message for each in foresee(PACKAGES).verdicts(())}
    assert messages["win"] == (
        f"win 1 on {LINUX}: no compatible file is locked (the nearest miss is win-1-cp312-cp312-win_amd64.whl: "
        "no tag of it is accepted, cp312-cp312-win_amd64), in pylock.toml"
    )
    assert "requires another Python than 3.12.99: `>=3.13`, in pylock.toml" in messages["next"]


def test_kinds_of_files_that_are_not_taken_do_not_count() -> None:
    binary = Controls(NameControl.of([":all:"]))
    assert kinds(foresee(PACKAGES, controls=binary))["both"] == "uninstallable"
    source = Controls(NameControl.of([], [":all:"]))
    assert kinds(foresee(PACKAGES, "cp312-win_amd64", controls=source))["both"] == "built"


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ('requires-python = ">=3.13"', "requires another Python than 3.12.99"),
        ("environments = [\"os_name == 'nt'\"]", "was made for other environments"),
    ],
)
def test_a_lock_for_others_covers_nothing(head: str, problem: str) -> None:
    verdicts = foresee(head + PACKAGES).verdicts(())
    assert {each.kind for each in verdicts} == {"uninstallable"}
    assert all(problem in each.message for each in verdicts)
    assert len(verdicts) == 7


def test_a_marker_that_cannot_be_decided_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="markers that can be decided"):
        foresee(
            f'packages = [{{name = "a", marker = "python_version ~= \'x\'", wheels = [{FILE % "a-1-py3-none-any.whl"}]}}]'
        )
