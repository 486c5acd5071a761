"""What can happen to a statement on its way, made to happen."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

from safemigrate.source import find_sqlstate
from safemigrate.trace import Connection
from safemigrate.verify.bench import Bench
from safemigrate.verify.cuts.statements import Sending

__all__ = ["Fault", "cutting_build", "fail_build", "lose_sessions", "refuse_statement"]

# Takes the statement, or lets it go on to what has become of the server.
Fault = Callable[[Bench, Sending], bool]

_FEATURE_NOT_SUPPORTED = "0A000"

# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
_END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> ALL (%s) AND backend_type = 'client backend'
"""
_FIND_WAITING = """
SELECT 1 FROM pg_locks AS waiting JOIN pg_locks AS ours USING (locktype, virtualxid)
 WHERE locktype = 'virtualxid' AND NOT waiting.granted AND ours.granted
   AND ours.pid = pg_backend_pid()
"""
_PAUSE_SECONDS = 0.01
_REFUSAL = """
DO $safemigrate$ BEGIN
  RAISE lock_not_available USING MESSAGE = 'canceling statement due to lock timeout';
END $safemigrate$
"""


def lose_sessions(bench: Bench, sending: Sending) -> bool:
    """End every session on the database but our own, and those that are spared.

    The statement goes on its way, and the driver finds out by itself. Nobody waits for the
    sessions to be gone, which would take 0.1 s: a session looks for the signal before it runs what
    has come in (PostgresMain in src/backend/tcop/postgres.c), and what it had not committed nobody
    sees.
    """
    bench.connection.execute(_END_SESSIONS, ([*bench.pids, *sending.spared],))
    return False


def refuse_statement(bench: Bench, sending: Sending) -> bool:
    """Let the server refuse the statement, as it does when a lock is not to be had in time."""
    del bench
    sending.session.run(_REFUSAL)
    return True


def fail_build(bench: Bench, sending: Sending) -> bool:
    """Let a lock timeout end CREATE INDEX CONCURRENTLY after it has built, before it is valid.

    Its last phase waits for transactions with an older snapshot, such as the one that is held
    open here meanwhile; what it leaves is INVALID.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    (setting,) = sending.session.ask("SELECT current_setting('lock_timeout')")[0]
    _hold_snapshot(bench.connection)
    try:
        sending.session.run("SET lock_timeout = '1ms'")
        try:
            sending.send(sending.statement.sql)
        finally:
            restore = sql.SQL("SET lock_timeout = {}").format(sql.Literal(setting))
            sending.session.run(restore.as_string())
    except Exception as err:
        if find_sqlstate(err) == _FEATURE_NOT_SUPPORTED:
            # of a partitioned table: it is made in another way, and leaves nothing
            return False
        raise
    finally:
        bench.connection.execute("ROLLBACK")
    return True


@contextmanager
def cutting_build(bench: Bench) -> Iterator[Fault]:
    """Yield what ends every session but our own when CREATE INDEX CONCURRENTLY has built.

    So it leaves an INVALID index, as `fail_build` does. None of the runner's sessions is spared:
    one that goes on would remove the index, and a process that was killed has none that does.
    """
    is_over = threading.Event()
    threads: list[threading.Thread] = []

    def strike(bench: Bench, sending: Sending) -> bool:
        del sending
        _hold_snapshot(bench.connection)
        threads.append(threading.Thread(target=_end_waiting, args=(bench, is_over)))
        threads[0].start()
        return False

    try:
        yield strike
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
            bench.connection.execute("ROLLBACK")


def _hold_snapshot(connection: Connection) -> None:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SELECT 1")


def _end_waiting(bench: Bench, is_over: threading.Event) -> None:
    """End the sessions as soon as one of them waits for ours, unless it is over before."""
    # where our session is lost, the thread that waits for this one meets it at its ROLLBACK
    with suppress(psycopg.OperationalError):
        while bench.connection.execute(_FIND_WAITING).fetchone() is None:
            if is_over.wait(_PAUSE_SECONDS):
                return
        bench.connection.execute(_END_SESSIONS, (bench.pids,))
