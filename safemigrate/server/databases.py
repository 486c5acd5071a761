"""The one interface to a throwaway server: databases made, copied and dropped."""

import errno
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from secrets import token_hex
from typing import TYPE_CHECKING, Literal

import psycopg
from psycopg import sql
from psycopg.errors import InvalidCatalogName, ObjectInUse
from sqlalchemy.engine import URL

from safemigrate.errors import SafemigrateError, ServerError
from safemigrate.model import OLDEST_VERSION, ServerVersion
from safemigrate.server.connections import Connection, connect, describe, ping
from safemigrate.server.database_settings import copy_settings
from safemigrate.server.owners import Owner, find_owner, this_process

if TYPE_CHECKING:
    from safemigrate.server.states import States

__all__ = ["Server", "ServerKind"]

ServerKind = Literal["embedded", "container", "url"]

_PREFIX = "safemigrate_"
_TERMINATE_TIMEOUT_MS = 5000
_RECOVERY_TIMEOUT_SECONDS = 60
_POLL_SECONDS = 0.05
_REFUSALS = 20
# The first of these in a line of the log is its own: what follows may be a user's text. Further
# lines of one message begin with a tab (append_with_tabs in elog.c).
_MESSAGE = re.compile(r"(?!\s).*?\b(?P<level>[A-Z]+):  (?P<text>.*)")
_DIED = re.compile(r"\(PID \d+\) was terminated by ")
_NO_ROOM = re.compile(rf"could not .*{re.escape(os.strerror(errno.ENOSPC))}")
_SHOWN_LINES = 5
# What a proof may depend on, and not where the server happens to lie.
_IDENTITY = """
SELECT version()
UNION ALL SELECT name || '=' || setting FROM pg_settings
 WHERE source NOT IN ('client', 'session', 'override') AND category <> 'File Locations'
   AND name NOT IN ('unix_socket_directories', 'port', 'cluster_name')
UNION ALL SELECT name || ' ' || version FROM pg_available_extension_versions
ORDER BY 1
"""


