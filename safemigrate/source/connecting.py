"""How env.py connects: watched, led to another database when asked, and its errors translated."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self

from sqlalchemy import event
from sqlalchemy.engine import URL, Dialect, Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from safemigrate.errors import EnvironmentSetupError, SafemigrateError, UnreachableError
from safemigrate.model.secrets import hide_passwords
from safemigrate.source.sqlstates import find_sqlstate
from safemigrate.source.url import refuse_stray_at

__all__ = ["ConnectionWatch", "limit_patience", "listening", "translate_connection_error"]

# Arguments of the PostgreSQL drivers that say which server and who, as opposed to how to behave.
_LOCATION_ARGUMENTS = frozenset(
    {
        "async_creator_fn",
        "channel_binding",
        "database",
        "dbname",
        "direct_tls",
        "dsn",
        "gssencmode",
        "host",
        "hostaddr",
        "krbsrvname",
        "passfile",
        "password",
        "port",
        "require_auth",
        "requirepeer",
        "requiressl",
        "service",
        "target_session_attrs",
        "unix_sock",
        "user",
    }
)

# Class 28: https://www.postgresql.org/docs/current/errcodes-appendix.html
_INVALID_AUTHORIZATION = "28"
_NO_SUCH_DATABASE = "3D000"
_TOO_MANY_CONNECTIONS = "53300"

# How long a server may take to answer where nobody has said; libpq itself waits for ever.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-CONNECT-TIMEOUT
_PATIENCE_SECONDS = 10.0
_SHORTEST_SECONDS = 2.0
_PATIENCE_VARIABLE = "PGCONNECT_TIMEOUT"
# What each driver calls it.
_PATIENCE_ARGUMENTS = {
    "asyncpg": "timeout",
    "psycopg": "connect_timeout",
    "psycopg2": "connect_timeout",
    "psycopg2cffi": "connect_timeout",
    "psycopg_async": "connect_timeout",
}


class ConnectionWatch:
    """Sees every connection that SQLAlchemy opens inside the `with` block.

    `target`: where those to PostgreSQL are led, whatever engine they belong to; None leaves them
    alone. A connection that an engine kept in its pool from before is opened anew, and none that
    was led stays open in a pool afterwards.
    `longest`: seconds after which an attempt to connect ends at the latest, whatever the project
    says; None for what it says, and 10 where neither it nor PGCONNECT_TIMEOUT says anything.
    `has_connected`: whether one was opened. `is_connecting`: whether one is being opened now.
    `address`: where to, in words, without the password.
    """

    def __init__(self, target: URL | None, *, longest: float | None = None) -> None:
        self.has_connected = False
        self.is_connecting = False
        self.address = "the database"
        self._target = target
        self._longest = longest
        self._gives_up_at = float("inf")
        self._patience = 0.0
        self._password = None if target is None else target.password
        self._started = time.time()
        self._connecting_by: Dialect | None = None
        self._led: list[ConnectionPoolEntry] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(listening(Engine, "do_connect", self._on_do_connect))
        self._stack.enter_context(listening(Pool, "connect", self._on_connect))
        self._stack.enter_context(listening(Pool, "checkout", self._on_checkout))
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()
        for record in self._led:
            if record.dbapi_connection is not None and not record.in_use:
                record.invalidate()

    def hide_password(self, text: str) -> str:
        """Return the text without the password that was used."""
        return hide_passwords(text, self._password)

    @property
    def unanswered(self) -> float:
        """The seconds for which the attempt in hand had no answer until it ended, 0 if it had."""
        is_over = self.is_connecting and time.monotonic() >= self._gives_up_at
        return self._patience if is_over else 0.0

    def _on_do_connect(
        self, dialect: Dialect, record: object, cargs: list[Any], cparams: dict[str, Any]
    ) -> None:
        del record
        if self._target is not None and dialect.name == "postgresql":
            lead(dialect, self._target, cargs, cparams)
        if "@" in str(cparams.get("host") or "")[1:]:
            # the first @ of an address is that of an abstract socket
            raise refuse_stray_at()
        password = cparams.get("password")
        self._password = str(password) if password else self._password
        self.address = _address(cparams)
        self._patience = limit_patience(dialect, cargs, cparams, self._longest)
        # drivers round, and libpq counts whole seconds
        self._gives_up_at = time.monotonic() + (self._patience or float("inf")) * 0.9
        self.is_connecting = True
        self._connecting_by = dialect

    def _on_connect(self, connection: object, record: ConnectionPoolEntry) -> None:
        del connection
        self.is_connecting = False
        self.has_connected = True
        dialect, self._connecting_by = self._connecting_by, None
        if self._target is None:
            return
        if dialect is None:
            raise EnvironmentSetupError(
                "env.py opens its connection in its own way (creator=…), which --url cannot change",
                "let env.py take the URL from the option sqlalchemy.url, or leave --url out",
            )
        if dialect.name == "postgresql" and not dialect.is_async:
            # an asynchronous one cannot be closed once its event loop has ended
            self._led.append(record)

    def _on_checkout(self, connection: object, record: "_Entry", proxy: object) -> None:
        del connection, proxy
        if record.starttime < self._started:
            raise DisconnectionError("opened before this run")


class _Entry(Protocol):
    """The part of a pool's entry whose public type SQLAlchemy leaves out."""

    starttime: float


