"""The gate: what may run, given what was found."""

from safemigrate.gate.decision import (
    Decision,
    Objection,
    ObjectionKind,
    Overrides,
    decide,
    explain_refusal,
)
from safemigrate.gate.objections import (
    Answer,
    Heads,
    object_to_disk,
    object_to_downgrade,
    object_to_edits,
    object_to_findings,
    object_to_heads,
    object_to_lag,
)
from safemigrate.gate.pending import PendingJudgement, judge_pending

__all__ = [
    "Answer",
    "Decision",
    "Heads",
    "Objection",
    "ObjectionKind",
    "Overrides",
    "PendingJudgement",
    "decide",
    "explain_refusal",
    "judge_pending",
    "object_to_disk",
    "object_to_downgrade",
    "object_to_edits",
    "object_to_findings",
    "object_to_heads",
    "object_to_lag",
]
