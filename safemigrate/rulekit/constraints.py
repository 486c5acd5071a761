"""Every place where a migration gives a table that exists a constraint."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from safemigrate.catalog import choose_constraint_name
from safemigrate.model import (
    AddColumn,
    AddConstraint,
    Catalog,
    ColumnDefinition,
    ConstraintDefinition,
    Event,
    QualifiedName,
    Remedy,
)
from safemigrate.recipes import add_column_in_steps, add_constraint_in_steps
from safemigrate.rulekit.context import Context

__all__ = ["NewConstraint", "new_columns", "new_constraints"]


@dataclass(frozen=True, slots=True)
class NewConstraint:
    """A constraint added to a table, by itself or at a new column.

    `table`: resolved. `definition` has its name filled in. `column`: the new column it is
    written at, None when it is added by itself.
    """

    event: Event
    table: QualifiedName
    definition: ConstraintDefinition
    column: ColumnDefinition | None

    @property
    def name(self) -> str:
        """The constraint's name, given or chosen by PostgreSQL."""
        return self.definition.name or ""

    @property
    def remedy(self) -> Remedy:
        """How to add the constraint, with its column where it comes with one, in safe steps."""
        match self.event.action:
            case AddColumn() as action:
                return add_column_in_steps(action, self.event.before)
            case AddConstraint() as action:
                return add_constraint_in_steps(action.table, self.definition, self.event.before)
        raise AssertionError


def new_columns(context: Context) -> Iterator[tuple[Event, AddColumn]]:
    """Yield the columns added to tables that were there, in order."""
    for event, action in context.events(AddColumn):
        is_there = event.before.column(action.table, action.column.name) is not None
        if not (action.takes_existing and is_there) and not context.is_new(event, action.table):
            yield event, action


def new_constraints(context: Context) -> Iterator[NewConstraint]:
    """Yield the constraints that ALTER TABLE adds, also to new tables, in order."""
    for event in context.all_events():
        match event.action:
            case AddConstraint() as action:
                yield _name(event, action.table, action.constraint, None, event.before)
            case AddColumn() as action:
                column = action.column
                is_there = event.before.column(action.table, column.name) is not None
                if action.takes_existing and is_there:
                    continue
                for constraint in column.constraints:
                    yield _name(event, action.table, constraint, column, event.before)
            case _:
                # The other actions add no constraint to a table that exists.
                continue


def _name(
    event: Event,
    table: QualifiedName,
    definition: ConstraintDefinition,
    column: ColumnDefinition | None,
    catalog: Catalog,
) -> NewConstraint:
    found = catalog.table(table)
    taken = found.constraints if found else ()
    given = definition.name or definition.index
    name = choose_constraint_name(table.name, replace(definition, name=given), taken)
    return NewConstraint(event, catalog.resolve(table), replace(definition, name=name), column)
