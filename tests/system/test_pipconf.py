import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_wheeltag.core.controls import ALL, Controls, NameControl
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.pipconf import PipConfiguration, default_index, read_pip_configuration
from pytest_wheeltag.system.pipfiles import PipPlaces
from pytest_wheeltag.system.urls import Url

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


class Machine:
    """A machine with nothing on it but what a test writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.prefix = root / "prefix"
        self.environ = {"XDG_CONFIG_DIRS": f"{root}/xdg"}

    def write(self, path: str, text: str) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def places(self, platform: str = "linux") -> PipPlaces:
        return PipPlaces(self.environ, self.home, self.prefix, platform, self.root)

    def read(self) -> PipConfiguration:
        return read_pip_configuration(self.places(), NOW)

    def index(self) -> str:
        return str(self.read().index_url)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def url_file(number: int, section: str = "global") -> str:
    return f"[{section}]\nindex-url = https://index.example/{number}/\n"


def test_a_machine_without_configuration_has_pips_defaults(machine: Machine) -> None:
    (machine.root / "xdg").mkdir()
    configuration = machine.read()
    if not Path("/etc/pip.conf").exists():
        assert configuration == PipConfiguration()
    assert configuration.index_url is None


def test_later_files_override_earlier_ones(machine: Machine) -> None:
    order = ["xdg/pip/pip.conf", "home/.pip/pip.conf", "home/.config/pip/pip.conf", "prefix/pip.conf"]
    for number, path in enumerate(order):
        machine.write(path, url_file(number))
        assert machine.index() == f"https://index.example/{number}/"
        assert dict(machine.read().origins)["index-url"] == f"{machine.root / path} [global]"
    machine.environ["PIP_CONFIG_FILE"] = str(machine.write("named.conf", url_file(8)))
    assert machine.index() == "https://index.example/8/"
    machine.environ["PIP_INDEX_URL"] = "https://index.example/9/"
    assert machine.index() == "https://index.example/9/"
    assert dict(machine.read().origins)["index-url"] == "PIP_INDEX_URL"


def test_install_overrides_global_from_any_file(machine: Machine) -> None:
    machine.write("xdg/pip/pip.conf", url_file(1, "install"))
    machine.write("prefix/pip.conf", url_file(2, "global") + url_file(3, "download"))
    assert machine.index() == "https://index.example/1/"


def test_a_named_file_takes_the_place_of_the_users(machine: Machine) -> None:
    machine.write("home/.config/pip/pip.conf", "[global]\nno-index = true\n")
    machine.environ["PIP_CONFIG_FILE"] = str(machine.root / "absent")
    assert machine.read().no_index
    machine.environ["PIP_CONFIG_FILE"] = str(machine.write("named.conf", ""))
    assert not machine.read().no_index


def test_the_null_device_stands_for_no_file_at_all(machine: Machine) -> None:
    machine.write("prefix/pip.conf", url_file(1))
    machine.environ |= {"PIP_CONFIG_FILE": os.devnull, "PIP_PRE": "1"}
    assert machine.read() == PipConfiguration(
        controls=Controls(prereleases=NameControl.of([ALL])), origins=tuple(sorted(machine.read().origins))
    )


def test_an_empty_value_is_none_but_hides_earlier_files_only(machine: Machine) -> None:
    machine.write("xdg/pip/pip.conf", url_file(1))
    machine.write("prefix/pip.conf", "[global]\nindex-url =\n")
    assert machine.read().index_url is None
    machine.write("prefix/pip.conf", "[install]\nindex-url =\n")
    machine.environ["PIP_INDEX_URL"] = ""
    assert machine.index() == "https://index.example/1/"


def test_every_setting_is_read(machine: Machine) -> None:
    machine.write(
        "prefix/pip.conf",
        """
[global]
EXTRA_INDEX_URL = https://one.example/simple
    https://user:s3cr3t@two.example/simple
