"""The decision whether pending revisions may run."""

from dataclasses import dataclass

from safemigrate.errors import GateRefusedError
from safemigrate.model import Direction, Finding, LintResult, Severity

__all__ = ["Decision", "decide", "explain_refusal"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it may run, and the findings that speak against it, in the order of the result.

    `override`: the reason for which it may run in spite of them, "" when it needs none.
    """

    is_allowed: bool
    objections: tuple[Finding, ...] = ()
    override: str = ""


def decide(
    result: LintResult, pending: frozenset[str], direction: Direction, *, override: str = ""
) -> Decision:
    """Return the decision about running the pending revisions in that direction.

    A finding of severity error in one of them, in that direction, speaks against it; a suppressed
    finding is not part of the result. It refuses an upgrade, unless `override` gives a reason.
    A downgrade is never refused: whoever takes a release back must not have to edit files first.
    """
    objections = tuple(
        finding
        for finding in result.findings
        if finding.severity is Severity.ERROR
        and finding.revision in pending
        and finding.direction is direction
    )
    if not objections or direction is Direction.DOWNGRADE:
        return Decision(is_allowed=True, objections=objections)
    return Decision(is_allowed=bool(override), objections=objections, override=override)


def explain_refusal(decision: Decision) -> GateRefusedError:
    """Return the error for a decision that is not allowed."""
    first = decision.objections[0]
    number = len({finding.revision for finding in decision.objections})
    return GateRefusedError(
        f"{_count(len(decision.objections), 'error finding')} in "
        f"{_count(number, 'pending revision')}, nothing was changed",
        "rewrite the revision as the finding says; or allow it with a reason, on the line of the "
        f"statement or the line above: # safemigrate: ignore[{first.rule}] the reason; or run it "
        'this once as it is, with --override "the reason"',
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