class Server:
    """A running PostgreSQL on which databases can be made and thrown away.

    `kind` says how it runs; `version` is what the server itself reports. `states`: databases that
    may be kept for a later run, None where nothing can be.
    Every method opens its own short connection, so a Server may be shared between threads.
    """

    def __init__(
        self,
        kind: ServerKind,
        maintenance: URL,
        *,
        read_log: Callable[[], str] = lambda: "",
    ) -> None:
        """Connect to the database of `maintenance`, a URL from `parse_url`, and read the version.

        `read_log`: returns the end of the server's log, empty where nobody can read it.
        Raises UnreachableError when nobody answers and ServerError for a server too old.
        """
        self.kind: ServerKind = kind
        self.states: States | None = None
        self._maintenance = maintenance
        self._read_log = read_log
        self._made: set[str] = set()
        # who was killed before it was dropped leaves it under a name that says so; several servers
        # in one process keep to their own, and forked processes to that of the one they came from
        self._prefix = f"{_PREFIX}{this_process()}_{token_hex(3)}"
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

        It is a copy of `template`, with its settings; None means the server's own template1,
        without user objects unless its owner put some there. Sessions on a template that was made
        through this server, or is on a server that is ours as a whole, are ended first, because
        PostgreSQL copies no database that is in use (SQL-CREATEDATABASE, Notes). Raises
        ServerError when it cannot be made.
        """
        name = f"{self._prefix}{token_hex(5)}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        # an interrupt may come between
        self._made.add(name)
        with self.session() as connection:
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
            if template is not None:
                copy_settings(connection, template, name)
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
        with self.session() as connection:
            connection.execute(statement.format(sql.Identifier(name)))
        self._made.discard(name)

    def drop_made(self) -> None:
        """Drop every database made through this server that is still there.

        Those as well that a process has made which was forked from this one, and could not drop
        them. Raises ServerError that names those which could not be dropped.
        """
        with suppress(SafemigrateError):
            # where it does not answer, those that are known here are named
            self._made.update(self._list(self._prefix))
        reasons = [reason for name in sorted(self._made) if (reason := self._refusal(name))]
        if reasons:
            raise ServerError(
                "left behind on the server: " + ", ".join(f'"{name}"' for name in self._made),
                "drop them by hand; " + reasons[0],
            )

    def drop_abandoned(self) -> None:
        """Drop the databases of runs on this machine that ended before they could.

        Their names say who made them. Those of anybody else stay, and what cannot be dropped.
        """
        for name in self._list(_PREFIX):
            owner = _read_owner(name)
            if owner is not None and owner.is_gone:
                self._made.add(name)
                if self._refusal(name) is not None:
                    self._made.discard(name)

    def identity(self) -> str:
        """Return a short text that changes with the server: its version, settings, extensions."""
        with self.session() as connection:
            rows = connection.execute(_IDENTITY).fetchall()
        text = "\n".join(str(one) for (one,) in rows)
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def require_alive(self) -> None:
        """Raise ServerError where the server does not answer any more.

        One that recovers, because one of its processes has died, is waited for.
        """
        deadline = time.monotonic() + _RECOVERY_TIMEOUT_SECONDS
        refused = 0
        while refused < _REFUSALS and time.monotonic() < deadline:
            is_alive = ping(self._maintenance)
            if is_alive:
                return
            # one that begins anew may refuse once
            refused = 0 if is_alive is None else refused + 1
            time.sleep(_POLL_SECONDS)
        self.require_room()
        lines = [line.strip() for line in self._read_log().splitlines() if line.strip()]
        words = " | ".join(lines[-_SHOWN_LINES:])
        raise ServerError(
            f"the {self.kind} server at {describe(self._maintenance)} has gone away",
            f"its last lines: {words}" if words else "look into its log, then run again",
        )

    def require_whole(self) -> None:
        """Raise ServerError where one of its processes died, which ends every session on it."""
        self.require_room()
        died = self._find_said(_DIED, {"LOG"})
        if died:
            raise ServerError(
                "the throwaway server lost a process, and every session on it with that",
                f"its log says: {died[0]}; where memory ran out, make room; else an "
                "extension, or a function in C, brings it down",
            )

    def require_room(self) -> None:
        """Raise ServerError where the server has said that its disk is full."""
        # a statement alone may fail by it, and the server goes on
        if self._find_said(_NO_ROOM, {"LOG", "ERROR", "FATAL", "PANIC"}):
            raise ServerError(
                "the throwaway server has no space left on its disk",
                "an embedded server keeps its data in /dev/shm where 1 GiB is free, else in the "
                "folder that TMPDIR names: make room there; or use another server",
            )

    def _find_said(self, said: re.Pattern[str], levels: Collection[str]) -> list[str]:
        """Return the lines of the log in which the server itself says that, on those levels."""
        found = ((line, _MESSAGE.match(line)) for line in self._read_log().splitlines())
        return [
            line.strip()
            for line, match in found
            if match is not None and match["level"] in levels and said.search(match["text"])
        ]

    def _list(self, prefix: str) -> list[str]:
        """Return the databases on the server whose names begin so."""
        query = "SELECT datname::text FROM pg_database WHERE starts_with(datname, %s)"
        with self.session() as connection:
            return [str(name) for (name,) in connection.execute(query, (prefix,)).fetchall()]

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
    def session(self) -> Iterator[Connection]:
        """Yield a connection for maintenance; what the server refuses becomes a ServerError."""
        with connect(self._maintenance) as connection:
            try:
                yield connection
            except psycopg.Error as err:
                reason = err.diag.message_primary or "the connection to the server was lost"
                raise ServerError(
                    f"the server says: {reason}", err.diag.message_hint or ""
                ) from err


def _read_owner(database: str) -> Owner | None:
    """Return who made a database, None for one whose name is not of our making."""
    owner = find_owner(database)
    return owner if owner and database.startswith(f"{_PREFIX}{owner}_") else None


def _end_sessions(connection: Connection, database: str) -> None:
    """End the other sessions on `database` and wait for it (functions-admin, table 9.100)."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        (_TERMINATE_TIMEOUT_MS, database),
    )
