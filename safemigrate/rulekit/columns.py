"""Every place where a migration gives a column a type."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from safemigrate.errors import ConfigError, SqlSyntaxError
from safemigrate.model import (
    AddColumn,
    AlterColumnType,
    ColumnDefinition,
    ColumnType,
    CreateTable,
    Event,
    QualifiedName,
)
from safemigrate.rulekit.context import Context, once_a_passage
from safemigrate.sql import read_actions

__all__ = ["NewType", "find_forbidden", "new_types", "read_column", "written_types"]


@dataclass(frozen=True, slots=True)
class NewType:
    """A column that gets a type; `offset` is where in the statement it says so.

    `is_serial`: it is written as serial, and `type` is the integer type behind it.
    """

    event: Event
    table: QualifiedName
    column: str
    type: ColumnType
    offset: int
    is_serial: bool = False


def new_types(context: Context) -> Iterator[NewType]:
    """Yield what `written_types` does, without types that the project forbids.

    Of those forbidden-type speaks, and no rule about the type itself.
    """
    for new in written_types(context):
        if find_forbidden(context, new.type, is_serial=new.is_serial) is None:
            yield new


@once_a_passage
def written_types(context: Context) -> Iterator[NewType]:
    """Yield the columns of new tables, new columns, and changes of type, in order."""
    for event, action in context.events(CreateTable, AddColumn, AlterColumnType):
        table = event.before.resolve(action.table)
        match action:
            case CreateTable():
                # What stands at the columns of a partition gives them no type.
                for column in action.columns if action.partition_of is None else ():
                    yield _written(event, table, column, column.offset)
            case AddColumn(column=column):
                yield _written(event, table, column, action.offset)
            case AlterColumnType():
                yield NewType(event, table, action.column, action.type, action.offset)


def _written(event: Event, table: QualifiedName, column: ColumnDefinition, offset: int) -> NewType:
    return NewType(event, table, column.name, column.type, offset, column.is_serial)


def find_forbidden(context: Context, written: ColumnType, *, is_serial: bool) -> str | None:
    """Return the type in the option `forbidden-types` that the written one is, as it stands there.

    What that one does not say, it leaves open: a length, a schema, whether it is an array.

    Raises:
        ConfigError: when the option names what is no type.
    """
    for name in context.options.forbidden_types:
        forbidden = read_column(name, name, "forbidden-types")
        said = forbidden.type
        # The parser makes char(1) of char.
        is_limited = bool(said.modifiers) and "(" in name
        if (
            said.name == written.name
            and said.schema in {None, written.schema}
            and (not is_limited or said.modifiers == written.modifiers)
            and bool(said.dimensions) <= bool(written.dimensions)
            and forbidden.is_serial <= is_serial
        ):
            return name
    return None


@cache
def read_column(name: str, type_: str, option: str) -> ColumnDefinition:
    """Return a column of the type that a project names in the option, as SQL would write it.

    Raises:
        ConfigError: when it is no type.
    """
    try:
        actions = read_actions(f"ALTER TABLE t ADD COLUMN c {type_}")
    except SqlSyntaxError:
        actions = ()
    match actions:
        case (AddColumn(column=ColumnDefinition(constraints=(), default=None) as column),):
            return replace(column, name=name, offset=0)
    raise ConfigError(
        f'"{type_}" in the option "{option}" is not a type',
        "write it as in CREATE TABLE, such as numeric(19, 4)",
    )
