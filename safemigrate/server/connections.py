"""Connections to a throwaway server, and what their failures mean."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping
from psycopg.rows import TupleRow
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import URL, Dialect

from safemigrate.errors import NotPostgresError, UnreachableError, UsageError
from safemigrate.model.secrets import hide_passwords
from safemigrate.source.url import read_url

__all__ = ["Connection", "connect", "describe", "parse_url", "ping"]

Connection = psycopg.Connection[TupleRow]

_DRIVER = "postgresql+psycopg"
_CONNECT_TIMEOUT_SECONDS = 10


def parse_url(text: str) -> URL:
    """Return `text` as a SQLAlchemy URL that names the psycopg driver and a database.

    libpq's own `postgres://` is taken too; without a database, `postgres` is meant.
    Raises NotPostgresError for another scheme and UsageError for a URL that cannot be read;
    neither repeats the URL, which may hold a password.
    """
    url = read_url(text)
    if url.get_backend_name() != "postgresql":
        raise NotPostgresError(
            f'"{url.drivername}" is not PostgreSQL',
            "give a URL such as postgresql://user@host:5432/database",
        )
    return url.set(drivername=_DRIVER, database=url.database or "postgres")


@contextmanager
def connect(url: URL) -> Iterator[Connection]:
    """Yield an autocommit connection to `url`, closed afterwards.

    Raises UnreachableError when nobody answers or the credentials are refused,
    UsageError when the URL carries an option that libpq does not know.
    """
    arguments, options = _list_arguments(url)
    try:
        connection = psycopg.connect(*arguments, autocommit=True, **options)
    except psycopg.ProgrammingError as err:
        raise UsageError(
            "the URL of the server has an option that libpq does not know",
            "take out the options that belong to another driver",
        ) from err
    except psycopg.OperationalError as err:
        raise _unreachable(url, err) from err
    with connection:
        yield connection


def ping(url: URL) -> bool | None:
    """Return whether a server answers at `url`; None for one that takes no connections yet."""
    arguments, options = _list_arguments(url)
    answer = PGconn.ping(make_conninfo(*arguments, **options).encode())
    return None if answer == Ping.REJECT else answer == Ping.OK


def _list_arguments(url: URL) -> tuple[list[Any], dict[str, Any]]:
    """Return what the driver's `connect` takes."""
    dialect: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
    arguments, options = dialect.create_connect_args(url)
    if not os.environ.get("PGCONNECT_TIMEOUT"):
        options.setdefault("connect_timeout", _CONNECT_TIMEOUT_SECONDS)
    return list(arguments), dict(options)


def _unreachable(url: URL, error: psycopg.OperationalError) -> UnreachableError:
    """Say why no connection came about; libpq hands no SQLSTATE out before there is one."""
    place = describe(url)
    attempt = error.pgconn
    if attempt is not None and attempt.needs_password:
        return UnreachableError(f"{place} asks for a password", "put the password into the URL")
    if attempt is not None and attempt.used_password:
        return UnreachableError(
            f"{place} refused the connection of {_role(url)}: {_reason(url, error)}",
            "check the role, its password and the database in the URL",
        )
    return UnreachableError(
        f"{place} cannot be reached: {_reason(url, error)}",
        "check host, port and database in the URL, and that a server runs there",
    )


def describe(url: URL) -> str:
    """Return host and port of `url` for a message, without credentials."""
    hosts = url.query.get("host", ())
    listed = (hosts,) if isinstance(hosts, str) else hosts
    host = url.host or ", ".join(listed) or "the local server"
    return f'"{host}:{url.port}"' if url.port else f'"{host}"'


def _role(url: URL) -> str:
    return f'role "{url.username}"' if url.username else "the default role"


def _reason(url: URL, error: psycopg.OperationalError) -> str:
    """Return the first line libpq gave, which says what the server or the network said."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else "libpq does not say why"
    return hide_passwords(text, url.password)
