"""The traffic of an application that uses every table a revision touches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection
from safemigrate.verify.traffic.work import Command, Work

__all__ = ["generate_work"]

# Columns of the primary key, those that may be inserted, and one that may be updated; a key comes
# last there, because it is what rows are found by.
_TABLES = """
SELECT c.relkind::text,
       coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])), '{}'),
       coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    AND a.attgenerated = ''), '{}'),
       (SELECT a.attname::text FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attgenerated = '' AND a.attidentity <> 'a'
         ORDER BY coalesce(a.attnum = ANY (i.indkey::int2[]), false), a.attnum LIMIT 1)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary
 WHERE n.nspname = %s AND c.relname = %s
"""
_KEYS = 8
_VERBS = ("SELECT", "UPDATE", "INSERT", "DELETE")


@dataclass(frozen=True, slots=True)
class _Table:
    """A relation as the application uses it; `keys`: some rows of it, as text."""

    name: QualifiedName
    kind: str
    key: Sequence[str]
    columns: Sequence[str]
    changeable: str | None
    keys: Sequence[Sequence[str]] = ()

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.name.schema or "public", self.name.name)


def generate_work(connection: Connection, tables: Iterable[QualifiedName]) -> tuple[Work, ...]:
    """Return work that finds, updates, inserts and deletes rows of each table, by its key.

    Each verb has a worker of its own, so that each can be seen waiting.

    Nothing is changed by it but by triggers: a column is updated to itself, and no row is found to
    be inserted or deleted; the locks on the table are those of the real ones. Views are read only.
    `connection` is in autocommit mode; the tables are filled already.
    """
    read = [found for name in tables if (found := _read_table(connection, name)) is not None]
    commands = [
        (verb, Command(f"{verb} on {table.name}", (text.as_string(connection),)))
        for table in read
        for verb, text in _write_commands(table)
    ]
    shares = [tuple(one for verb, one in commands if verb == wanted) for wanted in _VERBS]
    return tuple(Work(share) for share in shares if share)


def _read_table(connection: Connection, name: QualifiedName) -> _Table | None:
    row = connection.execute(_TABLES.encode(), (name.schema or "public", name.name)).fetchone()
    if row is None:
        return None
    kind, key, columns, changeable = row
    table = _Table(name, kind, key, columns, changeable)
    if not key:
        return table
    query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in key),
        table.identifier,
        sql.Literal(_KEYS),
    )
    keys = connection.execute(query).fetchall()
    return _Table(name, kind, key, columns, changeable, keys)


def _write_commands(table: _Table) -> Iterator[tuple[str, sql.Composable]]:
    if table.kind not in {"r", "p"}:
        yield "SELECT", sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table.identifier)
        return
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    wanted = sql.SQL(", ").join(map(sql.Identifier, table.key)) if table.key else sql.SQL("1")
    for condition in _write_conditions(table):
        where = {"table": table.identifier, "condition": condition}
        yield (
            "SELECT",
            sql.SQL("SELECT {wanted} FROM {table} WHERE {condition}").format(
                wanted=wanted, **where
            ),
        )
        if table.changeable is not None:
            yield (
                "UPDATE",
                sql.SQL("UPDATE {table} SET {column} = {column} WHERE {condition}").format(
                    column=sql.Identifier(table.changeable), **where
                ),
            )
        if table.columns:
            yield (
                "INSERT",
                sql.SQL(
                    "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"
                    " SELECT {columns} FROM {table} WHERE false"
                ).format(columns=columns, table=table.identifier),
            )
        yield (
            "DELETE",
            sql.SQL("DELETE FROM {table} WHERE {condition} AND false").format(**where),
        )


def _write_conditions(table: _Table) -> Iterator[sql.Composable]:
    """Yield what finds a row, some rows in turn; an empty table is searched in vain."""
    if table.key and table.keys:
        for values in table.keys[:: max(1, len(table.keys) // 2)][:2]:
            yield sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
                for column, value in zip(table.key, values, strict=True)
            )
    elif table.kind == "r":
        yield sql.SQL("ctid = (SELECT ctid FROM {} LIMIT 1)").format(table.identifier)
    else:
        yield sql.SQL("false")
