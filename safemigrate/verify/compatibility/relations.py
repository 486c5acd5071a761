"""The tables and views of a database, as a release of the application knows them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection

__all__ = ["Relation", "Relations", "Row", "read_relations", "read_rows"]

Row = Mapping[str, str | None]
"""The values of a row by column, as PostgreSQL writes them."""

# Partitions are left out: an application speaks to the table that they are of.
_RELATIONS = """
SELECT n.nspname, c.relname, c.relkind::text, pg_catalog.pg_table_is_visible(c.oid),
       a.names, a.settable, a.counted, a.defaulted, coalesce(k.names, '{}')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum), '{}') AS names,
              coalesce(array_agg(a.attname::text ORDER BY a.attnum)
                FILTER (WHERE a.attgenerated = '' AND a.attidentity <> 'a'), '{}') AS settable,
              coalesce(array_agg(a.attname::text ORDER BY a.attnum)
                FILTER (WHERE a.attidentity <> '' OR (a.attgenerated = ''
                  AND starts_with(pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'nextval('))),
                '{}') AS counted,
              coalesce(array_agg(a.attname::text ORDER BY a.attnum)
                FILTER (WHERE a.attgenerated = '' AND d.adbin IS NOT NULL
                  AND NOT starts_with(pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'nextval(')),
                '{}') AS defaulted
         FROM pg_catalog.pg_attribute a
         LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) a
  LEFT JOIN LATERAL (
       SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names
         FROM pg_catalog.pg_index i
         JOIN pg_catalog.pg_attribute a
           ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary) k ON true
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'safemigrate')
 ORDER BY n.nspname, c.relname
"""
_ROWS = 3


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view.

    `settable`: the columns that an INSERT or UPDATE may give values for. `counted`: those that a
    sequence does, if nobody else. `defaulted`: those with another default. `key`: those of the
    primary key.
    """

    name: QualifiedName
    is_table: bool
    is_visible: bool
    columns: tuple[str, ...]
    settable: tuple[str, ...]
    counted: tuple[str, ...]
    defaulted: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def identifier(self) -> sql.Identifier:
        """Its name for a statement."""
        return sql.Identifier(str(self.name.schema), self.name.name)


@dataclass(frozen=True, slots=True)
class Relations:
    """All of a database."""

    by_name: Mapping[QualifiedName, Relation]

    def find(self, name: QualifiedName) -> Relation | None:
        """Return the relation that a name in a statement means; None for one that is not there."""
        if name.schema is not None:
            return self.by_name.get(name)
        return next((one for one in self if one.name.name == name.name and one.is_visible), None)

    def __iter__(self) -> Iterator[Relation]:
        return iter(self.by_name.values())


def read_relations(connection: Connection) -> Relations:
    """Return the tables and views of the database, without partitions."""
    rows = connection.execute(_RELATIONS).fetchall()
    relations = (
        Relation(QualifiedName(schema, name), kind in "rp", is_visible, *map(tuple, columns))
        for schema, name, kind, is_visible, *columns in rows
    )
    return Relations({one.name: one for one in relations})


def read_rows(
    connection: Connection, relations: Iterable[Relation]
) -> Mapping[QualifiedName, tuple[Row, ...]]:
    """Return a few rows of each relation; none of one that cannot be read.

    `connection` is in autocommit mode and outside a transaction.
    """
    found: dict[QualifiedName, tuple[Row, ...]] = {}
    for relation in relations:
        columns = [sql.SQL("{}::text").format(sql.Identifier(one)) for one in relation.columns]
        query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
            sql.SQL(", ").join(columns), relation.identifier, sql.Literal(_ROWS)
        )
        with suppress(psycopg.Error):  # a view may fail on rows, and a foreign server be away
            rows = connection.execute(query).fetchall()
            found[relation.name] = tuple(
                dict(zip(relation.columns, row, strict=True)) for row in rows
            )
    return found
