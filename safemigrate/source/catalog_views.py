"""PostgreSQL's own catalogs, as far as they follow from what is known of the schema.

Manual: "The Information Schema" and "System Catalogs". A column that is not here is not known.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from safemigrate.model import (
    Column,
    ConstraintKind,
    QualifiedName,
    RelationKind,
    Table,
)
from safemigrate.source.inspection import Known
from safemigrate.source.inspection_answers import default_of, is_temporary
from safemigrate.source.inspection_types import list_sequences

__all__ = ["VIEWS", "CatalogView", "Item"]

Item = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CatalogView:
    """A catalog that questions are answered from.

    `columns`: those that are known. `anchors`: sets of columns, one of which a question must
    compare all of, for there are objects of the server's own beside those of the history.
    `schema`: the column with the schema of what is named. `is_of_parts`: what stands there is a
    part of a table.
    """

    columns: frozenset[str]
    anchors: tuple[frozenset[str], ...]
    rows: Callable[[Known], Iterator[Item]]
    schema: str = ""
    is_of_parts: bool = False


_VIEW_KINDS = {
    RelationKind.TABLE: "BASE TABLE",
    RelationKind.PARTITIONED_TABLE: "BASE TABLE",
    RelationKind.VIEW: "VIEW",
}
_CLASS_KINDS = {
    RelationKind.TABLE: "r",
    RelationKind.PARTITIONED_TABLE: "p",
    RelationKind.VIEW: "v",
    RelationKind.MATERIALIZED_VIEW: "m",
}
_CONSTRAINT_KINDS = {
    ConstraintKind.PRIMARY_KEY: ("PRIMARY KEY", "p"),
    ConstraintKind.UNIQUE: ("UNIQUE", "u"),
    ConstraintKind.FOREIGN_KEY: ("FOREIGN KEY", "f"),
    ConstraintKind.CHECK: ("CHECK", "c"),
    ConstraintKind.EXCLUDE: ("", "x"),
}


def _tables(known: Known) -> Iterator[Item]:
    for table in known.catalog.tables.values():
        kind = _VIEW_KINDS.get(table.kind)
        if kind is not None:
            yield {
                "table_schema": table.name.schema,
                "table_name": table.name.name,
                "table_type": "LOCAL TEMPORARY" if is_temporary(table) else kind,
            }


def _columns(known: Known) -> Iterator[Item]:
    for table in known.catalog.tables.values():
        if table.kind in _VIEW_KINDS:
            for column in table.columns.values():
                yield {
                    "table_schema": table.name.schema,
                    "table_name": table.name.name,
                    "column_name": column.name,
                    "is_nullable": "NO" if column.is_not_null else "YES",
                    **_describe(known, table, column),
                }


def _describe(known: Known, table: Table, column: Column) -> Item:
    """Return what information_schema.columns tells of the type, nothing where it is not known."""
    if column.type is None:
        return {}
    catalog = known.catalog
    base, _ = catalog.base_type(column.type)
    is_own = catalog.resolve(QualifiedName(base.schema, base.name)) in catalog.enums
    told: dict[str, object] = {"column_default": default_of(known, table, column)}
    if base.dimensions:
        told["data_type"] = "ARRAY"
    elif is_own:
        told["data_type"] = "USER-DEFINED"
    elif base.schema is None and base.name in _BUILT_IN:
        told["data_type"] = base.name
    is_text = base.name in {"character varying", "character"} and not base.dimensions
    if is_text or not base.name.startswith("bit"):
        has_length = is_text and bool(base.modifiers)
        told["character_maximum_length"] = base.modifiers[0] if has_length else None
    return told


_BUILT_IN = frozenset(
    {"bigint", "boolean", "bytea", "character", "character varying", "date", "double precision"}
    | {"inet", "integer", "json", "jsonb", "numeric", "real", "smallint", "text", "uuid"}
    | {"bit", "bit varying", "cidr", "interval", "macaddr", "money", "oid", "point", "xml"}
    | {"time without time zone", "time with time zone", "tsquery", "tsvector"}
    | {"timestamp without time zone", "timestamp with time zone"}
)


def _constraints(known: Known) -> Iterator[Item]:
    for table in known.catalog.tables.values():
        for one in table.constraints.values():
            if one.kind in _CONSTRAINT_KINDS:
                long, short = _CONSTRAINT_KINDS[one.kind]
                yield {
                    "constraint_schema": table.name.schema,
                    "table_schema": table.name.schema,
                    "table_name": table.name.name,
                    "constraint_name": one.name,
                    "constraint_type": long,
                    "conname": one.name,
                    "contype": short,
                    "conrelid": table.name,
                    "convalidated": one.is_valid,
                }


def _standard_constraints(known: Known) -> Iterator[Item]:
    return (item for item in _constraints(known) if item["constraint_type"])


def _indexes(known: Known) -> Iterator[Item]:
    for index in known.catalog.indexes.values():
        yield {
            "schemaname": index.name.schema,
            "tablename": index.table.name,
            "indexname": index.name.name,
        }


def _relations(known: Known) -> Iterator[Item]:
    for table in known.catalog.tables.values():
        yield {"relname": table.name.name, "relkind": _CLASS_KINDS[table.kind]}
    partitioned = {
        table.name
        for table in known.catalog.tables.values()
        if table.kind is RelationKind.PARTITIONED_TABLE
    }
    for index in known.catalog.indexes.values():
        yield {"relname": index.name.name, "relkind": "I" if index.table in partitioned else "i"}
    for schema in known.catalog.schemas:
        for name in list_sequences(known, schema):
            yield {"relname": name, "relkind": "S"}


def _of_kind(kind: frozenset[RelationKind], column: str) -> Callable[[Known], Iterator[Item]]:
    def rows(known: Known) -> Iterator[Item]:
        for table in known.catalog.tables.values():
            if table.kind in kind:
                yield {"schemaname": table.name.schema, column: table.name.name}

    return rows


def _types(known: Known) -> Iterator[Item]:
    for name in known.catalog.enums:
        yield {"typname": name.name, "typtype": "e"}
    for name in known.catalog.domains:
        yield {"typname": name.name, "typtype": "d"}
    for name in known.catalog.tables:
        yield {"typname": name.name, "typtype": "c"}


def _attributes(known: Known) -> Iterator[Item]:
    for table in known.catalog.tables.values():
        for column in table.columns.values():
            yield {
                "attrelid": table.name,
                "attname": column.name,
                "attnotnull": column.is_not_null,
                "attisdropped": False,
            }


def _schemas(known: Known) -> Iterator[Item]:
    for name in (*known.catalog.schemas, "information_schema", "pg_catalog"):
        yield {"schema_name": name, "nspname": name}


def _sequences(known: Known) -> Iterator[Item]:
    for schema in known.catalog.schemas:
        for name in list_sequences(known, schema):
            yield {"sequence_schema": schema, "sequence_name": name}


def _extensions(known: Known) -> Iterator[Item]:
    return ({"extname": name} for name in sorted({*known.details.extensions, "plpgsql"}))


_TABLE_KINDS = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED_TABLE})


def _view(
    columns: str,
    rows: Callable[[Known], Iterator[Item]],
    *anchors: str,
    schema: str = "",
    is_of_parts: bool = False,
) -> CatalogView:
    sets = tuple(frozenset(anchor.split()) for anchor in anchors)
    return CatalogView(frozenset(columns.split()), sets, rows, schema, is_of_parts)


_STANDARD = {
    "tables": _view(
        "table_schema table_name table_type", _tables, "table_name", schema="table_schema"
    ),
    "columns": _view(
        "table_schema table_name column_name is_nullable column_default data_type"
        " character_maximum_length",
        _columns,
        "table_name",
        schema="table_schema",
        is_of_parts=True,
    ),
    "table_constraints": _view(
        "constraint_schema table_schema table_name constraint_name constraint_type",
        _standard_constraints,
        "constraint_name",
        schema="table_schema",
        is_of_parts=True,
    ),
    "schemata": _view("schema_name", _schemas, "schema_name"),
    "sequences": _view(
        "sequence_schema sequence_name", _sequences, "sequence_name", schema="sequence_schema"
    ),
    "views": _view(
        "table_schema table_name",
        lambda known: (item for item in _tables(known) if item["table_type"] == "VIEW"),
        "table_name",
        schema="table_schema",
    ),
}
_OWN = {
    "pg_indexes": _view(
        "schemaname tablename indexname",
        _indexes,
        "indexname",
        "tablename",
        schema="schemaname",
        is_of_parts=True,
    ),
    "pg_tables": _view(
        "schemaname tablename",
        _of_kind(_TABLE_KINDS, "tablename"),
        "tablename",
        schema="schemaname",
    ),
    "pg_views": _view(
        "schemaname viewname",
        _of_kind(frozenset({RelationKind.VIEW}), "viewname"),
        "viewname",
        schema="schemaname",
    ),
    "pg_matviews": _view(
        "schemaname matviewname",
        _of_kind(frozenset({RelationKind.MATERIALIZED_VIEW}), "matviewname"),
        "matviewname",
        schema="schemaname",
    ),
    "pg_class": _view("relname relkind", _relations, "relname"),
    "pg_type": _view("typname typtype", _types, "typname"),
    "pg_constraint": _view(
        "conname contype conrelid convalidated", _constraints, "conname", is_of_parts=True
    ),
    "pg_attribute": _view(
        "attrelid attname attnotnull attisdropped",
        _attributes,
        "attrelid attname",
        is_of_parts=True,
    ),
    "pg_namespace": _view("nspname", _schemas, "nspname"),
    "pg_extension": _view("extname", _extensions, "extname"),
}
VIEWS: Mapping[QualifiedName, CatalogView] = {
    QualifiedName("information_schema", name): view for name, view in _STANDARD.items()
} | {QualifiedName("pg_catalog", name): view for name, view in _OWN.items()}
"""The views by their names."""
