"""A requirements or constraints file with all the files that it includes, read to what they ask for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pytest_wheeltag.core.addresses import shown_address
from pytest_wheeltag.core.askedfor import AskedFor, FileOptions, join_asked
from pytest_wheeltag.core.hashes import HashRule
from pytest_wheeltag.core.lineoptions import OptionName
from pytest_wheeltag.core.lockfile import is_lock_name
from pytest_wheeltag.core.requirements import Demand, Request
from pytest_wheeltag.core.requirementslines import (
    EditableLine,
    InclusionLine,
    OptionLine,
    RequirementLine,
    parse_lines,
)
from pytest_wheeltag.errors import UsageError
from pytest_wheeltag.system.demands import DemandReader
from pytest_wheeltag.system.documents import Document, DocumentReader
from pytest_wheeltag.system.urls import Url

PROJECT_FILE = "pyproject.toml"

_MAX_DEPTH = 50
_MAX_FILES = 1000
_EXPECTED_PLAIN = "a requirements file here: a pyproject.toml or a pylock.toml is given by itself"
_EXPECTED_ENDING = "a file that does not include itself, be it by others"
_EXPECTED_BOUNDED = f"at most {_MAX_DEPTH} files in each other and {_MAX_FILES} in all"
_EXPECTED_CONSTRAINTS = "`-c` in a constraints file, which asks for nothing"
_EXPECTED_NAMED = "a requirement by name in a constraints file, which asks for nothing"


@dataclass(frozen=True)
class InclusionReader:
    """Reads requirements files as pip does, with ``environ`` for the variables that they name.

    Paths of requirements are relative to the reader of ``demands``, those of included files to the including one.
    """

    documents: DocumentReader
    demands: DemandReader
    environ: Mapping[str, str]

    def read(self, document: Document, *, is_constraints: bool = False) -> AskedFor:
        """Give what a file asks for, all in all; raises ``UsageError``, which names file and line."""
        return join_asked(_Reading(self).ask(document, (), is_constraints=is_constraints))


class _Reading:
    """One file with all that it includes; each inclusion counts, since a few files can include each other 2ⁿ times."""

    def __init__(self, reader: InclusionReader) -> None:
        self._reader = reader
        self._count = 0

    def ask(self, document: Document, trail: tuple[Url, ...], *, is_constraints: bool) -> Iterator[AskedFor]:
        """Give what each line asks for, in their order; ``trail`` are the files that include this one."""
        ask = self._bound if is_constraints else self._want
        for line in parse_lines(document.text, document.shown, self._reader.environ):
            if line.options or line.ignored:
                yield self._heed(line, document.url)
            if isinstance(line, InclusionLine):
                if is_constraints and not line.is_constraints:
                    raise UsageError(line.origin, shown_address(line.location), _EXPECTED_CONSTRAINTS)
                yield from self._include(line, (*trail, document.url))
            elif isinstance(line, RequirementLine | EditableLine):
                yield AskedFor(ask(line))

    def _include(self, line: InclusionLine, trail: tuple[Url, ...]) -> Iterator[AskedFor]:
        documents = self._reader.documents
        url = documents.locate(line.location, line.origin, trail[-1])
        self._count += 1
        is_too_much = len(trail) > _MAX_DEPTH or self._count > _MAX_FILES
        if is_too_much or url in trail:
            expected = _EXPECTED_BOUNDED if is_too_much else _EXPECTED_ENDING
            raise UsageError(line.origin, documents.shown(url), expected)
        document = documents.read(url, line.origin)
        if document.name == PROJECT_FILE or is_lock_name(document.name):
            raise UsageError(line.origin, document.shown, _EXPECTED_PLAIN)
        yield from self.ask(document, trail, is_constraints=line.is_constraints)

    def _want(self, line: RequirementLine | EditableLine) -> Request:
        demands = self._reader.demands
        if isinstance(line, EditableLine):
            editable = demands.editable(line.text, line.origin)
            return Request((replace(editable, config_settings=line.config_settings),))
        demand = demands.requirement(line.text, line.origin)
        return Request((replace(demand, hashes=line.hashes, config_settings=line.config_settings),))

    def _bound(self, line: RequirementLine | EditableLine) -> Request:
        if isinstance(line, EditableLine):
            raise UsageError(line.origin, shown_address(line.text), _EXPECTED_NAMED)
        demand: Demand = self._reader.demands.constraint(line.text, line.origin)
        return Request((), (replace(demand, hashes=line.hashes),))

    def _heed(self, line: OptionLine, url: Url) -> AskedFor:
        locate = self._reader.documents.locate
        indexes = tuple(locate(each, line.origin).secret for each in _values(line, OptionName.INDEX_URL))
        extra = tuple(locate(each, line.origin).secret for each in _values(line, OptionName.EXTRA_INDEX_URL))
        links = tuple(self._find(each, line.origin, url) for each in _values(line, OptionName.FIND_LINKS))
        options = FileOptions(
            indexes[-1] if indexes else None,
            extra,
            links,
            _values(line, OptionName.TRUSTED_HOST),
            bool(_values(line, OptionName.NO_INDEX)),
            tuple(each for each in line.options if each.name.is_control),
        )
        warnings = (f"{line.origin}: `{name}` counts for nothing on this line" for name in line.ignored)
        return AskedFor(_requested(line), options, tuple(warnings))

    def _find(self, text: str, origin: str, url: Url) -> str:
        """Give the address of a find-links location: a path counts beside the file first, if there is anything."""
        documents = self._reader.documents
        if url.scheme == "file":
            beside = documents.locate(text, origin, url)
            if beside.scheme == "file" and documents.is_there(beside):
                return beside.secret
        return documents.locate(text, origin).secret


def _values(line: OptionLine, name: OptionName) -> tuple[str, ...]:
    return tuple(each.value for each in line.options if each.name is name)


def _requested(line: OptionLine) -> Request:
    names = {each.name for each in line.options}
    required = HashRule.where(is_required=OptionName.REQUIRE_HASHES in names)
    is_waived = OptionName.NO_REQUIRE_HASHES in names
    return Request((), hash_rule=required.then(HashRule.WAIVED) if is_waived else required)
