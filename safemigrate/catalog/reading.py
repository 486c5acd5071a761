"""A server → a snapshot of its schema, by what its own functions say would build it."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files

from safemigrate.catalog.snapshots import CatalogSnapshot, TableSize
from safemigrate.errors import DatabaseError, SqlSyntaxError
from safemigrate.model import OLDEST_VERSION, QualifiedName, ServerVersion
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.sql import read_actions

__all__ = ["Ask", "read_server"]

Ask = Callable[[str], Sequence[Sequence[object]]]
"""Sends one statement that has no parameters, and returns the rows of its answer."""

_BEGIN = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    # Every name qualified and every value written one way. What shows a definition takes ACCESS
    # SHARE on what it is of, and would queue behind DDL.
    """
    SELECT set_config(name, value, true) FROM (VALUES
        ('datestyle', 'ISO'), ('intervalstyle', 'postgres'), ('jit', 'off'),
        ('lock_timeout', '2s'), ('quote_all_identifiers', 'off'), ('search_path', ''),
        ('timezone', 'UTC')
    ) AS setting (name, value)
    """,
)

# A version table has one column and no other, which tells it by whatever name.
_VERSION_TABLES = """
SELECT format('SELECT version_num::text FROM %I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT')
    AND has_schema_privilege(n.oid, 'USAGE')
GROUP BY n.nspname, c.relname
HAVING string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ',')
    = 'version_num character varying(32)'
"""


def read_server(ask: Ask) -> CatalogSnapshot:
    """Return the schema of the database that `ask` asks, as of one moment, with sizes.

    Its session is outside a transaction, where it is again afterwards. No row of a table is read,
    but for the revisions in Alembic's version table. Raises DatabaseError for a server that is too
    old, and what `ask` raises; the transaction is then left open.
    """
    for statement in _BEGIN:
        ask(statement)
    ((major,),) = ask("SELECT current_setting('server_version_num')::integer / 10000")
    version = ServerVersion(_number(major))
    if version < OLDEST_VERSION:
        raise DatabaseError(
            f"the server is PostgreSQL {version}, which is not supported",
            f"use PostgreSQL {OLDEST_VERSION} or later",
        )
    rows = ask(_query())
    revisions = {
        str(revision) for (query,) in ask(_VERSION_TABLES) for (revision,) in ask(str(query))
    }
    ask("ROLLBACK")
    # A definition may hold a password all the same: an expression, or the body of a function.
    statements = [hide_sql_passwords(str(row[0]).strip()) for row in rows]
    unread = [statement for statement in statements if not _is_read(statement)]
    return CatalogSnapshot(
        server_version=version,
        statements=tuple(statement for statement in statements if statement not in unread),
        sizes=dict(_sizes(rows)),
        revisions=tuple(sorted(revisions)),
        unread=tuple(statement.partition("\n")[0] for statement in unread),
    )


def _is_read(statement: str) -> bool:
    try:
        read_actions(statement)
    except SqlSyntaxError:
        return False
    return True


def _sizes(rows: Sequence[Sequence[object]]) -> Iterator[tuple[QualifiedName, TableSize]]:
    for _, schema, name, row_count, size_bytes in rows:
        # a table that was dropped meanwhile has no size
        if size_bytes is not None:
            count = None if row_count is None else _number(row_count)
            yield QualifiedName(str(schema), str(name)), TableSize(count, _number(size_bytes))


def _number(value: object) -> int:
    return int(str(value))


@cache
def _query() -> str:
    return (files("safemigrate.catalog") / "reading.sql").read_text("utf-8")
