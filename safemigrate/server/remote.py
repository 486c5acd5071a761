"""A server that somebody else runs, named by a URL whose role may create databases."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL

from safemigrate.errors import SafemigrateError, ServerError
from safemigrate.model import ServerVersion
from safemigrate.server.connections import connect, parse_url
from safemigrate.server.databases import Server

__all__ = ["open_remote"]


@contextmanager
def open_remote(text: str, *, version: ServerVersion | None = None) -> Iterator[Server]:
    """Yield the server at the URL `text`; the databases made on it are dropped at the end.

    Those of an earlier run on this machine that was killed are dropped first; no other database is
    touched. Raises NotPostgresError for another scheme, UnreachableError when
    nobody answers or the credentials are refused, ServerError when the role may not create
    databases or the server is of another major than `version`.
    """
    url = parse_url(text)
    server = Server("url", url)
    if version is not None and server.version != version:
        raise ServerError(
            f"the server is PostgreSQL {server.version}, PostgreSQL {version} was asked for",
            "name another server, or ask for the version it has",
        )
    _require_createdb(url)
    server.drop_abandoned()
    try:
        yield server
    except BaseException as error:
        # What went wrong first is what the user must see.
        try:
            server.drop_made()
        except SafemigrateError as leftover:
            error.add_note(leftover.message)
        raise
    else:
        server.drop_made()


def _require_createdb(url: URL) -> None:
    with connect(url) as connection:
        row = connection.execute(
            "SELECT rolname, rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    if row is not None and not row[1]:
        raise ServerError(
            f'role "{row[0]}" may not create databases',
            f'run as a superuser: ALTER ROLE "{row[0]}" CREATEDB; or give another URL',
        )
