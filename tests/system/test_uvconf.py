from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.controls import ALL, Controls, Kinds, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.index import Strategy
from pytest_wheeltag.system.pipconf import PipConfiguration
from pytest_wheeltag.system.pipfiles import PipPlaces
from pytest_wheeltag.system.urls import parse_url
from pytest_wheeltag.system.uvconf import UvSettings, overlay_uv

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)
HOME = Path("/home/anna").absolute()
FOLDER = Path("/work").absolute()


def read(configuration: PipConfiguration | None = None, **environ: str) -> UvSettings:
    places = PipPlaces(environ, HOME, Path("/usr"), folder=FOLDER)
    return overlay_uv(configuration or PipConfiguration(), places, NOW)


def test_without_a_variable_all_is_as_with_pip() -> None:
    configuration = PipConfiguration(
        parse_url("https://index.example/simple/"),
        controls=Controls(prereleases=NameControl.of([ALL])),
        origins=(("pre", "PIP_PRE"),),
    )
    assert read(configuration, UV_INDEX="", UV_PRERELEASE=" ") == UvSettings(configuration)


def test_indexes_are_those_of_uv() -> None:
    found = read(
        UV_DEFAULT_INDEX="main=https://one.example/simple",
        UV_INDEX_URL="https://old.example/simple",
        UV_INDEX="https://two.example/simple?a=b  ./wheels",
        UV_EXTRA_INDEX_URL="https://three.example/simple",
        UV_FIND_LINKS="https://four.example/links.html, ./a folder",
    ).configuration
    assert str(found.index_url) == "https://one.example/simple"
    assert [str(url) for url in found.extra_index_urls] == [
        "https://two.example/simple",
        (FOLDER / "wheels").as_uri(),
        "https://three.example/simple",
    ]
    assert [str(url) for url in found.find_links] == [
        "https://four.example/links.html",
        (FOLDER / "a folder").as_uri(),
    ]
    assert str(read(UV_INDEX_URL="https://old.example/").configuration.index_url) == "https://old.example/"


def test_a_named_index_has_a_login_of_its_own() -> None:
    found = read(
        UV_INDEX="my-team.2=https://x:y@one.example/simple half=https://two.example/ none=https://u@three.example/",
        UV_INDEX_MY_TEAM_2_USERNAME="anna",
        UV_INDEX_MY_TEAM_2_PASSWORD="s3cr3t",
        UV_INDEX_HALF_PASSWORD="0nly",
    )
    assert [(url.username, url.password) for url in found.configuration.extra_index_urls] == [
        ("anna", "s3cr3t"),
        ("", "0nly"),
        ("u", None),
    ]
    assert "s3cr3t" not in repr(found) + repr(found.configuration)


def without(name: str) -> Controls:
    return Controls(NameControl(excluded=frozenset({name})))


def test_every_other_setting_is_read() -> None:
    settings = read(
        PipConfiguration(controls=without("pip"), retries=9, origins=(("retries", "PIP_RETRIES"),)),
        UV_CONSTRAINT="a.txt /etc/b.txt",
        UV_BUILD_CONSTRAINT="c.txt",
        UV_NO_BUILD_ISOLATION="1",
        UV_REQUIRE_HASHES="true",
        UV_NO_BINARY_PACKAGE="One two_three",
        UV_NO_BUILD="yes",
        UV_NO_BUILD_PACKAGE="four",
        UV_PRERELEASE="allow",
        UV_INSECURE_HOST="one.example two.example:8443 https://three.example:1/x [::1]",
        SSL_CLIENT_CERT="client.pem",
        UV_HTTP_TIMEOUT="7",
        HTTP_TIMEOUT="8",
        UV_HTTP_RETRIES="2",
        UV_KEYRING_PROVIDER="subprocess",
        UV_INDEX_STRATEGY="unsafe-best-match",
        UV_OFFLINE="on",
    )
    found = settings.configuration
    assert found.constraints == (str(FOLDER / "a.txt"), str(Path("/etc/b.txt")))
    assert found.build_constraints == (str(FOLDER / "c.txt"),)
    assert (found.build_isolation, found.hash_rule) == (False, HashRule.REQUIRED)
    assert found.controls.prereleases.included == {ALL}
    assert found.controls.wheels_only.excluded == {"one", "two-three"}
    assert found.controls.wheels_only.included == {ALL, "four"}
    assert found.trusted_hosts == ("one.example", "two.example:8443", "three.example:1", "[::1]")
    assert found.client_cert == str(FOLDER / "client.pem")
    assert (found.timeout_seconds, found.retries, found.keyring_provider) == (7.0, 2, "subprocess")
    assert dict(found.origins)["timeout"] == "UV_HTTP_TIMEOUT"
    assert dict(found.origins)["retries"] == "UV_HTTP_RETRIES"
    assert (settings.strategy, settings.is_offline) == (Strategy.MERGE, True)


