"""Facts about functions. Manual: "CREATE FUNCTION", and `check_function_bodies` (19.11.1)."""

from collections.abc import Iterator

from safemigrate.facts.situation import Situation, join_facts
from safemigrate.model import (
    Action,
    ChangeRows,
    CreateFunction,
    Facts,
    Lock,
    LockMode,
    LockTable,
    NoTableAction,
)

__all__ = ["create_function"]


def create_function(action: CreateFunction, situation: Situation) -> Facts:
    """Return the facts of CREATE FUNCTION, which runs nothing.

    The queries of a body in SQL are analysed, and the tables they name are locked for that.
    """
    if not action.is_analysed or action.body is None:
        return Facts()
    return join_facts(Facts(locks=tuple(_locks_of(step.action, situation))) for step in action.body)


def _locks_of(action: Action, situation: Situation) -> Iterator[Lock]:
    match action:
        case ChangeRows():
            yield situation.lock(action.table, LockMode.ROW_EXCLUSIVE)
            yield from situation.locks(action.reads, LockMode.ACCESS_SHARE)
        case NoTableAction(kind="SELECT"):
            yield from situation.locks(action.reads, LockMode.ACCESS_SHARE)
        case LockTable(mode=LockMode.ROW_SHARE.value):
            # SELECT … FOR UPDATE
            yield situation.lock(action.table, LockMode.ROW_SHARE)
        case _:
            # No other command is analysed before it runs.
            return
