"""Workers beside a revision: what counts is what ends while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from safemigrate.trace import Connection, open_connection
from safemigrate.verify.traffic import Command, Traffic, Work

READS = Work((Command("reads", ("SELECT FROM t",)),))


@contextmanager
def locked_out(url: str, traffic: Traffic) -> Iterator["Revision"]:
    """Let the traffic run and wait for the lock of the session that is yielded."""
    with open_connection(url) as session:
        session.execute("CREATE TABLE t (id int)")
        with traffic.running(), session.transaction():
            session.execute("LOCK TABLE t")
            yield Revision(session)


class Revision:
    """A session that the traffic waits for."""

    def __init__(self, session: Connection) -> None:
        self._session = session

    def await_waiting(self, after: str = "") -> str:
        """Return since when the worker waits, once it does; `after`: another wait than that."""
        query = (
            "SELECT waitstart::text FROM pg_locks WHERE relation = 't'::regclass AND NOT granted"
        )
        while True:
            row = self._session.execute(query).fetchone()
            if row is not None and row[0] not in {None, after}:
                return str(row[0])

    def cancel_worker(self) -> None:
        """Cancel what the worker waits with, and return once it waits anew."""
        before = self.await_waiting()
        self._session.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_locks"
            " WHERE relation = 't'::regclass AND NOT granted"
        )
        self.await_waiting(before)


@pytest.mark.parametrize("is_running", [True, False])
def test_what_was_sent_before_and_fails_while_the_revision_runs_is_an_error(
    database: str, *, is_running: bool
) -> None:
    traffic = Traffic(database, [READS])
    with locked_out(database, traffic) as revision:
        revision.await_waiting()
        if is_running:
            traffic.begin()
        revision.cancel_worker()
        traffic.begin()
        traffic.end()

    assert traffic.record.errors == ({("reads", "57014"): 1} if is_running else {})
    # one that was sent before, or after the first failed, and one more when all is over
    assert len(traffic.record.times_ms["reads"]) == 2
