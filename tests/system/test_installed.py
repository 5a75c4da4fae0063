import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import binary, dictionaries, sampled_from
from packaging.utils import canonicalize_name

from pytest_wheeltag.core.interpreter import ExistingEnvironment, Interpreter
from pytest_wheeltag.core.tags import InterpreterFacts, PlatformFacts
from pytest_wheeltag.core.verdict import (
    InstalledDistribution,
    InstalledWheel,
    MalformedDistribution,
    UnwheeledDistribution,
)
from pytest_wheeltag.system import enclosure
from pytest_wheeltag.system.installed import list_names, read_installed

INTERPRETER = Interpreter(
    "/usr/bin/python3",
    "3.11.7",
    InterpreterFacts("cpython", (3, 11), "311"),
    PlatformFacts("Linux", "linux-x86_64", "x86_64", libc="glibc", libc_version=(2, 36)),
    markers={},
    prefix="/nowhere",
)
SITE = "lib/python3.11/site-packages"


@dataclass(frozen=True)
class Site:
    """An environment under construction; distributions land in its purelib."""

    prefix: Path

    @property
    def library(self) -> Path:
        return self.prefix / SITE

    @property
    def environment(self) -> ExistingEnvironment:
        return ExistingEnvironment(str(self.prefix), INTERPRETER, (str(self.library),))

    def add(self, folder: str = "bad-1.0.dist-info", /, **files: str | bytes | None) -> Path:
        """Add a dist-info; a file given as None is left out, ``direct_url`` stands for its file."""
        return add(self.library / folder, **files)

    def read(self) -> Mapping[str, InstalledDistribution]:
        return by_name(read_both(self.environment))


def add(path: Path, **files: str | bytes | None) -> Path:
    name, _, version = path.stem.partition("-")
    content: dict[str, str | bytes | None] = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nLong text\n",
        "WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
        "RECORD": "",
        "INSTALLER": "pip\n",
        **files,
    }
    path.mkdir(parents=True, exist_ok=True)
    for filename, data in content.items():
        if data is not None:
            target = path / ("direct_url.json" if filename == "direct_url" else filename)
            target.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def read_both(
    environment: ExistingEnvironment, *, inherited: bool = False
) -> tuple[InstalledDistribution, ...]:
    """Read an environment and hold what must hold of any: names agree, are sorted and printable."""
    found = read_installed(environment, inherited=inherited)
    names = tuple(canonicalize_name(each.name) for each in found)
    assert names == list_names(environment, inherited=inherited) == tuple(sorted(set(names)))
    for each in found:
        clause = getattr(each, "problem", None) or getattr(each, "reason", None) or "a wheel"
        assert "".join((each.name, each.version, clause, *each.findings)).isprintable()
    return found


def by_name(found: tuple[InstalledDistribution, ...]) -> Mapping[str, InstalledDistribution]:
    return {canonicalize_name(each.name): each for each in found}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "env")
    site.add("good-1.0.dist-info")
    return site


def test_a_wheel_is_read_back(site: Site) -> None:
    path = site.add(
        "Foo.Bar-1.0.dist-info",
        METADATA="Name: foo_bar\nVersion: 1.0.0\n",
        WHEEL="Build: 2b\nTag: cp311-cp311-linux_x86_64\nTag: py3-none-any\n",
        INSTALLER="uv\n",
    )
    assert site.read()["foo-bar"] == InstalledWheel(
        "foo_bar",
        "1.0.0",
        ("cp311-cp311-linux_x86_64", "py3-none-any"),
        "2b",
        "uv",
        location=os.path.realpath(path),
    )


def test_other_entries_are_no_distributions(site: Site) -> None:
    (site.library / "package").mkdir()
    (site.library / "__editable__.foo-1.0.pth").touch()
    assert list(site.read()) == ["good"]


def test_an_environment_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert read_both(Site(tmp_path / "none").environment) == ()


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="names and files that Windows has not")


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def metadata_is_a_folder(site: Site) -> None:
    (site.add(METADATA=None) / "METADATA").mkdir()


def link_metadata(target: str) -> Callable[[Site], None]:
    return lambda site: (site.add(METADATA=None) / "METADATA").symlink_to(target)


