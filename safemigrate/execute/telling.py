"""Each statement of a revision is told when it begins and when it is over."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from safemigrate.execute.conducting import Sent
from safemigrate.execute.events import PlannedRevision, StatementFinished, StatementStarted
from safemigrate.execute.failures import server_message
from safemigrate.execute.surroundings import StopRunError, Surroundings
from safemigrate.source import find_sqlstate

__all__ = ["StatementTeller"]


class StatementTeller:
    """Reports the statements of one attempt at a revision, and counts them."""

    def __init__(self, surroundings: Surroundings, revision: PlannedRevision) -> None:
        self._surroundings = surroundings
        self._revision = revision
        self._ordinal = 0

    @contextlib.contextmanager
    def telling(self, sent: Sent) -> Iterator[None]:
        """Report that the statement starts, and at the end of the block how it went."""
        self._ordinal += 1
        ordinal, began = self._ordinal, self._surroundings.now()
        self._surroundings.report(
            StatementStarted(self._revision, ordinal, sent.sql, sent.is_autocommit)
        )
        error, sqlstate = "", ""
        try:
            yield
        except BaseException as caught:
            sqlstate = find_sqlstate(caught)
            error = str(caught) if isinstance(caught, StopRunError) else server_message(caught)
            raise
        finally:
            effort = sent.effort
            self._surroundings.report(
                StatementFinished(
                    revision=self._revision,
                    ordinal=ordinal,
                    sql=sent.sql,
                    duration=timedelta(seconds=self._surroundings.now() - began),
                    attempts=effort.attempts,
                    waited=timedelta(seconds=effort.waited),
                    stalled=timedelta(seconds=effort.stalled),
                    blockers=effort.blockers,
                    error=error,
                    sqlstate=sqlstate,
                )
            )
