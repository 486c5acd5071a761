"""Actions on tables, indexes, views and partitions."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.definitions import (
    ColumnDefinition,
    ConstraintDefinition,
    IndexColumn,
    PartitionBound,
    Persistence,
)
from safemigrate.model.names import ColumnName, QualifiedName
from safemigrate.model.types import Expression

__all__ = [
    "AttachPartition",
    "CommentOn",
    "CreateIndex",
    "CreatePolicy",
    "CreateTable",
    "CreateTrigger",
    "CreateView",
    "DetachPartition",
    "DropIndex",
    "DropPolicy",
    "DropTable",
    "DropTrigger",
    "DropView",
    "LockTable",
    "RenameIndex",
    "RenameTable",
    "RowSecurity",
    "SetRowSecurity",
    "SetSchema",
    "Truncate",
]


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE; with `has_query` CREATE TABLE AS (its columns are then unknown).

    `reads`: the tables that its query names. `partition_key`: what it is partitioned by.
    """

    table: QualifiedName
    columns: tuple[ColumnDefinition, ...]
    constraints: tuple[ConstraintDefinition, ...]
    persistence: Persistence = Persistence.PERMANENT
    takes_existing: bool = False
    is_partitioned: bool = False
    partition_key: tuple[IndexColumn, ...] = ()
    partition_of: QualifiedName | None = None
    is_default_partition: bool = False
    bound: PartitionBound | None = None
    inherits: tuple[QualifiedName, ...] = ()
    like: tuple[QualifiedName, ...] = ()
    has_query: bool = False
    reads: tuple[QualifiedName, ...] = ()
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropTable:
    """DROP TABLE, one action for each table named."""

    table: QualifiedName
    is_cascade: bool = False
    takes_missing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameTable:
    """ALTER TABLE … RENAME TO."""

    table: QualifiedName
    new_name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetSchema:
    """ALTER TABLE … SET SCHEMA."""

    table: QualifiedName
    new_schema: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """CREATE INDEX; `name` is None where PostgreSQL will choose one.

    `is_only`: ON ONLY, for the parent of partitions.
    `is_nulls_not_distinct`: two NULLs count as equal in a unique index.
    `storage`: the parameters of WITH, as SQL.
    """

    name: str | None
    table: QualifiedName
    columns: tuple[IndexColumn, ...]
    is_unique: bool = False
    is_concurrent: bool = False
    method: str = "btree"
    included: tuple[str, ...] = ()
    predicate: Expression | None = None
    takes_existing: bool = False
    is_only: bool = False
    is_nulls_not_distinct: bool = False
    storage: tuple[str, ...] = ()
    tablespace: str | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropIndex:
    """DROP INDEX, one action for each index named."""

    index: QualifiedName
    is_concurrent: bool = False
    is_cascade: bool = False
    takes_missing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameIndex:
    """ALTER INDEX … RENAME TO."""

    index: QualifiedName
    new_name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AttachPartition:
    """ALTER TABLE … ATTACH PARTITION."""

    table: QualifiedName
    partition: QualifiedName
    is_default: bool = False
    bound: PartitionBound | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DetachPartition:
    """ALTER TABLE … DETACH PARTITION."""

    table: QualifiedName
    partition: QualifiedName
    is_concurrent: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateTrigger:
    """CREATE [OR REPLACE] [CONSTRAINT] TRIGGER.

    `references`: the table of FROM, which a constraint trigger may name. `is_for_each_row`: it
    fires for rows, not for statements. `replaces`: OR REPLACE.
    """

    table: QualifiedName
    name: str
    references: QualifiedName | None = None
    is_for_each_row: bool = True
    replaces: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropTrigger:
    """DROP TRIGGER."""

    table: QualifiedName
    name: str
    offset: int = 0


class RowSecurity(Enum):
    """What ALTER TABLE does to row-level security."""

    ENABLE = "ENABLE"
    DISABLE = "DISABLE"
    FORCE = "FORCE"
    NO_FORCE = "NO FORCE"


@dataclass(frozen=True, slots=True)
class SetRowSecurity:
    """ALTER TABLE … ENABLE, DISABLE, FORCE or NO FORCE ROW LEVEL SECURITY."""

    table: QualifiedName
    change: RowSecurity
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreatePolicy:
    """CREATE POLICY, or ALTER POLICY where `is_altered`.

    `command`: ALL, SELECT, INSERT, UPDATE or DELETE. `roles`: `public` for PUBLIC.
    `using`, `check`: the expressions, None where there are none. `reads`: the tables in them.
    """

    table: QualifiedName
    name: str
    is_altered: bool = False
    is_permissive: bool = True
    command: str = "ALL"
    roles: tuple[str, ...] = ()
    using: Expression | None = None
    check: Expression | None = None
    reads: tuple[QualifiedName, ...] = ()
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropPolicy:
    """DROP POLICY."""

    table: QualifiedName
    name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CommentOn:
    """COMMENT ON; `relation` is the table, column's table or index, None for anything else.

    `is_part`: it is on a constraint, trigger, policy or rule of the relation.
    `column`: the column, where it is on one. `is_removed`: IS NULL.
    """

    relation: QualifiedName | None
    is_part: bool = False
    column: str | None = None
    is_removed: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateView:
    """CREATE [OR REPLACE] VIEW, or CREATE MATERIALIZED VIEW [IF NOT EXISTS].

    `columns`: those of other tables that its query names, `*` for all of a table.
    `definition`: the statement, as PostgreSQL's own deparser writes it.
    """

    view: QualifiedName
    reads: tuple[QualifiedName, ...]
    is_materialized: bool = False
    replaces: bool = False
    columns: tuple[ColumnName, ...] = ()
    definition: str = ""
    takes_existing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropView:
    """DROP VIEW or DROP MATERIALIZED VIEW, one action for each view named."""

    view: QualifiedName
    is_cascade: bool = False
    takes_missing: bool = False
    is_materialized: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Truncate:
    """TRUNCATE, one action for each table named; `is_only` leaves its children as they are."""

    table: QualifiedName
    is_cascade: bool = False
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class LockTable:
    """LOCK TABLE; `mode` is PostgreSQL's spelling, such as `SHARE`.

    `is_only` leaves partitions and children alone.
    """

    table: QualifiedName
    mode: str
    offset: int = 0
    is_only: bool = False
