"""Columns, constraints and index keys as they are written."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.names import QualifiedName
from safemigrate.model.types import ColumnType, Expression

__all__ = [
    "ColumnDefinition",
    "ConstraintDefinition",
    "ConstraintKind",
    "Generated",
    "IndexColumn",
    "PartitionBound",
    "Persistence",
    "Reference",
]


class ConstraintKind(Enum):
    """The kinds of table constraint."""

    PRIMARY_KEY = "PRIMARY KEY"
    UNIQUE = "UNIQUE"
    FOREIGN_KEY = "FOREIGN KEY"
    CHECK = "CHECK"
    EXCLUDE = "EXCLUDE"
    NOT_NULL = "NOT NULL"


class Generated(Enum):
    """How a generated column keeps its value."""

    STORED = "STORED"
    VIRTUAL = "VIRTUAL"


class Persistence(Enum):
    """How a table is kept."""

    PERMANENT = "permanent"
    UNLOGGED = "unlogged"
    TEMPORARY = "temporary"


@dataclass(frozen=True, slots=True)
class Reference:
    """The far side of a foreign key; no `columns` means the primary key.

    `on_delete`, `on_update`: the action as SQL spells it, None for the default NO ACTION.
    `on_delete_columns`: those that ON DELETE SET NULL or SET DEFAULT sets, where it says which.
    """

    table: QualifiedName
    columns: tuple[str, ...] = ()
    on_delete: str | None = None
    on_update: str | None = None
    on_delete_columns: tuple[str, ...] = ()
    is_match_full: bool = False


@dataclass(frozen=True, slots=True)
class ConstraintDefinition:
    """A constraint as written; `name` is None where PostgreSQL will choose one.

    `columns`: the constrained columns of a key, foreign key or NOT NULL.
    `index`: the index named by USING INDEX. `included`: the columns of INCLUDE.
    `is_nulls_not_distinct`: two NULLs count as equal. `is_local`: NO INHERIT.
    `offset`: where it stands in the statement, as in an action.
    """

    kind: ConstraintKind
    name: str | None = None
    columns: tuple[str, ...] = ()
    reference: Reference | None = None
    expression: Expression | None = None
    is_not_valid: bool = False
    is_enforced: bool = True
    is_deferrable: bool = False
    is_deferred: bool = False
    index: str | None = None
    included: tuple[str, ...] = ()
    is_nulls_not_distinct: bool = False
    is_local: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column as written.

    `constraints` holds what was written inline apart from NOT NULL and DEFAULT, its
    `columns` filled in with the column's own name.
    `is_serial`: written as serial, bigserial or smallserial; `type` is then the integer type.
    `offset`: where it stands in the statement, as in an action.
    """

    name: str
    type: ColumnType
    is_not_null: bool = False
    default: Expression | None = None
    generated: Generated | None = None
    is_identity: bool = False
    is_serial: bool = False
    collation: str | None = None
    constraints: tuple[ConstraintDefinition, ...] = ()
    offset: int = 0


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """A key of an index: a column's name, or None for an expression.

    `text`: the whole key as SQL, with collation, operator class and ordering. `uses`: every
    column it refers to.
    """

    text: str
    column: str | None
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartitionBound:
    """FOR VALUES: from `lower` to `upper`, a value for each column of the key, or one of `values`.

    The values are SQL; MINVALUE and MAXVALUE are None. A hash partition's bound has none.
    """

    lower: tuple[str | None, ...] = ()
    upper: tuple[str | None, ...] = ()
    values: tuple[str, ...] = ()
