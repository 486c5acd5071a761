"""What a session of the runner needs so that it lasts as long as the runner, and no longer.

It has a name, too, so that whoever stands behind it sees in pg_stat_activity who it is.

The runner waits beside the queue of a lock, sometimes inside a transaction, and holds the deploy
lock by a session that is idle most of the time; what a role or a database sets against clients that
forget their transactions would end both. And when the runner is gone without a word, killed or with
its machine, its sessions have to go too, lest a statement runs on for which nobody waits, and locks
are kept from the next runner.
"""

import os
import socket
from collections.abc import Mapping

from sqlalchemy.engine import Connection

from safemigrate.source import find_sqlstate
from safemigrate.sql import quote_literal

__all__ = ["LASTING_SETTINGS", "settle_session"]

# https://www.postgresql.org/docs/current/runtime-config-client.html
# https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP-SETTINGS
LASTING_SETTINGS = {
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "tcp_keepalives_count": "3",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    # from version 17 on
    "transaction_timeout": "0",
}
# Where the operating system of the server cannot tell, the server takes no other value than zero.
_CHECK = {"client_connection_check_interval": "2s"}
_INVALID_PARAMETER_VALUE = "22023"


def settle_session(connection: Connection) -> None:
    """Let the session last, by the driver's own cursor and without a word to SQLAlchemy.

    One without an application_name gets ours. What env.py sets afterwards counts. The connection
    must be in no transaction, and is left in none.
    """
    driver = connection.connection
    # the server cuts a longer name off, and says so in its log:
    # https://www.postgresql.org/docs/current/runtime-config-logging.html#GUC-APPLICATION-NAME
    name = f"safemigrate: migrations of {socket.gethostname()} {os.getpid()}"[:63]
    wanted = {**LASTING_SETTINGS, "application_name": name}
    try:
        _set(connection, {**wanted, **_CHECK})
    except connection.dialect.loaded_dbapi.Error as err:
        if find_sqlstate(err) != _INVALID_PARAMETER_VALUE:
            raise
        driver.rollback()
        _set(connection, wanted)
    # a setting of a transaction that is rolled back was never set
    driver.commit()


def _set(connection: Connection, settings: Mapping[str, str]) -> None:
    """Set what the server knows of these."""
    rows = ", ".join(
        f"({quote_literal(name)}, {quote_literal(value)})" for name, value in settings.items()
    )
    cursor = connection.connection.cursor()
    try:
        cursor.execute(
            f"SELECT set_config(name, value, false) FROM (VALUES {rows}) AS wanted (name, value)"  # noqa: S608 - quoted, and none of the user's
            " WHERE current_setting(name, true) IS NOT NULL"
            " AND (name <> 'application_name' OR current_setting(name) = '')"
        )
    finally:
        cursor.close()
