"""Small wheels with repeatable bytes, right or wrong on purpose."""

import base64
import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.workshop.fault import Fault, Files, dist_info_of, render_rows
from pytest_wheeltag.workshop.zips import EXECUTABLE, REGULAR, Archive, Member

_TAG_PARTS = 3


@dataclass(frozen=True)
class Spelling:
    """How the distribution's name (not its version) is spelt in each place; empty for the normalized name.

    Tools disagree: ``Foo.Bar-1.0-py3-none-any.whl`` may hold ``foo_bar-1.0.dist-info`` and ``Foo.Bar-1.0.data``.
    """

    filename: str = ""
    dist_info: str = ""
    data: str = ""


@dataclass(frozen=True)
class WheelSpec:
    """What a wheel shall be; everything but name and version has a default.

    ``tag`` is a compressed tag set; ``build`` a build tag like ``1local``; ``files`` maps paths to content, a
    module that names its version and tag where it is empty; ``data`` maps paths below the ``.data`` folder
    (``scripts/foo``); ``modes`` gives Unix modes to paths of ``files``; ``requires`` are PEP 508 texts;
    ``entry_points`` is the text of entry_points.txt or group to name to object reference; ``headers`` are
    further lines of METADATA; ``wheel_tags`` replaces the ``Tag:`` lines, the expansion of ``tag``;
    ``root_is_purelib`` None follows from the platform. Raises ``UsageError`` for a tag without three parts
    and for a bare string where a sequence belongs.
    """

    name: str
    version: str
    tag: str = "py3-none-any"
    build: str = ""
    files: Mapping[str, bytes | str] = field(default_factory=dict)
    data: Mapping[str, bytes | str] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    requires: Sequence[str] = ()
    requires_python: str = ""
    extras: Sequence[str] = ()
    entry_points: str | Mapping[str, Mapping[str, str]] = ""
    headers: tuple[tuple[str, str], ...] = ()
    description: str = ""
    spelling: Spelling = Spelling()
    wheel_tags: Sequence[str] | None = None
    wheel_version: str = "1.0"
    root_is_purelib: bool | None = None
    generator: str = "pytest-wheeltag"

    def __post_init__(self) -> None:
        """Refuse what would make a wheel wrong by accident; wrong on purpose is what faults are for."""
        if len(self.tag.split("-")) != _TAG_PARTS:
            setting = "tag of a wheel"
            raise UsageError(setting, self.tag, "interpreter, ABI and platform joined by `-`")
        lists = {"requires": self.requires, "extras": self.extras, "wheel_tags": self.wheel_tags}
        for setting, value in lists.items():
            if isinstance(value, str):
                expected = "a sequence of texts"
                raise UsageError(setting, value, expected)

    @property
    def module(self) -> str:
        """The name of the module that a wheel without ``files`` holds."""
        return normalize_spelling(self.name)

    @property
    def filename(self) -> str:
        """The wheel's file name (binary distribution format)."""
        build = (self.build,) if self.build else ()
        stem = _stem(self.spelling.filename or self.module, self.version)
        return "-".join((stem, *build, self.tag)) + ".whl"

    @property
    def dist_info(self) -> str:
        """The name of the dist-info folder."""
        return _stem(self.spelling.dist_info or self.module, self.version) + ".dist-info"

    @property
    def data_folder(self) -> str:
        """The name of the ``.data`` folder."""
        return _stem(self.spelling.data or self.module, self.version) + ".data"


def normalize_spelling(name: str) -> str:
    """Spell a distribution's name as file names have it (binary distribution format, escaping)."""
    return re.sub(r"[-_.]+", "_", name).lower()


def _stem(name: str, version: str) -> str:
    return f"{name}-{version.replace('-', '_')}"


def build_wheel(spec: WheelSpec, folder: Path, faults: Iterable[Fault] = ()) -> Path:
    """Write the wheel into ``folder``, which is made where missing, and give its path.

    The same specification gives the same bytes. Faults are applied in the given order at each stage.
    """
    faults = tuple(faults)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / wheel_filename(spec, faults)
    path.write_bytes(pack_wheel(spec, faults))
    return path


def wheel_filename(spec: WheelSpec, faults: Iterable[Fault] = ()) -> str:
    """Give the wheel's file name as the faults leave it."""
    filename = spec.filename
    for fault in faults:
        filename = fault.filename(filename)
    return filename


