import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.askedfor import FileOptions
from pytest_wheeltag.errors import OfflineError, UsageError
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.system.sources import (
    OpenedSources,
    SourceOptions,
    open_sources,
    parse_moment,
    pip_places,
)
from pytest_wheeltag.workshop import LocalIndex, WheelMaker, write_file_index, write_find_links

FOO = canonicalize_name("foo")


class Machine:
    """A machine with a pip configuration of its own, on which sources are opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "pip.conf"
        self.environ = {"HOME": str(folder), "PIP_CONFIG_FILE": os.devnull}

    def open(self, **options: Any) -> OpenedSources:  # noqa: ANN401 - those of SourceOptions
        return open_sources(SourceOptions(self.folder / "cache", **options), self.environ)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def locations(opened: OpenedSources) -> tuple[list[str], list[str]]:
    return (
        [str(url) for url in opened.locations.index_urls],
        [str(url) for url in opened.locations.find_links],
    )


def test_without_a_word_it_is_what_pip_is_configured_with(machine: Machine) -> None:
    machine.environ["PIP_CONFIG_FILE"] = str(machine.configuration)
    machine.configuration.write_text(
        "[global]\nindex-url = https://one.example/simple/\nextra-index-url = https://two.example/simple/\n"
        "uploaded-prior-to = 2026-01-01T00:00:00+00:00\n",
        encoding="utf-8",
    )

    opened = machine.open()

    assert locations(opened) == (["https://one.example/simple/", "https://two.example/simple/"], [])
    assert opened.exclude_newer == datetime(2026, 1, 1, tzinfo=UTC)
    assert opened.describe() == (
        "`https://one.example/simple/`, `https://two.example/simple/`, uploads until 2026-01-01 00:00 UTC"
    )


def test_each_setting_of_the_user_replaces_that_of_pip(machine: Machine) -> None:
    machine.environ["PIP_INDEX_URL"] = "https://one.example/simple/"
    machine.environ["PIP_EXTRA_INDEX_URL"] = "https://two.example/simple/"

    assert locations(machine.open(index_url="https://mine.example/simple/"))[0] == [
        "https://mine.example/simple/",
        "https://two.example/simple/",
    ]
    replaced = machine.open(extra_index_urls=("https://three.example/simple/",), find_links=("links",))
    assert locations(replaced) == (
        ["https://one.example/simple/", "https://three.example/simple/"],
        [(Path.cwd() / "links").as_uri()],
    )
    assert locations(machine.open(no_index=True)) == ([], [])
    assert machine.open(no_index=True).describe() == "nowhere"


def test_what_requirements_files_say_comes_after_what_is_configured(machine: Machine) -> None:
    machine.environ["PIP_EXTRA_INDEX_URL"] = "https://two.example/simple/"
    beside = FileOptions(extra_index_urls=("https://three.example/simple/",), find_links=("/shelf",))

    opened = machine.open(index_url="https://one.example/simple/", beside=beside)

    assert opened.describe() == (
        "`https://one.example/simple/`, `https://two.example/simple/`, `https://three.example/simple/`, `file:///shelf`"
    )


def test_an_index_url_in_a_requirements_file_takes_the_place_of_all_others(machine: Machine) -> None:
    machine.environ["PIP_EXTRA_INDEX_URL"] = "https://two.example/simple/"
    beside = FileOptions("https://three.example/simple/", ("https://four.example/simple/",))

    opened = machine.open(index_url="https://one.example/simple/", beside=beside)

    assert opened.describe() == "`https://three.example/simple/`, `https://four.example/simple/`"


def test_pips_settings_on_kinds_of_files_are_ours(machine: Machine) -> None:
    machine.environ |= {"PIP_NO_BINARY": "foo", "PIP_PREFER_BINARY": "1", "PIP_PRE": "yes"}
    foo, bar = map(canonicalize_name, ("foo", "bar"))

    controls = machine.open().configuration.controls

    assert [controls.takes_wheels(each) for each in (foo, bar)] == [False, True]
    assert controls.takes_sources(foo)
    assert controls.wheels_first.decide(bar)
    assert controls.prereleases.decide(bar)


def test_alone_means_alone(machine: Machine) -> None:
    machine.environ |= {
        "PIP_EXTRA_INDEX_URL": "https://two.example/simple/",
        "PIP_FIND_LINKS": "https://three.example/",
        "PIP_NO_INDEX": "1",
    }

    opened = machine.open(index_url="https://mine.example/simple/", is_alone=True)

    assert locations(opened) == (["https://mine.example/simple/"], [])


def test_variables_of_uv_count_on_request_and_the_default_index_is_last(machine: Machine) -> None:
    machine.environ |= {
        "PIP_INDEX_URL": "https://one.example/simple/",
        "UV_INDEX": "team=https://two.example/simple/",
        "UV_EXCLUDE_NEWER": "2026-01-01T00:00:00Z",
        "UV_INDEX_STRATEGY": "first-index",
        "UV_OFFLINE": "1",
    }

    assert locations(machine.open()) == (["https://one.example/simple/"], [])
    opened = machine.open(reads_uv=True)

    assert locations(opened) == (["https://two.example/simple/", "https://one.example/simple/"], [])
    assert opened.exclude_newer == datetime(2026, 1, 1, tzinfo=UTC)
    assert (opened.locations.strategy, opened.access.is_offline) == (Strategy.FIRST, True)
    assert machine.open().locations.strategy is Strategy.MERGE


def test_each_setting_of_the_user_replaces_that_of_uv(machine: Machine, tmp_path: Path) -> None:
    machine.environ |= {
        "UV_DEFAULT_INDEX": "https://one.example/simple/",
        "UV_INDEX": "https://two.example/simple/",
        "UV_INDEX_STRATEGY": "first-index",
        "UV_OFFLINE": "1",
    }

    opened = machine.open(
        reads_uv=True, index_url="https://mine.example/simple/", strategy=Strategy.MERGE, no_index=False
    )
    assert locations(opened)[0] == ["https://two.example/simple/", "https://mine.example/simple/"]
    assert opened.locations.strategy is Strategy.MERGE

    with LocalIndex() as index:
        index.add(WheelMaker(tmp_path / "wheels")("foo", "1.0"))
        alone = machine.open(reads_uv=True, index_url=index.url, is_alone=True)
        assert locations(alone)[0] == [index.url]
        assert alone.catalogue.files(FOO).files


def test_a_mistake_in_a_variable_of_uv_names_it(machine: Machine) -> None:
    machine.environ["UV_PRERELEASE"] = "maybe"
    machine.open()
    with pytest.raises(UsageError, match=r"^UV_PRERELEASE: expected one of `allow`"):
        machine.open(reads_uv=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"index_url": "git+https://index.example/"}, "index-url: expected "),
        ({"index_url": "nonsense"}, "found: `nonsense`"),
        ({"extra_index_urls": ("ftp://index.example/",)}, "extra-index-url: expected "),
        ({"index_url": "git+https://user:hunter2@index.example/"}, "index-url: expected "),
    ],
)
def test_an_address_that_is_none_is_a_usage_error(
    machine: Machine, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        machine.open(**options)

    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_pip_configuration_that_cannot_be_read_is_a_usage_error(machine: Machine) -> None:
    machine.environ["PIP_CONFIG_FILE"] = str(machine.configuration)
    machine.configuration.write_text("index-url = nowhere\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"pip\.conf"):
        machine.open()


def test_pip_is_told_of_the_same_sources_with_their_passwords(machine: Machine, tmp_path: Path) -> None:
    links = tmp_path / "a folder"
    links.mkdir()
    machine.environ |= {
        "PIP_TRUSTED_HOST": "index.example",
        "PIP_CERT": "ca.pem",
        "PIP_PROXY": "http://proxy.example:1/",
    }
    opened = machine.open(
        index_url="https://user:hunter2@index.example/simple/",
        extra_index_urls=("https://two.example/simple/", "https://three.example/simple/"),
        find_links=(str(links),),
        exclude_newer=datetime(2026, 1, 1, tzinfo=UTC),
    )

    told = opened.pip_variables()

    assert told.pop("PIP_CERT").endswith("ca.pem")
    assert told == {
        "PIP_INDEX_URL": "https://user:hunter2@index.example/simple/",
        "PIP_EXTRA_INDEX_URL": "https://two.example/simple/ https://three.example/simple/",
        "PIP_FIND_LINKS": links.as_uri(),
        "PIP_PROXY": "http://proxy.example:1/",
        "PIP_TRUSTED_HOST": "index.example",
        "PIP_UPLOADED_PRIOR_TO": "2026-01-01T00:00:00+00:00",
    }
    assert "hunter2" not in opened.describe() + repr(opened)


def test_pip_is_as_patient_and_asks_the_same_keyring(machine: Machine) -> None:
    machine.environ |= {
        "PIP_TIMEOUT": "2.5",
        "PIP_RETRIES": "1",
        "PIP_KEYRING_PROVIDER": "subprocess",
        "PIP_NO_PROXY_ENV": "yes",
    }

    told = machine.open(no_index=True).pip_variables()

    assert told == {
        "PIP_NO_INDEX": "1",
        "PIP_TIMEOUT": "2.5",
        "PIP_RETRIES": "1",
        "PIP_KEYRING_PROVIDER": "subprocess",
        "PIP_NO_PROXY_ENV": "1",
    }


def test_pip_is_told_that_there_is_no_index(machine: Machine) -> None:
    assert machine.open(no_index=True).pip_variables() == {"PIP_NO_INDEX": "1"}


def test_offline_pip_hears_of_this_disk_alone(machine: Machine, tmp_path: Path) -> None:
    opened = machine.open(
        index_url="https://index.example/simple/",
        extra_index_urls=((tmp_path / "simple").as_uri() + "/",),
        find_links=("https://links.example/", str(tmp_path)),
        is_offline=True,
    )

    told = opened.pip_variables()

    assert told == {
        "PIP_INDEX_URL": (tmp_path / "simple").as_uri() + "/",
        "PIP_FIND_LINKS": tmp_path.as_uri(),
    }
    assert machine.open(index_url="https://index.example/simple/", is_offline=True).pip_variables() == {
        "PIP_NO_INDEX": "1"
    }


def test_all_kinds_of_sources_are_one_catalogue(machine: Machine, tmp_path: Path) -> None:
    make_wheel = WheelMaker(tmp_path / "wheels")
    folder = write_find_links(tmp_path / "links", [make_wheel("foo", "1.0")])
    files = write_file_index(tmp_path / "files", [make_wheel("foo", "2.0")])
    with LocalIndex() as index:
        index.add(make_wheel("foo", "3.0"))
        opened = machine.open(index_url=index.url, extra_index_urls=(files,), find_links=(str(folder),))
        found = opened.catalogue.files(FOO)

    assert sorted(file.filename.split("-")[1] for file in found.files) == ["1.0", "2.0", "3.0"]


def test_the_first_strategy_stops_at_the_first_that_has_the_name(machine: Machine, tmp_path: Path) -> None:
    make_wheel = WheelMaker(tmp_path / "wheels")
    first = write_file_index(tmp_path / "one", [make_wheel("foo", "1.0")])
    second = write_file_index(tmp_path / "two", [make_wheel("foo", "2.0"), make_wheel("bar", "2.0")])

    opened = machine.open(index_url=first, extra_index_urls=(second,), strategy=Strategy.FIRST)

    assert [file.filename for file in opened.catalogue.files(FOO).files] == ["foo-1.0-py3-none-any.whl"]
    assert opened.catalogue.files(canonicalize_name("bar")).files


def test_opening_asks_nobody_and_offline_nobody_is_asked(machine: Machine) -> None:
    with LocalIndex() as index:
        opened = machine.open(index_url=index.url, is_offline=True)
        with pytest.raises(OfflineError):
            opened.catalogue.files(FOO)
        assert not index.requests


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 1, 23, 59, 59, 999999, tzinfo=UTC)),
        (" 2026-11-01 ", datetime(2026, 11, 1, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-11-01T12:00:00Z", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("2026-11-01T12:00:00", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("2026-11-01T12:00:00+02:00", datetime(2026, 11, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_date_means_its_end_and_times_become_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["soon", "", "2026-13-01", "9999-12-31T23:59:59-23:59"])
def test_what_is_no_moment_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_moment(text, setting="wheeltag_exclude_newer")

    assert str(caught.value).startswith("wheeltag_exclude_newer: expected a date like `2026-11-01` or ")


def test_the_last_day_that_there_is_has_an_end_too() -> None:
    assert parse_moment("9999-12-31").year == 9999


def test_home_is_the_environments(tmp_path: Path) -> None:
    places = pip_places({"HOME": str(tmp_path)})

    assert places.home == (tmp_path if os.name == "posix" else Path.home())
