"""What is known of the schema, in the words of SQLAlchemy's reflection."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope

from safemigrate.model import (
    Catalog,
    Column,
    ColumnType,
    Constraint,
    ConstraintDefinition,
    ConstraintKind,
    Generated,
    Index,
    IndexColumn,
    Persistence,
    QualifiedName,
    RelationKind,
    Table,
)
from safemigrate.source.inspection import Known
from safemigrate.source.inspection_types import format_type, is_visible
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = [
    "checks_of",
    "default_of",
    "find_table",
    "find_tables",
    "foreign_keys_of",
    "indexes_of",
    "is_stored",
    "is_temporary",
    "key_of",
    "uniques_of",
]

# What SQLAlchemy's reflection takes and gives has names for its keys, but types only for some.
Answer = dict[str, Any]

_KINDS = {
    RelationKind.TABLE: ObjectKind.TABLE,
    RelationKind.PARTITIONED_TABLE: ObjectKind.TABLE,
    RelationKind.VIEW: ObjectKind.VIEW,
    RelationKind.MATERIALIZED_VIEW: ObjectKind.MATERIALIZED_VIEW,
}


def find_table(catalog: Catalog, name: str, schema: str | None) -> Table | None:
    """Return the relation, None when there is none; `schema` None looks in the search path."""
    return catalog.table(QualifiedName(schema, name))


def find_tables(
    known: Known,
    schema: str | None,
    names: Iterable[str] | None,
    scope: ObjectScope,
    kind: ObjectKind,
) -> list[Table]:
    """Return the relations in that schema, None for the search path, in the order made."""
    catalog = known.catalog
    wanted = None if names is None else set(names)
    return [
        table
        for table in catalog.tables.values()
        if (wanted is None or table.name.name in wanted)
        and _KINDS[table.kind] in kind
        and (ObjectScope.TEMPORARY if is_temporary(table) else ObjectScope.DEFAULT) in scope
        and (is_visible(catalog, table.name) if schema is None else table.name.schema == schema)
    ]


def is_temporary(table: Table) -> bool:
    """Return whether the table goes with its session."""
    return table.persistence is Persistence.TEMPORARY


_TEXT = re.compile(r"E?'((?:[^']|'')*)'")
_NUMBER = re.compile(r"\d+")


def default_of(known: Known, table: Table, column: Column) -> str | None:
    """Return the default, or the expression of a generated column, about as the server prints it.

    It is certain to mean the same; the server shows casts, brackets and constants its own way.
    """
    if column.default is None or column.default.is_null_constant:
        return None
    if column.default.sql == "nextval" and column.default.functions:
        sequence = known.details.sequence_of(table, column.name)
        shown = quote_name(sequence)
        if sequence.schema in known.catalog.search_path:
            shown = quote_identifier(sequence.name)
        return f"nextval({quote_literal(shown)}::regclass)"
    constant = _TEXT.fullmatch(column.default.sql)
    if constant is None or column.type is None:
        return column.default.sql
    text = constant[1]
    if column.type.name == "boolean" and not column.type.dimensions:
        return "true" if text.lower() in {"t", "true", "on", "yes", "1"} else "false"
    if column.type.name == "integer" and _NUMBER.fullmatch(text):
        return text
    bare = ColumnType(column.type.name, (), column.type.dimensions, column.type.schema)
    name = "bpchar" if bare == ColumnType("character") else format_type(known, bare)
    return f"{column.default.sql}::{name}"


def is_stored(column: Column) -> bool:
    """Return whether the generated column keeps its value."""
    return column.generated is Generated.STORED


def _constraints(table: Table, kind: ConstraintKind) -> list[Constraint]:
    found = [one for one in table.constraints.values() if one.kind is kind]
    return sorted(found, key=lambda one: one.name)


def _definition(known: Known, table: Table, name: str) -> ConstraintDefinition | None:
    return known.details.constraints.get((table.identity, name))


def key_of(known: Known, table: Table) -> Answer:
    """Return the primary key."""
    for one in _constraints(table, ConstraintKind.PRIMARY_KEY):
        included = _included(known, table, one)
        return {
            "constrained_columns": list(one.columns),
            "name": one.name,
            "comment": None,
            **_options({"include": included}),
        }
    return {"constrained_columns": [], "name": None}


def uniques_of(known: Known, table: Table) -> Iterator[Answer]:
    """Yield the UNIQUE constraints."""
    for one in _constraints(table, ConstraintKind.UNIQUE):
        definition = _definition(known, table, one.name)
        told = {
            "include": _included(known, table, one),
            "nulls_not_distinct": definition is not None and definition.is_nulls_not_distinct,
        }
        yield {
            "column_names": list(one.columns),
            "name": one.name,
            "comment": None,
            **_options(told),
        }


# Since 2.1 SQLAlchemy reflects options of keys; before, it told what an index includes twice.
_REFLECTS_KEY_OPTIONS = "include" in (
    dict(PGDialect.construct_arguments or ()).get(UniqueConstraint) or ()
)


def _options(told: Answer) -> Answer:
    """Return the options of a key, where this version of SQLAlchemy takes them."""
    if not _REFLECTS_KEY_OPTIONS:
        return {}
    return {"dialect_options": {f"postgresql_{name}": value for name, value in told.items()}}


def _included(known: Known, table: Table, constraint: Constraint) -> list[str]:
    index = known.catalog.indexes.get(QualifiedName(table.name.schema, constraint.index or ""))
    return [] if index is None else [one for one in index.uses if one not in index.columns]


def checks_of(known: Known, table: Table) -> Iterator[Answer]:
    """Yield the CHECK constraints."""
    for one in _constraints(table, ConstraintKind.CHECK):
        definition = _definition(known, table, one.name)
        answer: Answer = {
            "name": one.name,
            "sqltext": "" if one.expression is None else one.expression.sql,
            "comment": None,
        }
        options = {}
        if not one.is_valid and one.is_enforced:
            options["not_valid"] = True
        if definition is not None and definition.is_local:
            options["no_inherit"] = True
        if options:
            answer["dialect_options"] = options
        yield answer


def foreign_keys_of(known: Known, table: Table, schema: str | None) -> Iterator[Answer]:
    """Yield the foreign keys; `schema`: as the caller named the table's."""
    catalog = known.catalog
    for one in _constraints(table, ConstraintKind.FOREIGN_KEY):
        if one.references is None:
            continue
        far = one.references
        shown: str | None = None
        if not is_visible(catalog, far):
            shown = far.schema
        elif schema is not None and schema == far.schema:
            shown = schema
        yield {
            "name": one.name,
            "constrained_columns": list(one.columns),
            "referred_schema": shown,
            "referred_table": far.name,
            "referred_columns": list(one.referenced_columns or catalog.primary_key(far)),
            "options": _reference_options(_definition(known, table, one.name)),
            "comment": None,
        }


