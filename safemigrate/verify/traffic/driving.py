"""Workers that use a database while a revision runs on it."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from random import Random
from threading import Event, Thread

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from safemigrate.errors import DatabaseError
from safemigrate.model import QualifiedName
from safemigrate.trace import Connection, open_connection
from safemigrate.verify.traffic.records import Phase, Record, Share, Wait, summarize
from safemigrate.verify.traffic.watching import Watch
from safemigrate.verify.traffic.work import Work, read_mark

__all__ = ["Traffic"]

# Between two statements of a worker: without a pause workers would take the processor, and
# Python's own lock, from the revision whose time is measured.
_PAUSE_SECONDS = 0.001
_START_SECONDS = 60.0
_READING = "a long read"
# connection_failure, where the server does not say why
_CONNECTION_LOST = "08006"


class Traffic:
    """What runs on a database beside a revision: `begin` and `end` say when that runs.

    Each piece of work has a worker. Before `begin` and after `end` each does one whole round, so
    that what fails without the revision is known. `reading`: the tables that one more session
    reads in a transaction when the revision comes; once that waits for it, it reads on for as long
    as `longest_read`, as an application's slowest query may.
    """

    def __init__(
        self,
        url: str,
        works: Sequence[Work],
        *,
        reading: Sequence[QualifiedName] = (),
        longest_read: timedelta = timedelta(0),
    ) -> None:
        self._url = url
        self._works = works
        self._reading = reading
        self._longest_read = longest_read
        self._begun, self._over, self._queued = Event(), Event(), Event()
        self._workers: list[_Worker] = []
        self._read = Share()
        self._record: Record | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let it run for the time of the block, which begins when every worker has done a round.

        Raises UnreachableError, and DatabaseError where the workers do not come to work.
        """
        with ExitStack() as stack:
            sessions = [stack.enter_context(open_connection(self._url)) for _ in self._works]
            self._workers = [
                _Worker(session, work, number, self._begun, self._over)
                for number, (session, work) in enumerate(zip(sessions, self._works, strict=True))
            ]
            ours = {session.info.backend_pid for session in sessions}
            reader: Thread | None = None
            if self._reading and self._longest_read:
                session = stack.enter_context(open_connection(self._url))
                ours.add(session.info.backend_pid)
                self._start_reading(session)
                reader = Thread(target=self._read_on, args=(session,), daemon=True)
            second = stack.enter_context(open_connection(self._url))
            watch = Watch(second, ours, self._name_command, self._queued.set)
            threads = [worker.thread for worker in self._workers]
            if reader is not None:
                threads.append(reader)
            watch.start()
            for thread in threads:
                thread.start()
            try:
                self._await_first_rounds()
                yield
            finally:
                self.end()
                for thread in threads:
                    thread.join()
                waits = self._stop(watch)
            self._record = summarize([self._read, *(one.share for one in self._workers)], waits)

    def _stop(self, watch: Watch) -> tuple[Wait, ...]:
        """Return what was seen; raises what ended a thread early, but for what ended them all."""
        try:
            waits = watch.stop()
        except psycopg.Error:
            if not any(worker.has_lost_session for worker in self._workers):
                raise
            # who ended the application's sessions has ended ours as well, and that is what counts
            waits = ()
        for worker in self._workers:
            if worker.fault is not None:
                raise worker.fault
        return waits

    def begin(self) -> None:
        """The revision's first statement comes next."""
        self._begun.set()

    def end(self) -> None:
        """The revision's last statement is over, and its transaction."""
        self._begun.set()
        self._over.set()
        self._queued.set()

    @property
    def record(self) -> Record:
        """What was measured; the block of `running` must be over."""
        if self._record is None:
            raise AssertionError
        return self._record

    def _await_first_rounds(self) -> None:
        end = time.monotonic() + _START_SECONDS
        for worker in self._workers:
            if not worker.has_begun.wait(max(0.0, end - time.monotonic())):
                raise DatabaseError(
                    "the workload does not come to the end of its first round",
                    "look for statements in it that wait for one another",
                )

    def _start_reading(self, session: Connection) -> None:
        session.execute("BEGIN")
        for table in self._reading:
            name = sql.Identifier(table.schema or "public", table.name)
            session.execute(sql.SQL("SELECT 1 FROM {} LIMIT 0").format(name))

    def _read_on(self, session: Connection) -> None:
        # where the revision waits for nobody, it is `end` that wakes us
        self._queued.wait()
        self._over.wait(self._longest_read.total_seconds())
        try:
            session.execute("COMMIT")
        except psycopg.Error as error:
            self._read.errors[Phase.DURING, _READING, error.sqlstate or _CONNECTION_LOST] += 1

    def _name_command(self, pid: int, text: str) -> str | None:
        number = read_mark(text)
        found: Iterable[_Worker] = (one for one in self._workers if one.pid == pid)
        worker = next(iter(found), None)
        if worker is None or number is None:
            return None
        return worker.work.commands[number].name


