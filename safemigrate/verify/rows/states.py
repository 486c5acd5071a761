"""The rows of tables as they are now, each value as the exact text that the server writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.model.names import DEFAULT_SCHEMA
from safemigrate.trace import Connection

__all__ = ["Held", "HeldColumn", "count_rows", "find_concerned", "list_tables", "read_held"]

# Of a longer text a digest says whether it is still the same.
_LONGEST = 200
_SHOWN = 40
_COLUMNS = """
SELECT asked.schema, asked.name, c.oid::bigint, c.relkind = 'p', a.attname, a.attnum::int,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       coalesce(a.attnum = ANY (k.indkey::smallint[]), false)
  FROM unnest(%s::text[], %s::text[], %s::oid[]) WITH ORDINALITY AS asked(schema, name, oid, nr)
  CROSS JOIN LATERAL (
    -- a table that was renamed is still the same; one that was made anew has the name
    SELECT c.* FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND (c.oid = asked.oid OR (n.nspname = asked.schema AND c.relname = asked.name))
     ORDER BY c.oid = asked.oid DESC LIMIT 1) c
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_index k ON k.indrelid = c.oid AND k.indisprimary
 ORDER BY asked.nr, a.attnum
"""
_CONCERNED = """
WITH touched AS (
  SELECT coalesce(pg_catalog.pg_partition_root(c.oid)::oid, c.oid) AS oid
    FROM unnest(%s::text[], %s::text[]) AS asked(schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = asked.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name
   WHERE c.relkind IN ('r', 'p')
)
SELECT n.nspname, c.relname, bool_or(found.is_touched)
  FROM (SELECT oid, true AS is_touched FROM touched
        UNION ALL
        SELECT coalesce(pg_catalog.pg_partition_root(f.conrelid)::oid, f.conrelid), false
          FROM touched JOIN pg_catalog.pg_constraint f
            ON f.contype = 'f' AND f.confrelid = touched.oid) found
  JOIN pg_catalog.pg_class c ON c.oid = found.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 GROUP BY n.nspname, c.relname
"""
_TABLES = """
SELECT c.oid::bigint, n.nspname, c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.oid >= 16384
   AND n.nspname NOT IN ('information_schema', 'safemigrate')
   AND n.nspname NOT LIKE 'pg\\_%'
 ORDER BY n.nspname, c.relname
"""


@dataclass(frozen=True, slots=True)
class HeldColumn:
    """A column; `number`: what stays the same when it is renamed, but not when it is made anew."""

    name: str
    number: int
    type: str
    is_key: bool


@dataclass(frozen=True, slots=True)
class Held:
    """What a table holds; `oid` stays the same when it is renamed.

    `rows`: the values in the order of the columns, None for NULL, by the text of the primary key;
    without one, by the position in the table.
    """

    name: QualifiedName
    oid: int
    columns: tuple[HeldColumn, ...]
    rows: Mapping[tuple[str, ...], tuple[str | None, ...]] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key; empty without one."""
        return tuple(one.name for one in self.columns if one.is_key)

    def find(self, column: HeldColumn, *, is_same_table: bool) -> int | None:
        """Return the position of a column of an earlier state, by number and then by name."""
        for position, one in enumerate(self.columns):
            if is_same_table and one.number == column.number:
                return position
        for position, one in enumerate(self.columns):
            if one.name == column.name:
                return position
        return None


def read_held(
    connection: Connection,
    names: Iterable[QualifiedName],
    earlier: Mapping[QualifiedName, Held] | None = None,
) -> dict[QualifiedName, Held]:
    """Return what each table holds; one that is not there is left out, and partitions are.

    `earlier`: the same tables at an earlier state, so that one that was renamed is found; it stands
    under its first name. `connection` is in autocommit mode.
    """
    asked = sorted(_full(name) for name in names)
    schemas, tables = [one.schema for one in asked], [one.name for one in asked]
    oids = [(earlier or {})[one].oid if one in (earlier or {}) else 0 for one in asked]
    found: dict[QualifiedName, tuple[int, bool, list[HeldColumn]]] = {}
    for schema, name, oid, is_partitioned, *column in connection.execute(
        _COLUMNS, (schemas, tables, oids)
    ).fetchall():
        entry = found.setdefault(QualifiedName(schema, name), (oid, is_partitioned, []))
        entry[2].append(HeldColumn(*column))
    return {
        name: Held(
            name,
            oid,
            tuple(columns),
            _read_rows(connection, oid, columns, with_parts=is_partitioned),
        )
        for name, (oid, is_partitioned, columns) in found.items()
    }


def find_concerned(
    connection: Connection, names: Iterable[QualifiedName]
) -> tuple[frozenset[QualifiedName], frozenset[QualifiedName]]:
    """Return the tables of those names, and all of them with those that refer to them.

    For a partition stands the table that it is a part of in the end.
    """
    asked = [_full(name) for name in names]
    rows = connection.execute(
        _CONCERNED, ([one.schema for one in asked], [one.name for one in asked])
    ).fetchall()
    found = {QualifiedName(schema, name): is_touched for schema, name, is_touched in rows}
    return frozenset(name for name in found if found[name]), frozenset(found)


def list_tables(connection: Connection) -> dict[int, QualifiedName]:
    """Return all tables by oid, but for partitions."""
    return {
        oid: QualifiedName(schema, name)
        for oid, schema, name in connection.execute(_TABLES).fetchall()
    }


def count_rows(connection: Connection, names: Iterable[QualifiedName]) -> dict[QualifiedName, int]:
    """Return how many rows each table has, with its partitions."""
    asked = sorted(set(names))
    if not asked:
        return {}
    query = sql.SQL("SELECT {}").format(
        sql.SQL(", ").join(
            sql.SQL("(SELECT count(*) FROM {})").format(
                sql.Identifier(one.schema or DEFAULT_SCHEMA, one.name)
            )
            for one in asked
        )
    )
    row = connection.execute(query).fetchone()
    return dict(zip(asked, row or (), strict=True))


def _full(name: QualifiedName) -> QualifiedName:
    return QualifiedName(name.schema or DEFAULT_SCHEMA, name.name)


def _read_rows(
    connection: Connection, oid: int, columns: list[HeldColumn], *, with_parts: bool
) -> dict[tuple[str, ...], tuple[str | None, ...]]:
    row = connection.execute("SELECT %s::oid::regclass::text", (oid,)).fetchone()
    table = sql.SQL(row[0] if row else "")  # the server has quoted it
    texts = [sql.SQL("{}::text").format(sql.Identifier(one.name)) for one in columns]
    query = sql.SQL("SELECT {}, {} FROM {}").format(
        sql.SQL("ARRAY[{}]::text[]").format(
            sql.SQL(", ").join(text for text, one in zip(texts, columns, strict=True) if one.is_key)
        ),
        sql.SQL(", ").join(
            sql.SQL(
                "CASE WHEN length({0}) > {1} THEN left({0}, {2}) || '… md5 ' || md5({0}) ELSE {0}"
                " END"
            ).format(text, sql.Literal(_LONGEST), sql.Literal(_SHOWN))
            for text in texts
        ),
        table if with_parts else sql.SQL("ONLY {}").format(table),
    )
    return {
        tuple(key) or (str(position),): tuple(values)
        for position, (key, *values) in enumerate(connection.execute(query).fetchall())
    }
