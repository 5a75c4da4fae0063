"""Indexes as they are in companies, from outside: the command line as a process of its own, servers on loopback."""

import base64
import hashlib
import importlib.util
import os
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

import pytest_wheeltag
from pytest_wheeltag.workshop import Answer, IndexOptions, LocalIndex, WheelMaker
from pytest_wheeltag.workshop.answers import Request
from pytest_wheeltag.workshop.proxy import ForwardingProxy
from pytest_wheeltag.workshop.server import LoopbackServer

USER, PASSWORD = "anna", "s3cr3t/4711"
LOGIN = USER, PASSWORD
BASIC = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()
HOST = "index.example"
FILE = "demo-1.0-py3-none-any.whl"
has_keyring = pytest.mark.skipif(
    importlib.util.find_spec("keyring") is None, reason="keyring is not installed here"
)


@dataclass(frozen=True)
class Done:
    """What came of a run of the command line."""

    status: int
    out: str
    err: str


@dataclass
class Machine:
    """A machine of a user with a home, a configuration of pip's and a cache of its own, and nothing else."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dropped = (
            "PIP_",
            "UV_",
            "SSL_CERT",
            "REQUESTS_CA",
            "CURL_CA",
            "NETRC",
            "PYTHON_KEYRING",
            "VIRTUAL_ENV",
        )
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(dropped) and not name.lower().endswith("_proxy")
        }
        self.home.mkdir(parents=True)
        self.environ = {
            **kept,
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "PIP_CONFIG_FILE": os.devnull,
            "WHEELTAG_CACHE_DIR": str(self.root / "cache"),
            "PYTHONPATH": os.pathsep.join([str(Path(pytest_wheeltag.__file__).parents[1]), str(self.home)]),
        }

    @property
    def home(self) -> Path:
        return self.root / "home"

    def configure(self, *lines: str) -> None:
        """Write pip's configuration."""
        path = self.home / "pip.conf"
        path.write_text("\n".join(["[global]", *lines]), encoding="utf-8")
        self.environ["PIP_CONFIG_FILE"] = str(path)

    def run(self, *arguments: str) -> Done:
        """Run the command line; whatever comes of it, no password is left anywhere."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest_wheeltag", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env=self.environ,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        for secret in (PASSWORD, quote(PASSWORD, safe=""), BASIC.split()[1]):
            assert secret not in done.stdout + done.stderr
            assert self.files_with(secret) == []
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def files_with(self, secret: str) -> list[Path]:
        """List the files of the cache and of environments that hold a text."""
        made = (path for folder in ("cache", "env") for path in (self.root / folder).rglob("*"))
        return [path for path in made if path.is_file() and secret.encode() in path.read_bytes()]

    def resolve(self, *options: str) -> Done:
        return self.run("resolve", "demo", *options)

    def make(self, *options: str) -> Done:
        return self.run("venv", str(self.root / "env"), f"--python={sys.executable}", "demo", *options)

    @property
    def installed(self) -> list[str]:
        """The distributions in the environment that was made."""
        return sorted(path.name for path in (self.root / "env").rglob("*.dist-info"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return WheelMaker(tmp_path / "wheels")("demo")


@pytest.fixture
def private(wheel: Path) -> Iterator[LocalIndex]:
    """Run an index that wants a login."""
    with LocalIndex(IndexOptions(credentials=LOGIN)) as index:
        index.add(wheel)
        yield index


def refused(done: Done, *words: str) -> None:
    assert done.status == 1, done
    assert done.out == ""
    for word in words:
        assert word in done.err


def test_a_login_in_the_url_opens_page_and_file(machine: Machine, private: LocalIndex) -> None:
    url = f"--index-url={private.authenticated_url}"
    assert FILE in machine.resolve(url).out
    assert machine.run("venv", str(machine.root / "env"), f"--python={sys.executable}").status == 0
    done = machine.run("install", f"--python={machine.root / 'env'}", "demo", url)
    assert (done.status, machine.installed) == (0, ["demo-1.0.dist-info"])
    assert {request.status for request in private.requests} <= {200, 206}


@pytest.mark.parametrize("where", ["variable", "file", "extra", "find-links"])
def test_a_login_of_pips_configuration_counts(machine: Machine, private: LocalIndex, where: str) -> None:
    url = private.authenticated_url
    match where:
        case "variable":
            machine.environ["PIP_INDEX_URL"] = url
        case "file":
            machine.configure(f"index-url = {url}")
        case "extra":
            machine.configure(f"extra-index-url = {url}", f"index-url = {machine.home.as_uri()}/")
        case "find-links":
            machine.configure(f"find-links = {url}demo/", "no-index = yes")
    assert machine.make().status == 0
    assert machine.installed == ["demo-1.0.dist-info"]


@pytest.mark.parametrize("name", [".netrc", "elsewhere"])
def test_a_login_of_netrc_counts(machine: Machine, private: LocalIndex, name: str) -> None:
    path = machine.home / name
    path.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    if name != ".netrc":
        machine.environ["NETRC"] = str(path)
    machine.environ["PIP_INDEX_URL"] = private.url
    assert machine.make().status == 0
    assert machine.installed == ["demo-1.0.dist-info"]


def test_a_wrong_password_is_told_once_and_not_shown(machine: Machine, private: LocalIndex) -> None:
    machine.environ["PIP_KEYRING_PROVIDER"] = "disabled"
    wrong = private.url.replace("://", f"://{USER}:wr0ng@")
    done = machine.make(f"--index-url={wrong}")
    refused(done, "401 Unauthorized", "user name and password from the URL are refused", private.url)
    assert "wr0ng" not in done.err
    assert len(private.requests) == 1
    assert not (machine.root / "env").exists()
    refused(
        machine.resolve(f"--index-url={private.url}"), "give credentials in the URL, in netrc or in keyring"
    )


def install_backend(machine: Machine, service: str, behaviour: str = "") -> Path:
    """Put a backend of keyring's into the user's home, and give the file that it writes its questions to."""
    asked = machine.home / "asked"
    (machine.home / "vault.py").write_text(
        textwrap.dedent(f"""
            from keyring.backend import KeyringBackend
            from keyring.credentials import SimpleCredential

            class Vault(KeyringBackend):
                priority = 1

                def get_credential(self, service, username):
                    with open({str(asked)!r}, "a") as file:
                        print(service, username, file=file)
                    {behaviour or "pass"}
                    if service == {service!r} and username in (None, {USER!r}):
                        return SimpleCredential({USER!r}, {PASSWORD!r})
                    return None

                def get_password(self, service, username):
                    raise AssertionError("get_credential is what pip asks")

                set_password = delete_password = get_password
            """)
    )
    machine.environ["PYTHON_KEYRING_BACKEND"] = "vault.Vault"
    return asked


@has_keyring
@pytest.mark.parametrize("provider", ["", "auto", "import"])
def test_a_keyring_is_asked_for_the_index_first(machine: Machine, private: LocalIndex, provider: str) -> None:
    asked = install_backend(machine, private.url)
    machine.environ |= {"PIP_INDEX_URL": private.url, "PIP_KEYRING_PROVIDER": provider}
    assert machine.make().status == 0
    assert machine.installed == ["demo-1.0.dist-info"]
    assert asked.read_text() == f"{private.url} None\n"
    assert [request.status for request in private.requests].count(401) == 1


@has_keyring
def test_a_keyring_is_asked_for_the_host_next_and_for_the_user_of_the_url(
    machine: Machine, private: LocalIndex
) -> None:
    host = f"127.0.0.1:{private.port}"
    asked = install_backend(machine, host)
    url = private.url.replace("://", f"://{USER}@")
    assert machine.make(f"--index-url={url}").status == 0
    assert machine.installed == ["demo-1.0.dist-info"]
    assert asked.read_text() == f"{private.url} {USER}\n{host} {USER}\n"


@has_keyring
@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not installed here")
@pytest.mark.parametrize("user", ["", f"{USER}@"], ids=["nobody", "user"])
def test_pip_asks_a_keyring_the_same_questions(
    machine: Machine, private: LocalIndex, tmp_path: Path, user: str
) -> None:
    asked = install_backend(machine, f"127.0.0.1:{private.port}")
    machine.environ |= {
        "PIP_INDEX_URL": private.url.replace("://", f"://{user}"),
        "PIP_KEYRING_PROVIDER": "import",
    }
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-input", "--no-cache-dir", "--no-deps", "demo"]
    subprocess.run(pip, env=machine.environ, cwd=tmp_path, capture_output=True, check=True, timeout=120)
    # pip asks again for each request.
    questions = list(dict.fromkeys(asked.read_text().splitlines()))
    asked.unlink()
    assert machine.make().status == 0
    assert asked.read_text().splitlines() == questions
    assert len(questions) == 2


@has_keyring
def test_a_keyring_is_not_asked_where_nothing_is_refused(machine: Machine, private: LocalIndex) -> None:
    asked = install_backend(machine, private.url, "raise RuntimeError")
    assert machine.make(f"--index-url={private.authenticated_url}").status == 0
    assert not asked.exists()


@has_keyring
@pytest.mark.parametrize(
    ("behaviour", "settings", "words"),
    [
        ("return SimpleCredential('anna', '0ld')", {}, "user name and password from keyring are refused"),
        ("raise RuntimeError('0ld')", {}, "(keyring was asked in vain: it failed with RuntimeError)"),
        ("return None", {}, "give credentials in the URL, in netrc or in keyring: "),
        (
            "pass",
            {"PIP_KEYRING_PROVIDER": "disabled"},
            "give credentials in the URL, in netrc or in keyring: ",
        ),
        ("pass", {"PIP_NO_INPUT": "1"}, "give credentials in the URL, in netrc or in keyring: "),
        ("pass", {"PIP_KEYRING_PROVIDER": "subprocess"}, "asked in vain: no such command on PATH"),
    ],
    ids=["old", "failing", "ignorant", "disabled", "no-input", "no-command"],
)
def test_a_keyring_that_does_not_help_is_told(
    machine: Machine, private: LocalIndex, behaviour: str, settings: dict[str, str], words: str
) -> None:
    install_backend(machine, private.url, behaviour)
    machine.environ |= {"PATH": str(machine.home), **settings}
    done = machine.resolve(f"--index-url={private.url}")
    refused(done, "401 Unauthorized", words)
    assert "0ld" not in done.err
    assert len(private.requests) <= 2


@pytest.mark.skipif(os.name == "nt", reason="the command here is a script with an interpreter line")
@pytest.mark.parametrize("provider", ["subprocess", "auto"])
def test_the_command_on_path_is_asked(machine: Machine, private: LocalIndex, provider: str) -> None:
    command = machine.home / "keyring"
    command.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        f"assert sys.argv[1:] == ['--mode=creds', '--output=json', 'get', {private.url!r}], sys.argv\n"
        f"print(json.dumps({{'username': {USER!r}, 'password': {PASSWORD!r}}}))\n"
    )
    command.chmod(0o755)
    if provider == "auto":
        # As where the extra is not installed.
        (machine.home / "sitecustomize.py").write_text(
            "import importlib.util as u\nfind = u.find_spec\n"
            "u.find_spec = lambda name, *rest: None if name == 'keyring' else find(name, *rest)\n"
        )
    machine.environ |= {"PATH": str(machine.home), "PIP_KEYRING_PROVIDER": provider}
    done = machine.make(f"--index-url={private.url}")
    assert (done.status, machine.installed) == (0, ["demo-1.0.dist-info"]), done


class SharedHost(LoopbackServer):
    """Two teams' indexes below one origin, each with a login of its own, and their files side by side."""

    def __init__(self, wheels: dict[str, Path], logins: dict[str, tuple[str, str]]) -> None:
        super().__init__(self._choose)
        self._wheels = wheels
        self._logins = logins

    def _choose(self, request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        team = parts[1] if parts[0] == "files" else parts[0]
        token = base64.b64encode(":".join(self._logins[team]).encode()).decode()
        if request.headers.get("authorization") != f"Basic {token}":
            return Answer.of_status(HTTPStatus.UNAUTHORIZED)
        wheel = self._wheels[team]
        if parts[0] == "files":
            return Answer(body=wheel.read_bytes()).ranged(request)
        if parts[-1] != wheel.name.partition("-")[0]:
            return Answer.of_status(HTTPStatus.NOT_FOUND)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        return Answer.of_text(f'<a href="/files/{team}/{wheel.name}#sha256={digest}">{wheel.name}</a>')


def test_two_indexes_on_one_host_have_a_login_each(machine: Machine, wheel: Path, tmp_path: Path) -> None:
    other = WheelMaker(tmp_path / "wheels")("other")
    logins = {"one": (USER, PASSWORD), "two": ("bert", PASSWORD * 2)}
    with SharedHost({"one": wheel, "two": other}, logins) as server:
        urls = [
            f"{server.origin}/{team}/simple/".replace("://", f"://{user}:{quote(password, safe='')}@")
            for team, (user, password) in logins.items()
        ]
        done = machine.make("other", f"--index-url={urls[0]}", f"--extra-index-url={urls[1]}")
        assert (done.status, machine.installed) == (0, ["demo-1.0.dist-info", "other-1.0.dist-info"]), done
        pages = [request for request in server.requests if "/simple/" in request.path]
        assert {request.status for request in pages} == {200, 404}


def test_files_on_another_host_do_not_get_the_indexs_login(
    machine: Machine, private: LocalIndex, tmp_path: Path
) -> None:
    machine.environ["PIP_KEYRING_PROVIDER"] = "disabled"
    far = WheelMaker(tmp_path / "far")("demo", "2.0")
    with LocalIndex(IndexOptions(credentials=("bert", "0ther"))) as files:
        files.add(far)
        private.add(far, url=files.file_url(far.name), metadata=False)
        done = machine.make(f"--index-url={private.authenticated_url}")
        refused(done, "401 Unauthorized", "those of an index stay with its origin, netrc can hold others")
        assert f"`{files.file_url(far.name)}`" in done.err
        assert all("authorization" not in request.headers for request in files.requests)
        (machine.home / ".netrc").write_text("machine 127.0.0.1 login bert password 0ther\n")
        assert machine.make(f"--index-url={private.authenticated_url}").status == 0
        assert machine.installed == ["demo-2.0.dist-info"]


def test_a_login_in_a_link_is_not_used(machine: Machine, private: LocalIndex, tmp_path: Path) -> None:
    far = WheelMaker(tmp_path / "far")("demo", "2.0")
    with LocalIndex() as files:
        files.add(far)
        private.add(
            far, url=files.file_url(far.name).replace("://", f"://{USER}:{quote(PASSWORD, safe='')}@")
        )
        assert machine.make(f"--index-url={private.authenticated_url}").status == 0
        assert machine.installed == ["demo-2.0.dist-info"]
        assert files.requests
        assert all("authorization" not in request.headers for request in files.requests)


@pytest.mark.parametrize("target", ["page", "file"])
def test_a_redirect_takes_no_login_along(
    machine: Machine, private: LocalIndex, wheel: Path, target: str
) -> None:
    with LocalIndex() as other:
        other.add(wheel)
        if target == "page":
            private.answer("demo", Answer.of_redirect(f"{other.url}demo/"))
        else:
            private.answer(FILE, Answer.of_redirect(other.file_url(FILE)))
        assert machine.make(f"--index-url={private.authenticated_url}").status == 0
        assert machine.installed == ["demo-1.0.dist-info"]
        assert {request.headers.get("authorization") for request in private.requests} == {BASIC}
        assert other.requests
        assert all("authorization" not in request.headers for request in other.requests)


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_is_asked_again_when_it_says(machine: Machine, private: LocalIndex, status: int) -> None:
    private.answer("demo", Answer.of_status(status, retry_after="1"), None)
    private.answer(FILE, Answer.of_status(status, retry_after="0"), None)
    assert machine.make(f"--index-url={private.authenticated_url}").status == 0
    assert machine.installed == ["demo-1.0.dist-info"]
    assert private.count("demo") == 2
    private.answer("demo", Answer.of_status(status, retry_after="3600"))
    refused(
        machine.resolve(f"--index-url={private.authenticated_url}"),
        f"found {status} ",
        "to be asked again after 3600 s",
    )


@pytest.mark.parametrize(
    ("settings", "count"),
    [({}, 3), ({"PIP_RETRIES": "0"}, 1), ({"PIP_RETRIES": "4"}, 5)],
    ids=["ours", "none", "4"],
)
def test_pips_retries_count(
    machine: Machine, private: LocalIndex, settings: dict[str, str], count: int
) -> None:
    machine.environ |= settings
    private.answer("demo", Answer.of_status(503, retry_after="0"))
    refused(machine.resolve(f"--index-url={private.authenticated_url}"), "503 Service Unavailable")
    assert private.count("demo") == count


def test_pips_timeout_counts(machine: Machine, private: LocalIndex) -> None:
    machine.configure("timeout = 0.5", "retries = 0")
    private.answer("demo", Answer(delay_seconds=30.0))
    refused(machine.resolve(f"--index-url={private.authenticated_url}"), "expected an answer within 0.5 s")


@dataclass(frozen=True)
class Authority:
    """A company's own authority: its certificate in a file, a server's context, a client's certificate in a file."""

    bundle: Path
    client: Path
    server: ssl.SSLContext
    strict_server: ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    made = trustme.CA()
    made.cert_pem.write_to_path(folder / "ca.pem")
    made.issue_cert("anna@index.example").private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    contexts = []
    for mode in (ssl.CERT_NONE, ssl.CERT_REQUIRED):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert("127.0.0.1", HOST).configure_cert(context)
        made.configure_trust(context)
        context.verify_mode = mode
        contexts.append(context)
    return Authority(folder / "ca.pem", folder / "client.pem", *contexts)


def encrypted(context: ssl.SSLContext) -> LocalIndex:
    return LocalIndex(IndexOptions(credentials=LOGIN)).encrypted(context)


@pytest.mark.parametrize(
    "setting",
    ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "cert", "trusted-host"],
)
def test_a_company_is_its_own_authority(
    machine: Machine, wheel: Path, authority: Authority, setting: str
) -> None:
    with encrypted(authority.server) as index:
        index.add(wheel)
        if setting == "cert":
            machine.configure(f"cert = {authority.bundle}")
        elif setting == "trusted-host":
            machine.configure("trusted-host = 127.0.0.1")
        else:
            machine.environ[setting] = str(authority.bundle)
        assert machine.make(f"--index-url={index.authenticated_url}").status == 0
    assert machine.installed == ["demo-1.0.dist-info"]


