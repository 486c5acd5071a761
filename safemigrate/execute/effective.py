"""The timeouts of the migrations' session: set, and read back from the server."""

from datetime import timedelta

from sqlalchemy.engine import Connection

from safemigrate.errors import DatabaseError
from safemigrate.execute.events import RunConfigured
from safemigrate.execute.outcome import describe_duration
from safemigrate.execute.session import set_lock_timeout
from safemigrate.execute.settings import RunSettings
from safemigrate.execute.site import Site

__all__ = ["confirm_settings"]

# The number is in milliseconds for all of them, and unlike with SHOW it stands alone.
# https://www.postgresql.org/docs/current/view-pg-settings.html
_READ = (
    "SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN ('lock_timeout',"
    " 'statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')"
)
_MILLISECOND = timedelta(milliseconds=1)


def confirm_settings(connection: Connection, site: Site, settings: RunSettings) -> RunConfigured:
    """Set the session's lock_timeout, and return what the server says the session goes by.

    The connection must be in no transaction, and is left in none. Raises DatabaseError when the
    server goes by another lock_timeout than the one that was set.
    """
    set_lock_timeout(connection, settings.lock_timeout)
    # in a transaction that is rolled back it was never said
    connection.connection.commit()
    found = _read_timeouts(connection)
    wanted = -(-settings.lock_timeout // _MILLISECOND) * _MILLISECOND
    effective = found.get("lock_timeout", timedelta())
    if effective != wanted:
        raise DatabaseError(
            f"lock_timeout was set to {describe_duration(wanted)}, and the server says "
            f"{describe_duration(effective) if effective else 'none'}",
            "something between here and the server does not keep a session's settings, such as a "
            "pooler in transaction mode; connect to the server itself. Nothing was changed",
        )
    return RunConfigured(
        database=site.database,
        server_version=site.server_version,
        lock_timeout=effective,
        statement_timeout=found.get("statement_timeout", timedelta()),
        idle_in_transaction_session_timeout=found.get(
            "idle_in_transaction_session_timeout", timedelta()
        ),
        transaction_timeout=found.get("transaction_timeout"),
        deadline=settings.deadline,
        stall_budget=settings.stall_limit,
        when_busy=settings.when_busy.value,
    )


def _read_timeouts(connection: Connection) -> dict[str, timedelta]:
    """Return them by name, without a word to SQLAlchemy."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_READ)
        rows = cursor.fetchall()
    finally:
        cursor.close()
        connection.connection.commit()
    return {str(name): int(setting) * _MILLISECOND for name, setting in rows}
