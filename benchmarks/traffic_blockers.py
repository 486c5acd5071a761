"""What stands in the way of a migration: readers, reports, an autovacuum, old snapshots."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from traffic import libpq_url

__all__ = ["REPORTS", "Hold", "autovacuum", "hold", "never_free"]

# The application_name of the reports, for a configuration that calls them expendable.
REPORTS = "nightly-report"
_REPORTS = 4
_REPORT_SECONDS = 1.5
_ENDLESS_VACUUM = """
ALTER TABLE accounts SET (
    autovacuum_enabled = on, autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1
)
"""
_IS_VACUUMED = """
SELECT FROM pg_stat_activity AS a JOIN pg_locks AS l USING (pid)
WHERE a.backend_type = 'autovacuum worker' AND l.relation = 'accounts'::regclass AND l.granted
"""
_VACUUM_SECONDS = 60


class Hold:
    """A transaction that is held for a while by a thread; `ended`: when, by `time.monotonic`."""

    def __init__(self) -> None:
        self.ended = 0.0


@contextmanager
def hold(url: str, seconds: float, statement: str, *, isolation: str) -> Iterator[Hold]:
    """Leave a transaction idle behind `statement` for so long, beginning before the block does."""
    held, begun, released = Hold(), threading.Event(), threading.Event()

    def keep() -> None:
        with psycopg.connect(libpq_url(url), application_name="analyst") as connection:
            connection.isolation_level = psycopg.IsolationLevel[isolation]
            connection.execute(statement.encode())
            begun.set()
            released.wait(seconds)
        held.ended = time.monotonic()

    thread = threading.Thread(target=keep)
    thread.start()
    begun.wait()
    try:
        yield held
    finally:
        released.set()
        thread.join()


@contextmanager
def never_free(url: str) -> Iterator[None]:
    """Run four reports of 1.5 s on `accounts`, one after the other, none in step with another."""
    is_over = threading.Event()

    def report(number: int) -> None:
        is_over.wait(number * _REPORT_SECONDS / _REPORTS)
        while not is_over.is_set():
            # one that was ended by somebody comes again, as a scheduled one does
            with suppress(psycopg.Error):
                _run_reports(url, is_over)

    threads = [threading.Thread(target=report, args=(number,)) for number in range(_REPORTS)]
    for thread in threads:
        thread.start()
    time.sleep(_REPORT_SECONDS)
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _run_reports(url: str, is_over: threading.Event) -> None:
    with psycopg.connect(libpq_url(url), application_name=REPORTS) as connection:
        while not is_over.is_set():
            with connection.transaction():
                connection.execute("SELECT count(*) FROM accounts WHERE id < 100")
                connection.execute("SELECT pg_sleep(%s)", (_REPORT_SECONDS,))


@contextmanager
def autovacuum(url: str) -> Iterator[None]:
    """Have a worker vacuum `accounts` for minutes, beginning before the block does."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("UPDATE accounts SET balance = 1 WHERE id % 3 = 0")
        connection.execute(_ENDLESS_VACUUM)
        end = time.monotonic() + _VACUUM_SECONDS
        while connection.execute(_IS_VACUUMED).fetchone() is None:
            if time.monotonic() > end:
                raise SystemExit("no autovacuum began")
            time.sleep(0.05)
        try:
            yield
        finally:
            connection.execute("ALTER TABLE accounts RESET (autovacuum_enabled)")
            connection.execute("ALTER SYSTEM RESET autovacuum_naptime")
            connection.execute("SELECT pg_reload_conf()")
