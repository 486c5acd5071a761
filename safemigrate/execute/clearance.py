"""What the runner asks before it changes anything, and the answer it goes by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.engine import Connection

from safemigrate.catalog import Ask
from safemigrate.execute.site import Site
from safemigrate.model import Direction, Passage, ServerVersion

__all__ = ["Check", "Clearance", "Inquiry"]

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is about to be done to a database, and the way to ask it about itself.

    `pending`: the revisions, in the order they will run. `heads`: what the version table has.
    """

    direction: Direction
    pending: tuple[str, ...]
    heads: tuple[str, ...]
    site: Site

    @property
    def server_version(self) -> ServerVersion:
        """The version of the server."""
        return self.site.server_version

    def run(self, operation: Callable[[Connection], Answer]) -> Answer:
        """Return what `operation` returns on a session beside the migrations, in their role."""
        return self.site.act(operation)

    def reading(self, read: Callable[[Ask], Answer]) -> Answer:
        """Return what `read` returns, given a way to send statements to the database."""

        def operate(connection: Connection) -> Answer:
            # the caller opens and ends a transaction of its own in SQL
            return read(lambda sql: _rows(connection, sql))

        return self.run(operate)


@dataclass(frozen=True, slots=True)
class Clearance:
    """That the run may go on.

    `override`: the reason for which it may in spite of what speaks against it, "" for none.
    `passages`: what each revision was seen to do, by its id, over the schema that the server has.
    `digests`: the content of each revision, by its id, as the history keeps it.
    """

    override: str = ""
    passages: Mapping[str, Passage] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


# Raises to refuse; not asked when nothing is pending.
Check = Callable[[Inquiry], Clearance]


def _rows(connection: Connection, sql: str) -> list[tuple[object, ...]]:
    # without a word to SQLAlchemy, which would take a colon for a parameter
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
    finally:
        cursor.close()