def test_an_authority_that_nobody_knows_is_told(machine: Machine, authority: Authority) -> None:
    with encrypted(authority.server) as index:
        done = machine.resolve(f"--index-url={index.authenticated_url}")
        refused(done, "expected a valid certificate, found ", "see pip's `cert`", f"`{index.url}demo/`")
        assert index.requests == ()
    machine.environ["PIP_CERT"] = str(machine.home / "absent.pem")
    assert "absent.pem" in machine.resolve("--index-url=https://127.0.0.1:1/simple/").err


def test_a_client_shows_its_own_certificate(machine: Machine, wheel: Path, authority: Authority) -> None:
    machine.environ["PIP_CERT"] = str(authority.bundle)
    with encrypted(authority.strict_server) as index:
        index.add(wheel)
        refused(machine.resolve(f"--index-url={index.authenticated_url}"), "see pip's `client-cert`")
        machine.configure(f"client-cert = {authority.client}")
        assert machine.make(f"--index-url={index.authenticated_url}").status == 0
    assert machine.installed == ["demo-1.0.dist-info"]


@pytest.mark.parametrize("where", ["PIP_PROXY", "http_proxy", "ALL_PROXY", "pip.conf"])
def test_a_proxy_leads_to_the_index(machine: Machine, private: LocalIndex, where: str) -> None:
    with ForwardingProxy({HOST: private.port}, LOGIN) as proxy:
        address = proxy.origin.replace("://", f"://{USER}:{quote(PASSWORD, safe='')}@")
        if where == "pip.conf":
            machine.configure(f"proxy = {address}")
        else:
            machine.environ[where] = address
        url = private.authenticated_url.replace(f"127.0.0.1:{private.port}", HOST)
        done = machine.make(f"--index-url={url}")
        assert (done.status, machine.installed) == (0, ["demo-1.0.dist-info"]), done
        assert {request.status for request in proxy.requests} <= {200, 206}
        assert all("proxy-authorization" not in request.headers for request in private.requests)
        # What was learnt of this index is kept, without a word of who asked.
        assert FILE in machine.resolve(f"--index-url={url}", "--offline").out


