"""The JSON report; its shape is kept as a JSON Schema beside this module (``schema.json``)."""

import json
from importlib.metadata import version
from typing import Any

from pytest_wheeltag.core.coverage import measure_coverage
from pytest_wheeltag.core.report import AuditReport, InterpreterSummary, JudgedEnvironment, LockSummary
from pytest_wheeltag.core.scenarioresult import ConformanceReport
from pytest_wheeltag.core.verdict import Verdict, WheelIdentity
from pytest_wheeltag.reports.conformance import conformance_to_json
from pytest_wheeltag.reports.coverage import coverage_to_json

SCHEMA = 1
"""Raised by a change that old readers cannot bear."""


def render_json(report: AuditReport, played: ConformanceReport | None = None) -> str:
    """Write a report as JSON: environments by id, distributions by name, version and property, always the same bytes.

    What came of scenarios, where they were ``played``, stands beside the environments, with a summary of its own.
    """
    document = report_to_json(report)
    if played is not None:
        document["conformance"] = conformance_to_json(played)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def report_to_json(report: AuditReport) -> dict[str, Any]:
    """Give a report as plain JSON values."""
    tally, coverage = report.tally, measure_coverage(report)
    covered = {"coverage": coverage_to_json(coverage)} if coverage.cells else {}
    return {
        "schema": SCHEMA,
        "tool": {
            "name": "pytest-wheeltag",
            "version": version("pytest-wheeltag"),
            "packaging": version("packaging"),
        },
        "environments": [_environment(each) for each in report.environments],
        **covered,
        "summary": {"passed": tally.passed, "failed": tally.failed, "skipped": tally.skipped},
    }


def _environment(judged: JudgedEnvironment) -> dict[str, Any]:
    scene = judged.scene
    return {
        "id": scene.identifier,
        "kind": scene.kind,
        "path": scene.path or None,
        "interpreter": interpreter_to_json(scene.interpreter),
        "installer": scene.installer and {"name": scene.installer.name, "version": scene.installer.version},
        "order": scene.order and list(scene.order),
        "fingerprint": scene.fingerprint,
        "lock": scene.lock and _lock(scene.lock),
        "distributions": [_distribution(verdict) for verdict in judged.verdicts],
    }


def _lock(lock: LockSummary) -> dict[str, Any]:
    return {
        "file": lock.origin,
        "format": lock.format,
        "version": lock.format_version,
        "sha256": lock.digest,
        "absent": [
            {"name": each.name, "version": each.version, "needed": each.is_needed} for each in lock.absent
        ],
        "warnings": list(lock.misfits),
    }


def interpreter_to_json(interpreter: InterpreterSummary) -> dict[str, Any]:
    """Give what a report tells of an interpreter as plain JSON values."""
    return {
        "executable": interpreter.executable,
        "implementation": interpreter.implementation,
        "version": interpreter.version,
        "best_tag": interpreter.best_tag,
        "tags": interpreter.tags,
    }


def _distribution(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "version": verdict.version or None,
        "property": str(verdict.property),
        "installed": verdict.installed and _identity(verdict.installed),
        "best": verdict.best and _identity(verdict.best),
        "verdict": str(verdict.kind),
        "outcome": str(verdict.outcome),
        "accepted": verdict.accepted,
        "message": verdict.message,
        "warnings": list(verdict.warnings),
    }


def _identity(identity: WheelIdentity) -> dict[str, Any]:
    return {
        "tags": list(identity.tags),
        "build": identity.build,
        "rank": identity.rank,
        "filename": identity.filename,
        "sha256": identity.sha256,
    }
