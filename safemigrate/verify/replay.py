"""The history of a site, replayed on an empty database of a throwaway server."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy import text

from safemigrate.errors import RevisionError, ServerError
from safemigrate.execute import Site
from safemigrate.model import Direction
from safemigrate.server import Server
from safemigrate.source import Project
from safemigrate.source.excerpt import show_path
from safemigrate.trace import describe_fault, open_connection
from safemigrate.verify.bench import Bench, Move, StepFault, open_bench
from safemigrate.verify.snapshots import Snapshot

__all__ = ["replay"]

_ROLES = text("SELECT rolname::text FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY oid LIMIT 2000")


def replay(
    project: Project, site: Site, server: Server, needed: frozenset[str], schema: str
) -> Snapshot:
    """Return the schema after the revisions, on an empty database of the server."""
    moves = [
        Move(script, Direction.UPGRADE)
        for script in project.revisions()
        if script.revision in needed
    ]
    # the version table is made before the first revision, so its schema was there by then
    schemas = {site.version_table.schema, schema} - {"", "public"}
    replayed = _replay_into(project, site, server, moves, _Places(schema, frozenset(schemas)))
    if isinstance(replayed, _MissingSchema):
        places = _Places(schema, frozenset(schemas | {site.current_schema}))
        replayed = _replay_into(project, site, server, moves, places)
    if isinstance(replayed, Snapshot):
        return replayed
    fault = replayed.fault
    if fault is None:
        raise RevisionError(
            f'env.py works in the schema "{site.current_schema}", which is not there when the '
            "history is replayed",
            "let a revision, or env.py, create it: CREATE SCHEMA IF NOT EXISTS",
        )
    raise RevisionError(
        "the history cannot be replayed on an empty database: revision "
        f'"{fault.move.script.revision}" fails: {fault.reason}',
        f"{show_path(fault.move.script.path)} needs what no revision makes: a table that was "
        "there before, rows, or an extension that the throwaway server has not; --server takes "
        "the URL of one that has it",
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """The schemas that are made before; `only` is the search_path then, "" for the server's."""

    only: str
    schemas: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Failed:
    """A replay that did not reach its end, or did so in another schema than the site's."""

    fault: StepFault | None


class _MissingSchema(_Failed):
    """The schema that env.py works in was not there, so that all was made in another one."""


def _replay_into(
    project: Project, site: Site, server: Server, moves: Sequence[Move], places: _Places
) -> Snapshot | _Failed:
    with _empty_database(server) as database:
        _prepare(site, server, database, places)
        with open_bench(project, server, database) as bench:
            fault = bench.run(moves)
            if site.current_schema and moves and not _has_schema(bench, site.current_schema):
                return _MissingSchema(fault)
            return bench.snapshot() if fault is None else _Failed(fault)


def _has_schema(bench: Bench, name: str) -> bool:
    query = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)"
    return bench.connection.execute(query, (name,)).fetchall() == [(True,)]


@contextmanager
def _empty_database(server: Server) -> Iterator[str]:
    database = server.create_database()
    try:
        yield database
    finally:
        server.drop_database(database)


def _prepare(site: Site, server: Server, database: str, places: _Places) -> None:
    """Make the roles that revisions grant to, and the schemas that they work in."""
    with open_connection(server.url(database)) as connection:
        try:
            for name in sorted(places.schemas):
                create = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}")
                connection.execute(create.format(sql.Identifier(name)))
            if places.only:
                setting = sql.SQL("ALTER DATABASE {} SET search_path = {}")
                names = sql.Identifier(database), sql.Identifier(places.only)
                connection.execute(setting.format(*names))
            if server.kind == "url":
                # its roles are somebody's
                return
            there = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for name in _list_roles(site):
                if name not in there:
                    # so that one that env.py takes by SET ROLE can make what the real one can
                    role = sql.SQL("CREATE ROLE {} SUPERUSER").format(sql.Identifier(name))
                    connection.execute(role)
        except psycopg.Error as err:
            raise ServerError(
                f"the throwaway server refuses to be prepared: {describe_fault(err)}",
                "use another one with --server",
            ) from err


def _list_roles(site: Site) -> tuple[str, ...]:
    return site.act(lambda connection: tuple(connection.scalars(_ROLES)))
