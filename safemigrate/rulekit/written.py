"""Tables, columns and constraints as a migration writes them, and what becomes of them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from safemigrate.catalog import choose_constraint_name
from safemigrate.model import (
    AddColumn,
    AddConstraint,
    Column,
    ColumnDefinition,
    Constraint,
    ConstraintDefinition,
    ConstraintKind,
    CreateTable,
    Event,
    Persistence,
    QualifiedName,
    Table,
)
from safemigrate.rulekit.context import Context, once_a_passage

__all__ = [
    "NewTable",
    "WrittenColumn",
    "WrittenConstraint",
    "name_constraint",
    "new_tables",
    "written_columns",
    "written_constraints",
]


@dataclass(frozen=True, slots=True)
class NewTable:
    """A table that the migration makes.

    `table`: what it is when the migration has run. `end`: what it is when the history has, None
    where it is then gone.
    """

    event: Event
    action: CreateTable
    table: Table
    end: Table | None


@dataclass(frozen=True, slots=True)
class WrittenColumn:
    """A column of a new table, or a new one of any table.

    `table`: resolved. `offset`: where in the statement it stands.
    `after`: its table when the migration has run, `end`: when the history has; None where the
    table is then gone.
    """

    event: Event
    table: QualifiedName
    definition: ColumnDefinition
    offset: int
    after: Table | None
    end: Table | None

    @property
    def name(self) -> str:
        """The column's name."""
        return self.definition.name

    @property
    def at_end(self) -> Column | None:
        """The column when the migration has run, None when gone or renamed."""
        return _column(self.after, self.name)

    @property
    def later(self) -> Column | None:
        """The column when the history has run, None when gone or renamed."""
        return _column(self.end, self.name)

    @property
    def is_nullable(self) -> bool:
        """Whether it may hold NULL after the migration, and still does when the history has run."""
        at_end, later = self.at_end, self.later
        if at_end is None or at_end.is_not_null or at_end.generated is not None:
            return False
        return later is None or not later.is_not_null

    def constraints(self, kind: ConstraintKind) -> Iterator[Constraint]:
        """Yield those of that kind that the column has when the migration has run."""
        for each in self.after.constraints.values() if self.after else ():
            said = () if each.expression is None else each.expression.columns
            if each.kind is kind and self.name in (*each.columns, *said):
                yield each

    @property
    def is_key(self) -> bool:
        """Whether it is the primary key, alone, when the migration has run."""
        keys = self.constraints(ConstraintKind.PRIMARY_KEY)
        return any(key.columns == (self.name,) for key in keys)


@dataclass(frozen=True, slots=True)
class WrittenConstraint:
    """A constraint of a new table, at a new column, or added by itself.

    `table`: resolved. `definition` has its name filled in; `is_named`: it was written.
    `column`: the column it is written at, None for one of the table.
    `offset`: where in the statement it stands, or the subcommand that brings it.
    """

    event: Event
    table: QualifiedName
    definition: ConstraintDefinition
    is_named: bool
    column: ColumnDefinition | None
    offset: int

    @property
    def name(self) -> str:
        """The constraint's name, given or chosen by PostgreSQL."""
        return self.definition.name or ""


@once_a_passage
def new_tables(context: Context) -> Iterator[NewTable]:
    """Yield the tables that the migration makes and leaves, in order.

    Temporary tables are left out, and partitions, which are what their parent is.
    """
    for event, action in context.events(CreateTable):
        if not _makes(event, action) or action.partition_of is not None:
            continue
        table = context.passage.after.by_identity(event.before.next_identity)
        if table is not None and table.partition_of is None:
            end = context.end.by_identity(event.before.next_identity)
            yield NewTable(event, action, table, end)


@once_a_passage
def written_columns(context: Context) -> Iterator[WrittenColumn]:
    """Yield the columns of new tables and new columns, in order; not of temporary tables."""
    for event, action in context.events(CreateTable, AddColumn):
        before, found = event.before, event.before.table(action.table)
        match action:
            case CreateTable():
                if not _makes(event, action) or action.partition_of is not None:
                    continue
                name, identity = before.resolve_new(action.table), before.next_identity
                columns = [(column, column.offset) for column in action.columns]
            case AddColumn(column=column):
                is_there = found is not None and column.name in found.columns
                is_brief = found is not None and found.persistence is Persistence.TEMPORARY
                if is_brief or (action.takes_existing and is_there):
                    continue
                name = before.resolve(action.table)
                identity = before.next_identity if found is None else found.identity
                columns = [(column, action.offset)]
        after = context.passage.after.by_identity(identity)
        end = context.end.by_identity(identity)
        for column, offset in columns:
            yield WrittenColumn(event, name, column, offset, after, end)


@once_a_passage
def written_constraints(context: Context) -> Iterator[WrittenConstraint]:
    """Yield the constraints that the migration writes, NOT NULL apart, in order.

    Those of temporary tables are left out.
    """
    for event, action in context.events(CreateTable, AddColumn, AddConstraint):
        found = event.before.table(action.table)
        taken = set(found.constraints if found else ())
        written: list[tuple[ConstraintDefinition, ColumnDefinition | None, int]]
        match action:
            case CreateTable():
                if not _makes(event, action):
                    continue
                table, taken = event.before.resolve_new(action.table), set()
                written = [
                    (each, column, each.offset)
                    for column in action.columns
                    for each in column.constraints
                ]
                written += [(each, None, each.offset) for each in action.constraints]
            case AddColumn(column=column):
                is_there = found is not None and column.name in found.columns
                if action.takes_existing and is_there:
                    continue
                table = event.before.resolve(action.table)
                written = [(each, column, action.offset) for each in column.constraints]
            case AddConstraint():
                table = event.before.resolve(action.table)
                written = [(action.constraint, None, action.offset)]
        if found is not None and found.persistence is Persistence.TEMPORARY:
            continue
        for definition, at, offset in written:
            named = name_constraint(table, definition, taken)
            taken.add(named.name or "")
            is_named = (definition.name or definition.index) is not None
            yield WrittenConstraint(event, table, named, is_named, at, offset)


def name_constraint(
    table: QualifiedName, definition: ConstraintDefinition, taken: Collection[str]
) -> ConstraintDefinition:
    """Return the constraint with its name filled in: given, its index's, or as PostgreSQL chooses.

    `taken`: the names of the table's other constraints.
    """
    if definition.name is not None:
        return definition
    given = definition if definition.index is None else replace(definition, name=definition.index)
    return replace(definition, name=choose_constraint_name(table.name, given, taken))


def _makes(event: Event, action: CreateTable) -> bool:
    """Return whether CREATE TABLE makes a table, one that stays."""
    if action.persistence is Persistence.TEMPORARY:
        return False
    name = event.before.resolve_new(action.table)
    return not (action.takes_existing and name in event.before.tables)


def _column(table: Table | None, name: str) -> Column | None:
    return None if table is None else table.columns.get(name)
