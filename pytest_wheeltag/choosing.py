"""Choosing: a request becomes a resolution, as its lock says or by search."""

from dataclasses import replace

from pytest_wheeltag.core.bare import BareMetadata, without_extras
from pytest_wheeltag.core.candidates import Screen
from pytest_wheeltag.core.locked import resolve_locked
from pytest_wheeltag.core.requirements import Request
from pytest_wheeltag.core.resolution import Impasse, Resolution, Sources
from pytest_wheeltag.supplies import ProvisionOptions


def choose(request: Request, screen: Screen, sources: Sources, options: ProvisionOptions) -> Resolution:
    """Give one file for every distribution that a request leads to; raises as ``core.resolver.resolve``, or ``resolve_locked``."""
    found = try_to_choose(request, screen, sources, options)
    if isinstance(found, Resolution):
        return found
    raise found.explain()


def try_to_choose(
    request: Request, screen: Screen, sources: Sources, options: ProvisionOptions
) -> Resolution | Impasse:
    """Choose as ``choose``, for whoever need not be told why nothing satisfies the request; raises the rest."""
    request = options.apply_to(request)
    if request.lock is not None:
        return resolve_locked(request, screen, sources.surveyor, present=sources.present)
    # Late: who audits or installs from what is resolved already needs no resolver.
    from pytest_wheeltag.core.resolver import try_to_resolve  # noqa: PLC0415

    if not options.with_dependencies:
        request = without_extras(request)
        sources = replace(sources, metadata=BareMetadata(sources.metadata))
    return try_to_resolve(request, screen, sources, options.limits)
