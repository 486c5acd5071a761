"""What an index is, told by its definition and not by its name."""

from dataclasses import dataclass, replace

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.exc import DBAPIError

from safemigrate.execute.builds.looking import Relation, find_relation, send
from safemigrate.model import CreateIndex, QualifiedName
from safemigrate.model.names import TEMPORARY_SCHEMA
from safemigrate.recipes.concurrent_index import build_index

__all__ = ["FoundIndex", "foresee_definition", "list_indexes"]

_COPY = QualifiedName(TEMPORARY_SCHEMA, "safemigrate_copy")
_COPY_INDEX = "safemigrate_copy_index"

# What the index holds and enforces, without its name, its table's, and where and how it is stored.
# https://www.postgresql.org/docs/current/catalog-pg-index.html
_INDEXES = text(
    """
    SELECT i.indexrelid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name,
        c.relkind::text AS kind, i.indisvalid AS is_valid, i.indisunique AS is_unique,
        i.indrelid::bigint AS table_oid,
        (SELECT h.inhparent::bigint FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid)
            AS parent,
        EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = i.indexrelid
            AND o.contype IN ('p', 'u', 'x')) AS is_of_constraint,
        jsonb_build_array(
            i.indisunique, i.indisexclusion, to_jsonb(i) -> 'indnullsnotdistinct', m.amname,
            i.indnkeyatts, i.indclass::text, i.indcollation::text, i.indoption::text,
            ARRAY(SELECT pg_get_indexdef(i.indexrelid, number, false)
                FROM generate_series(1, i.indnatts) AS number),
            ARRAY(SELECT a.attoptions::text FROM pg_attribute AS a
                WHERE a.attrelid = i.indexrelid ORDER BY a.attnum),
            pg_get_expr(i.indpred, i.indrelid)
        )::text AS definition
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_am AS m ON m.oid = c.relam
    WHERE i.indrelid = ANY (CAST(:tables AS bigint[])::oid[])
    ORDER BY NOT i.indisunique, i.indexrelid
    """
)


@dataclass(frozen=True, slots=True)
class FoundIndex:
    """An index that is there.

    `table`: the oid of its table. `parent`: the oid of the index of a partitioned table that it is
    a part of. `is_of_constraint`: a constraint stands on it. `definition`: what it holds and
    enforces, to be compared.
    """

    relation: Relation
    table: int
    is_valid: bool
    is_unique: bool
    parent: int | None
    is_of_constraint: bool
    definition: str

    @property
    def is_leftover(self) -> bool:
        """Whether it is what an interrupted build leaves, if nobody builds it now."""
        is_plain = not self.relation.is_partitioned
        is_own = self.parent is None and not self.is_of_constraint
        return is_plain and is_own and not self.is_valid


def list_indexes(connection: Connection, *tables: int) -> tuple[FoundIndex, ...]:
    """Return the indexes of the tables with these oids, the unique ones first."""
    rows = connection.execute(_INDEXES, {"tables": list(tables)}).mappings()
    return tuple(_decode(row) for row in rows)


def foresee_definition(connection: Connection, table: Relation, action: CreateIndex) -> str | None:
    """Return the definition that the index will have, None where the server takes no such index.

    PostgreSQL writes expressions in its own way, so it is asked: the index is built on an empty
    copy. To be called in a transaction that is rolled back; after None it is good for nothing else.
    """
    try:
        copy = _make_copy(connection, table)
        bare = replace(
            action,
            table=copy,
            is_concurrent=False,
            is_only=False,
            takes_existing=False,
            storage=(),
            tablespace=None,
        )
        send(connection, build_index(bare, _COPY_INDEX))
    except DBAPIError:
        return None
    found = find_relation(connection, copy)
    if found is None:
        return None
    return next(one.definition for one in list_indexes(connection, found.oid))


def _make_copy(connection: Connection, table: Relation) -> QualifiedName:
    """Return the name of an empty table with the columns of this one.

    A temporary one, or where the role may make none, one beside the table, where it has to be
    allowed to make the index too.
    https://www.postgresql.org/docs/current/ddl-priv.html#DDL-PRIV-TEMPORARY
    """
    statement = sql.SQL("CREATE TABLE {} (LIKE {})")
    copy, beside = _COPY, replace(table, name=_COPY.name)
    send(connection, "SAVEPOINT copy")
    try:
        name = sql.Identifier(TEMPORARY_SCHEMA, copy.name)
        send(connection, statement.format(name, table.identifier).as_string())
    except DBAPIError:
        send(connection, "ROLLBACK TO copy")
        send(connection, statement.format(beside.identifier, table.identifier).as_string())
        copy = QualifiedName(beside.schema, beside.name)
    return copy


def _decode(row: RowMapping) -> FoundIndex:
    return FoundIndex(
        relation=Relation(row["oid"], row["schema"], row["name"], row["kind"]),
        is_valid=row["is_valid"],
        is_unique=row["is_unique"],
        table=row["table_oid"],
        parent=row["parent"],
        is_of_constraint=row["is_of_constraint"],
        definition=row["definition"],
    )
