"""Files and source trees that are asked for by address or path, not by a project's name."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pytest_wheeltag.core.addresses import EXPECTED_ADDRESS, EXPECTED_CHECKOUT, shown_address, split_address
from pytest_wheeltag.core.candidates import PublishedFile, is_wheel, sdist_stem
from pytest_wheeltag.core.hashes import DIGITS, Hashes, is_digest
from pytest_wheeltag.core.text import printable
from pytest_wheeltag.errors import UsageError

_VERSION_CONTROL = re.compile(r"(?:git|hg|svn|bzr)\+|(?:git|ssh)(?:://|@)|[\w.-]+@[\w.-]+:", re.IGNORECASE)
_EXPECTED = (
    "a wheel (`.whl`), a source archive (`.tar.gz`, `.zip`) or, on this machine, the folder of a source tree"
)


class ReferenceKind(StrEnum):
    """What lies at an address."""

    WHEEL = "wheel"
    ARCHIVE = "source archive"
    TREE = "source tree"


@dataclass(frozen=True)
class Reference:
    """Where something to install lies: an absolute ``https``, ``http`` or ``file`` address without fragment.

    ``url`` may hold credentials: show ``shown_url``. ``hashes`` are those of the address's fragment, pairs of
    algorithm and hexadecimal digest; ``subdirectory`` is where in an archive or a tree the project lies.
    """

    url: str = field(repr=False)
    kind: ReferenceKind
    hashes: Hashes = ()
    subdirectory: str = ""
    is_editable: bool = False

    @property
    def filename(self) -> str:
        """The last part of the path: the name of the file or of the tree's folder."""
        return unquote(urlsplit(self.url).path.rstrip("/").rpartition("/")[2])

    @property
    def file(self) -> PublishedFile:
        """What it leads to, as an index would list it."""
        return PublishedFile(self.filename, self.url, self.hashes)

    @property
    def shown_url(self) -> str:
        """The address without credentials and query, fit to be shown."""
        return printable(self.file.shown_url)

    def render_direct_url(self, digest: str | None) -> bytes:
        """Write direct_url.json for what was installed from there (PEP 610, direct URL data structure).

        ``digest`` is the SHA-256 of a wheel or an archive, in hexadecimal. No credentials are written.
        """
        values: dict[str, object] = {"url": self.file.shown_url}
        if self.kind is ReferenceKind.TREE:
            values["dir_info"] = {"editable": True} if self.is_editable else {}
        else:
            values["archive_info"] = (
                {"hash": f"sha256={digest}", "hashes": {"sha256": digest}} if digest else {}
            )
        if self.subdirectory:
            values["subdirectory"] = self.subdirectory
        return json.dumps(values, sort_keys=True).encode()

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine."""
        return self.url.startswith("file:")

    def __str__(self) -> str:
        return f"{self.shown_url}{' (editable)' if self.is_editable else ''}"


def parse_reference(text: str, origin: str, *, is_editable: bool = False) -> Reference:
    """Parse an absolute address, perhaps with a fragment (``#sha256=…&subdirectory=…``).

    Raises ``UsageError``, which names ``origin`` and shows no credentials, for version control systems and for
    what is neither wheel, archive nor, on this machine, a tree.
    """
    if _VERSION_CONTROL.match(text.strip()):
        raise UsageError(origin, shown_address(text), EXPECTED_CHECKOUT)
    parts = split_address(text, origin, f"{EXPECTED_ADDRESS} of {_EXPECTED}")
    fragment = _parse_fragment(parts.fragment)
    url = parts._replace(fragment="").geturl()
    kind = _kind_of(parts)
    if kind is None or (is_editable and kind is not ReferenceKind.TREE):
        expected = "the folder of a source tree on this machine" if is_editable else _EXPECTED
        raise UsageError(origin, shown_address(text), expected)
    hashes = tuple((name, fragment[name].lower()) for name in DIGITS if name in fragment)
    for name, digest in hashes:
        if not is_digest(name, digest):
            expected = f"a {name} of {DIGITS[name]} hexadecimal digits"
            raise UsageError(origin, f"{name}={printable(digest)}", expected)
    subdirectory = fragment.get("subdirectory", "").strip("/")
    if ".." in subdirectory.split("/") or "\\" in subdirectory:
        raise UsageError(
            origin, printable(subdirectory), "a subdirectory inside of what the address leads to"
        )
    return Reference(url, kind, hashes, subdirectory, is_editable)


def _kind_of(parts: SplitResult) -> ReferenceKind | None:
    name = unquote(parts.path)
    if is_wheel(name):
        return ReferenceKind.WHEEL
    if sdist_stem(name) is not None:
        return ReferenceKind.ARCHIVE
    return ReferenceKind.TREE if parts.scheme == "file" else None


def _parse_fragment(fragment: str) -> Mapping[str, str]:
    return {name: values[-1] for name, values in parse_qs(fragment).items()}