@pytest.mark.parametrize("login", [LOGIN, None], ids=["login", "open"])
def test_a_proxy_leads_to_an_encrypted_index(
    machine: Machine, wheel: Path, authority: Authority, login: tuple[str, str] | None
) -> None:
    with encrypted(authority.server) as index, ForwardingProxy({HOST: index.port}, login) as proxy:
        index.add(wheel)
        user = f"{USER}:{quote(PASSWORD, safe='')}@" if login else ""
        machine.environ |= {
            "HTTPS_PROXY": proxy.origin.replace("://", f"://{user}"),
            "PIP_CERT": str(authority.bundle),
        }
        url = index.authenticated_url.replace(f"127.0.0.1:{index.port}", HOST)
        done = machine.make(f"--index-url={url}")
        assert (done.status, machine.installed) == (0, ["demo-1.0.dist-info"]), done
        assert {request.method for request in proxy.requests} == {"CONNECT"}
        assert all("authorization" not in request.headers for request in proxy.requests)
        assert all("proxy-authorization" not in request.headers for request in index.requests)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("host", "words"),
    [
        (HOST, ["407 Proxy Authentication Required", "give credentials in the proxy's URL"]),
        ("other.example", ["502 Bad Gateway"]),
    ],
    ids=["refused", "unknown"],
)
def test_a_proxy_that_does_not_let_us_through_is_told(
    machine: Machine, scheme: str, host: str, words: list[str]
) -> None:
    machine.environ["PIP_RETRIES"] = "0"
    login = LOGIN if host == HOST else None
    with ForwardingProxy({HOST: 1}, login) as proxy:
        machine.environ["PIP_PROXY"] = proxy.origin.replace("://", "://anna:wr0ng@")
        done = machine.resolve(f"--index-url={scheme}://{host}/simple/")
    refused(done, *words)
    assert "wr0ng" not in done.err


