"""The schema `safemigrate` in a user's database: what is in it, and how it comes there."""

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from safemigrate.errors import DatabaseError
from safemigrate.source import find_sqlstate

__all__ = ["LAYOUT", "has_journal", "prepare_journal"]

# Counted up when a table or column below changes; written into the database.
LAYOUT = 1

_INSUFFICIENT_PRIVILEGE = "42501"
_READ_ONLY_TRANSACTION = "25006"

_CREATE = (
    # CREATE SCHEMA asks for the right to create before it looks whether the schema is there, so
    # it is sent only where it is not.
    """
    CREATE TABLE IF NOT EXISTS safemigrate.layout (
        version integer PRIMARY KEY,
        since timestamp with time zone NOT NULL DEFAULT now()
    )
    """,
    "COMMENT ON TABLE safemigrate.layout IS 'The layout of this schema, the newest version last'",
    """
    CREATE TABLE IF NOT EXISTS safemigrate.history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        revision text NOT NULL,
        direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
        outcome text NOT NULL CHECK (outcome IN ('applied', 'failed')),
        started_at timestamp with time zone NOT NULL,
        finished_at timestamp with time zone NOT NULL,
        duration_ms bigint NOT NULL,
        attempts integer NOT NULL,
        waited_ms bigint NOT NULL,
        database_user text NOT NULL,
        os_user text NOT NULL,
        host text NOT NULL,
        package_version text NOT NULL,
        error text NOT NULL DEFAULT '',
        committed text[] NOT NULL DEFAULT '{}',
        override text NOT NULL DEFAULT ''
    )
    """,
    (
        "COMMENT ON TABLE safemigrate.history IS 'Every revision that was run here, and every one"
        " that failed, the newest last'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.history.outcome IS 'applied: committed in the transaction"
        " that moved the version table; failed: rolled back, written afterwards'"
    ),
    "COMMENT ON COLUMN safemigrate.history.duration_ms IS 'From the first attempt to the end'",
    "COMMENT ON COLUMN safemigrate.history.attempts IS 'How often the revision was begun'",
    (
        "COMMENT ON COLUMN safemigrate.history.waited_ms IS 'The part of the duration that went"
        " into attempts given up for a lock, and the pauses after them'"
    ),
    "COMMENT ON COLUMN safemigrate.history.database_user IS 'The role that logged in'",
    "COMMENT ON COLUMN safemigrate.history.os_user IS 'The account that ran safemigrate'",
    "COMMENT ON COLUMN safemigrate.history.host IS 'The machine that ran safemigrate'",
    "COMMENT ON COLUMN safemigrate.history.package_version IS 'The version of safemigrate'",
    "COMMENT ON COLUMN safemigrate.history.error IS 'Why it failed, else empty'",
    (
        "COMMENT ON COLUMN safemigrate.history.committed IS 'What a failed revision had committed"
        " before it failed: the first lines of its statements'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.history.override IS 'The reason given for running it in"
        " spite of error findings, else empty'"
    ),
)


def has_journal(connection: Connection) -> bool:
    """Return whether the history table is there; writes nothing."""
    found = connection.execute(text("SELECT to_regclass('safemigrate.history') IS NOT NULL"))
    return bool(found.scalar_one())


def prepare_journal(connection: Connection) -> None:
    """Create the schema and its tables where they are missing, in a transaction of their own.

    The connection must not be in a transaction. Raises DatabaseError when the role may not
    create them, the server takes no writes, or the layout is newer than this version of the
    package knows.
    """
    try:
        with connection.begin():
            if not has_journal(connection):
                _create(connection)
            _check_rights(connection)
            _check_layout(connection)
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
    for statement in _CREATE:
        connection.execute(text(statement))
    connection.execute(
        text("INSERT INTO safemigrate.layout (version) VALUES (:version) ON CONFLICT DO NOTHING"),
        {"version": LAYOUT},
    )


def _check_rights(connection: Connection) -> None:
    found = connection.execute(
        text("SELECT has_table_privilege('safemigrate.history', 'SELECT, INSERT')")
    )
    if not found.scalar_one():
        raise _no_rights()


def _check_layout(connection: Connection) -> None:
    found = connection.execute(text("SELECT coalesce(max(version), 0) FROM safemigrate.layout"))
    version = int(found.scalar_one())
    if version > LAYOUT:
        raise DatabaseError(
            f'schema "safemigrate" has layout {version}, this version knows {LAYOUT}',
            "use the version of safemigrate that migrated this database last, or a newer one",
        )


def _translate(error: DBAPIError) -> DatabaseError | None:
    sqlstate = find_sqlstate(error)
    if sqlstate == _INSUFFICIENT_PRIVILEGE:
        return _no_rights()
    if sqlstate == _READ_ONLY_TRANSACTION:
        return DatabaseError(
            "the database takes no writes: it is a standby, or read-only by default",
            "give the URL of the primary server",
        )
    return None


def _no_rights() -> DatabaseError:
    return DatabaseError(
        'the role may not write to the schema "safemigrate", where the history is kept',
        "as the database's owner, run: CREATE SCHEMA safemigrate AUTHORIZATION <the role>; if the "
        "schema is there, let its owner grant USAGE on it and SELECT, INSERT on its tables",
    )
