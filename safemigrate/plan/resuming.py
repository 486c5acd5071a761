"""How finely a revision goes on after it was cut off."""

from enum import Enum

from safemigrate.model import ExplainedStatement, NoTableAction, Passage

__all__ = ["Resumption", "resumption_of"]


class Resumption(Enum):
    """Where a revision that was cut off goes on.

    `WHOLE`: it is one transaction, and was rolled back. `STATEMENTS`: after the last statement that
    is committed. `BOUNDARIES`: it reads data, so that what it does may depend on what is done
    already; it goes on after its last commit, and stops where it would then send something else.
    """

    WHOLE = "whole"
    STATEMENTS = "statements"
    BOUNDARIES = "boundaries"


def resumption_of(passage: Passage) -> Resumption:
    """Return how the revision goes on, by what it was recorded to send."""
    changing = [one for one in passage.statements if not _is_reading(one)]
    transactions = {one.statement.transaction for one in changing}
    if None not in transactions and len(transactions) <= 1:
        return Resumption.WHOLE
    if len(changing) == 1 and len(passage.statements) == 1:
        # alone outside of a transaction
        return Resumption.STATEMENTS
    if len(changing) < len(passage.statements):
        return Resumption.BOUNDARIES
    return Resumption.STATEMENTS


def _is_reading(statement: ExplainedStatement) -> bool:
    """Return whether the statement is a query, which gives rows to the revision."""
    return bool(statement.events) and all(
        isinstance(event.action, NoTableAction) and event.action.kind == "SELECT"
        for event in statement.events
    )