def pack_wheel(spec: WheelSpec, faults: Iterable[Fault] = ()) -> bytes:
    """Give the bytes of the wheel."""
    faults = tuple(faults)
    files: Files = wheel_files(spec)
    for fault in faults:
        files = fault.files(files)
    record = wheel_record(files)
    for fault in faults:
        record = fault.record(record)
    archive = _archive(spec, {**files, f"{dist_info_of(files)}/RECORD": record})
    for fault in faults:
        archive = fault.archive(archive)
    content = archive.pack()
    for fault in faults:
        content = fault.content(content)
    return content


def wheel_files(spec: WheelSpec) -> dict[str, bytes]:
    """Give path to content of everything but RECORD: payload first, dist-info last."""
    payload = dict(spec.files) or {f"{spec.module}/__init__.py": _default_module(spec)}
    data = {f"{spec.data_folder}/{path}": content for path, content in spec.data.items()}
    info = {f"{spec.dist_info}/{name}": content for name, content in _info_files(spec).items()}
    return {path: _encoded(content) for path, content in {**payload, **data, **info}.items()}


def wheel_record(files: Files) -> bytes:
    """Give the RECORD of these files: SHA-256 and size of each, and its own row without them."""
    rows = [(path, f"sha256={record_digest(data)}", str(len(data))) for path, data in files.items()]
    return render_rows((*rows, (f"{dist_info_of(files)}/RECORD", "", "")))


def record_digest(data: bytes) -> str:
    """Give the SHA-256 as RECORD spells it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def expand_tag(tag: str) -> tuple[str, ...]:
    """Give the single tags of a compressed tag set, in the order in which it lists them."""
    parts = (part.split(".") for part in tag.split("-"))
    return tuple("-".join(combination) for combination in itertools.product(*parts))


def render_headers(lines: Iterable[tuple[str, str]]) -> str:
    """Write ``Key: value`` lines, leaving out those without a value."""
    return "".join(f"{key}: {value}\n" for key, value in lines if value)


def render_entry_points(groups: Mapping[str, Mapping[str, str]]) -> str:
    """Write entry_points.txt (entry points specification)."""
    sections = (f"[{group}]\n" + _assignments(names) for group, names in groups.items())
    return "\n".join(sections)


def _assignments(names: Mapping[str, str]) -> str:
    return "".join(f"{name} = {reference}\n" for name, reference in names.items())


def _encoded(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _default_module(spec: WheelSpec) -> str:
    return (
        f'"""{spec.name} {spec.version}, a sample of pytest-wheeltag."""\n\n'
        f"__version__ = {spec.version!r}\nTAG = {spec.tag!r}\nBUILD = {spec.build!r}\n\n\n"
        "def main():\n    print(__version__, TAG)\n"
    )


def _info_files(spec: WheelSpec) -> dict[str, str]:
    points = spec.entry_points
    text = points if isinstance(points, str) else render_entry_points(points)
    files = {"METADATA": _metadata(spec), "WHEEL": _wheel(spec)}
    return {**files, "entry_points.txt": text} if text else files


def _metadata(spec: WheelSpec) -> str:
    lines = (
        ("Metadata-Version", "2.1"),
        ("Name", spec.name),
        ("Version", spec.version),
        ("Requires-Python", spec.requires_python),
        *(("Provides-Extra", extra) for extra in spec.extras),
        *(("Requires-Dist", requirement) for requirement in spec.requires),
        *spec.headers,
    )
    return render_headers(lines) + (f"\n{spec.description}\n" if spec.description else "")


def _wheel(spec: WheelSpec) -> str:
    is_pure = spec.tag.endswith("-any") if spec.root_is_purelib is None else spec.root_is_purelib
    tags = expand_tag(spec.tag) if spec.wheel_tags is None else spec.wheel_tags
    lines = (
        ("Wheel-Version", spec.wheel_version),
        ("Generator", spec.generator),
        ("Root-Is-Purelib", "true" if is_pure else "false"),
        *(("Tag", tag) for tag in tags),
        ("Build", spec.build),
    )
    return render_headers(lines)


def _archive(spec: WheelSpec, files: Files) -> Archive:
    scripts = f"{spec.data_folder}/scripts/"
    return Archive(
        tuple(
            Member.of(
                path, data, mode=spec.modes.get(path, EXECUTABLE if path.startswith(scripts) else REGULAR)
            )
            for path, data in files.items()
        )
    )
