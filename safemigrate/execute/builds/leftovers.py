"""INVALID indexes that nobody builds any more are dropped, beside the application."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.builds.build import Build, ask, locks_timed
from safemigrate.execute.builds.definitions import FoundIndex
from safemigrate.execute.builds.looking import send
from safemigrate.execute.builds.watching import send_watched
from safemigrate.execute.control import ControlLostError
from safemigrate.execute.events import LeftoverRemoved, RunWarned
from safemigrate.execute.surroundings import StopRunError

__all__ = ["clear_up", "remove"]

# How long to wait for those that use the table, when a build has failed and its index has to go.
_PATIENCE_MS = 5000
_PATIENCE_OF_STOP_MS = 1000

_TABLE = text("SELECT CAST(CAST(:table AS bigint) AS oid)::regclass::text")
# What a connection that was cut off leaves may go on building for as long as it likes.
_END = text(
    """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = CAST(:pid AS integer) AND backend_start::text = :backend_start
    """
)


def remove(build: Build, leftovers: Iterable[FoundIndex]) -> None:
    """Drop what an earlier run left, on the session of the migrations, waiting as a build does.

    The unique ones first: an INVALID unique index still rejects rows.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    for one in _in_order(leftovers):
        statement = _drop(one)
        send_watched(build, lambda statement=statement: build.sent.run(statement))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        _tell(build, one, is_own=False)


def clear_up(build: Build, leftovers: Iterable[FoundIndex]) -> bool:
    """Drop what a build that has just failed left; return whether none stays.

    On the session of the migrations where it still lives and nobody cancels what it does, else on
    the one beside. Waits only for a moment: who used the table may go on to.
    """
    build.left.clear()
    for one in _in_order(leftovers):
        if _drop_now(build, one):
            _tell(build, one, is_own=True)
            continue
        build.left.append(str(one.relation))
        build.report(
            RunWarned(
                f'the INVALID index "{one.relation}" could not be dropped yet; the next run does it'
            )
        )
    return not build.left


def _in_order(leftovers: Iterable[FoundIndex]) -> list[FoundIndex]:
    return sorted(leftovers, key=lambda one: not one.is_unique)


def _drop(index: FoundIndex) -> str:
    name = index.relation.identifier
    return sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(name).as_string()


def _drop_now(build: Build, index: FoundIndex) -> bool:
    is_stopped = bool(build.surroundings.stop.received)
    patience = _PATIENCE_OF_STOP_MS if is_stopped else _PATIENCE_MS
    if not is_stopped and _is_alive(build):
        return _drop_here(build, _drop(index), patience)
    try:
        if not is_stopped:
            build.surroundings.site.control.run(lambda connection: _end_session(build, connection))
        build.surroundings.site.act(
            lambda connection: _drop_beside(connection, _drop(index), patience)
        )
    except (ControlLostError, SQLAlchemyError):
        return False
    return True


def _is_alive(build: Build) -> bool:
    try:
        ask(build.sent, "SELECT 1")
    except Exception:  # noqa: BLE001 - any driver's error says the same
        return False
    return True


def _drop_here(build: Build, statement: str, patience: int) -> bool:
    try:
        with locks_timed(build, timedelta(milliseconds=patience)):
            build.sent.run(statement)
    except Exception:  # noqa: BLE001 - whatever the driver's error, the index is still there
        return False
    return True


def _drop_beside(connection: Connection, statement: str, patience: int) -> None:
    set_timeout = text("SELECT set_config('lock_timeout', :timeout, false)")
    before = connection.execute(text("SELECT current_setting('lock_timeout')")).scalar_one()
    connection.execute(set_timeout, {"timeout": str(patience)})
    try:
        send(connection, statement)
    finally:
        with suppress(SQLAlchemyError):
            connection.execute(set_timeout, {"timeout": before})


def _end_session(build: Build, connection: Connection) -> None:
    connection.execute(_END, {"pid": build.pid, "backend_start": build.backend_start})


def _tell(build: Build, index: FoundIndex, *, is_own: bool) -> None:
    with suppress(StopRunError):
        found = build.look(
            lambda connection: connection.execute(_TABLE, {"table": index.table}).scalar_one()
        )
        build.report(LeftoverRemoved(build.revision, str(index.relation), str(found), is_own))
