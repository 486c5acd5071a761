"""Rows of tables, read and changed past every policy, key and trigger."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from safemigrate.trace import Connection
from safemigrate.verify.tenants.guarded import GuardedTable, Relation

__all__ = [
    "ROW_ID",
    "Query",
    "Row",
    "assign",
    "copy_row",
    "find_rows",
    "keep_rows",
    "raw",
    "read_rows",
    "sample_values",
]

# A statement, or a part of one.
Query = sql.SQL | sql.Composed

# What names a row as long as nobody changes it; a partition has places of its own.
ROW_ID = "(tableoid::bigint::text || ctid::text)"

# Two values of a type, for a column that no row has two of.
_SAMPLES = {
    "bigint": ("1", "2"),
    "integer": ("1", "2"),
    "numeric": ("1", "2"),
    "smallint": ("1", "2"),
    "text": ("tenant-1", "tenant-2"),
    "uuid": ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"),
}
_TEXTS = ("character varying", "character", "citext", "name")


@dataclass(frozen=True, slots=True)
class Row:
    """A row, and what was asked of it, as text; None for NULL."""

    id: str
    values: tuple[str | None, ...]


def raw(text: str) -> sql.SQL:
    """Return SQL that a server wrote, for a statement without parameters."""
    return sql.SQL(text)


def read_rows(
    connection: Connection,
    table: Relation,
    columns: Sequence[str],
    ids: Sequence[str] | None = None,
) -> list[Row]:
    """Return the rows, or those of `ids`, in an order that stays."""
    names = [sql.SQL("{}::text").format(sql.Identifier(one)) for one in columns]
    query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY tableoid, ctid")
    wanted = (
        sql.SQL("true")
        if ids is None
        else sql.SQL("{} = ANY ({})").format(raw(ROW_ID), sql.Literal(list(ids)))
    )
    found = connection.execute(
        query.format(sql.SQL(", ").join([raw(ROW_ID), *names]), table.identifier, wanted)
    )
    return [Row(str(row[0]), tuple(row[1:])) for row in found]


def find_rows(connection: Connection, table: Relation, condition: Query) -> frozenset[str]:
    """Return the ids of the rows that the condition is true of."""
    query = sql.SQL("SELECT {} FROM {} WHERE {}")
    rows = connection.execute(query.format(raw(ROW_ID), table.identifier, condition))
    return frozenset(str(row[0]) for row in rows)


def assign(
    connection: Connection,
    table: Relation,
    row: str,
    columns: Sequence[str],
    values: Sequence[str | None],
) -> bool:
    """Give a row other values, whatever refers to it; return whether the table takes them."""
    changes = [
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
        for column, value in zip(columns, values, strict=True)
    ]
    query = sql.SQL("UPDATE {} SET {} WHERE {} = {}")
    try:
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(
                query.format(
                    table.identifier, sql.SQL(", ").join(changes), raw(ROW_ID), sql.Literal(row)
                )
            )
    except psycopg.Error:
        # unique, say, with another column
        return False
    return True


def copy_row(connection: Connection, table: GuardedTable, row: str) -> None:
    """Add a row like that one, where the table takes one; it gets numbers of its own."""
    names = [
        sql.Identifier(one.name) for one in table.columns if one.is_settable and not one.is_numbered
    ]
    query = sql.SQL("INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE {id} = {row}")
    with suppress(psycopg.Error), connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            query.format(
                table=table.identifier,
                names=sql.SQL(", ").join(names),
                id=raw(ROW_ID),
                row=sql.Literal(row),
            )
        )


def keep_rows(connection: Connection, table: Relation, ids: Iterable[str]) -> None:
    """Delete all rows but those, whatever refers to them, in the transaction that is open."""
    query = sql.SQL("DELETE FROM {} WHERE NOT {} = ANY ({}::text[])")
    connection.execute("SET LOCAL session_replication_role = replica")
    connection.execute(query.format(table.identifier, raw(ROW_ID), sql.Literal(list(ids))))
    connection.execute("SET LOCAL session_replication_role = origin")


def sample_values(
    connection: Connection, table: GuardedTable, column: str
) -> tuple[str, str] | None:
    """Return two values for a column: what it refers to has them, or its type does."""
    for reference in table.references:
        if reference.columns == (column,):
            rows = read_rows(connection, reference, reference.keys)
            values = list(dict.fromkeys(str(row.values[0]) for row in rows))
            if len(values) > 1:
                return values[0], values[1]
    type_ = next(one.type for one in table.columns if one.name == column).partition("(")[0]
    return _SAMPLES.get("text" if type_ in _TEXTS else type_)
