import json
import runpy
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.markers import default_environment

import pytest_wheeltag.system
from pytest_wheeltag.core.interpreter import interpreter_from_json
from pytest_wheeltag.system import interrogation

SCRIPT = Path(pytest_wheeltag.system.__file__).with_name("probe.py")


@pytest.fixture
def probe() -> Mapping[str, Any]:
    # Imported by nobody: its names, without running it.
    return runpy.run_path(str(SCRIPT), run_name="probe")


def patch_module(patch: pytest.MonkeyPatch, function: Callable[..., object], **names: object) -> None:
    for name, value in names.items():
        patch.setitem(function.__globals__, name, value)


def ask(*before: str) -> dict[str, Any]:
    text = "\n".join([*before, SCRIPT.read_text("utf-8")])
    printed = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", text], capture_output=True, check=True, text=True
    ).stdout
    answer = json.loads(printed.splitlines()[-1])
    assert isinstance(answer, dict)
    return answer


def test_prints_the_facts_of_an_interpreter() -> None:
    interpreter = interpreter_from_json(ask())
    assert interpreter.version_info[:3] == sys.version_info[:3]
    assert interpreter.prefix == sys.base_prefix


def test_a_release_candidate_is_spelt_as_everywhere() -> None:
    pretended = (
        "import sys; sys.version_info = type('V', (tuple,), {'__slots__': ()})((3, 14, 0, 'candidate', 2))"
    )
    assert ask(pretended)["version"] == "3.14.0rc2"


def test_prints_the_markers_that_packaging_finds() -> None:
    assert ask()["markers"] == dict(default_environment())


def test_its_sentinel_is_the_one_that_is_looked_for(probe: Mapping[str, Any]) -> None:
    assert probe["SENTINEL"].encode() == interrogation._SENTINEL  # noqa: SLF001 - it has no other use


def test_its_syntax_is_that_of_3_6() -> None:
    compile(SCRIPT.read_text("utf-8"), "probe.py", "exec", flags=0x400, _feature_version=6)


def test_a_path_that_is_no_text_survives(monkeypatch: pytest.MonkeyPatch, probe: Mapping[str, Any]) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/caf\udce9")
    assert json.loads(json.dumps(probe["describe"]()))["prefix"] == "/caf\udce9"


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ((3, 11, 7, "final", 0), "3.11.7"),
        ((3, 14, 0, "candidate", 1), "3.14.0c1"),
        ((3, 15, 0, "alpha", 2), "3.15.0a2"),
    ],
)
def test_gives_the_version_with_its_pre_release_part(
    probe: Mapping[str, Any], info: tuple[object, ...], version: str
) -> None:
    assert probe["full_version"](info) == version


