"""Actions on how tables and indexes are kept: settings, owners, triggers, inheritance."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.definitions import Persistence
from safemigrate.model.names import QualifiedName

__all__ = [
    "AlterConstraint",
    "AlterTableOption",
    "AttachIndex",
    "CreateRule",
    "DropRule",
    "SetAccessMethod",
    "SetInheritance",
    "SetPersistence",
    "SetTablespace",
    "SetTriggerState",
    "TableOption",
]


class TableOption(Enum):
    """Settings of a table, view or index that change no row; the lock differs by setting."""

    PARAMETERS = "SET (…)"
    CLUSTER_INDEX = "CLUSTER ON"
    REPLICA_IDENTITY = "REPLICA IDENTITY"
    OWNER = "OWNER TO"
    TYPE = "OF"
    VIEW = "ALTER VIEW"
    INDEX_STATISTICS = "ALTER INDEX … SET STATISTICS"


@dataclass(frozen=True, slots=True)
class AlterTableOption:
    """ALTER TABLE, ALTER VIEW or ALTER INDEX, for the settings listed in `TableOption`.

    `table`: the relation altered, which may be a view or an index. `index`: that of CLUSTER ON.
    `value`: the new owner, or FULL, NOTHING, DEFAULT or INDEX of REPLICA IDENTITY, else None.
    """

    table: QualifiedName
    option: TableOption
    offset: int = 0
    index: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class AlterConstraint:
    """ALTER TABLE … ALTER CONSTRAINT.

    `is_enforced`: what [NOT] ENFORCED says, None where neither is written.
    """

    table: QualifiedName
    name: str
    is_enforced: bool | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetPersistence:
    """ALTER TABLE … SET LOGGED or SET UNLOGGED."""

    table: QualifiedName
    persistence: Persistence
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetAccessMethod:
    """ALTER TABLE … SET ACCESS METHOD; `method` is None for DEFAULT."""

    table: QualifiedName
    method: str | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetTablespace:
    """ALTER TABLE, ALTER INDEX or ALTER MATERIALIZED VIEW … SET TABLESPACE."""

    relation: QualifiedName
    tablespace: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetInheritance:
    """ALTER TABLE … INHERIT, or NO INHERIT where `is_ended`."""

    table: QualifiedName
    parent: QualifiedName
    is_ended: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SetTriggerState:
    """ALTER TABLE … ENABLE or DISABLE TRIGGER, and the same for RULE (`is_rule`).

    `name`: None for ALL and USER. `is_only`: ONLY, which leaves partitions as they are.
    `is_internal`: ALL, with the triggers that keep foreign keys.
    """

    table: QualifiedName
    name: str | None
    is_enabled: bool
    is_rule: bool = False
    offset: int = 0
    is_only: bool = False
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class AttachIndex:
    """ALTER INDEX … ATTACH PARTITION: `partition` becomes a part of `index`."""

    index: QualifiedName
    partition: QualifiedName
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateRule:
    """CREATE [OR REPLACE] RULE; `writes` and `reads`: the tables that its statements name."""

    table: QualifiedName
    name: str
    offset: int = 0
    writes: tuple[QualifiedName, ...] = ()
    reads: tuple[QualifiedName, ...] = ()


@dataclass(frozen=True, slots=True)
class DropRule:
    """DROP RULE."""

    table: QualifiedName
    name: str
    offset: int = 0
