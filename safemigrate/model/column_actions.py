"""Actions on columns and constraints: the subcommands of ALTER TABLE.

`is_only`: written with ONLY, so that partitions and children are left as they are.
"""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.definitions import ColumnDefinition, ConstraintDefinition
from safemigrate.model.names import QualifiedName
from safemigrate.model.types import ColumnType, Expression

__all__ = [
    "AddColumn",
    "AddConstraint",
    "AlterColumnOption",
    "AlterColumnType",
    "ColumnOption",
    "DropColumn",
    "DropConstraint",
    "DropDefault",
    "DropNotNull",
    "RenameColumn",
    "RenameConstraint",
    "SetDefault",
    "SetNotNull",
    "ValidateConstraint",
]


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
class AddColumn:
    """ALTER TABLE … ADD COLUMN."""

    table: QualifiedName
    column: ColumnDefinition
    takes_existing: bool = False
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class DropColumn:
    """ALTER TABLE … DROP COLUMN."""

    table: QualifiedName
    column: str
    is_cascade: bool = False
    takes_missing: bool = False
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """ALTER TABLE … RENAME COLUMN."""

    table: QualifiedName
    column: str
    new_name: str
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class AlterColumnType:
    """ALTER TABLE … ALTER COLUMN … TYPE."""

    table: QualifiedName
    column: str
    type: ColumnType
    using: Expression | None = None
    collation: str | None = None
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class SetDefault:
    """ALTER TABLE … ALTER COLUMN … SET DEFAULT."""

    table: QualifiedName
    column: str
    default: Expression
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class DropDefault:
    """ALTER TABLE … ALTER COLUMN … DROP DEFAULT."""

    table: QualifiedName
    column: str
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class SetNotNull:
    """ALTER TABLE … ALTER COLUMN … SET NOT NULL."""

    table: QualifiedName
    column: str
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class DropNotNull:
    """ALTER TABLE … ALTER COLUMN … DROP NOT NULL."""

    table: QualifiedName
    column: str
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class AlterColumnOption:
    """ALTER TABLE … ALTER COLUMN, for the settings listed in `ColumnOption`.

    `expression`: the new one of SET EXPRESSION, else None.
    """

    table: QualifiedName
    column: str
    option: ColumnOption
    expression: Expression | None = None
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class AddConstraint:
    """ALTER TABLE … ADD CONSTRAINT."""

    table: QualifiedName
    constraint: ConstraintDefinition
    offset: int = 0
    is_only: bool = False


@dataclass(frozen=True, slots=True)
class DropConstraint:
    """ALTER TABLE … DROP CONSTRAINT."""

    table: QualifiedName
    name: str
    is_cascade: bool = False
    takes_missing: bool = False
    offset: int = 0
    is_only: bool = False


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
    is_only: bool = False
