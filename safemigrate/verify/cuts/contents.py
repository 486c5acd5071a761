"""The rows of a database as digests: one for each column of each table that has any."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from safemigrate.errors import DatabaseError
from safemigrate.trace import Connection, describe_fault
from safemigrate.verify.snapshots import VersionTable

__all__ = ["Contents", "compare_contents", "find_unsettled", "read_contents"]

# A table without a page has no rows, so that hundreds of empty ones cost one query.
# What a counter fills goes on where a transaction was rolled back, so it is nobody's difference.
_FILLED = """
SELECT n.nspname::text, c.relname::text,
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (
         WHERE a.attidentity = '' AND t.typtype <> 'p'
           AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE 'nextval(%%')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  LEFT JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'safemigrate')
   AND c.oid IS DISTINCT FROM to_regclass(%s)::oid
   AND pg_relation_size(c.oid) > 0
 GROUP BY 1, 2
 ORDER BY 1, 2
"""
_ALL = "*"


@dataclass(frozen=True, slots=True)
class TableContents:
    """How many rows a table has, and by column a digest of its values, in whatever order."""

    rows: int
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the tables that have rows, by qualified name, but for the version table.

    Columns that a counter fills, an identity or a serial, are left out.
    """

    tables: Mapping[str, TableContents]


def read_contents(connection: Connection, version_table: VersionTable) -> Contents:
    """Return the rows as they are committed now; `connection` is in autocommit mode.

    Raises DatabaseError when they cannot be read.
    """
    try:
        name = version_table.identifier().as_string()
        filled = connection.execute(_FILLED, (name,)).fetchall()
        tables = {
            f"{schema}.{table}": _read_table(connection, schema, table, columns or [])
            for schema, table, columns in filled
        }
    except psycopg.Error as err:
        raise DatabaseError(
            f"the rows cannot be read: {describe_fault(err)}", "look into the server's log"
        ) from err
    return Contents({name: one for name, one in tables.items() if one.rows})


def _read_table(
    connection: Connection, schema: str, table: str, columns: list[str]
) -> TableContents:
    query = sql.SQL("SELECT count(*){} FROM ONLY {}").format(
        sql.SQL("").join(map(_digest, columns)), sql.Identifier(schema, table)
    )
    (row,) = connection.execute(query).fetchall()
    return TableContents(row[0], dict(zip(columns, map(str, row[1:]), strict=True)))


def _digest(column: str) -> sql.Composed:
    template = sql.SQL(", sum(hashtextextended({}::text, 0)::numeric)")
    return template.format(sql.Identifier(column))


def find_unsettled(one: Contents, other: Contents) -> frozenset[tuple[str, str]]:
    """Return the columns, by table, that two runs of the same filled with something else.

    `*` stands for a table that has not as many rows.
    """
    return frozenset(_differing(one, other))


def compare_contents(
    before: Contents, after: Contents, unsettled: frozenset[tuple[str, str]] = frozenset()
) -> tuple[str, ...]:
    """Return a line for each table with more or fewer rows, and each column with other values.

    `unsettled`: columns that do not count, see `find_unsettled`.
    """
    return tuple(
        _line(before, after, table, column)
        for table, column in sorted(_differing(before, after))
        if not unsettled.intersection({(table, column), (table, _ALL)})
    )


def _differing(before: Contents, after: Contents) -> Iterator[tuple[str, str]]:
    nothing = TableContents(0, {})
    for name in before.tables.keys() | after.tables.keys():
        old, new = before.tables.get(name, nothing), after.tables.get(name, nothing)
        if old.rows != new.rows:
            yield name, _ALL
            continue
        for column in old.digests.keys() & new.digests.keys():
            if old.digests[column] != new.digests[column]:
                yield name, column


def _line(before: Contents, after: Contents, table: str, column: str) -> str:
    if column != _ALL:
        return f"~ rows of {table}: other values in {column}"
    old, new = (one.tables[table].rows if table in one.tables else 0 for one in (before, after))
    return f"~ rows of {table}: {old} -> {new}"
