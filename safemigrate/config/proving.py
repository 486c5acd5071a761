"""The table `verify` → what a project says about how its revisions are proved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from safemigrate.config.tables import convert_table
from safemigrate.errors import ConfigError
from safemigrate.model import Property, PropertyFamily, find_properties

__all__ = ["Deployer", "VerifyChoices", "check_property_words", "read_verify_choices"]

_ROWS = 100
_MOST_ROWS_CHANGED = 10_000
_MAX_BLOCK = timedelta(seconds=1)
_TIME_LIMIT = timedelta(minutes=5)
_LONGEST_READ = timedelta(milliseconds=100)


class Deployer(Enum):
    """What runs the migrations in production.

    `safemigrate upgrade` takes locks without a queue behind it; `alembic upgrade` waits for them.
    """

    SAFEMIGRATE = "safemigrate"
    ALEMBIC = "alembic"


@dataclass(frozen=True, slots=True)
class VerifyChoices:
    """How revisions are proved; what was not set is None or empty.

    `selected`, `ignored`: names of properties and of families; nothing selected means all.
    `rows`: how many are generated in a table. `samples`: a folder with the project's own, a file a
    revision. `seed`: a file of SQL, or a plain dump, that makes what the history starts from.
    `max_block`: how long a statement of the application may wait. `workload`: a file of what the
    application does meanwhile, as SQL or for pgbench.
    `old_statements`, `new_statements`: files of what the two releases of a rolling deploy send.
    `plans`: a file of queries and how they must be planned. `statistics`: what production's
    `pg_dump --statistics-only` wrote.
    `metadata`: where the models' MetaData is, as `module:attribute`; env.py's where none is named.
    `tenants`: setting → the values that stand for two tenants, such as `app.tenant` → `1`, `2`.
    `allowed_hosts`: which of the network a revision may reach beside the database.
    `most_rows_changed`: how many rows one statement may change.
    `time_limit`: how long one revision may run in one direction.
    `deployed_by`: what runs the migrations in production. `longest_read`: how long a transaction of
    the application reads the tables when a migration comes that waits for it.
    Files are relative to where the command runs.
    """

    selected: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    rows: int = _ROWS
    samples: Path | None = None
    seed: Path | None = None
    max_block: timedelta = _MAX_BLOCK
    workload: Path | None = None
    old_statements: Path | None = None
    new_statements: Path | None = None
    plans: Path | None = None
    statistics: Path | None = None
    metadata: tuple[str, ...] = ()
    tenants: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    allowed_hosts: tuple[str, ...] = ()
    most_rows_changed: int = _MOST_ROWS_CHANGED
    time_limit: timedelta = _TIME_LIMIT
    deployed_by: Deployer = Deployer.SAFEMIGRATE
    longest_read: timedelta = _LONGEST_READ

    @property
    def wanted(self) -> frozenset[Property]:
        """The properties that are to be proved."""
        return self._find(self.selected or [one.value for one in Property]) - self._find(
            self.ignored
        )

    @staticmethod
    def _find(words: tuple[str, ...] | list[str]) -> frozenset[Property]:
        return frozenset().union(*map(find_properties, words))


_Name = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=1)]


class _Table(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The keys as written; each with its unit in its name."""

    select: tuple[_Name, ...] = ()
    ignore: tuple[_Name, ...] = ()
    rows: _Count = _ROWS
    samples: _Name | UnsetType = UNSET
    seed: _Name | UnsetType = UNSET
    max_block_ms: _Count | UnsetType = UNSET
    workload: _Name | UnsetType = UNSET
    old_statements: _Name | UnsetType = UNSET
    new_statements: _Name | UnsetType = UNSET
    plans: _Name | UnsetType = UNSET
    statistics: _Name | UnsetType = UNSET
    metadata: tuple[_Name, ...] = ()
    tenants: dict[_Name, tuple[str, str]] = {}
    allowed_hosts: tuple[_Name, ...] = ()
    max_rows_changed: _Count = _MOST_ROWS_CHANGED
    timeout_s: Annotated[float, Meta(gt=0)] | UnsetType = UNSET
    deployed_by: Deployer = Deployer.SAFEMIGRATE
    longest_read_ms: Annotated[int, Meta(ge=0)] | UnsetType = UNSET


_EXAMPLES = {
    "allowed-hosts": 'allowed-hosts = ["localhost"]',
    "deployed-by": 'deployed-by = "alembic"',
    "ignore": 'ignore = ["traffic", "is-deterministic"]',
    "longest-read-ms": "longest-read-ms = 100",
    "max-block-ms": "max-block-ms = 1000",
    "max-rows-changed": "max-rows-changed = 10000",
    "metadata": 'metadata = ["app.models:Base.metadata"]',
    "new-statements": 'new-statements = "statements.json"',
    "old-statements": 'old-statements = "statements-of-main.json"',
    "plans": 'plans = "tests/plans.yml"',
    "rows": "rows = 100",
    "samples": 'samples = "tests/samples"',
    "seed": 'seed = "schema-of-2019.sql"',
    "select": 'select = ["schema", "keeps-rows"]',
    "statistics": 'statistics = "production-statistics.sql"',
    "tenants": 'tenants = { "app.tenant" = ["1", "2"] }',
    "timeout-s": "timeout-s = 300",
    "workload": 'workload = "tests/workload.sql"',
}


def read_verify_choices(
    table: Mapping[str, object], path: str, prefix: str, folder: Path
) -> VerifyChoices:
    """Return the choices; a ConfigError names the key by `prefix` and the file by `path`.

    `folder`: what files are relative to.
    """
    read = convert_table(table, _Table, path, prefix, _EXAMPLES)
    for key, words in (("select", read.select), ("ignore", read.ignore)):
        check_property_words(words, f'"{prefix}{key}" in "{path}"')
    limit, longest = read.timeout_s, read.longest_read_ms
    return VerifyChoices(
        selected=read.select,
        ignored=read.ignore,
        rows=read.rows,
        samples=_place(folder, read.samples),
        seed=_place(folder, read.seed),
        max_block=_MAX_BLOCK
        if isinstance(read.max_block_ms, UnsetType)
        else timedelta(milliseconds=read.max_block_ms),
        workload=_place(folder, read.workload),
        old_statements=_place(folder, read.old_statements),
        new_statements=_place(folder, read.new_statements),
        plans=_place(folder, read.plans),
        statistics=_place(folder, read.statistics),
        metadata=read.metadata,
        tenants=read.tenants,
        allowed_hosts=read.allowed_hosts,
        most_rows_changed=read.max_rows_changed,
        time_limit=_TIME_LIMIT if isinstance(limit, UnsetType) else timedelta(seconds=limit),
        deployed_by=read.deployed_by,
        longest_read=_LONGEST_READ
        if isinstance(longest, UnsetType)
        else timedelta(milliseconds=longest),
    )


def _place(folder: Path, name: str | UnsetType) -> Path | None:
    return None if isinstance(name, UnsetType) else folder / name


def check_property_words(words: tuple[str, ...], place: str) -> None:
    """Raise ConfigError, which names the `place`, for a word that names no property or family."""
    for word in words:
        if not find_properties(word):
            families = ", ".join(one.value for one in PropertyFamily)
            raise ConfigError(
                f'{place} names "{word}", which is neither a property nor a family of them',
                f'"safemigrate verify --properties" lists them; the families are {families}',
            )
