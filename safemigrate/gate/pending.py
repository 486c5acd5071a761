"""What the rules say about revisions that are about to run."""

from dataclasses import dataclass, replace

from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import Catalog, Direction, History, LintResult, ServerVersion, Timeline

__all__ = ["PendingJudgement", "judge_pending"]


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

    `before`: what exists when the history begins; None for nothing.
    """
    paths = frozenset(
        migration.path for migration in history.migrations if migration.revision in pending
    )
    timeline = walk(history, before=before or Catalog(), version=version)
    result = judge(timeline, settings=settings, paths=paths)
    findings = tuple(finding for finding in result.findings if finding.direction is direction)
    return PendingJudgement(timeline, replace(result, findings=findings))
