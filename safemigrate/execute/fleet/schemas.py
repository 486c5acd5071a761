"""One schema of a database that has a schema for each tenant."""

import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from psycopg import sql
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from safemigrate.catalog import Ask
from safemigrate.errors import EnvironmentSetupError, UsageError
from safemigrate.execute.fleet.children import SCHEMA_VARIABLE
from safemigrate.execute.pooling import PoolGuard, greets_itself
from safemigrate.execute.site import VersionTable
from safemigrate.source import Project
from safemigrate.source.connecting import listening

__all__ = ["check_version_table", "in_schema", "list_schemas", "pass_arguments"]

# By which the tables of the journal tell whose rows they are.
_PLACE = "safemigrate.place"

# In the `info` of a connection: it is not in the schema yet.
_IS_OUTSIDE = "safemigrate_is_outside"

# What env.py files call it.
_ARGUMENTS = ("schema", "tenant")


def pass_arguments(project: Project, arguments: Sequence[str]) -> None:
    """Let env.py find these in `context.get_x_argument()`, each `KEY=VALUE` or `KEY`."""
    if arguments:
        project.config.cmd_opts = Namespace(x=list(arguments))


@contextmanager
def in_schema(project: Project, schema: str, arguments: Sequence[str] = ()) -> Iterator[None]:
    """Let env.py, and every session it opens, work in this schema while the block runs.

    In each way that projects use: `search_path` is the schema alone when a session begins, the
    variable SAFEMIGRATE_SCHEMA is its name, and so are `schema` and `tenant` in
    `context.get_x_argument()`. What env.py sets itself comes later, and so wins. `arguments`:
    further ones for `get_x_argument()`, which win as well. The journal is the schema's own.
    """
    named = {argument.partition("=")[0] for argument in arguments}
    given = [f"{name}={schema}" for name in _ARGUMENTS if name not in named]
    pass_arguments(project, (*arguments, *given))
    # the journal of a database is kept for each place apart
    statement = (
        sql.SQL("SELECT set_config('search_path', {}, false), set_config({}, {}, false)")
        .format(sql.Identifier(schema).as_string(), _PLACE, schema)
        .as_string()
    )

    def enter(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        if greets_itself(connection, record.driver_connection):
            _send(connection, statement)
        else:
            # perhaps a pooler, on whose sessions nothing is left before the guard has looked
            record.info[_IS_OUTSIDE] = True

    def enter_pooled(connection: Connection) -> None:
        if connection.info.pop(_IS_OUTSIDE, False):
            _send(connection.connection, statement)

    before = os.environ.get(SCHEMA_VARIABLE)
    os.environ[SCHEMA_VARIABLE] = schema
    try:
        with (
            listening(Pool, "connect", enter),
            PoolGuard(),
            listening(Engine, "engine_connect", enter_pooled),
        ):
            yield
    finally:
        if before is None:
            del os.environ[SCHEMA_VARIABLE]
        else:
            os.environ[SCHEMA_VARIABLE] = before


def _send(connection: DBAPIConnection, statement: str) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)
    # set_config is undone where the transaction that it is in is rolled back
    connection.commit()


def check_version_table(table: VersionTable, schema: str) -> None:
    """Raise EnvironmentSetupError when env.py keeps the version table anywhere else.

    All tenants would share it, and the second one would seem to be done.
    """
    if table.schema != schema:
        raise EnvironmentSetupError(
            f'the version table is "{table.schema}.{table.name}", not in the schema "{schema}"',
            f"let env.py pass version_table_schema=os.environ[{SCHEMA_VARIABLE!r}] to "
            "context.configure, or leave version_table_schema and SET search_path out of it",
        )


def list_schemas(ask: Ask, query: str) -> tuple[str, ...]:
    """Return the names that the query gives, in its order.

    Raises UsageError when it does not give one column of names, or none at all, and what `ask`
    raises.
    """
    rows = ask(query)
    if any(len(row) != 1 or not isinstance(row[0], str) or not row[0] for row in rows):
        raise UsageError(
            "the query of --schemas-from gives something else than names",
            "let it return one column of text, and no NULL: SELECT nspname::text FROM pg_namespace "
            "WHERE nspname LIKE 'tenant%'",
        )
    names = tuple(str(row[0]) for row in rows)
    if not names:
        raise UsageError(
            "the query of --schemas-from gives no schema", "there is nothing to migrate"
        )
    missing = _find_missing(ask, names)
    if missing:
        listed = ", ".join(f'"{name}"' for name in missing[:5])
        raise UsageError(
            f"the query of --schemas-from gives what is no schema: {listed}",
            "create the schemas first, or leave them out of the query",
        )
    return names


def _find_missing(ask: Ask, names: Sequence[str]) -> tuple[str, ...]:
    there = {row[0] for row in ask("SELECT nspname::text FROM pg_namespace")}
    return tuple(name for name in names if name not in there)