def test_no_binary_may_be_taken_back() -> None:
    def excluded(**environ: str) -> frozenset[str]:
        found = read(PipConfiguration(controls=without(ALL)), **environ)
        return found.configuration.controls.wheels_only.excluded

    assert excluded(UV_NO_BINARY="0") == frozenset()
    assert excluded(UV_NO_BINARY="1", UV_NO_BINARY_PACKAGE="a") == {ALL, "a"}


def test_what_uv_is_told_of_a_package_counts_before_what_pip_is_configured_with() -> None:
    foo = canonicalize_name("foo")
    wheels = PipConfiguration(controls=Controls(NameControl(frozenset({"foo"}))))
    for variables in ({"UV_NO_BINARY_PACKAGE": "foo"}, {"UV_NO_BINARY": "1"}):
        kinds = read(wheels, **variables).configuration.controls.kinds(foo)
        assert kinds is Kinds.SOURCES


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.5+02:00", datetime(2026, 1, 2, 1, 4, 5, 500_000, tzinfo=UTC)),
        ("P7D", NOW - timedelta(days=7)),
        ("P1WT2H", NOW - timedelta(days=7, hours=2)),
        ("24 hours", NOW - timedelta(hours=24)),
        ("1 week", NOW - timedelta(days=7)),
        ("30 days", NOW - timedelta(days=30)),
        ("1 day 2 hours ago", NOW - timedelta(days=1, hours=2)),
        ("3d", NOW - timedelta(days=3)),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" not in value else "",
)
def test_the_last_moment_is_a_time_or_so_long_ago(text: str, moment: datetime) -> None:
    assert read(UV_EXCLUDE_NEWER=text).configuration.uploaded_prior_to == moment


def test_a_date_means_its_end_where_we_are() -> None:
    end = datetime(2026, 1, 2, 23, 59, 59, 999_999).astimezone(UTC)
    assert read(UV_EXCLUDE_NEWER="2026-01-02").configuration.uploaded_prior_to == end


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("UV_DEFAULT_INDEX", "ftp://user:s3cr3t@index.example/", "scheme"),
        ("UV_DEFAULT_INDEX", "main", "uv.toml"),
        ("UV_INDEX", "my team=https://index.example/", "uv.toml"),
        ("UV_INDEX", "my/team=https://index.example/", "letters, digits"),
        ("UV_INDEX", "https://user:s3cr3t@[bad", "scheme"),
        ("UV_NO_BINARY", "numpy", "yes or no"),
        ("UV_NO_BUILD_PACKAGE", "a==1", "names of packages"),
        ("UV_PRERELEASE", "disallow", "`if-necessary`"),
        ("UV_EXCLUDE_NEWER", "yesterday", "RFC 3339"),
        ("UV_EXCLUDE_NEWER", "P1M", "without months"),
        ("UV_EXCLUDE_NEWER", "P9999999999W", "without months"),
        ("UV_EXCLUDE_NEWER", "2026-13-01", "RFC 3339"),
        ("UV_EXCLUDE_NEWER", "ago", "RFC 3339"),
        ("UV_INSECURE_HOST", "https://user:s3cr3t@index.example", "hosts"),
        ("UV_INSECURE_HOST", "index.example:https", "hosts"),
        ("UV_HTTP_TIMEOUT", "1.5", "a whole number"),
        ("UV_HTTP_RETRIES", "-1", "a whole number"),
        ("UV_KEYRING_PROVIDER", "import", "`subprocess`"),
        ("UV_INDEX_STRATEGY", "best", "`first-index`"),
        ("UV_OFFLINE", "sometimes", "yes or no"),
    ],
)
def test_a_mistake_names_its_variable(variable: str, value: str, told: str) -> None:
    places = PipPlaces({variable: value}, HOME, Path("/usr"), folder=FOLDER)
    with pytest.raises(UsageError) as caught:
        overlay_uv(PipConfiguration(), places, NOW)
    assert str(caught.value).startswith(f"{variable}: expected ")
    assert told in str(caught.value)
    assert "s3cr3t" not in str(caught.value) + repr(caught.value)
