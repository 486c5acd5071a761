"""The schema `safemigrate` in a user's database: what is in it, and how it comes there."""

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from safemigrate.errors import DatabaseError
from safemigrate.journal.tables import TABLES
from safemigrate.source import find_sqlstate
from safemigrate.source.sqlstates import INSUFFICIENT_PRIVILEGE, READ_ONLY_TRANSACTION

__all__ = ["LAYOUT", "has_journal", "has_layout", "prepare_journal"]

# Counted up when a table or column below changes; written into the database.
LAYOUT = 2


def has_journal(connection: Connection) -> bool:
    """Return whether the history table is there; writes nothing."""
    found = connection.execute(text("SELECT to_regclass('safemigrate.history') IS NOT NULL"))
    return bool(found.scalar_one())


def has_layout(connection: Connection, version: int) -> bool:
    """Return whether what this layout has brought is there; writes nothing."""
    return has_journal(connection) and _read_layout(connection) >= version


def prepare_journal(connection: Connection) -> None:
    """Create the schema and its tables where they are missing, in a transaction of their own.

    An older layout is brought up to this one, and keeps its rows. The connection must not be in a
    transaction. Raises DatabaseError when the role may not do it, the server takes no writes, or
    the layout is newer than this version of the package knows.
    """
    try:
        with connection.begin():
            found = _read_layout(connection) if has_journal(connection) else 0
            if found > LAYOUT:
                raise _newer(found)
            if found < LAYOUT:
                _create(connection)
            _check_rights(connection)
    except DBAPIError as err:
        known = _translate(err)
        if known is None:
            raise
        raise known from err


def _create(connection: Connection) -> None:
    found = connection.execute(text("SELECT to_regnamespace('safemigrate') IS NOT NULL"))
    if not found.scalar_one():
        connection.execute(text("CREATE SCHEMA safemigrate"))
        connection.execute(
            text("COMMENT ON SCHEMA safemigrate IS 'What safemigrate did to this database'")
        )
    for statement in TABLES:
        connection.execute(text(statement))
    connection.execute(
        text("INSERT INTO safemigrate.layout (version) VALUES (:version) ON CONFLICT DO NOTHING"),
        {"version": LAYOUT},
    )


def _check_rights(connection: Connection) -> None:
    found = connection.execute(
        text(
            "SELECT bool_and(has_table_privilege(oid, 'SELECT')"
            " AND has_table_privilege(oid, 'INSERT')"
            " AND (relname = 'history' OR has_table_privilege(oid, 'UPDATE')))"
            " FROM pg_catalog.pg_class WHERE relnamespace = 'safemigrate'::regnamespace"
            " AND relname IN ('history', 'statement', 'lease', 'resolution')"
        )
    )
    if not found.scalar_one():
        raise _no_rights()


def _read_layout(connection: Connection) -> int:
    found = connection.execute(text("SELECT coalesce(max(version), 0) FROM safemigrate.layout"))
    return int(found.scalar_one())


def _newer(version: int) -> DatabaseError:
    return DatabaseError(
        f'schema "safemigrate" has layout {version}, this version knows {LAYOUT}',
        "use the version of safemigrate that migrated this database last, or a newer one",
    )


def _translate(error: DBAPIError) -> DatabaseError | None:
    sqlstate = find_sqlstate(error)
    if sqlstate == INSUFFICIENT_PRIVILEGE:
        return _no_rights()
    if sqlstate == READ_ONLY_TRANSACTION:
        return DatabaseError(
            "the database takes no writes: it is a standby, or read-only by default",
            "give the URL of the primary server",
        )
    return None


def _no_rights() -> DatabaseError:
    return DatabaseError(
        'the role may not write to the schema "safemigrate", where the history is kept',
        "as the database's owner, run: CREATE SCHEMA safemigrate AUTHORIZATION <the role>; if the "
        "schema is there, let its owner run safemigrate once, or grant USAGE on it and SELECT, "
        "INSERT, UPDATE on its tables",
    )