class _Worker:
    """One session that does its work in rounds, until `over`, and one round more."""

    def __init__(
        self, session: Connection, work: Work, number: int, begun: Event, over: Event
    ) -> None:
        session.prepare_threshold = 0 if work.is_prepared else None
        self.work = work
        self.pid = session.info.backend_pid
        self.share = Share()
        self.has_begun = Event()
        self.fault: Exception | None = None
        self.thread = Thread(target=self._run, name=f"safemigrate-traffic-{number}", daemon=True)
        self._session = session
        self._random = Random(number)  # noqa: S311 - a workload is no secret
        self._begun = begun
        self._over = over

    @property
    def has_lost_session(self) -> bool:
        """Whether somebody else has ended its session."""
        return self._session.broken

    def _run(self) -> None:
        try:
            self._do_round(Phase.BEFORE)
            self.has_begun.set()
            while not self._over.is_set() and not self._session.closed:
                self._do_round(Phase.DURING, until=self._over)
            self._leave_transaction()
            # what was prepared before meets the new schema once for certain, however short the
            # revision was; a session that begins later has prepared nothing
            self._do_round(Phase.DURING)
            self._leave_transaction()
            self._session.prepare_threshold = None
            self._do_round(Phase.AFTER)
        except Exception as error:  # noqa: BLE001 - it is raised where the traffic is stopped
            self.fault = error
        finally:
            # a lost connection must not keep the revision waiting
            self.has_begun.set()

    def _do_round(self, phase: Phase, until: Event | None = None) -> None:
        for number, text in self.work.round(self._random):
            if until is not None and until.is_set():
                return
            if self._session.closed:
                return
            is_done = self._send(number, text, phase)
            self._over.wait(_PAUSE_SECONDS)
            if not is_done and self._leave_transaction():
                return

    def _send(self, number: int, text: str, phase: Phase) -> bool:
        name = self.work.commands[number].name
        started = time.perf_counter()
        try:
            self._session.execute(text.encode())
        except psycopg.Error as error:
            if self._counts(phase):
                self.share.errors[phase, name, error.sqlstate or _CONNECTION_LOST] += 1
            return False
        took_ms = (time.perf_counter() - started) * 1000
        if self._counts(phase):
            self.share.times_ms.setdefault((phase, name), []).append(took_ms)
        return True

    def _counts(self, phase: Phase) -> bool:
        """Return whether what has just ended belongs to `phase`, and is not too early for it.

        What was sent before the revision began, and has ended since, has met it.
        """
        return phase is not Phase.DURING or self._begun.is_set()

    def _leave_transaction(self) -> bool:
        """Return whether there was one, which is rolled back; the round is then over."""
        if self._session.info.transaction_status is TransactionStatus.IDLE:
            return False
        with suppress(psycopg.Error):
            self._session.execute("ROLLBACK")
        return True
