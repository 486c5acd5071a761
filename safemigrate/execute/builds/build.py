"""A statement under supervision: what it is, and the two sessions that know of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.blockers import LockWait, shorten_query
from safemigrate.execute.builds.looking import looking
from safemigrate.execute.conducting import Sent
from safemigrate.execute.control import translating_loss
from safemigrate.execute.events import PlannedRevision, RunEvent
from safemigrate.execute.identity import identify
from safemigrate.execute.steps import describe_step
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.watcher import LockWatcher

__all__ = ["Build", "ask", "locks_timed", "supervised"]

Answer = TypeVar("Answer")

_TIMEOUTS = ("lock_timeout", "statement_timeout")
# What stands in a materialized query is read before what follows from it is set:
# https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-CTE-MATERIALIZATION
_LIFT = """
    WITH before AS MATERIALIZED (
        SELECT current_setting('search_path') AS search_path,
            current_setting('lock_timeout') AS lock_timeout,
            current_setting('statement_timeout') AS statement_timeout
    )
    SELECT search_path, lock_timeout, statement_timeout,
        set_config('lock_timeout', '0', {local}), set_config('statement_timeout', '0', {local})
    FROM before
"""


@dataclass(frozen=True, slots=True)
class Build:
    """A statement that is under supervision.

    `statement`: its first characters. `pid`, `backend_start`: of the session that runs it.
    `search_path`: that session's. `left`: the INVALID indexes that could not be dropped when it
    failed last.
    """

    surroundings: Surroundings
    watcher: LockWatcher
    sent: Sent
    revision: PlannedRevision
    statement: str
    pid: int
    backend_start: str
    search_path: str
    left: list[str] = field(default_factory=list)

    def look(self, question: Callable[[Connection], Answer]) -> Answer | None:
        """Return the answer on the session beside, in the role and search_path of the migrations.

        None when the server does not answer it. All that the question did is undone.
        """

        def run(connection: Connection) -> Answer:
            with looking(connection, self.search_path):
                return question(connection)

        with suppress(SQLAlchemyError), translating_loss():
            return self.surroundings.site.act(run)
        return None

    def see(self, question: Callable[[Connection], Answer]) -> Answer | None:
        """Return the answer of the login role, which sees more of what other sessions do."""
        with suppress(SQLAlchemyError), translating_loss():
            return self.surroundings.site.control.run(question)
        return None

    def note(self, wait: LockWait) -> None:
        """Remember whom it waits for."""
        self.watcher.last_wait = wait
        known = {blocker.pid for blocker in self.sent.effort.blockers}
        new = tuple(blocker for blocker in wait.blockers if blocker.pid not in known)
        self.sent.effort.blockers += new

    def report(self, event: RunEvent) -> None:
        """Tell whoever watches the run."""
        self.surroundings.report(event)


@contextmanager
def supervised(surroundings: Surroundings, watcher: LockWatcher, sent: Sent) -> Iterator[Build]:
    """Yield the build of a statement; in the block its session may wait for as long as it takes.

    lock_timeout counts for every wait of CONCURRENTLY, and so would statement_timeout: cut off, it
    leaves an INVALID index. Nobody but other maintenance stands behind the lock that is asked for.
    https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
    """
    identity = identify(sent.connection)
    local = "false" if sent.is_autocommit else "true"
    ((search_path, *before),) = ask(sent, _LIFT.format(local=local))
    limited = {
        name: str(value) for name, value in zip(_TIMEOUTS, before[:2], strict=True) if value != "0"
    }
    try:
        yield Build(
            surroundings=surroundings,
            watcher=watcher,
            sent=sent,
            revision=_find_revision(surroundings, sent),
            statement=shorten_query(sent.sql),
            pid=identity.pid,
            backend_start=identity.backend_start,
            search_path=str(search_path),
        )
    finally:
        # in a transaction that has failed the rollback does it, and with the session all is over
        with suppress(Exception):
            _set(sent, limited, local)


def _find_revision(surroundings: Surroundings, sent: Sent) -> PlannedRevision:
    statements = sent.foreseen.statements if sent.foreseen is not None else ()
    wanted = next((one.statement.revision for one in statements), None)
    steps = (step for step in surroundings.plan.steps if step.revision.revision == wanted)
    known = next(steps, None)
    return PlannedRevision(wanted or "", "") if known is None else describe_step(known)


def ask(sent: Sent, statement: str) -> list[Sequence[object]]:
    """Return the rows of a query of our own on the session of the migrations."""
    cursor = sent.connection.connection.cursor()
    try:
        cursor.execute(statement)
        return list(cursor.fetchall())
    finally:
        cursor.close()


@contextmanager
def locks_timed(build: Build, timeout: timedelta) -> Iterator[None]:
    """Let the session, which waits for any time, stand in a queue for that long in the block."""
    milliseconds = -(-timeout // timedelta(milliseconds=1))
    _set(build.sent, {"lock_timeout": f"{milliseconds:d}"}, "false")
    try:
        yield
    finally:
        # with the session all is over
        with suppress(Exception):
            _set(build.sent, {"lock_timeout": "0"}, "false")


def _set(sent: Sent, values: dict[str, str], local: str) -> None:
    settings = [f"set_config('{name}', '{value}', {local})" for name, value in values.items()]
    if settings:
        ask(sent, f"SELECT {', '.join(settings)}")
