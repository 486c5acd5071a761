"""Holders that may be ended for a lock, and their end."""

import threading
from types import TracebackType
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.blockers import Blocker, look_for_wait
from safemigrate.execute.control import ControlLostError
from safemigrate.execute.events import HolderEnded, RunWarned
from safemigrate.execute.failures import server_message
from safemigrate.execute.locks.looking import is_backup
from safemigrate.execute.settings import RunSettings, WhenBusy
from safemigrate.execute.surroundings import Surroundings

__all__ = ["Ending", "explain_sparing", "is_expendable"]

_AGAIN_SECONDS = 0.03

# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
_CANCEL = text("SELECT pg_cancel_backend(:pid)")
_TERMINATE = text("SELECT pg_terminate_backend(:pid)")


def is_expendable(holder: Blocker, settings: RunSettings) -> bool:
    """Return whether the policy ends the holder: it is listed, and nothing that is never ended.

    One of the two lists is enough. Only a statement that runs can be cancelled.
    """
    if settings.when_busy not in {WhenBusy.CANCEL, WhenBusy.TERMINATE}:
        return False
    return not explain_sparing(holder, settings)


def explain_sparing(holder: Blocker, settings: RunSettings) -> str:
    """Return why a policy that ends holders does not end this one, "" when it does."""
    is_listed = (
        holder.user in settings.expendable_roles
        or holder.application in settings.expendable_applications
    )
    if holder.nature or is_backup(holder.application) or holder.pid == 0:
        return "is never ended for a lock"
    if holder.backend_type not in {"client backend", ""}:
        return "is no client"
    if not is_listed:
        return "is not listed"
    if settings.when_busy is WhenBusy.CANCEL and holder.state != "active":
        return "runs no statement that could be cancelled"
    return ""


class Ending:
    """Ends, from a thread, those who stand in the way of a session, once it has waited a while.

    `pid`: the session's. `after`: in seconds, from the beginning of the block.
    """

    def __init__(self, surroundings: Surroundings, pid: int, after: float) -> None:
        self._surroundings = surroundings
        self._pid = pid
        self._after = after
        self._ended: set[int] = set()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="safemigrate-ending", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _work(self) -> None:
        pause = self._after
        while not self._is_over.wait(pause):
            pause = _AGAIN_SECONDS
            try:
                self._surroundings.site.control.run(self._end)
            except (ControlLostError, SQLAlchemyError):
                # the run itself notices, before its next revision
                return

    def _end(self, connection: Connection) -> None:
        wait = look_for_wait(connection, self._pid)
        if wait is None:
            return
        settings = self._surroundings.plan.settings
        for holder in wait.blockers:
            if holder.pid in self._ended or not is_expendable(holder, settings):
                continue
            self._ended.add(holder.pid)
            is_session = settings.when_busy is WhenBusy.TERMINATE
            try:
                connection.execute(_TERMINATE if is_session else _CANCEL, {"pid": holder.pid})
            except SQLAlchemyError as error:
                text = f"pid {holder.pid} could not be ended: {server_message(error)}"
                self._surroundings.report(RunWarned(text))
                continue
            self._surroundings.report(HolderEnded(holder, wait.relation or "", is_session))
