"""Whether a connection keeps one session of the server, or a pooler lends it one at a time.

A pooler in transaction mode, such as PgBouncer's, gives each transaction whichever session is free.
What the runner leaves on a session, its lock_timeout or the deploy lock, would then stay behind on
one that the application gets next, and nobody could take it back. So nothing of the kind is sent
before it is known that the connection has a session of its own.
https://www.pgbouncer.org/features.html
"""

import contextlib
from collections.abc import Callable
from typing import Any, Self

from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import Pool, PoolProxiedConnection

from safemigrate.errors import DatabaseError, UnreachableError
from safemigrate.execute.control import CONTROL_OPTION
from safemigrate.execute.failures import chain, is_disconnect, server_message
from safemigrate.source import find_sqlstate
from safemigrate.source.connecting import listening

__all__ = ["PoolGuard", "greets_itself", "refuse_pooler"]

_ROUNDS = 3
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PROTOCOL_VIOLATION = "08P01"
# What is said of a prepared statement that another session has, or that this one has not.
_FOREIGN_STATEMENT = frozenset({"26000", "42P05"})


class PoolGuard:
    """Looks at the first connection of each engine, inside the `with` block.

    It must be entered before those who listen for `engine_connect` to leave something on the
    session.
    """

    def __init__(self) -> None:
        self._checked: list[Engine] = []
        self._way: tuple[Dialect, list[Any], dict[str, Any]] | None = None
        self._has_connected = False
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(listening(Engine, "do_connect", self._on_do_connect))
        self._stack.enter_context(listening(Pool, "connect", self._on_connect))
        self._stack.enter_context(listening(Engine, "engine_connect", self._on_engine_connect))
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def explains(self, error: BaseException) -> bool:
        """Return whether a pooler is behind this error, with which env.py ended.

        PgBouncer in statement mode answers BEGIN with a violation of the protocol, and closes the
        connection; drivers that prepare their statements meet names of other connections, or miss
        their own, in transaction mode.
        """
        errors = tuple(chain(error))
        said = {find_sqlstate(one) for one in errors}
        if said & _FOREIGN_STATEMENT:
            return True
        if self._checked or self._way is None or not self._has_connected:
            return False
        if self._way[0].is_async:
            return _PROTOCOL_VIOLATION in said
        return any(map(is_disconnect, errors)) and _refuses_begin(*self._way)

    def _on_do_connect(
        self, dialect: Dialect, record: object, cargs: list[Any], cparams: dict[str, Any]
    ) -> None:
        del record
        # the lists themselves: others may change them before the connection is made
        self._way = dialect, cargs, cparams

    def _on_connect(self, connection: object, record: object) -> None:
        del connection, record
        self._has_connected = True

    def _on_engine_connect(self, connection: Connection) -> None:
        """Raise DatabaseError when the connection has no session of its own."""
        engine = connection.engine
        if engine.dialect.name != "postgresql" or engine in self._checked:
            return
        if connection.get_execution_options().get(CONTROL_OPTION):
            # it leads where one leads that was looked at
            return
        if getattr(engine.dialect, "is_recording", False):
            # it leads nowhere
            return
        # first: the probes below must not be probed
        self._checked.append(engine)
        try:
            is_shared = not _is_direct(connection) and _shares_sessions(connection)
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        if is_shared:
            connection.close()
            raise refuse_pooler()


def refuse_pooler() -> DatabaseError:
    """Return the error for a pooler that lends sessions for less than a connection's life."""
    return DatabaseError(
        "a connection pooler in transaction or statement mode stands before the server, so no "
        "connection has a session of its own, and the deploy lock and the timeouts would be left "
        "on sessions of the application",
        "give the server's own address with --url, or one where the pooler is in session mode",
    )


def greets_itself(connection: DBAPIConnection, driver_connection: object) -> bool:
    """Return whether the process that runs our statements is the one that greeted us.

    `driver_connection`: the driver's own, behind what SQLAlchemy may put before it.
    A server tells its process id in the greeting, for cancelling; a pooler greets with a number of
    its own.
    https://www.postgresql.org/docs/current/protocol-message-formats.html (BackendKeyData)
    """
    told = _told_pid(driver_connection)
    return told is not None and told == _ask(connection)


