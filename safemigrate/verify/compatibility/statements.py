"""What a release of the application sends, as values."""

from dataclasses import dataclass

from safemigrate.model.secrets import quote_sql
from safemigrate.sql import QueryShape

__all__ = ["ReleaseStatement", "Value"]

_SHOWN_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Value:
    """What was sent for a parameter, as PostgreSQL writes it; `text` is None for NULL.

    `type`: the name of the type that the driver declares, such as `int4`; empty where it leaves
    that to the server.
    """

    text: str | None
    type: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseStatement:
    """One statement of a release, its parameters written `$1`, `$2`, ….

    `shape`: what it is about; nothing is known of one that the parser here cannot read.
    `place`: where it comes from, for a message, such as `statements.sql:3`.
    `examples`: what was sent for all of its parameters, each time once. Without one it is tried
    with values of the tables' rows.
    `is_generated`: nobody wrote it; it follows from the columns of a table.
    """

    sql: str
    shape: QueryShape
    place: str
    examples: tuple[tuple[Value, ...], ...] = ()
    is_generated: bool = False

    @property
    def title(self) -> str:
        """Where it comes from and, where somebody wrote it, how it begins, on one line."""
        if self.is_generated:
            return self.place
        return f"{self.place}: {quote_sql(self.sql, _SHOWN_WIDTH)}"
