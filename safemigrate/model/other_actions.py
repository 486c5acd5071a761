"""Actions on schemas, types and functions, on rows, and on the session."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.bodies import Step
from safemigrate.model.names import QualifiedName
from safemigrate.model.types import ColumnType, FunctionCall, TextConstant

__all__ = [
    "AddEnumValue",
    "ChangeRows",
    "CreateDomain",
    "CreateEnum",
    "CreateFunction",
    "CreateSchema",
    "DropSchema",
    "NoTableAction",
    "RenameSchema",
    "RenameType",
    "RowChange",
    "SetVariable",
    "TransactionControl",
    "TransactionVerb",
    "UnmodelledAction",
]


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


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """CREATE SCHEMA."""

    name: str
    takes_existing: bool = False
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
    """ALTER TYPE … ADD VALUE; `is_placed`: BEFORE or AFTER says where among the others."""

    type: QualifiedName
    label: str
    is_placed: bool = False
    takes_existing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameType:
    """ALTER TYPE … RENAME TO, of an enum, composite or range type."""

    type: QualifiedName
    new_name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateFunction:
    """CREATE [OR REPLACE] FUNCTION or PROCEDURE; `volatility` as in pg_proc: i, s or v.

    `arguments`: the types of those that a call may give, the last `optional_arguments` of which it
    may leave out. `is_variadic`: the last one stands for any number.
    `body`: what a call does, None where that is not read. `settings`: what holds while it runs.
    `is_analysed`: the body is SQL, whose names the server looks up when the function is made.
    `replaces`: OR REPLACE. `is_definer`: SECURITY DEFINER.
    """

    name: QualifiedName
    volatility: str
    arguments: tuple[ColumnType, ...] = ()
    optional_arguments: int = 0
    is_variadic: bool = False
    body: tuple[Step, ...] | None = None
    settings: tuple["SetVariable", ...] = ()
    is_analysed: bool = False
    replaces: bool = False
    is_definer: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ChangeRows:
    """INSERT, UPDATE, DELETE, MERGE or COPY … FROM; `reads` are the other tables it names.

    `has_condition`: WHERE picks the rows of UPDATE and DELETE, or WHERE or LIMIT what INSERT …
    SELECT reads. `condition_columns`: the columns that this WHERE names.
    `columns`: those that INSERT or UPDATE gives a value, None where INSERT does not say which.
    `texts`: the constants of text that are short enough for a label of an enum.
    """

    change: RowChange
    table: QualifiedName
    reads: tuple[QualifiedName, ...] = ()
    has_condition: bool = False
    condition_columns: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = ()
    texts: tuple[TextConstant, ...] = ()
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
    `reads`: tables it reads with ACCESS SHARE. `calls`: the functions a SELECT calls.
    """

    kind: str
    reads: tuple[QualifiedName, ...] = ()
    calls: tuple[FunctionCall, ...] = ()
    offset: int = 0


@dataclass(frozen=True, slots=True)
class UnmodelledAction:
    """A statement that parses, and whose locks this version does not know.

    `kind`: the command as PostgreSQL's tag spells it. `tables`: the tables it names.
    """

    kind: str
    tables: tuple[QualifiedName, ...] = ()
    offset: int = 0
