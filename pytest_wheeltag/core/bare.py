"""Resolving what is asked for by name alone: no dependencies, and nothing that extras would add."""

from collections.abc import Iterable
from dataclasses import replace

from packaging.requirements import Requirement

from pytest_wheeltag.core.dependencies import ReleaseMetadata
from pytest_wheeltag.core.present import PresentDistribution
from pytest_wheeltag.core.requirements import Demand, Request, UnnamedDemand
from pytest_wheeltag.core.resolution import Artefact, MetadataSource


def without_extras(request: Request) -> Request:
    """Ask for the same projects without their extras, which only add dependencies."""
    return replace(request, requirements=tuple(map(_plain, request.requirements)))


def _plain(demand: Demand | UnnamedDemand) -> Demand | UnnamedDemand:
    if isinstance(demand, UnnamedDemand):
        return replace(demand, extras=frozenset())
    plain = Requirement(str(demand.requirement))
    plain.extras = set()
    return replace(demand, requirement=plain)


class BareMetadata:
    """What published files declare, as a ``MetadataSource``, where dependencies do not count.

    A file whose Requires-Python the index tells is not asked about at all.
    """

    def __init__(self, source: MetadataSource) -> None:
        self._source = source

    def metadata(self, artefact: Artefact | PresentDistribution) -> ReleaseMetadata:
        """Give what the file declares but its dependencies, as ``MetadataSource`` says."""
        if isinstance(artefact, PresentDistribution) or _is_told(artefact):
            return ReleaseMetadata(artefact.name, artefact.version)
        return replace(self._source.metadata(artefact), requires=())

    def prefetch(self, artefacts: Iterable[Artefact]) -> None:
        """Fetch side by side what ``metadata`` will be asked for."""
        self._source.prefetch([each for each in artefacts if not _is_told(each)])


def _is_told(artefact: Artefact) -> bool:
    # Whoever reaches a resolution with it was screened by it.
    return bool(artefact.file.requires_python)
