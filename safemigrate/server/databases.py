"""The one interface to a throwaway server: databases made, copied and dropped."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Literal

import psycopg
from psycopg import sql
from psycopg.errors import InvalidCatalogName, ObjectInUse
from sqlalchemy.engine import URL

from safemigrate.errors import SafemigrateError, ServerError
from safemigrate.model import OLDEST_VERSION, ServerVersion
from safemigrate.server.connections import Connection, connect, describe

__all__ = ["Server", "ServerKind"]

ServerKind = Literal["embedded", "container", "url"]

_PREFIX = "safemigrate_"
_TERMINATE_TIMEOUT_MS = 5000


class Server:
    """A running PostgreSQL on which databases can be made and thrown away.

    `kind` says how it runs; `version` is what the server itself reports.
    Every method opens its own short connection, so a Server may be shared between threads.
    """

    def __init__(self, kind: ServerKind, maintenance: URL) -> None:
        """Connect to the database of `maintenance`, a URL from `parse_url`, and read the version.

        Raises UnreachableError when nobody answers and ServerError for a server too old.
        """
        self.kind: ServerKind = kind
        self._maintenance = maintenance
        self._made: set[str] = set()
        with connect(maintenance) as connection:
            self.version = ServerVersion(connection.info.server_version // 10000)
        if self.version < OLDEST_VERSION:
            raise ServerError(
                f"the server is PostgreSQL {self.version}",
                f"use PostgreSQL {OLDEST_VERSION} or later",
            )

    def __repr__(self) -> str:
        return f"<Server {self.kind} PostgreSQL {self.version} at {describe(self._maintenance)}>"

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of `database`, for the psycopg driver.

        It carries the password, if there is one: hand it to an engine, never to a message.
        A Unix socket's folder stands in the query, as `?host=`.
        """
        return self._maintenance.set(database=database).render_as_string(hide_password=False)

    def create_database(self, template: str | None = None) -> str:
        """Create a database and return its name, new and unique.

        It is a copy of `template`; None means the server's own template1, without user objects
        unless its owner put some there. Sessions on a template that was made through this server,
        or is on a server that is ours as a whole, are ended first, because PostgreSQL copies no
        database that is in use (SQL-CREATEDATABASE, Notes). Raises ServerError when it cannot be
        made.
        """
        name = _PREFIX + token_hex(8)
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with self._session() as connection:
            if template is not None and self._is_ours(template):
                _end_sessions(connection, template)
            try:
                connection.execute(statement)
            except InvalidCatalogName as err:
                raise ServerError(f'there is no database "{template}" to copy') from err
            except ObjectInUse as err:
                raise ServerError(
                    f'database "{template or "template1"}" is in use and cannot be copied',
                    "end the other sessions on it, then run again",
                ) from err
        self._made.add(name)
        return name

    def copy_database(self, name: str) -> str:
        """Create a copy of database `name` with its data and return the copy's name."""
        return self.create_database(template=name)

    def drop_database(self, name: str) -> None:
        """Drop database `name` and end the sessions on it; nothing happens if it is gone.

        Raises ServerError for a database that was not made through this server when the server
        belongs to somebody else.
        """
        if not self._is_ours(name):
            raise ServerError(
                f'database "{name}" was not made here, so it is not dropped',
                "drop it yourself if nobody needs it",
            )
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self._session() as connection:
            connection.execute(statement.format(sql.Identifier(name)))
        self._made.discard(name)

    def drop_made(self) -> None:
        """Drop every database made through this server that is still there.

        Raises ServerError that names those which could not be dropped.
        """
        reasons = [reason for name in sorted(self._made) if (reason := self._refusal(name))]
        if reasons:
            raise ServerError(
                "left behind on the server: " + ", ".join(f'"{name}"' for name in self._made),
                "drop them by hand; " + reasons[0],
            )

    def _refusal(self, name: str) -> str | None:
        """Drop `name` and return None, or why it was not possible."""
        try:
            self.drop_database(name)
        except SafemigrateError as err:
            return err.message
        return None

    def _is_ours(self, database: str) -> bool:
        return self.kind != "url" or database in self._made

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """Yield a connection for maintenance; what the server refuses becomes a ServerError."""
        with connect(self._maintenance) as connection:
            try:
                yield connection
            except psycopg.Error as err:
                reason = err.diag.message_primary or "the connection to the server was lost"
                raise ServerError(
                    f"the server says: {reason}", err.diag.message_hint or ""
                ) from err


def _end_sessions(connection: Connection, database: str) -> None:
    """End the other sessions on `database` and wait for it (functions-admin, table 9.100)."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        (_TERMINATE_TIMEOUT_MS, database),
    )
