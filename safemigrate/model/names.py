"""Names of relations and where they stand in a file."""

from dataclasses import dataclass

__all__ = ["ColumnName", "QualifiedName", "Span"]


@dataclass(frozen=True, slots=True, order=True)
class QualifiedName:
    """The name of an object, as PostgreSQL stores it (case folded, unquoted).

    `schema` is None when the SQL did not say one; `Catalog.resolve` fills it in.
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
