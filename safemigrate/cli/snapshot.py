"""`safemigrate snapshot`."""

from collections.abc import Sequence
from pathlib import Path

import click
import psycopg
from sqlalchemy.engine import Connection as SqlAlchemyConnection
from sqlalchemy.exc import DBAPIError

from safemigrate.catalog import CatalogSnapshot, encode_snapshot, read_server
from safemigrate.cli.destinations import check_destinations
from safemigrate.cli.files import write_file
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import config_option, url_option
from safemigrate.errors import (
    DatabaseError,
    ExitCode,
    LockTimeoutError,
    SafemigrateError,
    UsageError,
)
from safemigrate.execute import RunSettings, open_site
from safemigrate.server.connections import connect, parse_url
from safemigrate.source import find_sqlstate, open_project
from safemigrate.source.sqlstates import LOCK_NOT_AVAILABLE
from safemigrate.source.url import read_url
from safemigrate.trace import describe_fault

__all__ = ["command"]


@click.command(
    "snapshot",
    cls=Manual,
    exits={
        ExitCode.DONE: "it is written",
        ExitCode.USAGE: "the command line, the configuration, env.py or the connection is wrong, "
        "or the file cannot be written",
        ExitCode.GAVE_UP: "a lock was not to be had in time, or it was stopped before it was done",
    },
    examples=[
        ("Take one", "safemigrate snapshot -o production.json"),
        (
            "Judge what a branch adds by it",
            "safemigrate lint --schema production.json --changed-since origin/main",
        ),
    ],
)
@config_option
@url_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write it; default: standard output.",
)
def command(*, config: Path, url: str | None, output: Path | None) -> None:
    """Write the schema of a database, and how big its tables are, to a file.

    "safemigrate lint --schema FILE" then judges the migrations that this database does not have
    yet by its schema and sizes, for its version of PostgreSQL, without a connection to it. Those
    that it has are judged too, as without the file: --changed-since, --baseline or start-after in
    the configuration leaves them out.

    There is no data in the file but definitions as SQL, estimates of how many rows each table has,
    and the revision that the database is at. Comments and grants are left out, and so is what looks
    like a password in a definition.

    It reads in one read-only transaction, and waits at most 2 seconds for a lock.
    """
    check_destinations({"--output": output}, "--output production.json")
    snapshot = _read_project(config) if url is None else _read_url(url)
    for line in snapshot.unread:
        click.echo(f"note: not understood, and left out: {line}", err=True)
    text = encode_snapshot(snapshot)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text)


def _read_url(text: str) -> CatalogSnapshot:
    """Return the snapshot of the database at a URL."""
    url = parse_url(text)
    if not read_url(text).database:
        raise UsageError("the URL names no database", "it ends in /database")
    with connect(url) as connection:

        def ask(query: str) -> Sequence[Sequence[object]]:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else ()

        try:
            return read_server(ask)
        except psycopg.Error as error:
            raise _explain(error) from error


def _read_project(config: Path) -> CatalogSnapshot:
    """Return the snapshot of the database that the project's env.py leads to."""

    def read(connection: SqlAlchemyConnection) -> CatalogSnapshot:
        def ask(query: str) -> Sequence[Sequence[object]]:
            # without parameters, or the driver takes percent signs for places of some
            found = connection.exec_driver_sql(query, execution_options={"no_parameters": True})
            return [tuple(row) for row in found] if found.returns_rows else ()

        return read_server(ask)

    with open_site(open_project(config), lock_timeout=RunSettings().lock_timeout) as site:
        try:
            return site.act(read)
        except DBAPIError as error:
            raise _explain(error) from error


def _explain(error: Exception) -> SafemigrateError:
    if find_sqlstate(error) == LOCK_NOT_AVAILABLE:
        return LockTimeoutError(
            "gave up waiting for a lock: something holds ACCESS EXCLUSIVE on what is to be read",
            "nothing was changed; run it again when the migration, or VACUUM FULL, has ended",
        )
    return DatabaseError(
        f"the schema cannot be read: {describe_fault(error)}", "look into the server's log"
    )
