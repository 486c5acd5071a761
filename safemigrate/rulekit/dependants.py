"""What CASCADE takes along, as far as the history shows it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from safemigrate.model import (
    Catalog,
    Constraint,
    ConstraintKind,
    DropColumn,
    DropConstraint,
    DropTable,
    DropView,
    Event,
    QualifiedName,
    RelationKind,
    Table,
)
from safemigrate.rulekit.context import Context
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["Dependant", "list_dependants"]

Cascade = DropTable | DropView | DropColumn | DropConstraint


@dataclass(frozen=True, slots=True)
class Dependant:
    """What goes along: a foreign key or generated column of the relation, or the view itself.

    `is_certain`: False for a view that may read something else of the table.
    """

    relation: QualifiedName
    key: str | None = None
    column: str | None = None
    is_materialized: bool = False
    is_certain: bool = True

    def __str__(self) -> str:
        if self.key is not None:
            return f'foreign key "{self.key}" of "{self.relation}"'
        if self.column is not None:
            return f'generated column "{self.column}"'
        kind = "materialized view" if self.is_materialized else "view"
        return f'{kind} "{self.relation}"' + ("" if self.is_certain else " if it reads it")

    @property
    def drop(self) -> str:
        """The statement that drops it by its name."""
        name = quote_name(self.relation)
        if self.key is not None:
            return f"ALTER TABLE {name} DROP CONSTRAINT {quote_identifier(self.key)}"
        if self.column is not None:
            return f"ALTER TABLE {name} DROP COLUMN {quote_identifier(self.column)}"
        return f"DROP {'MATERIALIZED VIEW' if self.is_materialized else 'VIEW'} {name}"


def list_dependants(context: Context, event: Event, action: Cascade) -> list[Dependant]:
    """Return what was there before the migration and goes along without being named.

    In an order in which each can be dropped by its name.
    """
    match action:
        case DropTable(table=name) | DropView(view=name):
            found = [*_of_relation(event.before, name)]
        case DropColumn():
            found = [*_of_column(event.before, action)]
        case DropConstraint():
            found = [*_of_key(event.before, action)]
    named = set(_named(context, event))
    # What reads a view comes behind it, once for each way to it.
    unique = dict.fromkeys(reversed(found))
    return [one for one in unique if one.relation not in named and _is_old(context, event, one)]


def _of_relation(catalog: Catalog, name: QualifiedName) -> Iterator[Dependant]:
    family = [catalog.resolve(name), *(child.name for child in catalog.partitions_of(name))]
    for member in family:
        for reader in catalog.readers_of(member):
            yield _view(reader)
    for member in family:
        for other, key in catalog.foreign_keys_to(member):
            if other.name not in family:
                yield Dependant(other.name, key.name)


def _of_column(catalog: Catalog, action: DropColumn) -> Iterator[Dependant]:
    table = catalog.table(action.table)
    if table is None:
        return
    for reader in catalog.readers_of(table.name):
        yield replace(_view(reader), is_certain=False)
    for column in table.columns.values():
        expression = column.default if column.generated is not None else None
        if expression is not None and action.column in expression.columns:
            yield Dependant(table.name, column=column.name)
    keys = [key for key in table.constraints.values() if action.column in key.columns]
    for key in keys:
        yield from _references(catalog, table, key)


def _of_key(catalog: Catalog, action: DropConstraint) -> Iterator[Dependant]:
    table = catalog.table(action.table)
    key = None if table is None else table.constraints.get(action.name)
    if table is not None and key is not None:
        yield from _references(catalog, table, key)


def _references(catalog: Catalog, table: Table, key: Constraint) -> Iterator[Dependant]:
    is_primary = key.kind is ConstraintKind.PRIMARY_KEY
    if not is_primary and key.kind is not ConstraintKind.UNIQUE:
        return
    for other, reference in catalog.foreign_keys_to(table.name):
        columns = reference.referenced_columns
        if set(columns) == set(key.columns) or (is_primary and not columns):
            yield Dependant(other.name, reference.name)


def _view(reader: Table) -> Dependant:
    is_materialized = reader.kind is RelationKind.MATERIALIZED_VIEW
    return Dependant(reader.name, is_materialized=is_materialized)


def _named(context: Context, event: Event) -> Iterator[QualifiedName]:
    """Yield the relations that the same statement drops by name."""
    for other, action in context.events(DropTable, DropView):
        if other.statement is event.statement:
            name = action.table if isinstance(action, DropTable) else action.view
            yield other.before.resolve(name)


def _is_old(context: Context, event: Event, one: Dependant) -> bool:
    if one.key is not None:
        return not context.is_new_constraint(event, one.relation, one.key)
    if one.column is not None:
        return not context.is_new_column(event, one.relation, one.column)
    return not context.is_new(event, one.relation)