def metadata_is_a_fifo(site: Site) -> None:
    os.mkfifo(site.add(METADATA=None) / "METADATA")


def metadata_is_a_socket(site: Site) -> None:
    path = site.add(METADATA=None) / "METADATA"
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("METADATA")
    finally:
        os.chdir(here)


def metadata_is_huge(site: Site) -> None:
    with (site.add() / "METADATA").open("ab") as file:
        file.truncate(200 << 20)


def dist_info_is_a_file(site: Site) -> None:
    (site.library / "bad-1.0.dist-info").write_text("junk")


def dist_info_is_a_circle(site: Site) -> None:
    (site.library / "bad-1.0.dist-info").symlink_to("bad-1.0.dist-info")


def dist_info_is_outside(site: Site) -> None:
    outside = add(site.prefix.parent / "outside" / "bad-1.0.dist-info")
    (site.library / "bad-1.0.dist-info").symlink_to(outside)


def dist_info_is_in_a_folder_linked_out(site: Site) -> None:
    outside = add(site.prefix.parent / "outside" / "bad-1.0.dist-info").parent
    (site.prefix / "out").symlink_to(outside)
    (site.library / "bad-1.0.dist-info").symlink_to("../../../out/bad-1.0.dist-info")


def dist_info_is_twice(site: Site) -> None:
    site.add("bad-1.0.dist-info")
    site.add("Bad-2.0.dist-info")


def wheel_is_a_fifo(site: Site) -> None:
    os.mkfifo(site.add(WHEEL=None) / "WHEEL")


@dataclass(frozen=True)
class Damage:
    """A row of table C (safety page) that leaves a distribution unjudged: how, and the problem told."""

    name: str
    inflict: Callable[[Site], object]
    problem: str
    distribution: str = "bad"


def given_files(
    folder: str = "bad-1.0.dist-info", /, **files: str | bytes | None
) -> Callable[[Site], object]:
    return lambda site: site.add(folder, **files)


BILLION = "-".join(".".join(f"a{number}" for number in range(1000)) for _ in range(3))
DAMAGES = [
    Damage("METADATA missing", given_files(METADATA=None), "METADATA cannot be used, expected a file, found none"),
    Damage("METADATA empty", given_files(METADATA=""), "METADATA cannot be used, expected one Name, found none"),
    Damage("METADATA not UTF-8", given_files(METADATA=b"Name: b\xe4d"), "expected UTF-8, found another byte at offset 7"),
    Damage("METADATA is a folder", metadata_is_a_folder, "expected a regular file, found a folder"),
    Damage("METADATA is a broken link", link_metadata("none"), "METADATA cannot be used, no such file or directory"),
    Damage("METADATA is a circle", link_metadata("METADATA"), "found links in a circle"),
    Damage("METADATA is /dev/zero", link_metadata("/dev/zero"), "found a link that leads outside"),
    Damage("METADATA is a FIFO", metadata_is_a_fifo, "expected a regular file, found a FIFO"),
    Damage("METADATA is a socket", metadata_is_a_socket, "expected a regular file, found a socket"),
    Damage("METADATA 200 MB", metadata_is_huge, "expected at most 8388608 bytes, found 209715200"),
    Damage("dist-info is a file", dist_info_is_a_file, "expected a folder, found a file"),
    Damage("dist-info is a circle", dist_info_is_a_circle, "found links in a circle"),
    Damage("dist-info outside", dist_info_is_outside, "found a link that leads outside"),
    Damage("dist-info through a folder outside", dist_info_is_in_a_folder_linked_out, "found a link that leads outside"),
    Damage("dist-info twice", dist_info_is_twice, "expected one dist-info, found several"),
    Damage("leftover", given_files("~ad-1.0.dist-info"), "expected no leftover of another installation; remove it", "~ad"),
    Damage("invalid version", given_files("bad-junk.dist-info"), "expected a version (PEP 440), found `junk`"),
    Damage("no version", given_files("bad.dist-info", METADATA="Name: bad\nVersion: 1.0"), "expected the version that its folder has, found `1.0`"),
    Damage("other name", given_files(METADATA="Name: other\nVersion: 1.0"), "expected the name that its folder has, found `other`"),
    Damage("other version", given_files(METADATA="Name: bad\nVersion: 2.0"), "expected the version that its folder has, found `2.0`"),
    Damage("escape in Name", given_files(METADATA="Name: \x1b[2Jbad\nVersion: 1.0"), r"expected the name of a distribution, found `\x1b[2Jbad`"),
    Damage("WHEEL without Tag", given_files(WHEEL="Wheel-Version: 1.0"), "expected a valid Tag, found none"),
    Damage("WHEEL not UTF-8", given_files(WHEEL=b"\xff"), "WHEEL cannot be used, expected UTF-8"),
    Damage("WHEEL is a FIFO", wheel_is_a_fifo, "WHEEL cannot be used, expected a regular file, found a FIFO"),
    Damage("WHEEL with 10^5 tags", given_files(WHEEL="Tag: py3-none-any\n" * 10**5), "expected at most 10000 Tag lines, found 100000"),
    Damage("WHEEL with a tag that expands to 10^9", given_files(WHEEL=f"Tag: {BILLION}\n"), "expected a valid Tag, found `a0.a1."),
    Damage("owned by another, METADATA broken", given_files(METADATA="", INSTALLER="conda"), "expected one Name, found none"),
    Damage("file name not UTF-8", given_files(os.fsdecode(b"b\xe4d-1.0.dist-info"), METADATA="Name: bad\nVersion: 1.0"), "expected the name that its folder has, found `bad`", r"b\udce4d"),
    Damage("file name with an escape", given_files("b\x1b[1md-1.0.dist-info", METADATA="Name: bad\nVersion: 1.0"), "expected the name that its folder has, found `bad`", r"b\x1b[1md"),
]  # fmt: skip