--find-links = wheels ~/house https://three.example/links.html
constraint = a.txt b.txt
build-constraint = c.txt
config-settings = --opt=a b
no-build-isolation = off
require-hashes = yes
keyring-provider = import
no-input = 1
no-proxy-env = 1
no-binary = One,two
prefer-binary = yes
trusted-host = one.example two.example:8443
proxy = proxy.example:3128
cert = ~/bundle.pem
client-cert = /keys/client.pem
timeout = 3.5
retries = 1
[install]
only-binary = ONE
pypi-url = https://old.example/simple
uploaded-prior-to = P3D
upgrade-strategy = eager
config-settings = --opt=c
""",
    )
    found = machine.read()
    assert [str(url) for url in found.extra_index_urls] == [
        "https://one.example/simple",
        "https://two.example/simple",
    ]
    assert found.extra_index_urls[1].password == "s3cr3t"
    assert [url.file_path for url in found.find_links[:2]] == [
        machine.root / "wheels",
        machine.home / "house",
    ]
    assert found.constraints == ("a.txt", "b.txt")
    assert found.build_constraints == ("c.txt",)
    assert found.config_settings == (("--opt", "a b"), ("--opt", "c"))
    assert (found.build_isolation, found.hash_rule, found.upgrade_strategy) == (
        False,
        HashRule.REQUIRED,
        "eager",
    )
    assert (found.keyring_provider, found.no_input, found.no_proxy_env) == ("import", True, True)
    assert found.controls.wheels_only == NameControl(frozenset({"one"}), frozenset({"two"}))
    assert found.controls.wheels_first.included == {ALL}
    assert found.trusted_hosts == ("one.example", "two.example:8443")
    assert found.proxy == Url("http", "proxy.example", "/", 3128)
    assert (found.cert, found.client_cert) == (str(machine.home / "bundle.pem"), "/keys/client.pem")
    assert (found.timeout_seconds, found.retries) == (3.5, 1)
    assert str(found.index_url) == "https://old.example/simple"
    assert found.uploaded_prior_to == datetime(2026, 5, 3, 12, tzinfo=UTC)
    assert "s3cr3t" not in repr(found)


@pytest.mark.parametrize(
    ("no_binary", "only_binary", "expected"),
    [
        ("a,b", "b,c", ({"a"}, {"b", "c"})),
        (":all:", "b", ({":all:"}, {"b"})),
        ("a", ":all:", (set(), {":all:"})),
        ("a,:none:", "", (set(), set())),
    ],
)
def test_formats_exclude_each_other(
    machine: Machine, no_binary: str, only_binary: str, expected: tuple[set[str], set[str]]
) -> None:
    machine.write("prefix/pip.conf", f"[global]\nno-binary = {no_binary}\nonly-binary = {only_binary}\n")
    wheels = machine.read().controls.wheels_only
    assert (set(wheels.excluded), set(wheels.included)) == expected


def test_isolation_takes_its_own_flag_at_its_word(machine: Machine) -> None:
    """`no-build-isolation = true` isolates, since pip stores the value as that of `build_isolation`."""
    for text, is_isolated in {"true": True, "false": False, "": True}.items():
        machine.environ["PIP_NO_BUILD_ISOLATION"] = text
        assert machine.read().build_isolation is is_isolated


def test_formats_add_up_over_the_layers(machine: Machine) -> None:
    machine.write("prefix/pip.conf", "[global]\nno-binary = a\n[install]\nno-binary = b\n")
    machine.environ["PIP_ONLY_BINARY"] = "a"
    found = machine.read()
    assert found.controls.wheels_only == NameControl(frozenset({"a"}), frozenset({"b"}))


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PIP_PRE", "maybe", "yes or no"),
        ("PIP_TIMEOUT", "soon", "a number"),
        ("PIP_RETRIES", "-1", "upwards"),
        ("PIP_UPLOADED_PRIOR_TO", "yesterday", "P3D"),
        ("PIP_INDEX_URL", "ftp://user:s3cr3t@index.example/", "scheme"),
        ("PIP_EXTRA_INDEX_URL", "https://user:s3cr3t@[bad", "scheme"),
        ("PIP_KEYRING_PROVIDER", "vault", "`subprocess`"),
        ("PIP_UPGRADE_STRATEGY", "never", "`eager`"),
        ("PIP_CONFIG_SETTINGS", "s3cr3t", "KEY=VALUE"),
        ("PIP_NO_BUILD_ISOLATION", "maybe", "yes or no"),
        ("PIP_PROXY", "socks5://user:s3cr3t@index.example/", "scheme"),
    ],
)
def test_a_bad_value_is_named_with_where_it_stands(
    machine: Machine, variable: str, value: str, told: str
) -> None:
    machine.environ[variable] = value
    with pytest.raises(UsageError) as caught:
        machine.read()
    assert variable in str(caught.value)
    assert told in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["index-url = https://user:s3cr3t@x/", "[global]\na = 1\na = 2\n", "[global]\ns3cr3t\n", "[global\n"],
)
def test_a_file_that_cannot_be_parsed_is_named_without_its_content(machine: Machine, text: str) -> None:
    path = machine.write("prefix/pip.conf", text)
    with pytest.raises(UsageError) as caught:
        machine.read()
    assert str(path) in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, ["/etc/xdg/pip", "/etc", "H/.pip", "H/.config/pip", "P"]),
        (
            "linux",
            {"XDG_CONFIG_DIRS": "/a:/b", "XDG_CONFIG_HOME": "/c"},
            ["/a/pip", "/b/pip", "/etc", "H/.pip", "/c/pip", "P"],
        ),
        ("darwin", {}, ["/Library/Application Support/pip", "H/.pip", "H/.config/pip", "P"]),
        ("win32", {"PROGRAMDATA": "/pd", "APPDATA": "/ad"}, ["/pd/pip", "H/pip", "/ad/pip", "P"]),
    ],
)
def test_files_lie_where_pip_looks(
    tmp_path: Path, platform: str, environ: dict[str, str], expected: list[str]
) -> None:
    places = PipPlaces(environ, tmp_path / "H", tmp_path / "P", platform)
    name = "pip.ini" if platform == "win32" else "pip.conf"
    wanted = [Path(each) if each.startswith("/") else tmp_path / each for each in expected]
    assert list(places.files()) == [folder / name for folder in wanted]


def test_the_default_index_is_that_of_distlib_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = default_index(tmp_path)
    assert (first.scheme, first.path) == ("https", "/simple/")
    monkeypatch.setattr("pytest_wheeltag.system.pipconf._ask_distlib", lambda: pytest.fail("asked again"))
    assert default_index(tmp_path) == first


@pytest.mark.parametrize("damage", [b"", b"\xff", b"http://other.example/", b"x" * 2000])
def test_a_damaged_memory_of_the_default_index_is_replaced(tmp_path: Path, damage: bytes) -> None:
    first = default_index(tmp_path)
    (kept,) = (tmp_path / "index-v1").iterdir()
    kept.write_bytes(damage)
    assert default_index(tmp_path) == first
    assert kept.read_text() == str(first)


def test_a_read_only_cache_only_costs_the_import(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert default_index(tmp_path / "cache").path == "/simple/"
