"""The gate: what may run, given what was found."""

from safemigrate.gate.decision import Decision, decide, explain_refusal
from safemigrate.gate.pending import PendingJudgement, judge_pending

__all__ = ["Decision", "PendingJudgement", "decide", "explain_refusal", "judge_pending"]
