"""Every place where a migration gives a column a type."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import (
    AddColumn,
    AlterColumnType,
    ColumnType,
    CreateTable,
    Event,
    QualifiedName,
)
from safemigrate.rulekit.context import Context

__all__ = ["NewType", "new_types"]


@dataclass(frozen=True, slots=True)
class NewType:
    """A column that gets a type; `offset` is where in the statement it says so."""

    event: Event
    table: QualifiedName
    column: str
    type: ColumnType
    offset: int


def new_types(context: Context) -> Iterator[NewType]:
    """Yield the columns of new tables, new columns, and changes of type, in order."""
    for event in context.all_events():
        match event.action:
            case CreateTable() as action:
                table = event.before.resolve(action.table)
                for column in action.columns:
                    yield NewType(event, table, column.name, column.type, column.offset)
            case AddColumn() as action:
                column = action.column
                table = event.before.resolve(action.table)
                yield NewType(event, table, column.name, column.type, action.offset)
            case AlterColumnType() as action:
                table = event.before.resolve(action.table)
                yield NewType(event, table, action.column, action.type, action.offset)
            case _:
                # The other actions give no column a type.
                continue
