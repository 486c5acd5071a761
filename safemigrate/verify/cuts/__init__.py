"""An upgrade cut off, refused, or failed in the middle of a build, and what comes of it."""

from safemigrate.verify.cuts.conditions import Condition, Goal, look, upgrade
from safemigrate.verify.cuts.contents import compare_contents, find_unsettled, read_contents
from safemigrate.verify.cuts.faults import (
    cutting_build,
    fail_build,
    lose_sessions,
    refuse_statement,
)
from safemigrate.verify.cuts.masks import builds_beside, find_masked, says_if_not_exists
from safemigrate.verify.cuts.runner import lasting, try_runner
from safemigrate.verify.cuts.statements import (
    Sending,
    SentStatement,
    StatementWatch,
    has_savepoints,
    is_one_transaction,
)
from safemigrate.verify.cuts.trials import Cut, Detour, Survey, Trial, survey_upgrade, try_cuts

__all__ = [
    "Condition",
    "Cut",
    "Detour",
    "Goal",
    "Sending",
    "SentStatement",
    "StatementWatch",
    "Survey",
    "Trial",
    "builds_beside",
    "compare_contents",
    "cutting_build",
    "fail_build",
    "find_masked",
    "find_unsettled",
    "has_savepoints",
    "is_one_transaction",
    "lasting",
    "look",
    "lose_sessions",
    "read_contents",
    "refuse_statement",
    "says_if_not_exists",
    "survey_upgrade",
    "try_cuts",
    "try_runner",
    "upgrade",
]
