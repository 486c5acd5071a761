"""Add a column, with all that is written at it, while reads and writes go on."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.catalog import choose_constraint_name
from safemigrate.facts import Volatility, has_value, volatility_of_default
from safemigrate.model import (
    AddColumn,
    Catalog,
    ColumnDefinition,
    ConstraintDefinition,
    ConstraintKind,
    Expression,
    Generated,
    QualifiedName,
    Remedy,
)
from safemigrate.recipes.column_type import column_type
from safemigrate.recipes.constraint import constraint_steps
from safemigrate.recipes.fill import fill_in_batches
from safemigrate.recipes.not_null import not_null_steps
from safemigrate.recipes.rendering import (
    alembic_call,
    alembic_execute,
    code_string,
    schema_argument,
    sql_string,
    type_sql,
)
from safemigrate.recipes.steps import Step, concurrent_step, sql_step, write_steps
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = ["add_column_in_steps"]

_FILL_NOTE = "outside a transaction, the old rows in batches that commit one by one"
_VIRTUAL_NOTE = "once no row computes to NULL"
_REQUIRED_NOTE = "once every release in use fills it, and the old rows have a value"
_NAME_BYTES = 63


def add_column_in_steps(action: AddColumn, catalog: Catalog) -> Remedy:
    """Return how to add the column in steps that neither rewrite nor read the table at once."""
    column = _without_domain(action.column, catalog)
    steps = [*_column_steps(action.table, column, catalog)]
    steps += _all_constraint_steps(action.table, column, catalog)
    return write_steps(_advise(column, catalog), steps)


def _without_domain(column: ColumnDefinition, catalog: Catalog) -> ColumnDefinition:
    """Return the column with the base type of a restricting domain, and the domain as a CHECK.

    A new column of such a domain makes the server write every row anew to test it. The condition
    is true for whatever the cast lets through.
    """
    base, is_restricted = catalog.base_type(column.type)
    if not is_restricted or column.generated is Generated.VIRTUAL:
        return column
    name = quote_identifier(column.name)
    condition = Expression(
        f"{name}::{type_sql(column.type)} IS NULL OR {name} IS NOT NULL", columns=(column.name,)
    )
    check = ConstraintDefinition(ConstraintKind.CHECK, columns=(column.name,), expression=condition)
    return replace(column, type=base, constraints=(*column.constraints, check))


def _advise(column: ColumnDefinition, catalog: Catalog) -> str:
    then = ", then give it its constraints" if column.constraints else ""
    if column.generated is Generated.STORED:
        return (
            f"add a plain column that a trigger fills, and fill the old rows in batches{then}; "
            "from 18 on, GENERATED … VIRTUAL needs no rewrite"
        )
    if _is_filled_late(column, catalog):
        return f"add it without a value, set the default, and fill the old rows in batches{then}"
    if column.is_not_null and not has_value(column):
        return f"add it nullable, fill it, and set NOT NULL from a proof{then}"
    return f"add the column alone{then}"


def _is_filled_late(column: ColumnDefinition, catalog: Catalog) -> bool:
    return volatility_of_default(column, catalog) is not Volatility.STABLE


def _column_steps(
    table: QualifiedName, column: ColumnDefinition, catalog: Catalog
) -> Iterator[Step]:
    """Yield the steps to the column without its constraints, NOT NULL apart."""
    if column.generated is Generated.VIRTUAL and column.is_not_null:
        yield _add(table, replace(column, is_not_null=False))
        yield from not_null_steps(table, (column.name,), catalog, note=_VIRTUAL_NOTE)
        return
    if not _is_filled_late(column, catalog) and (has_value(column) or not column.is_not_null):
        yield _add(table, column)
        return
    note = ""
    if column.is_serial or column.is_identity:
        yield from _sequence_steps(table, column, catalog)
    elif column.generated is Generated.STORED:
        yield from _trigger_steps(table, column, catalog)
    elif has_value(column):
        default = "" if column.default is None else column.default.sql
        yield _add(table, _bare(column))
        yield _set_default(table, column.name, default)
        yield _fill(table, column.name, catalog)
    else:
        yield _add(table, _bare(column))
        note = _REQUIRED_NOTE
    if column.is_not_null:
        yield from not_null_steps(table, (column.name,), catalog, note=note)
    if column.is_identity:
        yield _become_identity(table, column.name)


def _bare(column: ColumnDefinition) -> ColumnDefinition:
    """Return the column with nothing but its name, type and collation."""
    return ColumnDefinition(column.name, column.type, collation=column.collation)


def _add(table: QualifiedName, column: ColumnDefinition) -> Step:
    """Return the step that adds the column with its NOT NULL and default."""
    words = [quote_identifier(column.name), type_sql(column.type)]
    default = "" if column.default is None else column.default.sql
    if column.collation is not None:
        words.append(f"COLLATE {quote_name(_split(column.collation))}")
    if column.generated is Generated.VIRTUAL:
        words.append(f"GENERATED ALWAYS AS ({default}) VIRTUAL")
    elif default:
        words.append(f"DEFAULT {default}")
    if column.is_not_null:
        words.append("NOT NULL")
    sql = f"ALTER TABLE {quote_name(table)} ADD COLUMN {' '.join(words)}"
    sa_type = column_type(column.type)
    if sa_type is None or column.collation is not None or column.generated is not None:
        return sql_step(sql)
    arguments = [
        code_string(column.name),
        sa_type,
        "nullable=False" if column.is_not_null else "",
        f"server_default=sa.text({sql_string(default)})" if default else "",
    ]
    inside = ", ".join(argument for argument in arguments if argument)
    call = alembic_call(
        "add_column", code_string(table.name), f"sa.Column({inside})", schema_argument(table)
    )
    return Step(f"{sql};", call)


def _split(collation: str) -> QualifiedName:
    schema, _, name = collation.rpartition(".")
    return QualifiedName(schema or None, name)


def _set_default(table: QualifiedName, column: str, default: str) -> Step:
    call = alembic_call(
        "alter_column",
        code_string(table.name),
        code_string(column),
        f"server_default=sa.text({sql_string(default)})",
        schema_argument(table),
    )
    sql = f"ALTER TABLE {quote_name(table)} ALTER COLUMN {quote_identifier(column)}"
    return Step(f"{sql} SET DEFAULT {default};", call)


def _fill(
    table: QualifiedName,
    column: str,
    catalog: Catalog,
    *,
    value: str = "DEFAULT",
    condition: str = "",
) -> Step:
    missing = condition or f"{quote_identifier(column)} IS NULL"
    block = fill_in_batches(table, column, value=value, condition=missing, catalog=catalog)
    return concurrent_step(block, note=_FILL_NOTE)


def _fit(table: QualifiedName, *parts: str) -> QualifiedName:
    """Return the name of an object beside the table, cut to what PostgreSQL keeps."""
    name = "_".join((table.name, *parts)).encode()[:_NAME_BYTES].decode(errors="ignore")
    return QualifiedName(table.schema, name)


def _sequence(table: QualifiedName, column: ColumnDefinition) -> QualifiedName:
    """Return the sequence's name: that of serial, or one that leaves it to the identity."""
    return _fit(table, column.name, "fill" if column.is_identity else "seq")