@POSIX
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
@pytest.mark.parametrize("means", ["descriptors", "names"])
def test_what_cannot_be_read_is_malformed_and_the_audit_goes_on(
    damage: Damage, means: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    if damage.name == "file name not UTF-8" and sys.platform == "darwin":
        pytest.skip("this file system takes UTF-8 only")
    if means == "names":
        monkeypatch.setattr(enclosure, "_HAS_DESCRIPTORS", False)
    damage.inflict(site)
    # Of the processor, so that others at work do not count: what must not be opened would block for ever.
    start = time.thread_time()
    found = site.read()
    assert time.thread_time() - start < 1
    assert isinstance(found["good"], InstalledWheel)
    bad = found[damage.distribution]
    assert isinstance(bad, MalformedDistribution)
    assert damage.problem in bad.problem
    assert bad.problem.endswith("`")
    assert len(found) == 2


def test_both_of_a_twin_are_named(site: Site) -> None:
    dist_info_is_twice(site)
    bad = site.read()["bad"]
    assert isinstance(bad, MalformedDistribution)
    library = os.path.realpath(site.library)
    assert bad.problem.endswith(
        f"`{library}{os.sep}Bad-2.0.dist-info` and `{library}{os.sep}bad-1.0.dist-info`"
    )


def egg_info_beside(site: Site) -> None:
    site.add()
    (site.library / "bad.egg-info").mkdir()


@dataclass(frozen=True)
class Oddity:
    """A row of table C that leaves a distribution to be judged: the finding told."""

    name: str
    oddity: Callable[[Site], object]
    finding: str


ODDITIES = [
    Oddity("no RECORD", given_files(RECORD=None), "no RECORD in `"),
    Oddity("Requires-Dist junk", given_files(METADATA="Name: bad\nVersion: 1.0\nRequires-Dist: no requirement"), "expected a requirement (PEP 508) in each Requires-Dist of METADATA, found `no requirement`"),
    Oddity("direct_url.json junk", given_files(direct_url="junk"), "direct_url.json cannot be used, expected JSON, found something else at offset 0, so it is judged as from an index"),
    Oddity("direct_url.json of wrong types", given_files(direct_url='{"url": 1, "dir_info": {}}'), "direct_url.json cannot be used, expected a URL, found none"),
    Oddity("direct_url.json nested", given_files(direct_url="[" * 200_000), "expected an object, found one nested too deep"),
    Oddity("direct_url.json 2 MB", given_files(direct_url=" " * (2 << 20)), "expected at most 1048576 bytes, found 2097152"),
    Oddity("odd letter case", given_files("bad-1.0.Dist-Info"), "expected a folder that ends in `.dist-info`, found `bad-1.0.Dist-Info`"),
    Oddity("egg-info beside", egg_info_beside, "described also by `"),
    Oddity("INSTALLER huge", given_files(INSTALLER="x" * 10_000), "INSTALLER cannot be used, expected at most 4096 bytes, found 10000"),
    Oddity("INSTALLER not UTF-8", given_files(INSTALLER=b"\xff"), "INSTALLER cannot be used, expected UTF-8"),
    Oddity("invalid tag beside", given_files(WHEEL="Tag: junk\nTag: py3-none-any"), "expected a tag in each Tag line of WHEEL, found `junk`"),
]  # fmt: skip


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_what_can_still_be_judged_is_a_wheel_with_a_finding(oddity: Oddity, site: Site) -> None:
    oddity.oddity(site)
    start = time.thread_time()
    bad = site.read()["bad"]
    assert time.thread_time() - start < 1
    assert isinstance(bad, InstalledWheel)
    assert bad.tags == ("py3-none-any",)
    assert bad.direct_url is None
    (finding,) = bad.findings
    assert finding.startswith("bad 1.0: ")
    assert oddity.finding in finding


@pytest.mark.parametrize("installer", ["pip", "uv", "Poetry 1.8.3", "pdm", "pytest-wheeltag", "", None])
def test_what_is_installed_by_those_we_know_is_judged(installer: str | None, site: Site) -> None:
    site.add(INSTALLER=installer)
    bad = site.read()["bad"]
    assert isinstance(bad, InstalledWheel)
    assert bad.installer == (installer or None)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"WHEEL": None}, "no WHEEL file, so no wheel tags"),
        ({"INSTALLER": "conda"}, "owned by `conda`"),
        ({"INSTALLER": "rpm\n", "WHEEL": None}, "owned by `rpm`"),
        ({"INSTALLER": "\x1b[1mevil"}, r"owned by `\x1b[1mevil`"),
    ],
)
def test_what_has_no_tags_or_another_owner_is_unwheeled(
    files: dict[str, str | None], reason: str, site: Site
) -> None:
    site.add(**files)
    bad = site.read()["bad"]
    assert isinstance(bad, UnwheeledDistribution)
    assert (bad.name, bad.version, bad.reason) == ("bad", "1.0", reason)


