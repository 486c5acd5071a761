"""One look at the catalog of a server, from the session beside the migrations."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.model import QualifiedName
from safemigrate.sql import quote_name

__all__ = ["Relation", "find_relation", "looking", "send"]

# What shows a definition takes ACCESS SHARE on what it is of, and would queue behind DDL.
_LOCK_TIMEOUT = "2s"

# https://www.postgresql.org/docs/current/catalog-pg-class.html
_RELATION = text(
    """
    SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name,
        c.relkind::text AS kind
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(CAST(:name AS text))
    """
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation that is there; `kind` as in pg_class.relkind."""

    oid: int
    schema: str
    name: str
    kind: str

    @property
    def is_partitioned(self) -> bool:
        """Whether it is a partitioned table or the index of one."""
        return self.kind in {"p", "I"}

    @property
    def identifier(self) -> sql.Identifier:
        """The name, to be composed with."""
        return sql.Identifier(self.schema, self.name)

    def __str__(self) -> str:
        """Return the name as it is written in SQL."""
        return quote_name(QualifiedName(self.schema, self.name))


@contextmanager
def looking(connection: Connection, search_path: str | None) -> Iterator[None]:
    """Let names be found by that search_path in the block; all that happens in it is undone.

    `search_path`: None for the connection's own. The connection commits every statement by itself
    and is in no transaction.
    """
    send(connection, "BEGIN")
    try:
        connection.execute(
            text("SELECT set_config('lock_timeout', :timeout, true)"), {"timeout": _LOCK_TIMEOUT}
        )
        if search_path is not None:
            connection.execute(
                text("SELECT set_config('search_path', :path, true)"), {"path": search_path}
            )
        yield
    finally:
        with suppress(SQLAlchemyError):
            send(connection, "ROLLBACK")


def find_relation(connection: Connection, name: QualifiedName) -> Relation | None:
    """Return the relation that the name stands for, None when there is none."""
    row = connection.execute(_RELATION, {"name": quote_name(name)}).mappings().one_or_none()
    if row is None:
        return None
    return Relation(row["oid"], row["schema"], row["name"], row["kind"])


def send(connection: Connection, statement: str) -> None:
    """Send a statement that has no parameters, and may have percent signs."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
