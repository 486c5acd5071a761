"""Rename a table and leave a view under its old name."""

from safemigrate.model import QualifiedName, Remedy, RenameTable, SetSchema
from safemigrate.recipes.contract import LOCK_TIMEOUT
from safemigrate.recipes.rendering import (
    alembic_call,
    alembic_execute,
    code_string,
    schema_argument,
)
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = ["new_name_of", "rename_behind_view"]


def new_name_of(action: RenameTable | SetSchema, table: QualifiedName) -> QualifiedName:
    """Return what `table`, the resolved name of the action's, is called afterwards."""
    match action:
        case RenameTable():
            return QualifiedName(table.schema, action.new_name)
        case SetSchema():
            return QualifiedName(action.new_schema, table.name)


def rename_behind_view(action: RenameTable | SetSchema) -> Remedy:
    """Return how to rename the table so that the old name goes on working."""
    old = action.table
    new = new_name_of(action, old)
    match action:
        case RenameTable():
            change = f"RENAME TO {quote_identifier(action.new_name)}"
            call = alembic_call(
                "rename_table", code_string(old.name), code_string(new.name), schema_argument(old)
            )
        case SetSchema():
            change = f"SET SCHEMA {quote_identifier(action.new_schema)}"
            call = alembic_execute(f"ALTER TABLE {quote_name(old)} {change}")
    view = " ".join(("CREATE VIEW", quote_name(old), "AS SELECT * FROM", quote_name(new)))
    timeout = f"SET LOCAL lock_timeout = {quote_literal(LOCK_TIMEOUT)}"
    ending = f"drop the view once no release says {quote_name(old)} any more"
    return Remedy(
        advice="leave a view under the old name, in the same transaction",
        sql=(
            f"BEGIN;\n{timeout};\nALTER TABLE {quote_name(old)} {change};\n{view};\nCOMMIT;\n"
            f"-- {ending}"
        ),
        alembic=f"{alembic_execute(timeout)}\n{call}\n{alembic_execute(view)}\n# {ending}",
    )