def _next_value(sequence: QualifiedName) -> str:
    return f"nextval({quote_literal(quote_name(sequence))})"


def _sequence_steps(
    table: QualifiedName, column: ColumnDefinition, catalog: Catalog
) -> Iterator[Step]:
    """Yield the steps to a nullable column that a sequence fills."""
    sequence = _sequence(table, column)
    yield sql_step(f"CREATE SEQUENCE {quote_name(sequence)} AS {type_sql(column.type)}")
    yield _add(table, _bare(column))
    yield _set_default(table, column.name, _next_value(sequence))
    if column.is_serial:
        owner = f"{quote_name(table)}.{quote_identifier(column.name)}"
        yield sql_step(f"ALTER SEQUENCE {quote_name(sequence)} OWNED BY {owner}")
    yield _fill(table, column.name, catalog)


def _become_identity(table: QualifiedName, column: str) -> Step:
    """Return the step from a column filled by a sequence to an identity that goes on from it.

    The lock of ALTER TABLE keeps INSERT out until the identity's own sequence is past the other.
    """
    sequence = _fit(table, column, "fill")
    name = quote_identifier(column)
    own = f"pg_get_serial_sequence({quote_literal(quote_name(table))}, {quote_literal(column)})"
    change = (
        f"ALTER TABLE {quote_name(table)}\n"
        f"    ALTER COLUMN {name} DROP DEFAULT,\n"
        f"    ALTER COLUMN {name} ADD GENERATED BY DEFAULT AS IDENTITY"
    )
    go_on = f"SELECT setval({own}, {_next_value(sequence)})"
    statements = (change, go_on, f"DROP SEQUENCE {quote_name(sequence)}")
    return Step(
        sql="\n".join(f"{statement};" for statement in ("BEGIN", *statements, "COMMIT")),
        alembic="\n".join(map(alembic_execute, statements)),
        is_apart=True,
    )


def _trigger_steps(
    table: QualifiedName, column: ColumnDefinition, catalog: Catalog
) -> Iterator[Step]:
    """Yield the steps to a plain column that a trigger keeps as GENERATED … STORED would."""
    value = "" if column.default is None else column.default.sql
    name, type_ = quote_identifier(column.name), type_sql(column.type)
    beside = _fit(table, column.name, "value")
    function, trigger = quote_name(beside), quote_identifier(beside.name)
    row = f"(SELECT NEW.*) AS {quote_identifier(table.name)}"
    yield _add(table, _bare(column))
    body = [
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$",
        "BEGIN",
        f"    NEW.{name} := (SELECT {value} FROM {row});",  # noqa: S608 - text for a reader
        "    RETURN NEW;",
        "END",
        "$$",
    ]
    yield sql_step(
        "\n".join(body),
        f"CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {quote_name(table)}\n"
        f"    FOR EACH ROW EXECUTE FUNCTION {function}()",
    )
    # As text, because not every type has an operator for equality.
    condition = f"{name}::text IS DISTINCT FROM CAST({value} AS {type_})::text"
    yield _fill(table, column.name, catalog, value=f"({value})", condition=condition)


def _all_constraint_steps(
    table: QualifiedName, column: ColumnDefinition, catalog: Catalog
) -> Iterator[Step]:
    """Yield the steps to what is written at the column, apart from the step that makes it."""
    found = catalog.table(table)
    taken = set(found.constraints if found else ())
    for written in column.constraints:
        name = choose_constraint_name(table.name, written, taken)
        taken.add(name)
        steps = constraint_steps(table, _named(written, name), catalog, is_new_column=True)
        for number, step in enumerate(steps):
            # The column's own lock must not be held while a constraint is being made.
            yield replace(step, is_apart=True) if number == 0 else step


def _named(constraint: ConstraintDefinition, name: str) -> ConstraintDefinition:
    return replace(constraint, name=name)
