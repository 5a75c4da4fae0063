"""Small lock files (pylock.toml specification)."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from packaging.utils import parse_sdist_filename, parse_wheel_filename


@dataclass(frozen=True)
class Pin:
    """A file that a lock lists: where it lies, and the SHA-256 that the lock says it has."""

    filename: str
    url: str
    sha256: str
    is_wheel: bool

    @property
    def release(self) -> tuple[str, str]:
        """The project's name and the version."""
        if self.is_wheel:
            name, version, *_ = parse_wheel_filename(self.filename)
        else:
            name, version = parse_sdist_filename(self.filename)
        return name, str(version)


def render_lock(pins: Iterable[Pin]) -> str:
    """Give a pylock.toml with a package for each release, its wheels in the order of the pins."""
    lines = ['lock-version = "1.0"', 'created-by = "pytest-wheeltag"']
    for (name, version), files in groupby(
        sorted(pins, key=lambda each: each.release), lambda each: each.release
    ):
        lines += ["", "[[packages]]", f'name = "{name}"', f'version = "{version}"']
        for pin in sorted(files, key=lambda each: not each.is_wheel):
            lines += ["", "[[packages.wheels]]" if pin.is_wheel else "[packages.sdist]"]
            lines += [f'name = "{pin.filename}"', f'url = "{pin.url}"']
            lines += [f'hashes = {{ sha256 = "{pin.sha256}" }}']
    return "\n".join(lines) + "\n"
