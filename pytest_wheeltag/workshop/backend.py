"""The in-tree PEP 517 and 660 backend of sample sdists: copied into them, run there, imported by nobody.

It stands on the standard library of Python 3.6 alone, and does what ``recipe.json`` beside it says.
"""
# ruff: noqa: UP006, UP035, UP045
# The interpreters that run this know neither ``dict[str, str]`` nor ``str | None``.

import base64
import hashlib
import json
import os
import platform
import sys
import sysconfig
import tarfile
import time
import zipfile
from typing import Any, Dict, List, Optional

_HERE = os.path.dirname(os.path.abspath(__file__))
_DATE = (2020, 2, 2, 0, 0, 0)


def _load_recipe() -> Dict[str, Any]:
    with open(os.path.join(_HERE, "recipe.json"), encoding="utf-8") as stream:
        recipe: Dict[str, Any] = json.load(stream)
    return recipe


def _tag(recipe: Dict[str, Any]) -> str:
    facts = {
        "major": sys.version_info[0],
        "minor": sys.version_info[1],
        "implementation": {"cpython": "cp", "pypy": "pp"}.get(
            sys.implementation.name, sys.implementation.name
        ),
        "platform": sysconfig.get_platform().replace("-", "_").replace(".", "_"),
    }
    return str(recipe["tag"]).format(**facts)


def _versions(names: List[str]) -> Dict[str, str]:
    if not names:
        return {}
    # Python 3.8 and later: only recipes that ask for versions need it.
    import importlib.metadata as installed  # noqa: PLC0415

    return {name: installed.version(name) for name in names}


def _witness(recipe: Dict[str, Any], settings: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """Give what the recipe wants to be told of this build."""
    seen = {}  # type: Dict[str, Any]
    if recipe["witnesses_interpreter"]:
        seen["INTERPRETER"] = platform.python_version()
        seen["IMPLEMENTATION"] = sys.implementation.name
        seen["ABI"] = sysconfig.get_config_var("SOABI")
    if recipe["witnesses_settings"]:
        seen["SETTINGS"] = settings or {}
    if recipe["environment"]:
        seen["ENVIRONMENT"] = {name: os.environ.get(name) for name in recipe["environment"]}
    if recipe["distributions"]:
        seen["DISTRIBUTIONS"] = _versions(recipe["distributions"])
    if recipe["is_irreproducible"]:
        seen["NONCE"] = base64.b16encode(os.urandom(16)).decode()
    return seen


def _render_witness(seen: Dict[str, Any]) -> bytes:
    lines = ["{} = {!r}\n".format(key, seen[key]) for key in sorted(seen)]  # noqa: UP032
    return "".join(lines).encode("utf-8")


def _source_files() -> Dict[str, bytes]:
    root = os.path.join(os.path.dirname(_HERE), "src")
    files = {}
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.endswith(".pyc"):
                with open(path, "rb") as stream:
                    files[os.path.relpath(path, root).replace(os.sep, "/")] = stream.read()
    return files


def _info_files(recipe: Dict[str, Any]) -> Dict[str, bytes]:
    tags = _expand(_tag(recipe))
    wheel = "Wheel-Version: 1.0\nGenerator: pytest-wheeltag\nRoot-Is-Purelib: true\n"
    wheel += "".join("Tag: " + tag + "\n" for tag in tags)
    files = {"METADATA": recipe["metadata"].encode("utf-8"), "WHEEL": wheel.encode("utf-8")}
    if recipe["entry_points"]:
        files["entry_points.txt"] = recipe["entry_points"].encode("utf-8")
    return files


def _expand(tag: str) -> List[str]:
    interpreters, abis, platforms = (part.split(".") for part in tag.split("-"))
    return [i + "-" + a + "-" + p for i in interpreters for a in abis for p in platforms]


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _write_wheel(recipe: Dict[str, Any], folder: str, payload: Dict[str, bytes]) -> str:
    info = recipe["stem"] + ".dist-info/"
    files = dict(payload)
    files.update({info + name: data for name, data in _info_files(recipe).items()})
    rows = ["{},sha256={},{}\n".format(path, _digest(files[path]), len(files[path])) for path in files]  # noqa: UP032
    files[info + "RECORD"] = "".join([*rows, info + "RECORD,,\n"]).encode("utf-8")
    filename = "{}-{}.whl".format(recipe["stem"], _tag(recipe))
    with zipfile.ZipFile(os.path.join(folder, filename), "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, _DATE)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return filename


def get_requires_for_build_wheel(config_settings: Optional[Dict[str, Any]] = None) -> List[str]:  # noqa: ARG001
    """Give what the build needs besides pyproject.toml's list (PEP 517)."""
    return list(_load_recipe()["dynamic_requires"])


def prepare_metadata_for_build_wheel(
    metadata_directory: str,
    config_settings: Optional[Dict[str, Any]] = None,  # noqa: ARG001
) -> str:
    """Write the dist-info folder without RECORD (PEP 517)."""
    recipe = _load_recipe()
    folder = str(recipe["stem"]) + ".dist-info"
    os.mkdir(os.path.join(metadata_directory, folder))
    for name, data in _info_files(recipe).items():
        with open(os.path.join(metadata_directory, folder, name), "wb") as stream:
            stream.write(data)
    return folder


def build_wheel(
    wheel_directory: str,
    config_settings: Optional[Dict[str, Any]] = None,
    metadata_directory: Optional[str] = None,  # noqa: ARG001
) -> str:
    """Build the wheel (PEP 517)."""
    recipe = _load_recipe()
    time.sleep(recipe["seconds"])
    if recipe["failure"]:
        raise RuntimeError(recipe["failure"])
    payload = _source_files()
    seen = _witness(recipe, config_settings)
    if seen:
        payload[recipe["module"] + "/_built.py"] = _render_witness(seen)
    return _write_wheel(recipe, wheel_directory, payload)


def build_editable(
    wheel_directory: str,
    config_settings: Optional[Dict[str, Any]] = None,  # noqa: ARG001
    metadata_directory: Optional[str] = None,  # noqa: ARG001
) -> str:
    """Build a wheel that leads to the source tree (PEP 660)."""
    recipe = _load_recipe()
    source = os.path.join(os.path.dirname(_HERE), "src")
    name = "__editable__.{}.pth".format(recipe["module"])
    return _write_wheel(recipe, wheel_directory, {name: (source + "\n").encode("utf-8")})


def _without_bytecode(entry: tarfile.TarInfo) -> Optional[tarfile.TarInfo]:
    return None if "__pycache__" in entry.name else entry


def build_sdist(sdist_directory: str, config_settings: Optional[Dict[str, Any]] = None) -> str:  # noqa: ARG001
    """Pack the source tree (PEP 517)."""
    recipe = _load_recipe()
    filename = str(recipe["stem"]) + ".tar.gz"
    with tarfile.open(os.path.join(sdist_directory, filename), "w:gz", format=tarfile.PAX_FORMAT) as archive:
        root = os.path.dirname(_HERE)
        for name in ("PKG-INFO", "pyproject.toml", "src", os.path.basename(_HERE)):
            archive.add(
                os.path.join(root, name), "{}/{}".format(recipe["stem"], name), filter=_without_bytecode
            )
    return filename
