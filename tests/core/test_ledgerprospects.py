from pytest_wheeltag.core.controls import Controls, NameControl
from pytest_wheeltag.core.foreign import parse_target
from pytest_wheeltag.core.ledgerfile import read_ledger
from pytest_wheeltag.core.ledgerprospects import foresee_ledger
from pytest_wheeltag.core.prospect import Forecast

LINUX = "cp312-manylinux_2_28_x86_64"
SOURCE = 'source = { registry = "https://index.example/simple" }'
FILE = '{ url = "https://files.example/%s", hash = "sha256:' + "0" * 64 + '" }'
UV = f"""
version = 1
requires-python = ">=3.11"

[[package]]
name = "project"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "pure" }}, {{ name = "both" }}, {{ name = "win" }}, {{ name = "only", marker = "os_name == 'nt'" }}, {{ name = "far" }}]
[package.optional-dependencies]
more = [{{ name = "unwanted" }}]

[[package]]
name = "pure"
version = "1"
{SOURCE}
wheels = [{FILE % "pure-1-py3-none-any.whl"}]

[[package]]
name = "both"
version = "1"
{SOURCE}
sdist = {FILE % "both-1.tar.gz"}
wheels = [{FILE % "both-1-cp312-cp312-win_amd64.whl"}]

[[package]]
name = "win"
version = "1"
{SOURCE}
wheels = [{FILE % "win-1-cp312-cp312-win_amd64.whl"}]

[[package]]
name = "only"
version = "1"
{SOURCE}
wheels = [{FILE % "only-1-py3-none-any.whl"}]

[[package]]
name = "unwanted"
version = "1"
{SOURCE}
wheels = [{FILE % "unwanted-1-py3-none-any.whl"}]

[[package]]
name = "far"
version = "1"
source = {{ git = "https://host.example/far?rev=1#00" }}
"""


def foresee(target: str = LINUX, *, controls: Controls | None = None) -> Forecast:
    ledger = read_ledger(UV.encode(), "uv.lock", "uv.lock", "file:///work/")
    return foresee_ledger(ledger, parse_target(target), controls or Controls())


def kinds(forecast: Forecast) -> dict[str, str]:
    return {each.name: str(each.kind) for each in forecast.verdicts(())}


def test_what_the_lock_wants_is_looked_up_in_it() -> None:
    assert kinds(foresee()) == {"both": "built", "far": "direct", "pure": "best", "win": "uninstallable"}
    assert kinds(foresee("cp312-win_amd64")) == {
        "both": "best",
        "far": "direct",
        "only": "best",
        "pure": "best",
        "win": "best",
    }


def test_nothing_is_built_where_that_is_forbidden() -> None:
    forecast = foresee(controls=Controls(NameControl.of([":all:"])))
    assert kinds(forecast)["both"] == "uninstallable"
    message = next(each.message for each in forecast.verdicts(()) if each.name == "both")
    assert message == (
        f"both 1 on {LINUX}: no compatible file is locked in uv.lock (the nearest miss is "
        "both-1-cp312-cp312-win_amd64.whl: no tag of it is accepted, cp312-cp312-win_amd64)"
    )


def test_a_lock_for_other_pythons_covers_nothing() -> None:
    verdicts = foresee("cp310-win_amd64").verdicts(())
    assert {each.kind for each in verdicts} == {"uninstallable"}
    assert all("is for other Pythons than 3.10.99" in each.message for each in verdicts)
