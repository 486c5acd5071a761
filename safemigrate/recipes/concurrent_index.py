"""Build or drop an index while reads and writes go on."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.catalog import choose_index_name
from safemigrate.model import (
    Catalog,
    CreateIndex,
    DropIndex,
    IndexColumn,
    QualifiedName,
    RelationKind,
    Remedy,
    Table,
)
from safemigrate.recipes.contract import LOCK_TIMEOUT
from safemigrate.recipes.rendering import (
    alembic_call,
    alembic_execute,
    code_string,
    schema_argument,
    sql_string,
)
from safemigrate.recipes.steps import Step, as_written, concurrent_step, sql_step, write_steps
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = [
    "build_index",
    "build_index_concurrently",
    "concurrent_index_step",
    "drop_index_briefly",
    "drop_index_concurrently",
]


def build_index(action: CreateIndex, name: str) -> str:
    """Return CREATE INDEX as the action says, under the name, without a semicolon."""
    words = [
        "CREATE UNIQUE INDEX" if action.is_unique else "CREATE INDEX",
        "CONCURRENTLY" if action.is_concurrent else "",
        quote_identifier(name),
        "ON ONLY" if action.is_only else "ON",
        quote_name(action.table),
        "" if action.method == "btree" else f"USING {quote_identifier(action.method)}",
        f"({', '.join(column.text for column in action.columns)})",
        f"INCLUDE ({_names(action.included)})" if action.included else "",
        "NULLS NOT DISTINCT" if action.is_nulls_not_distinct else "",
        f"WITH ({', '.join(action.storage)})" if action.storage else "",
        f"TABLESPACE {quote_identifier(action.tablespace)}" if action.tablespace else "",
        f"WHERE {action.predicate.sql}" if action.predicate else "",
    ]
    return " ".join(word for word in words if word)


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(map(quote_identifier, columns))


_ADVICE = "build it concurrently, outside a transaction and in a revision of its own"


def build_index_concurrently(action: CreateIndex, name: str, catalog: Catalog) -> Remedy:
    """Return how to build the index of CREATE INDEX concurrently, under the name."""
    table = catalog.table(action.table)
    if table is not None and table.kind is RelationKind.PARTITIONED_TABLE:
        return _build_by_partition(action, name, catalog)
    return write_steps(
        _ADVICE,
        [concurrent_index_step(action, name)],
    )


def concurrent_index_step(action: CreateIndex, name: str) -> Step:
    """Return the step that builds the index concurrently, whatever the action says."""
    concurrent = replace(action, is_concurrent=True, is_only=False)
    return concurrent_step(build_index(concurrent, name), _create_index(concurrent, name))


def _create_index(action: CreateIndex, name: str) -> str:
    """Return the call of Alembic's; empty where it cannot say all of it."""
    if action.storage or action.tablespace:
        return ""
    predicate = action.predicate
    return alembic_call(
        "create_index",
        code_string(name),
        code_string(action.table.name),
        f"[{', '.join(map(_key, action.columns))}]",
        "unique=True" if action.is_unique else "",
        schema_argument(action.table),
        "" if action.method == "btree" else f"postgresql_using={code_string(action.method)}",
        f"postgresql_include=[{', '.join(map(code_string, action.included))}]"
        if action.included
        else "",
        "postgresql_nulls_not_distinct=True" if action.is_nulls_not_distinct else "",
        f"postgresql_where=sa.text({sql_string(predicate.sql)})" if predicate else "",
        "postgresql_concurrently=True",
    )


def _key(column: IndexColumn) -> str:
    """Return a key as Alembic takes it: the name of a column, or text for anything more."""
    if column.column is not None and column.text == quote_identifier(column.column):
        return code_string(column.column)
    return f"sa.text({sql_string(column.text)})"


def _build_by_partition(action: CreateIndex, name: str, catalog: Catalog) -> Remedy:
    """A partitioned table has no concurrent build: its index is put together from the parts.

    Manual: "Table Partitioning", 5.12.2.2, Partition Maintenance.
    """
    steps = list(_partition_steps(action, name, catalog))
    if len(steps) == 1:
        parent = quote_name(QualifiedName(action.table.schema, name))
        attach = f"ALTER INDEX {parent} ATTACH PARTITION <its index>"
        note = f"then build each partition's index concurrently, and: {attach}"
        (only,) = steps
        steps = [
            replace(only, sql=f"{only.sql}\n-- {note};", alembic=f"{only.alembic}\n# {note}"),
        ]
    return write_steps(
        "make the index on the parent alone, build each partition's concurrently, and attach them",
        steps,
    )


def _partition_steps(action: CreateIndex, name: str, catalog: Catalog) -> Iterator[Step]:
    """Yield the steps of a partitioned table: its own index, then each partition's, attached."""
    only = replace(action, is_concurrent=False, is_only=True)
    yield sql_step(build_index(only, name))
    made = {name}
    parent = quote_name(QualifiedName(action.table.schema, name))
    for child in _children(action.table, catalog):
        table = as_written(child.name, action.table)
        part = replace(action, name=None, table=table)
        part_name = choose_index_name(part, catalog, made)
        made.add(part_name)
        if child.kind is RelationKind.PARTITIONED_TABLE:
            yield from _partition_steps(part, part_name, catalog)
        else:
            yield concurrent_index_step(part, part_name)
        part_index = quote_name(QualifiedName(table.schema, part_name))
        yield sql_step(f"ALTER INDEX {parent} ATTACH PARTITION {part_index}")


def _children(table: QualifiedName, catalog: Catalog) -> Iterator[Table]:
    """Yield the partitions of the table itself, not those of its partitions."""
    wanted = catalog.resolve(table)
    return (child for child in catalog.partitions_of(table) if child.partition_of == wanted)


def drop_index_concurrently(action: DropIndex, table: QualifiedName | None) -> Remedy:
    """Return how to drop the index concurrently; `table` is its table, where known."""
    exists = "IF EXISTS " if action.takes_missing else ""
    sql = f"DROP INDEX CONCURRENTLY {exists}{quote_name(action.index)}"
    call = alembic_execute(sql)
    if table is not None:
        call = alembic_call(
            "drop_index",
            code_string(action.index.name),
            f"table_name={code_string(table.name)}",
            schema_argument(action.index),
            "if_exists=True" if action.takes_missing else "",
            "postgresql_concurrently=True",
        )
    return write_steps("drop it concurrently, outside a transaction", [concurrent_step(sql, call)])


def drop_index_briefly(action: DropIndex, rule: str) -> Remedy:
    """Return how to drop the index of a partitioned table, which cannot be done concurrently."""
    exists = "IF EXISTS " if action.takes_missing else ""
    sql = f"DROP INDEX {exists}{quote_name(action.index)}"
    timeout = quote_literal(LOCK_TIMEOUT)
    ignore = f"safemigrate: ignore[{rule}] partitioned, and behind a short lock_timeout"
    local = alembic_execute(f"SET LOCAL lock_timeout = {timeout}")
    return Remedy(
        advice="a partitioned index cannot be dropped concurrently: do not wait long for the lock",
        sql=f"SET lock_timeout = {timeout};\n-- {ignore}\n{sql};\nRESET lock_timeout;",
        alembic=f"{local}\n# {ignore}\n{alembic_execute(sql)}",
    )
