"""Where a project's env.py leads: the database, and the version table in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from alembic.runtime.migration import MigrationContext, RevisionStep
from psycopg import sql
from sqlalchemy import column, select, table, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.expression import TableClause

from safemigrate.errors import (
    DatabaseError,
    EnvironmentSetupError,
    LockTimeoutError,
    SafemigrateError,
)
from safemigrate.execute.control import (
    ControlConnection,
    ControlLostError,
    act_as,
    translating_loss,
)
from safemigrate.execute.deploylock import has_deploy_lock
from safemigrate.execute.failures import Cause, read_failure, server_message
from safemigrate.execute.ledger import Ledger
from safemigrate.execute.pooling import PoolGuard, refuse_pooler
from safemigrate.execute.session import spell_lock_timeout, watch_sessions
from safemigrate.execute.stopping import StopRunError
from safemigrate.execute.transaction import connection_of, let_go
from safemigrate.journal import ask_at_once, translated
from safemigrate.model import OLDEST_VERSION, ServerVersion
from safemigrate.source import Project, run_environment

__all__ = [
    "Site",
    "VersionTable",
    "ask_again",
    "check_context",
    "explain_unreadable",
    "find_visible_schema",
    "open_site",
    "refuse_second_run",
]

Answer = TypeVar("Answer")

_TRUST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class VersionTable:
    """Alembic's version table, by its full name; it need not be there."""

    schema: str
    name: str

    def clause(self) -> TableClause:
        """Return the table for statements."""
        return table(self.name, column("version_num"), schema=self.schema)

    def read(self, connection: Connection) -> tuple[str, ...]:
        """Return the revisions in it, sorted; none when the table is not there."""
        found = connection.execute(
            text("SELECT to_regclass(format('%I.%I', CAST(:schema AS text), CAST(:name AS text)))"),
            {"schema": self.schema, "name": self.name},
        )
        if found.scalar_one() is None:
            return ()
        clause = self.clause()
        return tuple(sorted(connection.scalars(select(clause.c.version_num))))

    def hold(self, connection: Connection, lock_timeout: timedelta) -> tuple[str, ...]:
        """Return the revisions in it, which until the transaction ends nobody else can change.

        Plain Alembic takes no notice of the deploy lock. This mode keeps out whoever writes the
        table, lets everybody read it, and gives the transaction no id as a row lock would.
        `lock_timeout`: the session's from then on; what was said on it may have set another.
        """
        name = sql.Identifier(self.schema, self.name)
        lock = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(name).as_string()
        read = sql.SQL("SELECT version_num FROM {}").format(name).as_string()
        with translated(connection, lock):
            rows = ask_at_once(connection, spell_lock_timeout(lock_timeout), lock, read)
        return tuple(sorted(str(row[0]) for row in rows))


@dataclass(frozen=True, slots=True)
class Site:
    """A database that env.py led to; `control` is a connection of our own to it.

    `role`: the one that env.py's connection has taken by SET ROLE, "" when it has taken none.
    `is_standby`: it follows another server. `is_read_only`: its transactions write nothing, which
    those of a standby never do. `current_schema`: where env.py's connection makes what is named
    without one, "" for nowhere.
    """

    control: ControlConnection
    version_table: VersionTable
    database: str
    server_version: ServerVersion
    role: str
    is_standby: bool = False
    is_read_only: bool = False
    current_schema: str = ""

    def act(self, operation: Callable[[Connection], Answer]) -> Answer:
        """Return what `operation` returns on the control connection, in the migrations' role."""

        def run(connection: Connection) -> Answer:
            with act_as(connection, self.role):
                return operation(connection)

        return self.control.run(run)

    def read_heads(self) -> tuple[str, ...]:
        """Return the revisions that the version table has now, sorted."""
        return self.act(self.version_table.read)

    def check_lock(self) -> None:
        """Raise StopRunError when this run holds the deploy lock no longer.

        The lock lasts as long as its session, so that the server is not asked again within half a
        second unless that session has heard from it.
        """
        if self.control.is_trusted:
            return
        with translating_loss():
            is_held = self.control.run(has_deploy_lock)
        if not is_held:
            raise StopRunError("the deploy lock was lost")
        self.control.trust(_TRUST_SECONDS)

    def check_writable(self) -> None:
        """Raise DatabaseError when the migrations could write nothing."""
        if self.is_standby:
            raise DatabaseError(
                f'the server of database "{self.database}" is a standby, and takes no writes',
                "give the URL of the primary server",
            )
        if self.is_read_only:
            raise DatabaseError(
                f'every transaction in database "{self.database}" is read-only by default',
                "default_transaction_read_only is on, for the role, the database, the server or in "
                "the URL; migrate as a role for which it is off",
            )


