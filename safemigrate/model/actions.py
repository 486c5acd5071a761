"""Actions: what one statement does, in PostgreSQL's sense of the word.

A statement is a list of actions: an ALTER TABLE with three subcommands has three.
The union is closed: `match` over `Action` lists every member, and the type checker holds that.
Every action has `offset`, the 0-based character offset of its own text in the statement.
"""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.names import QualifiedName
from safemigrate.model.types import ColumnType, Expression

__all__ = [
    "Action",
    "AddColumn",
    "AddConstraint",
    "AddEnumValue",
    "AlterColumnOption",
    "AlterColumnType",
    "AttachPartition",
    "ChangeRows",
    "ColumnDefinition",
    "ColumnOption",
    "CommentOn",
    "ConstraintDefinition",
    "ConstraintKind",
    "CreateDomain",
    "CreateEnum",
    "CreateFunction",
    "CreateIndex",
    "CreatePolicy",
    "CreateSchema",
    "CreateTable",
    "CreateTrigger",
    "CreateView",
    "DetachPartition",
    "DropColumn",
    "DropConstraint",
    "DropDefault",
    "DropIndex",
    "DropNotNull",
    "DropPolicy",
    "DropSchema",
    "DropTable",
    "DropTrigger",
    "DropView",
    "Generated",
    "IndexColumn",
    "LockTable",
    "NoTableAction",
    "Persistence",
    "Reference",
    "RenameColumn",
    "RenameConstraint",
    "RenameIndex",
    "RenameSchema",
    "RenameTable",
    "RenameType",
    "RowChange",
    "SetDefault",
    "SetNotNull",
    "SetRowSecurity",
    "SetSchema",
    "SetVariable",
    "TransactionControl",
    "TransactionVerb",
    "Truncate",
    "UnmodelledAction",
    "ValidateConstraint",
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


class TransactionVerb(Enum):
    """The commands that begin and end transactions."""

    BEGIN = "BEGIN"
    COMMIT = "COMMIT"
    ROLLBACK = "ROLLBACK"
    SAVEPOINT = "SAVEPOINT"


class RowChange(Enum):
    """The commands that change rows."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    MERGE = "MERGE"
    COPY = "COPY"


class ColumnOption(Enum):
    """Settings of a column that change no value; the lock differs by setting."""

    STATISTICS = "SET STATISTICS"
    STORAGE = "SET STORAGE"
    COMPRESSION = "SET COMPRESSION"
    OPTIONS = "SET (…)"
    ADD_IDENTITY = "ADD GENERATED AS IDENTITY"
    SET_IDENTITY = "SET GENERATED"
    DROP_IDENTITY = "DROP IDENTITY"
    DROP_EXPRESSION = "DROP EXPRESSION"
    SET_EXPRESSION = "SET EXPRESSION"


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
class CreateTable:
    """CREATE TABLE; with `has_query` CREATE TABLE AS (its columns are then unknown).

    `reads`: the tables that its query names.
    """

    table: QualifiedName
    columns: tuple[ColumnDefinition, ...]
    constraints: tuple[ConstraintDefinition, ...]
    persistence: Persistence = Persistence.PERMANENT
    takes_existing: bool = False
    is_partitioned: bool = False
    partition_of: QualifiedName | None = None
    is_default_partition: bool = False
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
class AddColumn:
    """ALTER TABLE … ADD COLUMN."""

    table: QualifiedName
    column: ColumnDefinition
    takes_existing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropColumn:
    """ALTER TABLE … DROP COLUMN."""

    table: QualifiedName
    column: str
    is_cascade: bool = False
    takes_missing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """ALTER TABLE … RENAME COLUMN."""

    table: QualifiedName
    column: str
    new_name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AlterColumnType:
    """ALTER TABLE … ALTER COLUMN … TYPE."""

    table: QualifiedName
    column: str
    type: ColumnType
    using: Expression | None = None
    collation: str | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetDefault:
    """ALTER TABLE … ALTER COLUMN … SET DEFAULT."""

    table: QualifiedName
    column: str
    default: Expression
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropDefault:
    """ALTER TABLE … ALTER COLUMN … DROP DEFAULT."""

    table: QualifiedName
    column: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetNotNull:
    """ALTER TABLE … ALTER COLUMN … SET NOT NULL."""

    table: QualifiedName
    column: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropNotNull:
    """ALTER TABLE … ALTER COLUMN … DROP NOT NULL."""

    table: QualifiedName
    column: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AlterColumnOption:
    """ALTER TABLE … ALTER COLUMN, for the settings listed in `ColumnOption`."""

    table: QualifiedName
    column: str
    option: ColumnOption
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AddConstraint:
    """ALTER TABLE … ADD CONSTRAINT."""

    table: QualifiedName
    constraint: ConstraintDefinition
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropConstraint:
    """ALTER TABLE … DROP CONSTRAINT."""

    table: QualifiedName
    name: str
    is_cascade: bool = False
    takes_missing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameConstraint:
    """ALTER TABLE … RENAME CONSTRAINT."""

    table: QualifiedName
    name: str
    new_name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ValidateConstraint:
    """ALTER TABLE … VALIDATE CONSTRAINT."""

    table: QualifiedName
    name: str
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
    """CREATE [OR REPLACE] [CONSTRAINT] TRIGGER."""

    table: QualifiedName
    name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropTrigger:
    """DROP TRIGGER."""

    table: QualifiedName
    name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetRowSecurity:
    """ALTER TABLE … ENABLE, DISABLE, FORCE or NO FORCE ROW LEVEL SECURITY."""

    table: QualifiedName
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreatePolicy:
    """CREATE POLICY or ALTER POLICY."""

    table: QualifiedName
    name: str
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
    """

    relation: QualifiedName | None
    is_part: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """CREATE SCHEMA."""

    name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameSchema:
    """ALTER SCHEMA … RENAME TO."""

    name: str
    new_name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropSchema:
    """DROP SCHEMA, one action for each schema named."""

    name: str
    is_cascade: bool = False
    takes_missing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateDomain:
    """CREATE DOMAIN; `is_constrained`: it has a CHECK, or is NOT NULL."""

    domain: QualifiedName
    type: ColumnType
    is_constrained: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateEnum:
    """An enum made by CREATE TYPE … AS ENUM, its labels in order."""

    type: QualifiedName
    labels: tuple[str, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AddEnumValue:
    """ALTER TYPE … ADD VALUE."""

    type: QualifiedName
    label: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameType:
    """ALTER TYPE … RENAME TO, of an enum, composite or range type."""

    type: QualifiedName
    new_name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateFunction:
    """CREATE [OR REPLACE] FUNCTION or PROCEDURE; `volatility` as in pg_proc: i, s or v."""

    name: QualifiedName
    volatility: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateView:
    """CREATE [OR REPLACE] VIEW, or CREATE MATERIALIZED VIEW."""

    view: QualifiedName
    reads: tuple[QualifiedName, ...]
    is_materialized: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropView:
    """DROP VIEW or DROP MATERIALIZED VIEW, one action for each view named."""

    view: QualifiedName
    is_cascade: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ChangeRows:
    """INSERT, UPDATE, DELETE, MERGE or COPY … FROM; `reads` are the other tables it names."""

    change: RowChange
    table: QualifiedName
    reads: tuple[QualifiedName, ...] = ()
    has_condition: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Truncate:
    """TRUNCATE, one action for each table named."""

    table: QualifiedName
    is_cascade: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class LockTable:
    """LOCK TABLE; `mode` is PostgreSQL's spelling, such as `SHARE`."""

    table: QualifiedName
    mode: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetVariable:
    """SET, SET LOCAL or RESET of a setting; `value` is None for RESET and DEFAULT."""

    name: str
    value: str | None
    is_local: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class TransactionControl:
    """BEGIN, COMMIT, ROLLBACK and SAVEPOINT written as SQL."""

    verb: TransactionVerb
    offset: int = 0


@dataclass(frozen=True, slots=True)
class NoTableAction:
    """A statement known to lock no table: CREATE EXTENSION, CREATE SEQUENCE, or SELECT.

    `kind`: the command as PostgreSQL's tag spells it.
    `reads`: tables it reads with ACCESS SHARE.
    """

    kind: str
    reads: tuple[QualifiedName, ...] = ()
    offset: int = 0


@dataclass(frozen=True, slots=True)
class UnmodelledAction:
    """A statement that parses, and whose locks this version does not know.

    `kind`: the command as PostgreSQL's tag spells it. `tables`: the tables it names.
    """

    kind: str
    tables: tuple[QualifiedName, ...] = ()
    offset: int = 0


Action = (
    CreateTable
    | DropTable
    | RenameTable
    | SetSchema
    | AddColumn
    | DropColumn
    | RenameColumn
    | AlterColumnType
    | SetDefault
    | DropDefault
    | SetNotNull
    | DropNotNull
    | AlterColumnOption
    | AddConstraint
    | DropConstraint
    | RenameConstraint
    | ValidateConstraint
    | CreateIndex
    | DropIndex
    | RenameIndex
    | AttachPartition
    | DetachPartition
    | CreateTrigger
    | DropTrigger
    | SetRowSecurity
    | CreatePolicy
    | DropPolicy
    | CommentOn
    | CreateSchema
    | RenameSchema
    | DropSchema
    | CreateDomain
    | CreateEnum
    | AddEnumValue
    | RenameType
    | CreateFunction
    | CreateView
    | DropView
    | ChangeRows
    | Truncate
    | LockTable
    | SetVariable
    | TransactionControl
    | NoTableAction
    | UnmodelledAction
)