@contextlib.contextmanager
def listening(target: type, name: str, function: Callable[..., object]) -> Iterator[None]:
    """Listen to an event of SQLAlchemy for as long as the block runs."""
    event.listen(target, name, function)
    try:
        yield
    finally:
        event.remove(target, name, function)


def lead(dialect: Dialect, target: URL, cargs: list[Any], cparams: dict[str, Any]) -> None:
    """Change a driver's connection arguments, in place, so that they lead to `target`."""
    new_cargs, new_cparams = dialect.create_connect_args(target)
    for name in list(cparams):
        if name in _LOCATION_ARGUMENTS or name.startswith("ssl"):
            del cparams[name]
    cargs[:] = new_cargs
    cparams.update(new_cparams)


def limit_patience(
    dialect: Dialect, cargs: list[Any], cparams: dict[str, Any], longest: float | None
) -> float:
    """Let a driver give up on a server that does not answer; return the seconds, 0 if unknown.

    `cparams` is changed in place. What the project or PGCONNECT_TIMEOUT says holds, but for no
    longer than `longest`.
    """
    name = _PATIENCE_ARGUMENTS.get(dialect.driver)
    if dialect.name != "postgresql" or name is None or "async_creator_fn" in cparams:
        return 0.0
    if name not in cparams and any(name in str(one) for one in (*cargs, cparams.get("dsn"))):
        # in a connection string, which only libpq reads
        return 0.0
    said = cparams.get(name, os.environ.get(_PATIENCE_VARIABLE) or _PATIENCE_SECONDS)
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        # it is the driver's to refuse
        return 0.0
    if longest is not None and not 0 < seconds <= longest:
        seconds = max(longest, _SHORTEST_SECONDS)
    if seconds <= 0:
        # for ever, and meant so
        return 0.0
    if name not in cparams or seconds != float(said):
        # libpq takes whole seconds alone
        cparams[name] = seconds if name == "timeout" else max(round(seconds), 1)
    return seconds


def _address(cparams: dict[str, Any]) -> str:
    """Return `database "d" at host:port as "user"`, as far as it is known."""
    database = cparams.get("dbname") or cparams.get("database")
    host, port, user = cparams.get("host"), cparams.get("port"), cparams.get("user")
    text = f'database "{database}"' if database else "the database"
    if host:
        text += f" at {host}" + (f":{port}" if port else "")
    return text + (f' as "{user}"' if user else "")


def translate_connection_error(
    error: BaseException, watch: ConnectionWatch
) -> SafemigrateError | None:
    """Return our error for one raised while a connection was being opened, None for any other."""
    if not watch.is_connecting:
        return None
    if watch.unanswered:
        return UnreachableError(
            f"cannot connect to {watch.address}: no answer within {watch.unanswered:g} s",
            "check host and port, a firewall between, and the server itself, or the one behind the "
            "pooler; connect_timeout in the URL, or PGCONNECT_TIMEOUT, lets it take longer",
        )
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    sqlstate = find_sqlstate(cause)
    detail = watch.hide_password(" ".join(str(cause).split())) or type(cause).__name__
    message = f"cannot connect to {watch.address}: {detail}"
    if sqlstate.startswith(_INVALID_AUTHORIZATION):
        hint = "check the user and the password, and the server's pg_hba.conf"
    elif sqlstate == _NO_SUCH_DATABASE:
        hint = "create the database, or correct its name in the URL"
    elif sqlstate == _TOO_MANY_CONNECTIONS:
        hint = "the server is full; try again when a connection is free"
    else:
        # libpq gives no SQLSTATE for a connection that never came to be
        hint = (
            "check that the server runs and accepts connections there, and the user, password and "
            "database of the URL"
        )
    return UnreachableError(message, hint)