def elf(machine: int, flags: int = 0, *, bits: int = 64, loader: bytes = b"") -> bytes:
    little_endian, version = 1, 1
    if bits == 32:
        header, program = "<HHIIIIIHHH", "<IIIIIIII"
        header_bytes, program_bytes = 16 + struct.calcsize(header), struct.calcsize(program)
        fields = (3, header_bytes + program_bytes, 0, 0, len(loader), 0, 0, 0)
    else:
        header, program = "<HHIQQQIHHH", "<IIQQQQQQ"
        header_bytes, program_bytes = 16 + struct.calcsize(header), struct.calcsize(program)
        fields = (3, 0, header_bytes + program_bytes, 0, 0, len(loader), 0, 0)
    identification = b"\x7fELF" + bytes([bits // 32, little_endian, version]) + bytes(9)
    values = (2, machine, version, 0, header_bytes, 0, flags, 0, program_bytes, bool(loader))
    return identification + struct.pack(header, *values) + struct.pack(program, *fields) + loader


ARM_HARD_FLOAT, ARM_SOFT_FLOAT, ARM, I386, X86_64 = 0x05000400, 0x05000200, 40, 3, 62


@pytest.mark.parametrize(
    ("content", "machine", "compatible"),
    [
        (elf(ARM, ARM_HARD_FLOAT, bits=32), "armv7l", True),
        (elf(ARM, ARM_SOFT_FLOAT, bits=32), "armv7l", False),
        (elf(ARM, 0x04000400, bits=32), "armv7l", False),
        (elf(I386, bits=32), "i686", True),
        (elf(X86_64), "i686", False),
        (elf(X86_64), "x86_64", True),
        (b"#!/bin/sh\n", "i686", False),
        (b"\x7fELF\x01\x01", "armv7l", False),
        (b"", "armv7l", False),
    ],
)
def test_reads_from_the_elf_header_whether_manylinux_fits(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    probe: Mapping[str, Any],
    *,
    content: bytes,
    machine: str,
    compatible: bool,
) -> None:
    (tmp_path / "python").write_bytes(content)
    patch_module(monkeypatch, probe["main"], platform=SimpleNamespace(machine=lambda: machine))
    header = probe["elf_header"](str(tmp_path / "python"))
    assert probe["is_abi_compatible"](header) is compatible


@pytest.mark.parametrize("bits", [32, 64])
def test_reads_the_loader_of_an_executable(tmp_path: Path, probe: Mapping[str, Any], bits: int) -> None:
    (tmp_path / "python").write_bytes(elf(X86_64, bits=bits, loader=b"/lib/ld-musl-x86_64.so.1\0"))
    assert probe["elf_header"](str(tmp_path / "python"))["loader"] == "/lib/ld-musl-x86_64.so.1"


@pytest.mark.skipif(sys.platform == "win32", reason="the loader is a script here")
def test_asks_the_loader_of_musl_for_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, probe: Mapping[str, Any]
) -> None:
    loader = tmp_path / "ld-musl-x86_64.so.1"
    loader.write_text("#!/bin/sh\nprintf 'musl libc (x86_64)\\nVersion 1.2.5\\nDynamic\\n' >&2\nexit 1\n")
    loader.chmod(0o755)
    patch_module(monkeypatch, probe["main"], glibc_by_confstr=str, glibc_by_ctypes=str)
    assert probe["libc_of"]({"loader": str(loader)}) == ("musl", [1, 2])
    assert probe["libc_of"]({"loader": str(tmp_path / "no-musl")}) == ("", [0, 0])
    assert probe["libc_of"]({}) == ("", [0, 0])


@pytest.mark.parametrize("text", ["2.36", "2.36-2014.11"])
def test_takes_the_libc_of_the_process(
    monkeypatch: pytest.MonkeyPatch, probe: Mapping[str, Any], text: str
) -> None:
    patch_module(monkeypatch, probe["main"], glibc_by_confstr=str, glibc_by_ctypes=lambda: text)
    assert probe["libc_of"]({}) == ("glibc", [2, 36])


@pytest.mark.parametrize(
    ("told", "asked_again", "version"),
    [("14.5", "", [14, 5]), ("12", "", [12, 0]), ("10.15.7", "", [10, 15]), ("10.16", "13.2\n", [13, 2])],
)
def test_asks_again_where_macos_calls_itself_10_16(
    monkeypatch: pytest.MonkeyPatch,
    probe: Mapping[str, Any],
    *,
    told: str,
    asked_again: str,
    version: list[int],
) -> None:
    def check_output(command: list[str], env: Mapping[str, str]) -> bytes:
        assert env["SYSTEM_VERSION_COMPAT"] == "0"
        assert command[0] == sys.executable
        return asked_again.encode()

    patch_module(
        monkeypatch,
        probe["main"],
        platform=SimpleNamespace(mac_ver=lambda: (told, (), "arm64")),
        subprocess=SimpleNamespace(check_output=check_output),
    )
    assert probe["macos_version"]() == version


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        ({"manylinux1_compatible": False}, {"2_5"}),
        ({"manylinux2014_compatible": False, "manylinux2010_compatible": True}, {"2_17"}),
        (
            {"manylinux_compatible": lambda major, minor, _: False if (major, minor) == (2, 1) else None},
            {"2_1"},
        ),
        ({}, set()),
    ],
)
def test_heeds_a_distributor_that_refuses_manylinux(
    monkeypatch: pytest.MonkeyPatch, probe: Mapping[str, Any], policy: dict[str, Any], refused: set[str]
) -> None:
    monkeypatch.setitem(sys.modules, "_manylinux", SimpleNamespace(**policy))
    platform = SimpleNamespace(get_platform=lambda: "linux-x86_64")
    patch_module(monkeypatch, probe["main"], sysconfig=platform)
    levels = probe["manylinux_refused"]("glibc", [2, 36])
    assert set(levels) == {f"manylinux_{level}_x86_64" for level in refused}
    assert probe["manylinux_refused"]("musl", [1, 2]) == []