def _is_direct(connection: Connection) -> bool:
    pooled = connection.connection
    return greets_itself(pooled, pooled.driver_connection)


def _refuses_begin(dialect: Dialect, cargs: list[Any], cparams: dict[str, Any]) -> bool:
    """Return whether somebody else than a server greets there, and takes no transaction."""
    error = dialect.loaded_dbapi.Error
    with contextlib.suppress(error), contextlib.closing(dialect.connect(*cargs, **cparams)) as one:
        one.autocommit = True
        cursor = one.cursor()
        cursor.execute("SELECT pg_backend_pid()")
        row = cursor.fetchone()
        if row is None or row[0] == _told_pid(one):
            return False
        try:
            cursor.execute("BEGIN")
        except error:
            return True
    return False


def _told_pid(driver_connection: Any) -> int | None:
    """Return what the greeting had, None where the driver does not hand it out."""
    # psycopg and psycopg2, then asyncpg
    found = getattr(getattr(driver_connection, "info", None), "backend_pid", None)
    if found is None and hasattr(driver_connection, "get_server_pid"):
        found = driver_connection.get_server_pid()
    return found if isinstance(found, int) else None


def _shares_sessions(connection: Connection) -> bool:
    """Return whether two connections at once were seen on one session, or one on two.

    That an idle pool gives a connection the same session twice proves nothing, so the two take
    turns, in transactions one after the other and at the same time, and give them back in the order
    in which a pool that takes the oldest first must mix them up. There are never more of them at
    once than the runner needs later on.
    """
    dialect, mine = connection.dialect, connection.connection
    # the same arguments, but none of the connections
    pool = connection.engine.pool.recreate()
    opened: list[PoolProxiedConnection] = []
    try:
        is_usable = not getattr(mine.dbapi_connection, "autocommit", False)
        while len(opened) < (1 if is_usable else 2):
            opened.append(pool.connect())
            _forbid_autocommit(dialect, opened[-1])
        return _get_mixed_up(mine if is_usable else opened[0], opened[-1])
    except dialect.loaded_dbapi.Error as err:
        raise UnreachableError(
            f"a second connection to the database was refused: {server_message(err)}",
            "the runner needs two: one to migrate, one for the deploy lock",
        ) from err
    finally:
        for one in opened:
            # whatever state it is in
            one.invalidate()
        pool.dispose()


def _forbid_autocommit(dialect: Dialect, connection: PoolProxiedConnection) -> None:
    dbapi_connection = connection.dbapi_connection
    if dbapi_connection is not None:
        dialect.set_isolation_level(dbapi_connection, "READ COMMITTED")


def _get_mixed_up(one: PoolProxiedConnection, other: PoolProxiedConnection) -> bool:
    seen: dict[int, int] = {}

    def is_as_before(connection: PoolProxiedConnection, ask: Callable[[Any], int]) -> bool:
        pid = ask(connection)
        return seen.setdefault(id(connection), pid) == pid and len({*seen.values()}) == len(seen)

    for _ in range(_ROUNDS):
        # a pool with one session would never answer both at once
        if not (is_as_before(one, _ask) and is_as_before(other, _ask)):
            return True
        is_steady = is_as_before(one, _hold) and is_as_before(other, _hold)
        one.rollback()
        other.rollback()
        if not (is_steady and is_as_before(other, _ask)):
            return True
    return False


def _ask(connection: DBAPIConnection) -> int:
    """Return the process that runs a transaction of this connection."""
    pid = _hold(connection)
    connection.rollback()
    return pid


def _hold(connection: DBAPIConnection) -> int:
    """Return the same, and stay in the transaction."""
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT pg_backend_pid()")
        row = cursor.fetchone()
    finally:
        cursor.close()
    return int(row[0]) if row is not None else 0
