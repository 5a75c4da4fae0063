"""HTML pages of the simple repository API (PEP 503, 592, 658, 714, 792), read as they arrive."""

import codecs
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin

from pytest_wheeltag.core.hashes import DIGITS, Hashes
from pytest_wheeltag.system.listing import Listed, Listing, NotAPageError, PageFacts, shown
from pytest_wheeltag.system.pagejson import check_api_version

# A tag that long has no end; parsing it again with each chunk would take for ever.
_MAX_PENDING_CHARACTERS = 1 << 17
# 300,000 links take 5 s; the parser of the standard library has texts that take it far longer.
_MAX_PROCESSOR_SECONDS = 20.0
_HASH = re.compile(r"(?:^|&)([a-z0-9_]+)=([^&]*)")

_Attributes = dict[str, str | None]


def read_html_page(chunks: Iterator[bytes], base: str, encoding: str = "utf-8") -> Listing:
    """Read an HTML page; its links come while it arrives.

    They raise ``NotAPageError`` where the text is no HTML at all. File names are those of the addresses:
    what stands between the tags may be cut for display.
    """
    facts = PageFacts(base)
    return Listing(_links(chunks, facts, encoding), facts)


def _links(chunks: Iterator[bytes], facts: PageFacts, encoding: str) -> Iterator[Listed]:
    parser = _Parser(facts)
    started = time.thread_time()
    for text in _texts(chunks, encoding):
        parser.feed(text)
        if time.thread_time() - started > _MAX_PROCESSOR_SECONDS:
            raise NotAPageError(
                expected=f"HTML to be read in {_MAX_PROCESSOR_SECONDS:g} s", found="more to come"
            )
        if len(parser.rawdata) > _MAX_PENDING_CHARACTERS:
            raise NotAPageError(expected="HTML", found="a tag without an end")
        yield from parser.take()
    parser.close()
    yield from parser.take()


def _texts(chunks: Iterator[bytes], encoding: str) -> Iterator[str]:
    texts = _decoded(chunks, encoding)
    start = ""
    for text in texts:
        start = (start + text).lstrip("\ufeff \t\r\n\f")
        if start:
            break
    if not start.startswith("<"):
        found = shown(start[:60]) or "nothing"
        raise NotAPageError(expected="HTML", found=f"text that starts with {found}")
    yield start
    yield from texts


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[str]:
    try:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
    except LookupError:
        # File names and digests are ASCII in any encoding that servers use.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for chunk in chunks:
        yield decoder.decode(chunk)


class _Parser(HTMLParser):
    def __init__(self, facts: PageFacts) -> None:
        super().__init__(convert_charrefs=True)
        self._facts = facts
        self._has_base = False
        self._links: list[Listed] = []

    def take(self) -> list[Listed]:
        links, self._links = self._links, []
        return links

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._take_anchor(dict(attrs))
        elif tag == "base":
            self._take_base(dict(attrs))
        elif tag == "meta":
            self._take_meta(dict(attrs))

    def _take_anchor(self, attributes: _Attributes) -> None:
        href = (attributes.get("href") or "").strip()
        if href and not href.startswith("#"):
            self._links.append(_listed(href, attributes))

    def _take_base(self, attributes: _Attributes) -> None:
        if self._has_base or not attributes.get("href"):
            return
        self._has_base = True
        try:
            self._facts.base = urljoin(self._facts.base, attributes["href"] or "")
        except ValueError:
            raise NotAPageError(expected="a URL as the base of the page", found="none") from None

    def _take_meta(self, attributes: _Attributes) -> None:
        name, content = attributes.get("name"), attributes.get("content") or ""
        if name == "pypi:repository-version":
            check_api_version(content)
        elif name == "pypi:project-status":
            self._facts.status = content
        elif name == "pypi:project-status-reason":
            self._facts.status_reason = content


def _listed(href: str, attributes: _Attributes) -> Listed:
    url, _, fragment = href.partition("#")
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    # An attribute without a value is there too.
    yanked = (attributes["data-yanked"] or "") if "data-yanked" in attributes else None
    return Listed(
        url,
        None,
        _hashes(fragment),
        attributes.get("data-requires-python") or None,
        yanked,
        metadata=_metadata(metadata),
    )


def _hashes(fragment: str) -> Hashes:
    found = _HASH.findall(fragment)
    return tuple((algorithm, digest) for algorithm, digest in found if algorithm in DIGITS)


def _metadata(value: str | None) -> Hashes | None:
    if value is None or value == "false":
        return None
    return _hashes(value)
