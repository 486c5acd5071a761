"""Statements that were begun outside of a transaction, and may be done or not."""

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.builds.probing import Probe, probe
from safemigrate.execute.conducting import Sent
from safemigrate.execute.events import RunWarned
from safemigrate.execute.refusal import CannotResumeError
from safemigrate.execute.resume.describing import describe_statement
from safemigrate.execute.surroundings import Surroundings
from safemigrate.journal import StatementRow, is_session_alive
from safemigrate.source.statement_text import first_keyword

__all__ = ["Doubts"]

# To do them again does no harm.
_REPEATABLE = frozenset({"ANALYZE", "CHECKPOINT", "CLUSTER", "REFRESH", "REINDEX", "VACUUM"})
_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 1.0


class Doubts:
    """Settles them by what the catalog shows, once nobody works on them any more."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def settle(self, row: StatementRow, sent: Sent) -> bool:
        """Return whether it is done. Raises CannotResumeError when that cannot be told."""
        self._wait_for_session(row, sent)
        match self._probe(row, sent):
            case Probe.DONE:
                return True
            case Probe.NOT_DONE | Probe.LEFTOVER:
                return False
            case Probe.UNKNOWN:
                if first_keyword(sent.sql) in _REPEATABLE:
                    return False
                raise _undecided(row)

    def _probe(self, row: StatementRow, sent: Sent) -> Probe:
        if sent.foreseen is None or len(sent.foreseen.statements) != 1:
            return Probe.UNKNOWN
        (statement,) = sent.foreseen.statements
        try:
            return self._surroundings.site.act(
                lambda connection: probe(connection, statement, row.transaction)
            )
        except SQLAlchemyError:
            return Probe.UNKNOWN

    def _wait_for_session(self, row: StatementRow, sent: Sent) -> None:
        """Wait until the session is gone that the statement was begun on.

        The server does not notice at once that a runner is gone, and builds its index to the end.
        """
        own = sent.connection.connection.driver_connection
        if row.pid == _pid_of(own):
            return
        pause = _PAUSE_SECONDS
        is_told = False

        def look(connection: Connection) -> bool:
            return is_session_alive(connection, row)

        while self._surroundings.site.control.run(look):
            self._surroundings.check_stop()
            if self._surroundings.remaining() <= 0:
                raise CannotResumeError(
                    f"pid {row.pid} still works on statement {row.ordinal} for an earlier run: "
                    f"{describe_statement(row)}",
                    "run it again when that is done, or end it with pg_terminate_backend",
                )
            if not is_told:
                is_told = True
                self._surroundings.report(
                    RunWarned(
                        f"pid {row.pid} still works on statement {row.ordinal} for an earlier run, "
                        f"and is waited for: {describe_statement(row)}"
                    )
                )
            self._surroundings.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _pid_of(driven: object) -> int:
    """Return the server's process of a driver's own connection."""
    # asyncpg has a function for it, psycopg and psycopg2 an attribute of `info`
    ask = getattr(driven, "get_server_pid", None)
    if callable(ask):
        return int(ask())
    return int(getattr(getattr(driven, "info", None), "backend_pid", 0))


def _undecided(row: StatementRow) -> CannotResumeError:
    command = f"safemigrate resolve {row.revision} --statement {row.ordinal}"
    return CannotResumeError(
        f'statement {row.ordinal} of revision "{row.revision}" was begun outside of a transaction '
        f"by a run that was cut off, and the catalog does not show whether it is done: "
        f"{describe_statement(row)}",
        f"look whether it is, and say so: `{command} --done --reason …`, or `--not-done`",
    )