def test_what_a_project_and_its_files_are_is_told(
    machine: Machine, private: LocalIndex, tmp_path: Path
) -> None:
    """Relative addresses and project status (PEP 792), a file without a hash, and one that is yanked (PEP 592)."""
    private.set_status("demo", "deprecated", "use other instead")
    private.add(WheelMaker(tmp_path / "more")("demo", "2.0"), yanked="broken on Mondays")
    private.add(WheelMaker(tmp_path / "more")("bare", "1.0"), hashes={})
    url = f"--index-url={private.authenticated_url}"
    done = machine.make("bare", url)
    assert (done.status, machine.installed) == (0, ["bare-1.0.dist-info", "demo-1.0.dist-info"])
    assert "demo is deprecated: use other instead" in done.err
    assert "bare: 1 files without a hash" in done.err
    pinned = machine.run("resolve", "demo==2.0", url)
    assert "demo-2.0-py3-none-any.whl" in pinned.out
    assert "broken on Mondays" in pinned.out + pinned.err


@pytest.mark.parametrize(("strategy", "version"), [("merge", "2.0"), ("first", "1.0")])
def test_several_indexes_are_pooled_or_the_first_counts(
    machine: Machine, private: LocalIndex, tmp_path: Path, strategy: str, version: str
) -> None:
    with LocalIndex() as second:
        second.add(WheelMaker(tmp_path / "more")("demo", "2.0"))
        done = machine.resolve(
            f"--index-url={private.authenticated_url}",
            f"--extra-index-url={second.url}",
            f"--index-strategy={strategy}",
        )
    assert f"demo-{version}-py3-none-any.whl" in done.out
    assert ("on several indexes" in done.err) is (strategy == "merge")


def test_variables_of_uv_open_a_private_index(
    machine: Machine, private: LocalIndex, authority: Authority, wheel: Path
) -> None:
    with encrypted(authority.server) as index:
        index.add(wheel)
        machine.environ |= {
            "UV_DEFAULT_INDEX": f"{index.origin}/none/",
            "UV_INDEX": f"my-team={index.url}",
            "UV_INDEX_MY_TEAM_USERNAME": USER,
            "UV_INDEX_MY_TEAM_PASSWORD": PASSWORD,
            "UV_INDEX_STRATEGY": "first-index",
            "SSL_CERT_FILE": str(authority.bundle),
        }
        refused(machine.resolve(f"--index-url={private.url}"), "401 Unauthorized")
        done = machine.make("--uv-settings")
        assert (done.status, machine.installed) == (0, ["demo-1.0.dist-info"]), done
        # The first that has it is the last that is asked.
        assert not [request for request in index.requests if request.path.startswith("/none/")]
        machine.environ["UV_INDEX_MY_TEAM_PASSWORD"] = "wr0ng"
        refused(machine.resolve("--uv-settings"), "user name and password from the URL are refused")
