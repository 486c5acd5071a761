"""Actions on types, functions, sequences, extensions, privileges, and the whole cluster."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.names import QualifiedName
from safemigrate.model.types import ColumnType, Expression

__all__ = [
    "AlterDomain",
    "AlterSequence",
    "ChangeCluster",
    "ChangePrivileges",
    "CreateExtension",
    "CreateSequence",
    "DomainChange",
    "DropObject",
    "RenameEnumValue",
    "RenameObject",
]


class DomainChange(Enum):
    """What ALTER DOMAIN does."""

    ADD_CHECK = "ADD CONSTRAINT … CHECK"
    SET_NOT_NULL = "SET NOT NULL"
    VALIDATE = "VALIDATE CONSTRAINT"
    DROP_CONSTRAINT = "DROP CONSTRAINT"
    DROP_NOT_NULL = "DROP NOT NULL"
    DEFAULT = "SET or DROP DEFAULT"


@dataclass(frozen=True, slots=True)
class AlterDomain:
    """ALTER DOMAIN.

    `constraint`: the name of the constraint it adds, validates or drops, None where none is given.
    `is_not_valid`: the CHECK is added NOT VALID.
    """

    domain: QualifiedName
    change: DomainChange
    constraint: str | None = None
    expression: Expression | None = None
    is_not_valid: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameEnumValue:
    """ALTER TYPE … RENAME VALUE."""

    type: QualifiedName
    label: str
    new_label: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class DropObject:
    """DROP of what carries no rows, one action for each object named.

    `kind`: FUNCTION, PROCEDURE, ROUTINE, AGGREGATE, TYPE, DOMAIN, SEQUENCE, EXTENSION, CAST, …
    """

    kind: str
    name: QualifiedName
    is_cascade: bool = False
    takes_missing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RenameObject:
    """ALTER … RENAME TO of what carries no rows; `kind` as in `DropObject`."""

    kind: str
    name: QualifiedName
    new_name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateExtension:
    """CREATE EXTENSION."""

    name: str
    takes_existing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateSequence:
    """CREATE SEQUENCE; `owner`: the table of OWNED BY."""

    sequence: QualifiedName
    owner: QualifiedName | None = None
    takes_existing: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AlterSequence:
    """ALTER SEQUENCE; `type`: what AS says. `owner`: the table of OWNED BY."""

    sequence: QualifiedName
    type: ColumnType | None = None
    owner: QualifiedName | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ChangePrivileges:
    """GRANT or REVOKE (`is_revoke`) on objects.

    `tables`: the relations named. `schemas`: those of ALL TABLES IN SCHEMA.
    `objects`: what is named beside relations: functions, schemas, types, …
    `kind`: of the objects: TABLE, SEQUENCE, FUNCTION, SCHEMA, DATABASE, …
    `privileges`: in capitals; none means ALL. `grantees`: role names, `public` for PUBLIC.
    """

    kind: str
    privileges: tuple[str, ...]
    grantees: tuple[str, ...]
    tables: tuple[QualifiedName, ...] = ()
    schemas: tuple[str, ...] = ()
    is_revoke: bool = False
    has_grant_option: bool = False
    objects: tuple[QualifiedName, ...] = ()
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ChangeCluster:
    """What concerns more than this database: roles, databases, tablespaces, ALTER SYSTEM.

    `kind`: the command as PostgreSQL's tag spells it. `name`: of the role or database, or empty.
    `has_password`: a password stands in it, and not only what a server keeps of one.
    """

    kind: str
    name: str = ""
    has_password: bool = False
    offset: int = 0
