"""The guard of the deploy lock: sees that nothing is committed that somebody else may be doing."""

import time

from psycopg import sql
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.errors import UnreachableError
from safemigrate.execute.control import LOST, ControlLostError
from safemigrate.execute.deploylock import find_holder, try_deploy_lock
from safemigrate.execute.events import RunWarned
from safemigrate.execute.outcome import describe_holder
from safemigrate.execute.surroundings import StopRunError, Surroundings
from safemigrate.journal import ask_at_once

__all__ = ["LockGuard"]

# The server tells a session that it ends before it gives back what the session held.
_GRACE_SECONDS = 3.0
_PAUSE_SECONDS = 0.05

# With either of these the version table can be changed by nobody else: the first keeps them out,
# the second is that of a row which is changed already.
_HOLDS_VERSION_TABLE = sql.SQL(
    """
    SELECT EXISTS (
        SELECT FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
            AND l.mode IN ('ShareRowExclusiveLock', 'RowExclusiveLock')
            AND n.nspname = {schema} AND c.relname = {name})
    """
)


class LockGuard:
    """Asks whether the run still has the deploy lock, and takes it anew where that is safe."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._site = surroundings.site

    def check_commit(self, connection: Connection) -> None:
        """Raise StopRunError when a transaction must not be committed.

        That is when the lock is gone, and another runner has it or may have had it meanwhile.
        """
        try:
            self._site.check_lock()
        except StopRunError:
            if not self._has_kept_others_out(connection):
                raise
            self._take_anew()

    def check_statement(self, connection: Connection) -> None:
        """Do so before a statement in a transaction too, where there is a sign of a loss.

        A transaction that has not touched the version table yet may still do so before it ends.
        """
        if self._site.control.may_be_lost and self._has_kept_others_out(connection):
            self.check_commit(connection)

    def _has_kept_others_out(self, connection: Connection) -> bool:
        """Return whether this transaction has kept every other runner from a revision."""
        table = self._site.version_table
        question = _HOLDS_VERSION_TABLE.format(schema=table.schema, name=table.name)
        try:
            ((holds,),) = ask_at_once(connection, question.as_string())
        except Exception:  # noqa: BLE001 - whatever the driver's error, it is not known then
            return False
        return bool(holds)

    def _take_anew(self) -> None:
        control, role = self._site.control, self._site.role
        old = control.pid
        ends = time.monotonic() + _GRACE_SECONDS
        try:
            if control.is_lost:
                control.reopen()
            while not control.run(lambda connection: try_deploy_lock(connection, role)):
                holder = control.run(find_holder)
                is_other = holder is not None and holder.pid != old
                if holder is not None and (is_other or time.monotonic() > ends):
                    raise StopRunError(
                        f"the deploy lock was lost, and is held by {describe_holder(holder)}"
                    )
                time.sleep(_PAUSE_SECONDS)
        except (ControlLostError, SQLAlchemyError, UnreachableError) as err:
            raise StopRunError(LOST) from err
        self._surroundings.report(
            RunWarned(f"{LOST}; nobody else has the lock, and it was taken anew")
        )
