"""What the rules say about revisions that are about to run."""

from dataclasses import dataclass, replace

from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import (
    Catalog,
    CreateIndex,
    Direction,
    Finding,
    History,
    LintResult,
    ServerVersion,
    Severity,
    Timeline,
)

__all__ = ["PendingJudgement", "judge_pending"]

# What the server refuses as one statement, and the runner does in several.
_DONE_BY_PARTITION = "concurrent-index-on-partitioned-table"


@dataclass(frozen=True, slots=True)
class PendingJudgement:
    """The findings about the pending revisions, in the direction they run in.

    `timeline`: the whole history, which the findings point into.
    """

    timeline: Timeline
    result: LintResult


def judge_pending(
    history: History,
    pending: frozenset[str],
    direction: Direction,
    *,
    settings: RuleSettings,
    version: ServerVersion,
    before: Catalog | None = None,
) -> PendingJudgement:
    """Return what is found in the revisions with these ids; those that ran already do not count.

    The index of a partitioned table that is built concurrently, outside of a transaction, is no
    error here: the server refuses the statement, and the runner builds it partition by partition.

    `before`: what exists when the history begins; None for nothing.
    """
    paths = frozenset(
        migration.path for migration in history.migrations if migration.revision in pending
    )
    timeline = walk(history, before=before or Catalog(), version=version)
    result = judge(timeline, settings=settings, paths=paths)
    built = _find_built(timeline)
    findings = tuple(
        replace(finding, severity=Severity.INFO) if _place(finding) in built else finding
        for finding in result.findings
        if finding.direction is direction
    )
    return PendingJudgement(timeline, replace(result, findings=findings))


def _find_built(timeline: Timeline) -> frozenset[tuple[str, str, Direction, int | None]]:
    """Return where the runner builds indexes partition by partition, should they need it."""
    return frozenset(
        (_DONE_BY_PARTITION, one.statement.path, one.statement.direction, one.statement.ordinal)
        for passage in timeline.passages
        for one in passage.statements
        if one.statement.transaction is None
        and len(one.events) == 1
        and isinstance(one.events[0].action, CreateIndex)
    )


def _place(finding: Finding) -> tuple[str, str, Direction, int | None]:
    return finding.rule, finding.path, finding.direction, finding.ordinal
