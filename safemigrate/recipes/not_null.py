"""Make columns NOT NULL while reads and writes go on."""

from collections.abc import Sequence

from safemigrate.catalog import choose_constraint_name
from safemigrate.model import (
    AddConstraint,
    Catalog,
    ConstraintDefinition,
    ConstraintKind,
    Expression,
    QualifiedName,
    Remedy,
    SetNotNull,
)
from safemigrate.recipes.rendering import (
    alembic_call,
    alembic_execute,
    code_string,
    constraint_sql,
    schema_argument,
    sql_string,
)
from safemigrate.recipes.steps import Step, sql_step, write_steps
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["add_not_null_in_steps", "not_null_steps", "set_not_null_by_check"]


def set_not_null_by_check(action: SetNotNull, catalog: Catalog) -> Remedy:
    """Return how to prove the column by a CHECK first; SET NOT NULL is then free (since 12)."""
    return write_steps(
        "add a CHECK that is NOT VALID, validate it while reads and writes go on, "
        "and set NOT NULL from the proof",
        not_null_steps(action.table, (action.column,), catalog),
    )


def not_null_steps(
    table: QualifiedName, columns: Sequence[str], catalog: Catalog, *, note: str = ""
) -> tuple[Step, ...]:
    """Return the steps that prove all the columns by one CHECK, set NOT NULL and drop the CHECK.

    `note`: what must be done before the first of them.
    """
    name, names = quote_name(table), [quote_identifier(column) for column in columns]
    condition = " AND ".join(f"{column} IS NOT NULL" for column in names)
    constraint = _choose_name(table, columns, catalog)
    check = quote_identifier(constraint)
    alembic_name, schema = f"op.f({code_string(constraint)})", schema_argument(table)
    add = alembic_call(
        "create_check_constraint",
        alembic_name,
        code_string(table.name),
        sql_string(condition),
        schema,
        "postgresql_not_valid=True",
    )
    set_all = [
        alembic_call(
            "alter_column", code_string(table.name), code_string(column), "nullable=False", schema
        )
        for column in columns
    ]
    drop = alembic_call(
        "drop_constraint", alembic_name, code_string(table.name), schema, 'type_="check"'
    )
    setting = ", ".join(f"ALTER COLUMN {column} SET NOT NULL" for column in names)
    return (
        Step(
            f"ALTER TABLE {name} ADD CONSTRAINT {check} CHECK ({condition}) NOT VALID;",
            add,
            is_apart=bool(note),
            note=note,
        ),
        sql_step(f"ALTER TABLE {name} VALIDATE CONSTRAINT {check}", is_apart=True),
        Step(
            f"ALTER TABLE {name} {setting};\nALTER TABLE {name} DROP CONSTRAINT {check};",
            "\n".join([*set_all, drop]),
            is_apart=True,
        ),
    )


def _choose_name(table: QualifiedName, columns: Sequence[str], catalog: Catalog) -> str:
    """Return the name PostgreSQL would give the CHECK, so that it takes no other one's."""
    found = catalog.table(table)
    definition = ConstraintDefinition(
        ConstraintKind.CHECK, expression=Expression("", columns=tuple(columns))
    )
    return choose_constraint_name(table.name, definition, found.constraints if found else ())


def add_not_null_in_steps(action: AddConstraint, name: str) -> Remedy:
    """Return how to add the NOT NULL constraint without a scan and validate it then (since 18)."""
    table, constraint = quote_name(action.table), constraint_sql(action.constraint, name)
    add = f"ALTER TABLE {table} ADD {constraint} NOT VALID"
    validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {quote_identifier(name)}"
    return write_steps(
        "add it NOT VALID, and validate it while reads and writes go on",
        [
            Step(f"{add};", alembic_execute(add)),
            sql_step(validate, is_apart=True),
        ],
    )
