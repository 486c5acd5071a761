"""Actions that rebuild, sort, clean or read tables, and change no schema."""

from dataclasses import dataclass
from enum import Enum

from safemigrate.model.names import QualifiedName

__all__ = [
    "Analyze",
    "Cluster",
    "CreateStatistics",
    "RefreshView",
    "Reindex",
    "ReindexKind",
    "Vacuum",
]


class ReindexKind(Enum):
    """What REINDEX names."""

    INDEX = "INDEX"
    TABLE = "TABLE"
    SCHEMA = "SCHEMA"
    DATABASE = "DATABASE"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Reindex:
    """REINDEX; `relation` is the index or table, None for a schema or database.

    `schema`: that of REINDEX SCHEMA.
    """

    kind: ReindexKind
    relation: QualifiedName | None
    is_concurrent: bool = False
    offset: int = 0
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Vacuum:
    """VACUUM, one action for each table named; `table` is None for all tables there are."""

    table: QualifiedName | None
    is_full: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Analyze:
    """ANALYZE, one action for each table named; `table` is None for all tables there are."""

    table: QualifiedName | None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """CLUSTER; `table` is None for all tables clustered before."""

    table: QualifiedName | None
    index: str | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RefreshView:
    """REFRESH MATERIALIZED VIEW; `has_no_data`: WITH NO DATA, which empties it."""

    view: QualifiedName
    is_concurrent: bool = False
    has_no_data: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class CreateStatistics:
    """CREATE STATISTICS; `name` is None where PostgreSQL will choose one."""

    name: QualifiedName | None
    table: QualifiedName
    offset: int = 0