@pytest.mark.parametrize(
    ("variable", "has_counter", "is_debug"),
    [(1, False, True), (0, True, False), (None, True, True), (None, False, False)],
)
def test_knows_a_debug_build_without_py_debug(
    monkeypatch: pytest.MonkeyPatch,
    probe: Mapping[str, Any],
    *,
    variable: int | None,
    has_counter: bool,
    is_debug: bool,
) -> None:
    values = {"Py_DEBUG": variable, "WITH_PYMALLOC": None}
    interpreter = SimpleNamespace(
        implementation=SimpleNamespace(name="cpython"), version_info=(3, 13, 0, "final", 0)
    )
    if has_counter:
        interpreter.gettotalrefcount = int
    sysconfig = SimpleNamespace(get_config_var=values.get)
    patch_module(monkeypatch, probe["main"], sys=interpreter, sysconfig=sysconfig)
    facts = probe["interpreter_facts"]()
    assert facts["is_debug"] is is_debug
    assert facts["version_nodot"] == "313"
    assert facts["has_pymalloc"] is True


@pytest.mark.parametrize(
    ("own", "folders", "expected"),
    [
        (["/usr/lib/python3.12/site-packages"], ["/usr/lib/python3.12/site-packages"], ([0], [])),
        (["/d/Lib/site-packages"], ["/usr", "/d/Lib/site-packages"], ([0], [])),
        (
            ["/usr/local/lib/python3.11/dist-packages"],
            ["/usr/local/lib/python3.11/dist-packages", "/usr/lib/python3/dist-packages"],
            ([0], ["/usr/lib/python3/dist-packages"]),
        ),
        (
            ["/usr/lib/python3.9/site-packages"],
            ["/usr/local/lib/python3.9/dist-packages", "/usr/lib/python3/dist-packages"],
            (["/usr/local/lib/python3.9/dist-packages"], ["/usr/lib/python3/dist-packages"]),
        ),
    ],
    ids=["plain", "windows", "debian", "debian before 3.10"],
)
def test_tells_its_own_libraries_from_the_operating_systems(
    monkeypatch: pytest.MonkeyPatch,
    probe: Mapping[str, Any],
    *,
    own: list[str],
    folders: list[str],
    expected: tuple[list[Any], list[str]],
) -> None:
    site = SimpleNamespace(getsitepackages=lambda _: folders)
    patch_module(
        monkeypatch, probe["main"], site=site, sys=SimpleNamespace(prefix="/usr", exec_prefix="/usr")
    )
    libraries, foreign = expected
    wanted = [own[one] if isinstance(one, int) else one for one in libraries]
    got, got_foreign = probe["divide_libraries"](own)
    assert (got, [one for one in got_foreign if one not in own]) == (wanted, foreign)


@pytest.mark.parametrize(
    ("platform", "framework", "os_name", "scheme", "base"),
    [
        ("linux", "", "posix", "posix_user", "~/.local"),
        ("darwin", "", "posix", "posix_user", "~/.local"),
        ("darwin", "Python", "posix", "osx_framework_user", "~/Library/Python/3.12"),
        ("win32", "", "nt", "nt_user", "%APPDATA%/Python"),
    ],
)
def test_names_the_users_own_folder(
    monkeypatch: pytest.MonkeyPatch,
    probe: Mapping[str, Any],
    *,
    platform: str,
    framework: str,
    os_name: str,
    scheme: str,
    base: str,
) -> None:
    interpreter = SimpleNamespace(platform=platform, _framework=framework, version_info=(3, 12, 1))
    patch_module(monkeypatch, probe["main"], sys=interpreter, os=SimpleNamespace(name=os_name))
    assert probe["user_scheme"]() == scheme
    assert probe["user_base"]() == base


@pytest.mark.parametrize(
    ("names", "os_name", "scheme"),
    [
        (("posix_prefix", "venv"), "posix", "venv"),
        (("posix_prefix", "posix_local"), "posix", "posix_prefix"),
        (("pypy", "posix_prefix"), "posix", "pypy"),
        (("nt",), "nt", "nt"),
    ],
)
def test_names_the_scheme_of_a_virtual_environment(
    monkeypatch: pytest.MonkeyPatch,
    probe: Mapping[str, Any],
    *,
    names: tuple[str, ...],
    os_name: str,
    scheme: str,
) -> None:
    sysconfig = SimpleNamespace(get_scheme_names=lambda: names)
    patch_module(monkeypatch, probe["main"], sysconfig=sysconfig, os=SimpleNamespace(name=os_name))
    assert probe["environment_scheme"]() == scheme