@pytest.mark.parametrize(
    ("recorded", "is_owned"),
    [("1.0-py311_0", True), ("1.0.0-0", True), ("2.0-py311_0", False), ("junk", False)],
)
def test_conda_owns_the_releases_that_it_recorded(recorded: str, is_owned: bool, site: Site) -> None:
    """A release that pip put over conda's is pip's."""
    site.add()
    (site.prefix / "conda-meta").mkdir()
    (site.prefix / "conda-meta" / f"Bad-{recorded}.json").write_text("never read")
    bad = site.read()["bad"]
    assert isinstance(bad, UnwheeledDistribution if is_owned else InstalledWheel)
    if isinstance(bad, UnwheeledDistribution):
        assert bad.reason == "owned by conda"


def egg_info_file(library: Path) -> None:
    (library / "egg-1.0-py3.11.egg-info").write_text("Name: egg\nVersion: 1.0\n")


def egg_info_folder(library: Path) -> None:
    (library / "egg.egg-info").mkdir()
    (library / "egg.egg-info" / "PKG-INFO").write_text("Name: egg\nVersion: 1.0\n")


def egg_info_named_only(library: Path) -> None:
    (library / "egg.egg-info").write_text("Name: egg\nVersion: 1.0\n")


def egg(library: Path) -> None:
    (library / "egg-1.0-py3.11.egg").mkdir()


def egg_link(library: Path) -> None:
    (library / "egg.egg-link").write_text("/src/egg\n.")


def egg_info_broken(library: Path) -> None:
    (library / "egg.egg-info").mkdir()
    (library / "egg.egg-info" / "PKG-INFO").mkdir()


