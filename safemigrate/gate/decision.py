"""The decision whether pending revisions may run."""

from dataclasses import dataclass

from safemigrate.model import Direction, Finding, LintResult, Severity

__all__ = ["Decision", "decide"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it may run, and the findings that speak against it, in the order of the result."""

    is_allowed: bool
    refusals: tuple[Finding, ...]


def decide(result: LintResult, pending: frozenset[str], direction: Direction) -> Decision:
    """Return the decision about running the pending revisions in that direction.

    Refused when one of them has a finding of severity error in that direction. A suppressed
    finding is not part of the result, so it refuses nothing.
    """
    refusals = tuple(
        finding
        for finding in result.findings
        if finding.severity is Severity.ERROR
        and finding.revision in pending
        and finding.direction is direction
    )
    return Decision(is_allowed=not refusals, refusals=refusals)