@contextmanager
def open_site(
    project: Project,
    *,
    lock_timeout: timedelta,
    url: str | None = None,
    longest_connect: float | None = None,
) -> Iterator[Site]:
    """Run env.py once, changing nothing, and yield the site it led to.

    `longest_connect`: seconds that the server has to answer, if less than it has anyway.
    What `run_environment` raises; EnvironmentSetupError when env.py runs the migrations more
    than once, or on a connection that commits every statement by itself; UnreachableError when
    the server has no room for the second connection; DatabaseError when a pooler leaves no
    connection a session of its own, to which then nothing was done.
    """
    found: list[Site] = []
    contexts: list[MigrationContext] = []

    def look(heads: tuple[str, ...], context: MigrationContext) -> tuple[RevisionStep, ...]:
        del heads
        contexts.append(context)
        connection = check_context(context)
        if found:
            raise refuse_second_run()
        found.append(_make_site(connection, context))
        return ()

    try:
        # the guard first, for the other one leaves something on the session
        with PoolGuard() as guard, watch_sessions(lock_timeout, Ledger()):
            try:
                run_environment(
                    project, look, url=url, dont_mutate=True, longest_connect=longest_connect
                )
            except SafemigrateError as err:
                raise _explain(err, project, guard) from err
            finally:
                for context in contexts:
                    let_go(context)
        yield found[0]
    finally:
        for site in found:
            site.control.close()


def ask_again(
    site: Site,
    project: Project,
    question: Callable[[Site], Answer],
    *,
    lock_timeout: timedelta,
    url: str | None = None,
) -> Answer | None:
    """Return the site's answer, or that of one opened anew; None when neither can be asked."""
    with suppress(ControlLostError, SQLAlchemyError):
        return question(site)
    with (
        suppress(SafemigrateError, ControlLostError, SQLAlchemyError),
        open_site(project, lock_timeout=lock_timeout, url=url) as anew,
    ):
        return question(anew)
    return None


def explain_unreadable(error: Exception) -> DatabaseError:
    """Return the error for a version table, or a history, that cannot be read."""
    return DatabaseError(
        f"the database cannot be read: {server_message(error)}",
        "the role needs USAGE on the schemas and SELECT on the version table and the history",
    )


def refuse_second_run() -> EnvironmentSetupError:
    """Return the error for an env.py that runs the migrations more than once."""
    return EnvironmentSetupError(
        "env.py runs the migrations more than once, on several databases or schemas",
        "let env.py choose one, by an environment variable, and run safemigrate for each",
    )


def check_context(context: MigrationContext) -> Connection:
    """Return the connection the migrations will run on, when they can run on it safely."""
    connection = connection_of(context)
    if getattr(connection.connection.dbapi_connection, "autocommit", False):
        raise EnvironmentSetupError(
            "env.py hands over a connection that commits every statement by itself, so a revision "
            "that fails cannot be rolled back",
            "take isolation_level AUTOCOMMIT out of env.py, and use "
            "op.get_context().autocommit_block() in the revisions that need it",
        )
    return connection


def _explain(error: SafemigrateError, project: Project, guard: PoolGuard) -> SafemigrateError:
    """Return the error for one of env.py: a lock that was not to be had is not its fault."""
    if guard.explains(error):
        return refuse_pooler()
    failure = read_failure(error, project.script.env_py_location)
    if failure.cause is not Cause.LOCK_TIMEOUT:
        return error
    return LockTimeoutError(
        f"gave up waiting for a lock before the first revision, at {failure}",
        "something holds the version table, or what env.py asks for; nothing was changed, run it "
        "again",
    )


def _make_site(connection: Connection, context: MigrationContext) -> Site:
    row = connection.execute(
        text(
            "SELECT current_database(), current_schema(),"
            " current_setting('server_version_num')::integer / 10000,"
            " CASE WHEN current_user <> session_user THEN current_user::text ELSE '' END,"
            " pg_is_in_recovery(), current_setting('transaction_read_only')::boolean"
        )
    ).one()
    database, current_schema, major, role, is_standby, is_read_only = row
    server_version = ServerVersion(major)
    if server_version < OLDEST_VERSION:
        raise DatabaseError(
            f"the server is PostgreSQL {server_version}, which is not supported",
            f"use PostgreSQL {OLDEST_VERSION} or later",
        )
    schema = context.version_table_schema or find_visible_schema(connection, context.version_table)
    return Site(
        control=ControlConnection(connection.engine),
        version_table=VersionTable(schema or current_schema or "public", context.version_table),
        database=database,
        server_version=server_version,
        role=role,
        is_standby=is_standby,
        is_read_only=is_read_only,
        current_schema=current_schema or "",
    )


def find_visible_schema(connection: Connection, name: str) -> str | None:
    """Return the schema in which a name without one is found, by the session's search_path."""
    found = connection.execute(
        text(
            "SELECT n.nspname::text FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE c.relname = :name AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)"
        ),
        {"name": name},
    )
    schema: str | None = found.scalar_one_or_none()
    return schema