@pytest.mark.parametrize(
    ("make", "version", "form"),
    [
        (egg_info_file, "1.0", "egg-info"),
        (egg_info_folder, "1.0", "egg-info"),
        (egg_info_named_only, "1.0", "egg-info"),
        (egg_info_broken, "", "egg-info"),
        (egg, "1.0", "egg"),
        (egg_link, "", "egg-link"),
    ],
)
def test_eggs_have_no_wheel_tags(make: Callable[[Path], None], version: str, form: str, site: Site) -> None:
    make(site.library)
    found = site.read()["egg"]
    assert isinstance(found, UnwheeledDistribution)
    assert (found.version, found.reason) == (version, f"{form}: no wheel tags")


def test_an_editable_is_said_to_be_one(site: Site) -> None:
    site.add(direct_url=json.dumps({"url": "file:///src/b\u202ead", "dir_info": {"editable": True}}))
    bad = site.read()["bad"]
    assert isinstance(bad, InstalledWheel)
    assert bad.direct_url == r"file:///src/b\u202ead (editable)"
    assert bad.findings == ()


def test_purelib_and_platlib_that_are_one_folder_are_no_twins(site: Site) -> None:
    (site.prefix / "lib64").symlink_to("lib")
    libraries = (str(site.library), str(site.prefix / "lib64/python3.11/site-packages"))
    (good,) = read_both(replace(site.environment, libraries=libraries))
    assert isinstance(good, InstalledWheel)


def test_one_in_purelib_and_one_in_platlib_are_twins(site: Site) -> None:
    platlib = site.prefix / "lib64/python3.11/site-packages"
    add(platlib / "good-1.0.dist-info")
    (good,) = read_both(replace(site.environment, libraries=(str(site.library), str(platlib))))
    assert isinstance(good, MalformedDistribution)


def test_a_link_to_a_dist_info_inside_is_followed(site: Site) -> None:
    path = add(site.prefix / "elsewhere" / "bad-1.0.dist-info")
    (site.library / "bad-1.0.dist-info").symlink_to(path)
    assert isinstance(site.read()["bad"], InstalledWheel)


def test_what_the_operating_system_owns_is_unwheeled_whatever_its_state(site: Site, tmp_path: Path) -> None:
    """Nobody but the operating system's package manager can mend its files."""
    foreign = tmp_path / "usr/lib/python3/dist-packages"
    add(foreign / "apt-1.0.dist-info", METADATA="")
    add(foreign / "apt-2.0.dist-info")
    add(foreign / "good-0.1.dist-info")
    egg_info_folder(foreign)
    found = by_name(read_both(replace(site.environment, foreign_libraries=(str(foreign),))))
    assert isinstance(found["good"], InstalledWheel), "the environment's own hides it"
    for name in ("apt", "egg"):
        unwheeled = found[name]
        assert isinstance(unwheeled, UnwheeledDistribution)
        assert (unwheeled.version, unwheeled.reason) == (
            "1.0",
            "owned by the operating system's package manager",
        )


def test_inherited_libraries_are_read_when_asked_for(site: Site, tmp_path: Path) -> None:
    base, system = tmp_path / "base", tmp_path / "dist-packages"
    add(base / "good-0.1.dist-info")
    add(base / "other-1.0.dist-info")
    add(system / "apt-1.0.dist-info")
    environment = replace(
        site.environment,
        inherited=(str(base), str(system)),
        interpreter=replace(INTERPRETER, foreign_libraries=(str(system),)),
    )
    assert list(by_name(read_both(environment))) == ["good"]
    found = by_name(read_both(environment, inherited=True))
    assert {name: type(each) for name, each in found.items()} == {
        "apt": UnwheeledDistribution,
        "good": InstalledWheel,
        "other": InstalledWheel,
    }
    assert found["good"].version == "1.0"


def test_a_library_folder_linked_out_of_the_environment_is_reported(site: Site, tmp_path: Path) -> None:
    add(tmp_path / "outside" / "evil-1.0.dist-info")
    (site.prefix / "lib64").symlink_to(tmp_path / "outside")
    libraries = (str(site.library), str(site.prefix / "lib64"))
    found = by_name(read_both(replace(site.environment, libraries=libraries)))
    assert sorted(found) == ["good", "lib64"]
    blocked = found["lib64"]
    assert isinstance(blocked, MalformedDistribution)
    assert blocked.problem.startswith(
        "its libraries cannot be listed, expected to stay inside the environment"
    )


