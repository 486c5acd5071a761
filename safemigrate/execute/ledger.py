"""What the revision in hand has committed, as far as its sessions show."""

import re

from sqlalchemy.engine import Connection

from safemigrate.execute.blockers import shorten_query

__all__ = ["Ledger", "is_autocommit"]

_CHANGES_NOTHING = re.compile(r"\s*(?:SHOW|SET|RESET|SELECT\b.*\bpg_catalog\b)", re.DOTALL)
_COMMITS = re.compile(r"\s*(?:COMMIT|END)\b(?!\s+PREPARED)", re.IGNORECASE)


class Ledger:
    """What the revision in hand has committed so far, whatever connection it used.

    `committed`: the first line of each statement that may have changed something and can not be
    rolled back any more. `committing`: the same for a commit whose outcome is not seen yet.
    `main`: the connection of the migrations. `has_foreign`: something of `committed` was done on
    another one, of which there is no journal.
    """

    def __init__(self) -> None:
        self.committed: list[str] = []
        self.committing: list[str] = []
        self.main: Connection | None = None
        self.has_foreign = False
        self._pending: dict[int, list[str]] = {}
        self._written: set[int] = set()

    def clear(self) -> None:
        """Begin anew, for the next attempt or revision."""
        self.committed.clear()
        self.committing.clear()
        self.has_foreign = False
        self._pending.clear()
        self._written.clear()

    def begin(self) -> None:
        """Count what was being committed: a transaction follows it, so it was."""
        self.committed.extend(self.committing)
        self.committing.clear()

    def note(self, connection: Connection, statement: str) -> None:
        """Count a statement that was carried out."""
        if _CHANGES_NOTHING.match(statement):
            return
        if _COMMITS.match(statement) and not is_autocommit(connection):
            # SQLAlchemy will not tell of it
            self._commit_unseen(connection)
            return
        line = shorten_query(statement)
        if is_autocommit(connection):
            self.committed.append(line)
            self._note_connection(connection)
        else:
            self._pending.setdefault(id(connection), []).append(line)

    def note_write(self, connection: Connection) -> None:
        """Be told that the transaction has written something, for which it needs not be asked."""
        self._written.add(id(connection))

    def commit(self, connection: Connection) -> None:
        """Count what the transaction did, which is about to be committed."""
        pending = self._pending.pop(id(connection), [])
        if not pending or is_autocommit(connection):
            return
        if id(connection) in self._written or _has_written(connection):
            self.committing.extend(pending)
            self._note_connection(connection)
        self._written.discard(id(connection))

    def _commit_unseen(self, connection: Connection) -> None:
        pending = self._pending.pop(id(connection), [])
        if pending:
            self.committed.extend(pending)
            self._note_connection(connection)

    def _note_connection(self, connection: Connection) -> None:
        self.has_foreign = self.has_foreign or connection is not self.main

    def rollback(self, connection: Connection) -> None:
        """Forget what the transaction did."""
        self._pending.pop(id(connection), None)
        self._written.discard(id(connection))


def is_autocommit(connection: Connection) -> bool:
    """Return whether every statement on the connection is committed by itself."""
    # every driver that SQLAlchemy has for PostgreSQL says so in this attribute
    return bool(getattr(connection.connection.dbapi_connection, "autocommit", False))


def _has_written(connection: Connection) -> bool:
    """Return whether the transaction has an id, which it gets by its first write.

    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        row = cursor.fetchone()
    except Exception:  # noqa: BLE001 - any driver's error: a transaction that takes no SELECT commits nothing
        return False
    finally:
        cursor.close()
    return row is not None and bool(row[0])
