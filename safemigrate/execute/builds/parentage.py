"""Partitions, and how the index of one is written that is a part of its parent's."""

from dataclasses import dataclass

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import Connection, RowMapping

from safemigrate.execute.builds.looking import Relation

__all__ = ["Body", "find_pending", "list_leaves", "list_partitions", "read_body"]

# https://www.postgresql.org/docs/current/catalog-pg-inherits.html
_PARTITIONS = text(
    """
    SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name,
        c.relkind::text AS kind
    FROM pg_inherits AS h JOIN pg_class AS c ON c.oid = h.inhrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE h.inhparent = CAST(:table AS bigint)::oid AND NOT h.inhdetachpending
    ORDER BY c.oid
    """
)
_LEAVES = text(
    """
    SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name,
        c.relkind::text AS kind
    FROM pg_partition_tree(CAST(:table AS bigint)::oid::regclass) AS tree
    JOIN pg_class AS c ON c.oid = tree.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE tree.isleaf AND c.relkind <> 'p'
    """
)
# There is one at most: another cannot be begun meanwhile.
_PENDING = text(
    """
    SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name,
        c.relkind::text AS kind
    FROM pg_inherits AS h JOIN pg_class AS c ON c.oid = h.inhrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE h.inhparent = CAST(:table AS bigint)::oid AND h.inhdetachpending
    """
)
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CATALOG
_BODY = text(
    """
    SELECT pg_get_indexdef(i.indexrelid) AS definition,
        format('CREATE %sINDEX %I ON ONLY %I.%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' END,
            c.relname, n.nspname, t.relname) AS head,
        coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS condition,
        i.indisunique AS is_unique, s.spcname::text AS tablespace
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
    LEFT JOIN pg_tablespace AS s ON s.oid = c.reltablespace
    WHERE i.indexrelid = CAST(:index AS bigint)::oid
    """
)


@dataclass(frozen=True, slots=True)
class Body:
    """What stands behind the names in CREATE INDEX, as the server writes it.

    `keys`: from USING on; `condition`: from WHERE on, with a space before it, or "".
    """

    is_unique: bool
    keys: str
    tablespace: str | None
    condition: str

    def write(self, table: Relation, words: sql.SQL) -> str:
        """Return CREATE INDEX on the table, with these words behind INDEX and without a name."""
        place = ""
        if self.tablespace is not None:
            name = sql.Identifier(self.tablespace)
            place = sql.SQL(" TABLESPACE {}").format(name).as_string()
        verb = sql.SQL("CREATE UNIQUE INDEX") if self.is_unique else sql.SQL("CREATE INDEX")
        head = sql.SQL("{} {} {} ").format(verb, words, table.identifier).as_string()
        return f"{head}{self.keys}{place}{self.condition}"


def list_partitions(connection: Connection, table: int) -> tuple[Relation, ...]:
    """Return the partitions of the table with this oid, and not those of its partitions."""
    rows = connection.execute(_PARTITIONS, {"table": table}).mappings()
    return tuple(_decode(row) for row in rows)


def list_leaves(connection: Connection, table: int) -> tuple[Relation, ...]:
    """Return the partitions of all levels that hold rows."""
    rows = connection.execute(_LEAVES, {"table": table}).mappings()
    return tuple(_decode(row) for row in rows)


def find_pending(connection: Connection, table: int) -> Relation | None:
    """Return the partition of the table that is detached by half."""
    row = connection.execute(_PENDING, {"table": table}).mappings().one_or_none()
    return None if row is None else _decode(row)


def read_body(connection: Connection, index: Relation) -> Body:
    """Return how the index of a partitioned table is written, but for the names."""
    row = connection.execute(_BODY, {"index": index.oid}).mappings().one()
    body = row["definition"].removeprefix(row["head"])
    keys = body.removesuffix(row["condition"])
    return Body(row["is_unique"], keys, row["tablespace"], body.removeprefix(keys))


def _decode(row: RowMapping) -> Relation:
    return Relation(row["oid"], row["schema"], row["name"], row["kind"])
