"""What stands in the body of DO, of a function or of a procedure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # An action may have a body, which is made of actions.
    from safemigrate.model.actions import Action

__all__ = ["DoBlock", "Step", "UnreadSql"]


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a body.

    `offset`: what to add to the action's own offset, for its place in the statement that the body
    is a part of. `is_conditional`: it may run or not, or be undone: under IF, CASE, a loop or
    EXCEPTION, or behind a RETURN that may be reached.
    """

    action: "Action"
    offset: int = 0
    is_conditional: bool = False


@dataclass(frozen=True, slots=True)
class DoBlock:
    """DO, with what its body does, in the order written."""

    steps: tuple[Step, ...] = ()
    offset: int = 0


@dataclass(frozen=True, slots=True)
class UnreadSql:
    """SQL that cannot be known before it runs, or not be read; `reason` says why."""

    reason: str
    offset: int = 0
