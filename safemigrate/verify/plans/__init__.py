"""How queries are planned at each state of a history, and how the project expects them to be."""

from safemigrate.verify.plans.expectations import Expectation, Pruning, read_expectations
from safemigrate.verify.plans.judging import is_named
from safemigrate.verify.plans.looking import Look, look_at
from safemigrate.verify.plans.telling import (
    Verdict,
    sum_up,
    tell_doubt,
    tell_held,
    tell_refusal,
    tell_shortfall,
)

__all__ = [
    "Expectation",
    "Look",
    "Pruning",
    "Verdict",
    "is_named",
    "look_at",
    "read_expectations",
    "sum_up",
    "tell_doubt",
    "tell_held",
    "tell_refusal",
    "tell_shortfall",
]
