"""What commands that judge have in common: the policy that is asked for, and what verdicts come to."""

import argparse

from pytest_wheeltag.commands import Status
from pytest_wheeltag.core.report import AuditReport, Tally
from pytest_wheeltag.core.verdict import Policy, parse_acceptance


def read_policy(options: argparse.Namespace) -> Policy:
    """Give what findings are accepted; raises ``UsageError``."""
    accepted = (parse_acceptance(each, setting="--accept") for each in options.accept)
    return Policy(tuple(accepted), options.strict)


def conclude_report(report: AuditReport) -> Status:
    """Give how a command ends that made a report; what an index alone is to blame for is not judged."""
    return Status.UNJUDGED if report.is_only_unreachable else conclude(report.tally)


def conclude(tally: Tally) -> Status:
    """Give how a command ends whose verdicts were counted."""
    if tally.is_unjudged:
        return Status.UNJUDGED
    return Status.FAILED if tally.failed else Status.DONE
