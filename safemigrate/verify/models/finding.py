"""Where the project's models are, and what of the database env.py takes for theirs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from alembic.util import to_list
from sqlalchemy import Connection, MetaData, Table, text

from safemigrate.errors import ConfigError
from safemigrate.source.excerpt import describe
from safemigrate.sql import quote_identifier

__all__ = ["Models", "Part", "PartKind", "find_models", "read_target_metadata"]

PartKind = Literal[
    "column", "index", "unique_constraint", "foreign_key_constraint", "check_constraint"
]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a table, by the plain names of both and the word that Alembic has for its kind.

    `schema` is None for the one that env.py's session works in.
    """

    schema: str | None
    table: str
    kind: PartKind
    name: str


@dataclass(frozen=True, slots=True)
class Models:
    """The models' tables, and the filters that env.py gave with them.

    `home`: the schema that a table without one is made in. `tables`: those that are to be compared,
    by identity. `left_out`: the identities of those that env.py does not let Alembic compare.
    """

    metadatas: tuple[MetaData, ...]
    home: str
    tables: Mapping[str, Table]
    left_out: frozenset[str]
    _filters: AutogenContext
    _reflected: MetaData = field(repr=False)
    _schemas: Mapping[str | None, str | None] = field(default_factory=dict)

    @property
    def schemas(self) -> frozenset[str]:
        """The schemas that the tables are in."""
        return frozenset(self.schema_of(table) for table in self.tables.values())

    def schema_of(self, table: Table) -> str:
        """Return the schema that create_all() makes the table in."""
        return self._schemas.get(table.schema, table.schema) or self.home

    def takes(self, part: Part, *, is_in_models: bool) -> bool:
        """Return whether env.py lets Alembic compare that part of a table."""
        parents: Any = {"schema_name": part.schema, "table_name": part.table}
        if not is_in_models and not self._filters.run_name_filters(part.name, part.kind, parents):
            return False
        metadatas = self.metadatas if is_in_models else (self._reflected,)
        key = part.table if part.schema is None else f"{part.schema}.{part.table}"
        tables = (one.tables.get(key) for one in metadatas)
        for one in (item for table in tables if table is not None for item in _items(table, part)):
            # a part that is on one side only has nothing to be compared with
            return self._filters.run_object_filters(
                one, part.name, part.kind, not is_in_models, None
            )
        return True


def _items(table: Table, part: Part) -> Iterator[Any]:
    """Yield the columns, indexes or constraints of that name."""
    if part.kind == "column":
        yield from (one for one in table.columns if one.name == part.name)
    elif part.kind == "index":
        yield from (one for one in table.indexes if one.name == part.name)
    else:
        yield from (one for one in table.constraints if one.name == part.name)


def read_target_metadata(context: MigrationContext) -> tuple[MetaData, ...]:
    """Return what env.py gave as `target_metadata`, empty for nothing."""
    given: Iterable[object] = to_list(context.opts.get("target_metadata"), default=[])
    return tuple(one for one in given if isinstance(one, MetaData))


def find_models(
    context: MigrationContext,
    connection: Connection,
    named: tuple[str, ...],
    identities: Iterable[tuple[str, str]],
) -> Models | None:
    """Return the models; None where env.py gives no metadata and none is named.

    `named`: `module:attribute` each. `identities`: schema and name of the database's tables.
    Raises ConfigError for a name that leads to no metadata.
    """
    metadatas = tuple(map(_load, named)) or read_target_metadata(context)
    if not metadatas:
        return None
    home = str(connection.scalar(text("SELECT current_schema()")))
    schemas = connection.get_execution_options().get("schema_translate_map") or {}
    filters = AutogenContext(context, metadata=list(metadatas))
    has_filter = context.opts.get("include_object") is not None
    there = tuple(identities)
    reflected = _reflect(connection, home, {one for one, _ in there}) if has_filter else MetaData()
    tables: dict[str, Table] = {}
    left_out = set()
    for table in (one for metadata in metadatas for one in metadata.tables.values()):
        schema = schemas.get(table.schema, table.schema) or home
        identity = f"{quote_identifier(schema)}.{quote_identifier(table.name)}"
        if filters.run_object_filters(table, table.name, "table", False, None):  # noqa: FBT003 - Alembic's way
            tables[identity] = table
        else:
            left_out.add(identity)
    for schema, name in there:
        identity = f"{quote_identifier(schema)}.{quote_identifier(name)}"
        if identity not in tables and not _takes_table(filters, reflected, schema, name, home):
            left_out.add(identity)
    return Models(metadatas, home, tables, frozenset(left_out), filters, reflected, schemas)


def _takes_table(
    filters: AutogenContext, reflected: MetaData, schema: str, name: str, home: str
) -> bool:
    """Return whether env.py lets Alembic see a table of the database that no model has."""
    place = None if schema == home else schema
    parents: Any = {"schema_name": place}
    if not filters.run_name_filters(place, "schema", {}):
        return False
    if not filters.run_name_filters(name, "table", parents):
        return False
    table = reflected.tables.get(name if place is None else f"{place}.{name}")
    return table is None or filters.run_object_filters(table, name, "table", True, None)  # noqa: FBT003 - Alembic's way


def _reflect(connection: Connection, home: str, schemas: set[str]) -> MetaData:
    """Return the tables as Alembic shows them to `include_object`."""
    metadata = MetaData()
    for schema in sorted(schemas):
        metadata.reflect(connection, schema=None if schema == home else schema, resolve_fks=False)
    return metadata


def _load(name: str) -> MetaData:
    module, _, path = name.partition(":")
    advice = 'name it as "module:attribute", such as metadata = ["app.models:Base.metadata"]'
    try:
        found: object = import_module(module)
        for one in filter(None, path.split(".")):
            found = getattr(found, one)
    except (Exception, SystemExit) as error:
        raise ConfigError(f'"{name}" cannot be loaded: {describe(error)}', advice) from error
    found = found if isinstance(found, MetaData) else getattr(found, "metadata", None)
    if not isinstance(found, MetaData):
        raise ConfigError(f'"{name}" is neither a MetaData nor has one', advice)
    return found