def _reference_options(definition: ConstraintDefinition | None) -> Answer:
    if definition is None or definition.reference is None:
        return {}
    reference = definition.reference
    options: Answer = {}
    if reference.on_update is not None:
        options["onupdate"] = reference.on_update
    if reference.on_delete is not None:
        columns = ", ".join(map(quote_identifier, reference.on_delete_columns))
        options["ondelete"] = reference.on_delete + (f" ({columns})" if columns else "")
    if definition.is_deferred:
        options["initially"] = "DEFERRED"
    if definition.is_deferrable:
        options["deferrable"] = True
    if reference.is_match_full:
        options["match"] = "FULL"
    return options


def indexes_of(known: Known, table: Table) -> Iterator[Answer]:
    """Yield the indexes but for that of the primary key, with what was written of each."""
    keys = {one.index for one in _constraints(table, ConstraintKind.PRIMARY_KEY)}
    found = [one for one in known.catalog.indexes_of(table.name) if one.name.name not in keys]
    for index in sorted(found, key=lambda one: one.name.name):
        yield _index(known, table, index)


def _index(known: Known, table: Table, index: Index) -> Answer:
    written = known.details.indexes.get(index.name)
    answer: Answer = {"name": index.name.name, "unique": index.is_unique}
    answer["column_names"] = list(index.columns)
    keys = () if written is None else written.columns
    texts = [column or _key_text(keys, number) for number, column in enumerate(index.columns)]
    if None in index.columns:
        answer["expressions"] = texts
    sorting = {
        text: order for text, key in zip(texts, keys, strict=False) if (order := _order_of(key))
    }
    if sorting:
        answer["column_sorting"] = sorting
    if index.constraint is not None:
        answer["duplicates_constraint"] = index.constraint
    included = [] if written is None else list(written.included)
    if index.constraint is not None:
        included = _included(known, table, table.constraints[index.constraint])
    options: Answer = {}
    if index.method != "btree":
        options["postgresql_using"] = index.method
    if index.predicate is not None:
        options["postgresql_where"] = index.predicate.sql
    options["postgresql_include"] = included
    if not _REFLECTS_KEY_OPTIONS:
        answer["include_columns"] = included
    if written is not None and written.is_nulls_not_distinct:
        options["postgresql_nulls_not_distinct"] = True
    answer["dialect_options"] = options
    return answer


_ORDER_WORDS = re.compile(r"(?: (ASC|DESC))?(?: NULLS (FIRST|LAST))?\Z")


def _key_text(keys: tuple[IndexColumn, ...], number: int) -> str:
    """Return an expression that is a key, without its order."""
    return _ORDER_WORDS.sub("", keys[number].text) if number < len(keys) else ""


def _order_of(key: IndexColumn) -> tuple[str, ...]:
    found = _ORDER_WORDS.search(key.text)
    direction, nulls = (None, None) if found is None else found.groups()
    if direction == "DESC":
        return ("desc", "nulls_last") if nulls == "LAST" else ("desc",)
    return ("nulls_first",) if nulls == "FIRST" else ()
