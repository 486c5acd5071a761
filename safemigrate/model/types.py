"""Column types and expressions, free of any parse tree."""

from dataclasses import dataclass

__all__ = ["UNKNOWN_TYPE_SCHEMA", "ColumnType", "Expression", "FunctionCall", "TextConstant"]

# Where a type is said to be that is made by code which is not there to be run.
UNKNOWN_TYPE_SCHEMA = "safemigrate_unknown"


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type as PostgreSQL names it.

    `name` is the name `format_type` prints for built-in types (`character varying`, `integer`,
    `timestamp without time zone`), without modifiers; a user's own type keeps its name, and
    `schema` when one was written.
    `modifiers` are the numbers in parentheses: `numeric(10,2)` has `(10, 2)`.
    """

    name: str
    modifiers: tuple[int, ...] = ()
    dimensions: int = 0
    schema: str | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the name tells only where the type comes from, not which one it is."""
        return self.schema == UNKNOWN_TYPE_SCHEMA

    def __str__(self) -> str:
        is_bare = self.schema is None or self.is_unknown
        text = self.name if is_bare else f"{self.schema}.{self.name}"
        if self.modifiers:
            inside = f"({','.join(map(str, self.modifiers))})"
            # timestamp(3) with time zone: the modifier stands behind the first word
            head, separator, tail = text.partition(" with")
            text = head + inside + separator + tail
        return text + "[]" * self.dimensions


@dataclass(frozen=True, slots=True, order=True)
class FunctionCall:
    """A function called in an expression; `schema` is None when none was written."""

    schema: str | None
    name: str
    argument_count: int


@dataclass(frozen=True, slots=True)
class TextConstant:
    """A constant of text, and the column that it is written to or compared with.

    `column` is None where it stands for itself, or inside something else.
    """

    text: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of SQL: its text and what the judging needs to know of it.

    `sql`: the text, as PostgreSQL's own deparser writes it.
    `functions`: every function called anywhere inside.
    `columns`: every column referred to.
    `not_null_columns`: the columns a row that satisfies it cannot have NULL in, as far as
    PostgreSQL's own test for SET NOT NULL can see (`c IS NOT NULL`, alone or joined by AND).
    `is_null_constant`: the literal NULL, alone or under casts.
    `bare_column`: the column, where the expression is nothing but it, alone or under `casts`,
    which are then listed from the inside out.
    `texts`: the constants of text anywhere inside that are short enough for a label of an enum.
    """

    sql: str
    functions: tuple[FunctionCall, ...] = ()
    columns: tuple[str, ...] = ()
    not_null_columns: tuple[str, ...] = ()
    is_null_constant: bool = False
    bare_column: str | None = None
    casts: tuple[ColumnType, ...] = ()
    texts: tuple[TextConstant, ...] = ()