def test_a_library_folder_that_is_none_is_reported(site: Site) -> None:
    (site.prefix / "file").touch()
    libraries = (str(site.library), str(site.prefix / "file"))
    found = by_name(read_both(replace(site.environment, libraries=libraries)))
    assert isinstance(found["file"], MalformedDistribution)


def test_libraries_that_an_interpreter_keeps_elsewhere_are_read(site: Site, tmp_path: Path) -> None:
    """As Homebrew's does: its prefix is not above its site-packages."""
    elsewhere = replace(site.environment, prefix=str(tmp_path / "cellar"))
    (tmp_path / "cellar").mkdir()
    assert list(by_name(read_both(elsewhere))) == ["good"]


@pytest.mark.parametrize("name", ["bad-1.0.dist-info", "METADATA"])
def test_what_may_not_be_read_is_malformed(name: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even for root, who may read everything."""
    site.add()
    true_open = os.open

    def refusing_open(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == name and (name != "METADATA" or "bad" in str(Path(f"/proc/self/fd/{dir_fd}").readlink())):
            raise PermissionError(13, "Permission denied")
        return true_open(path, flags, mode, dir_fd=dir_fd)

    if not Path("/proc/self/fd").exists():
        pytest.skip("descriptors are told apart by procfs")
    monkeypatch.setattr(os, "open", refusing_open)
    found = site.read()
    assert isinstance(found["good"], InstalledWheel)
    bad = found["bad"]
    assert isinstance(bad, MalformedDistribution)
    assert "permission denied; reinstall it: `" in bad.problem


@POSIX
def test_an_unreadable_library_folder_is_reported(site: Site) -> None:
    site.library.chmod(0)
    try:
        found = site.read()
    finally:
        site.library.chmod(0o755)
    if os.geteuid() == 0:
        assert list(found) == ["good"], "root may read everything"
    else:
        assert isinstance(found["site-packages"], MalformedDistribution)


def test_many_distributions_are_read_at_the_promised_pace(
    site: Site, record_property: Callable[[str, object], None]
) -> None:
    """2 s for 5,000; making so many takes longer than reading them, so a tenth must do, in a tenth of the time."""
    for number in range(499):
        site.add(f"d{number}-1.0.dist-info", RECORD=None, INSTALLER=None)
    seconds = []
    for _ in range(3):
        # Of the processor, so that others at work do not count.
        start = time.process_time()
        assert len(read_installed(site.environment)) == 500
        seconds.append(time.process_time() - start)
    record_property("seconds_for_500_distributions", round(min(seconds), 4))
    assert min(seconds) < 0.6


FILES = sampled_from(["METADATA", "WHEEL", "INSTALLER", "direct_url"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(dictionaries(FILES, binary(), min_size=1))
def test_whatever_the_files_hold_nothing_is_raised(site: Site, files: dict[str, bytes]) -> None:
    path = site.add(**files)
    try:
        found = site.read()
    finally:
        for file in path.iterdir():
            file.unlink()
    assert sorted(found) == ["bad", "good"]
    assert isinstance(found["good"], InstalledWheel)


@POSIX
def test_nothing_of_the_environment_is_run_or_written(site: Site) -> None:
    """Reading back leaves not even bytecode behind, although the environment asks to be imported."""
    (site.library / "sitecustomize.py").write_text("raise SystemExit(1)")
    (site.library / "evil.pth").write_text("import os; os.abort()")
    before = sorted(site.prefix.rglob("*"))
    site.read()
    assert sorted(site.prefix.rglob("*")) == before


def churn(path: Path) -> Iterator[None]:
    while True:
        for content in (b"", b"Name: bad\nVersion: 1.0\n", b"Name: bad\n" * 1000):
            write(path, content)
            yield
        path.unlink()
        yield


def test_files_that_change_between_readings_never_raise(site: Site) -> None:
    path = site.add() / "METADATA"
    states = churn(path)
    kinds = set()
    for _ in range(8):
        next(states)
        kinds.add(type(site.read()["bad"]))
    assert kinds == {MalformedDistribution, InstalledWheel}
    with suppress(FileNotFoundError):
        path.unlink()
