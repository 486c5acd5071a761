"""Keep a list of values as rows instead of in the schema."""

from safemigrate.model import CreateEnum, Remedy
from safemigrate.recipes.rendering import (
    alembic_call,
    alembic_execute,
    code_string,
    schema_argument,
)
from safemigrate.sql import quote_literal, quote_name

__all__ = ["keep_labels_as_rows"]


def keep_labels_as_rows(action: CreateEnum) -> Remedy:
    """Return the table that takes the place of the enum, with a row for each label."""
    name = quote_name(action.type)
    make = f"CREATE TABLE {name} (name text PRIMARY KEY)"
    rows = ", ".join(f"({quote_literal(label)})" for label in action.labels)
    fill = [f"INSERT INTO {name} (name) VALUES {rows}"] if rows else []  # noqa: S608 - text to read
    call = alembic_call(
        "create_table",
        code_string(action.type.name),
        'sa.Column("name", sa.Text(), primary_key=True)',
        schema_argument(action.type),
    )
    return Remedy(
        advice="make it a table, and let columns of type text reference it",
        sql="\n".join(f"{statement};" for statement in (make, *fill)),
        alembic="\n".join((call, *map(alembic_execute, fill))),
    )
