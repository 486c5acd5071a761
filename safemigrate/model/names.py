"""Names of relations and where they stand in a file."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["DEFAULT_SCHEMA", "TEMPORARY_SCHEMA", "ColumnName", "QualifiedName", "Span"]

DEFAULT_SCHEMA = "public"
TEMPORARY_SCHEMA = "pg_temp"


class QualifiedName(NamedTuple):
    """The name of an object, as PostgreSQL stores it (case folded, unquoted).

    `schema` is None when the SQL did not say one; `Catalog.resolve` fills it in.
    A tuple, because names are looked up more than anything else, and its hash is made in C.
    """

    schema: str | None
    name: str

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class ColumnName:
    """The name of a column; `table` is None when the SQL did not say whose."""

    table: QualifiedName | None
    column: str


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of a file: 1-based lines and columns, counted in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
