"""Every place where a migration gives a table that exists a constraint."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import (
    AddColumn,
    AddConstraint,
    ColumnDefinition,
    ConstraintDefinition,
    ConstraintKind,
    Event,
    Fix,
    QualifiedName,
    Remedy,
)
from safemigrate.recipes import (
    add_column_in_steps,
    add_constraint_in_steps,
    add_not_null_in_steps,
    fix_constraint,
    fix_unique,
)
from safemigrate.rulekit.context import Context, once_a_passage
from safemigrate.rulekit.written import name_constraint

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
            case AddConstraint() as action if self.definition.kind is ConstraintKind.NOT_NULL:
                return add_not_null_in_steps(action, self.name)
            case AddConstraint() as action:
                return add_constraint_in_steps(action.table, self.definition, self.event.before)
        raise AssertionError

    @property
    def fix(self) -> Fix | None:
        """The statement changed to do so, where it adds the constraint by itself."""
        sql, action, catalog = self.event.statement.sql, self.event.action, self.event.before
        if not isinstance(action, AddConstraint):
            return None
        if action.constraint.kind is ConstraintKind.UNIQUE:
            return fix_unique(sql, action, self.definition, catalog)
        return fix_constraint(sql, action, self.name, catalog)


@once_a_passage
def new_columns(context: Context) -> Iterator[tuple[Event, AddColumn]]:
    """Yield the columns added to tables that were there, in order."""
    for event, action in context.events(AddColumn):
        is_there = event.before.column(action.table, action.column.name) is not None
        if not (action.takes_existing and is_there) and not context.is_new(event, action.table):
            yield event, action


@once_a_passage
def new_constraints(context: Context) -> Iterator[NewConstraint]:
    """Yield the constraints that ALTER TABLE adds, also to new tables, in order."""
    for event, action in context.events(AddConstraint, AddColumn):
        match action:
            case AddConstraint():
                yield _name(event, action.table, action.constraint, None)
            case AddColumn():
                column = action.column
                is_there = event.before.column(action.table, column.name) is not None
                if action.takes_existing and is_there:
                    continue
                for constraint in column.constraints:
                    yield _name(event, action.table, constraint, column)


def _name(
    event: Event,
    table: QualifiedName,
    definition: ConstraintDefinition,
    column: ColumnDefinition | None,
) -> NewConstraint:
    found = event.before.table(table)
    named = name_constraint(table, definition, found.constraints if found else ())
    return NewConstraint(event, event.before.resolve(table), named, column)
