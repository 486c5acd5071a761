"""DETACH PARTITION … CONCURRENTLY, its FINALIZE, and VALIDATE CONSTRAINT."""

from collections.abc import Callable

from psycopg import sql

from safemigrate.execute.builds.build import Build, locks_timed
from safemigrate.execute.builds.carrying import stay_away
from safemigrate.execute.builds.looking import Relation
from safemigrate.execute.builds.others import Company, find_holders
from safemigrate.execute.builds.probing import is_detach_pending
from safemigrate.execute.events import LeftoverRemoved
from safemigrate.model import LockMode, QualifiedName

__all__ = ["Detaching", "Finalizing", "Validation"]


class Detaching:
    """DETACH PARTITION … CONCURRENTLY, or what is left to do of it.

    Ended half-way, it leaves the partition pending, which only FINALIZE takes any further. At its
    end it asks for ACCESS EXCLUSIVE on the partition, and does not look who uses that by its own
    name; where somebody does, it is ended, and FINALIZE sent when they are gone.
    https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
    """

    may_be_repeated = True

    def __init__(self, build: Build, parent: Relation, partition: Relation) -> None:
        self._build = build
        self._parent = parent
        self._partition = partition

    @property
    def company(self) -> Company:
        """Everybody who uses the parent or the partition, and old snapshots."""
        tables = self._parent.oid, self._partition.oid
        return Company(tables, LockMode.ACCESS_EXCLUSIVE, has_snapshots=True)

    @property
    def felt(self) -> QualifiedName:
        """The partition, which is shut for a moment."""
        return QualifiedName(self._partition.schema, self._partition.name)

    def prepare(self) -> Callable[[], object]:
        """Return the statement, or FINALIZE where an earlier run, or attempt, has begun it."""
        return self._finalize if self._is_pending() else self._build.sent.send

    def clear_up(self) -> bool:
        """Return whether the partition is as it was."""
        return self._is_pending() is False

    def _is_pending(self) -> bool | None:
        return self._build.look(
            lambda one: bool(is_detach_pending(one, self._parent, self._partition))
        )

    def _finalize(self) -> None:
        statement = sql.SQL("ALTER TABLE {} DETACH PARTITION {} FINALIZE").format(
            self._parent.identifier, self._partition.identifier
        )
        self._send_alone(lambda: self._build.sent.run(statement.as_string()))
        parent, partition = str(self._parent), str(self._partition)
        is_own = self._build.sent.effort.attempts > 1
        self._build.report(LeftoverRemoved(self._build.revision, partition, parent, is_own))

    def _send_alone(self, send: Callable[[], object]) -> None:
        """Send FINALIZE, which waits for old snapshots when it has shut the partition already."""
        company = Company((self._partition.oid,), LockMode.ACCESS_EXCLUSIVE, has_snapshots=True)
        pid = self._build.pid
        stay_away(self._build, lambda connection: find_holders(connection, company, pid))
        timeout = self._build.surroundings.plan.settings.lock_timeout
        with locks_timed(self._build, timeout):
            send()


class Finalizing(Detaching):
    """DETACH PARTITION … FINALIZE, written by hand."""

    def prepare(self) -> Callable[[], object]:
        """Return the statement, sent when nobody is in its way."""
        return lambda: self._send_alone(self._build.sent.send)

    def clear_up(self) -> bool:
        """Return that it is one transaction, which was rolled back."""
        return True


class Validation:
    """VALIDATE CONSTRAINT: one transaction, beside which everybody reads and writes.

    It takes SHARE UPDATE EXCLUSIVE, and ROW SHARE on the table that a foreign key references.
    https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT
    """

    felt = None

    def __init__(self, build: Build, tables: tuple[Relation, ...]) -> None:
        self._build = build
        self._tables = tables

    @property
    def may_be_repeated(self) -> bool:
        """Whether it is a transaction of its own, and no other work is lost with it."""
        return self._build.sent.is_autocommit

    @property
    def company(self) -> Company:
        """Those who maintain the table."""
        tables = tuple(table.oid for table in self._tables)
        return Company(tables, LockMode.SHARE_UPDATE_EXCLUSIVE, has_snapshots=False)

    def prepare(self) -> Callable[[], object]:
        """Return the statement as it is."""
        return self._build.sent.send

    def clear_up(self) -> bool:
        """Return that it is one transaction, which was rolled back."""
        return True
