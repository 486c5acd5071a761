"""What a stand-in is in a query: a table, a column, a condition that nobody knows."""

import sys
from collections.abc import Callable
from types import FrameType

from sqlalchemy import ClauseElement, TableClause, column, inspection, select, table
from sqlalchemy.sql import coercions, roles

from safemigrate.model import UNKNOWN_TYPE_SCHEMA

__all__ = ["find_clause", "is_inspected_by_author"]

_ROWS = (roles.SelectStatementRole, roles.StatementRole, roles.DMLSelectRole, roles.InElementRole)
_TABLES = (roles.FromClauseRole, roles.JoinTargetRole)
_COLUMNS = (
    roles.OnClauseRole,
    roles.ByOfRole,
    roles.OrderByRole,
    roles.ColumnListRole,
    roles.LabeledColumnExprRole,
)


def find_clause(origin: str) -> Callable[[], ClauseElement] | None:
    """Return what makes the clause that SQLAlchemy looks for now; None when a value is as good.

    Called by what SQLAlchemy asks for `__clause_element__`.
    """
    frame = sys._getframe(2)  # noqa: SLF001 - only the caller tells what is wanted
    if frame.f_code is not coercions.expect.__code__:
        return None
    role = frame.f_locals.get("role")
    if not isinstance(role, type):
        return None
    is_entity = origin.rpartition(".")[2][:1].isupper()
    if issubclass(role, _ROWS):
        return lambda: select(_table(origin))
    if issubclass(role, _TABLES) or (role is roles.ColumnsClauseRole and is_entity):
        return lambda: _table(origin)
    if issubclass(role, _COLUMNS) or role is roles.ColumnsClauseRole:
        return lambda: column(origin)
    return None


def _table(origin: str) -> TableClause:
    # the ORM selects at least one column
    return table(origin, column("id"), schema=UNKNOWN_TYPE_SCHEMA)


def is_inspected_by_author() -> bool:
    """Return whether `sqlalchemy.inspect` was called for its answer, not to try what a thing is."""
    frame: FrameType = sys._getframe(2)  # noqa: SLF001 - as above
    return frame.f_code is inspection.inspect.__code__ and bool(frame.f_locals.get("raiseerr"))
