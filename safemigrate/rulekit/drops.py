"""Constraints that a migration takes away for good."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import Catalog, Constraint, ConstraintKind, DropConstraint, Event
from safemigrate.rulekit.context import Context, once_a_passage
from safemigrate.rulekit.ends import find_after
from safemigrate.sql import quote_identifier

__all__ = ["DroppedConstraint", "dropped_constraints"]

_KEYS = frozenset({ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE})


@dataclass(frozen=True, slots=True)
class DroppedConstraint:
    """A constraint that was there before the migration; `found` is None where it is not shown."""

    event: Event
    action: DropConstraint
    found: Constraint | None

    @property
    def is_key(self) -> bool:
        """Whether it is known to be a primary key or a unique constraint."""
        return self.found is not None and self.found.kind in _KEYS


@once_a_passage
def dropped_constraints(context: Context) -> Iterator[DroppedConstraint]:
    """Yield the constraints dropped from tables that were there, and not replaced, in order.

    Replaced: when the migration has run, a valid one of the same kind over the same columns is
    there, or one that says the same; or the columns of a CHECK that says IS NOT NULL are NOT NULL.
    """
    for event, action in context.events(DropConstraint):
        if context.is_new(event, action.table):
            continue
        if context.is_new_constraint(event, action.table, action.name):
            continue
        table = event.before.table(action.table)
        found = None if table is None else table.constraints.get(action.name)
        if found is not None and _is_said_by_not_null(event.before, action, found):
            continue
        if found is None or not _is_replaced(context, event, action, found):
            yield DroppedConstraint(event, action, found)


def _is_replaced(context: Context, event: Event, action: DropConstraint, found: Constraint) -> bool:
    after = find_after(context, event, action.table)
    return any(
        each.kind is found.kind
        and each.is_enforced
        and each.references == found.references
        and _columns(each) == _columns(found) != frozenset()
        # One that says the same lets in nothing else, whether the old rows are proved or not.
        and (each.is_valid or _says(each) == _says(found))
        for each in (after.constraints.values() if after else ())
    )


def _says(constraint: Constraint) -> tuple[tuple[str, ...], str | None]:
    said = constraint.expression
    return constraint.referenced_columns, None if said is None else said.sql


def _columns(constraint: Constraint) -> frozenset[str]:
    said = constraint.expression
    return frozenset(constraint.columns or (said.columns if said else ()))


def _is_said_by_not_null(catalog: Catalog, action: DropConstraint, found: Constraint) -> bool:
    """Return whether the constraint is a CHECK that NOT NULL of its columns says again."""
    if found.kind is not ConstraintKind.CHECK or found.expression is None:
        return False
    names = found.expression.not_null_columns
    said = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in names)
    columns = [catalog.column(action.table, name) for name in names]
    is_not_null = all(column is not None and column.is_not_null for column in columns)
    return bool(names) and said == found.expression.sql and is_not_null
