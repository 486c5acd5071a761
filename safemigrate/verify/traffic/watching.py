"""Who of the application waits for the revision, by the server's own tables of locks."""

from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event, Thread

from safemigrate.trace import Connection
from safemigrate.verify.traffic.records import Wait

__all__ = ["Watch"]

_INTERVAL_SECONDS = 0.001

# The time is the server's, so that a machine that is slow to run us makes nothing longer; a wait
# that is over between two polls is shorter than the time between them.
# "System Views", pg_locks.waitstart (14), which may be NULL just after the wait began.
_WAITING = """
SELECT l.pid, l.locktype, pg_catalog.pg_blocking_pids(l.pid),
       coalesce(1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - l.waitstart), 0)::float8,
       coalesce(l.waitstart::text, ''),
       (SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = l.relation AND l.locktype = 'relation')
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid AND a.datname = pg_catalog.current_database()
 WHERE NOT l.granted
"""
_SESSIONS = """
SELECT pid, query FROM pg_catalog.pg_stat_activity
 WHERE datname = pg_catalog.current_database() AND backend_type = 'client backend'
"""


class Watch:
    """Polls for waits from `start` to `stop`, on a connection that nobody else uses meanwhile.

    `name_command`: which command a worker sends, by its backend's pid and the text. `ours`: the
    backends that are not the revision's. `on_queue`: called when the revision itself waits.
    """

    def __init__(
        self,
        connection: Connection,
        ours: Collection[int],
        name_command: Callable[[int, str], str | None],
        on_queue: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._ours = {*ours, connection.info.backend_pid}
        self._name_command = name_command
        self._on_queue = on_queue
        self._waits: dict[tuple[int, str], Wait] = {}
        self._is_over = Event()
        self._fault: Exception | None = None
        self._thread = Thread(target=self._watch, name="safemigrate-waits", daemon=True)

    def start(self) -> None:
        """Begin to watch: the first poll is over when it returns."""
        self._poll()
        self._thread.start()

    def stop(self) -> tuple[Wait, ...]:
        """Return what was seen, once the last poll is over; raises what has ended it early."""
        self._is_over.set()
        self._thread.join()
        if self._fault is not None:
            raise self._fault
        return tuple(self._waits.values())

    def _watch(self) -> None:
        try:
            while not self._is_over.is_set():
                self._poll()
                self._is_over.wait(_INTERVAL_SECONDS)
        except Exception as error:  # noqa: BLE001 - it is raised where the watch is stopped
            self._fault = error

    def _poll(self) -> None:
        waiting = self._connection.execute(_WAITING.encode()).fetchall()
        if not waiting:
            return
        blockers = {pid: blocking for pid, _, blocking, *_ in waiting}
        if any(pid not in self._ours for pid in blockers):
            self._on_queue()
        queries: dict[int, str] = dict(self._connection.execute(_SESSIONS.encode()).fetchall())
        for pid, _, _, waited_ms, since, relation in waiting:
            command = self._name_command(pid, queries.get(pid, ""))
            culprit = self._find_culprit(pid, blockers, queries)
            if command is None or culprit is None:
                continue
            known = self._waits.get((pid, since))
            if known is None or known.waited_ms < waited_ms:
                running = queries[culprit] if known is None else known.running
                self._waits[pid, since] = Wait(command, relation, waited_ms, running)

    def _find_culprit(
        self, pid: int, blockers: Mapping[int, Sequence[int]], queries: Mapping[int, str]
    ) -> int | None:
        """Return the session of the revision that the worker waits for, maybe through others."""
        seen = {pid}
        open_ = [pid]
        while open_:
            for other in blockers.get(open_.pop(), ()):
                if other in seen:
                    continue
                seen.add(other)
                if other not in self._ours and other in queries:
                    return other
                open_.append(other)
        return None
