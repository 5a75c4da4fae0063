"""Small sdists and source trees that build offline, and whose wheels can tell how they were built."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pytest_wheeltag.workshop.wheels import WheelSpec, wheel_files

# 2020-02-02 00:00:00 UTC, as in the wheels.
_EPOCH = 1_580_601_600
_BACKEND = Path(__file__).with_name("backend.py")
_FOLDER = "build_backend"


@dataclass(frozen=True)
class Recipe:
    """How the sdist's own backend builds its wheel, and what the wheel tells of the build.

    ``tag`` may hold ``{major}``, ``{minor}``, ``{implementation}`` (``cp``, ``pp``) and ``{platform}`` of the
    building interpreter. What is witnessed stands as constants in ``<module>/_built.py``: INTERPRETER,
    IMPLEMENTATION and ABI; SETTINGS (config settings); ENVIRONMENT, of the variables named; DISTRIBUTIONS, the
    versions of the named ones in the build environment; NONCE, another in each build. A build first sleeps
    ``seconds`` and fails with the text of ``failure`` where there is one.
    """

    tag: str = "py3-none-any"
    witnesses_interpreter: bool = False
    witnesses_settings: bool = False
    environment: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    is_irreproducible: bool = False
    dynamic_requires: tuple[str, ...] = ()
    seconds: float = 0.0
    failure: str = ""


@dataclass(frozen=True)
class SdistSpec:
    """What an sdist shall be; ``files`` are those of its wheel, ``build_requires`` is pyproject.toml's list.

    With ``is_static`` its PKG-INFO promises what the wheel will declare (PEP 643), so that nobody need ask the backend.
    """

    name: str
    version: str
    files: Mapping[str, bytes | str] = field(default_factory=dict)
    requires: Sequence[str] = ()
    requires_python: str = ""
    extras: Sequence[str] = ()
    entry_points: str | Mapping[str, Mapping[str, str]] = ""
    build_requires: Sequence[str] = ()
    recipe: Recipe = Recipe()
    is_static: bool = False

    @property
    def wheel(self) -> WheelSpec:
        """The wheel that a build gives, but for its tag and what it witnesses."""
        return WheelSpec(
            self.name,
            self.version,
            files=self.files,
            requires=self.requires,
            requires_python=self.requires_python,
            extras=self.extras,
            entry_points=self.entry_points,
        )

    @property
    def stem(self) -> str:
        """The normalized name and the version: the name of the top folder."""
        return self.wheel.dist_info.removesuffix(".dist-info")

    @property
    def filename(self) -> str:
        """The sdist's file name (PEP 625)."""
        return f"{self.stem}.tar.gz"


def build_sdist(spec: SdistSpec, folder: Path) -> Path:
    """Write the sdist into ``folder``, which is made where missing, and give its path; bytes repeat."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / spec.filename
    path.write_bytes(pack_sdist(spec))
    return path


def pack_sdist(spec: SdistSpec) -> bytes:
    """Give the bytes of the sdist (PEP 517, source distribution format)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in source_files(spec).items():
            entry = tarfile.TarInfo(f"{spec.stem}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), _EPOCH, 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=_EPOCH)


def write_source_tree(spec: SdistSpec, folder: Path) -> Path:
    """Write the same files as a source tree, and give its folder."""
    root = folder / spec.stem
    for name, content in source_files(spec).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def source_files(spec: SdistSpec) -> dict[str, bytes]:
    """Give path to content of everything in the source tree."""
    files = wheel_files(spec.wheel)
    info = f"{spec.wheel.dist_info}/"
    payload = {f"src/{path}": data for path, data in files.items() if not path.startswith(info)}
    return {
        "PKG-INFO": _promised(files[f"{info}METADATA"]) if spec.is_static else files[f"{info}METADATA"],
        "pyproject.toml": _pyproject(spec).encode(),
        f"{_FOLDER}/backend.py": _BACKEND.read_bytes(),
        f"{_FOLDER}/recipe.json": _recipe(spec, files).encode(),
        **payload,
    }


def _promised(metadata: bytes) -> bytes:
    """Give metadata in the first version in which what an sdist says is final."""
    return metadata.replace(b"Metadata-Version: 2.1", b"Metadata-Version: 2.2", 1)


def _pyproject(spec: SdistSpec) -> str:
    requires = json.dumps(list(spec.build_requires))
    lines = (
        "[build-system]",
        f"requires = {requires}",
        'build-backend = "backend"',
        f'backend-path = ["{_FOLDER}"]',
    )
    return "\n".join(lines) + "\n"


def _recipe(spec: SdistSpec, files: Mapping[str, bytes]) -> str:
    info = spec.wheel.dist_info
    facts = {
        "stem": spec.stem,
        "module": spec.wheel.module,
        "metadata": files[f"{info}/METADATA"].decode(),
        "entry_points": files.get(f"{info}/entry_points.txt", b"").decode(),
    }
    return json.dumps(facts | asdict(spec.recipe), indent=2, sort_keys=True) + "\n"
