"""Change the type of a column without a test of its CHECK under the lock."""

from collections.abc import Sequence

from safemigrate.model import AlterColumnType, Constraint, Remedy
from safemigrate.recipes.contract import LOCK_TIMEOUT
from safemigrate.recipes.rendering import alembic_execute, type_sql
from safemigrate.recipes.steps import Step, sql_step, write_steps
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = ["change_type_and_check_later"]


def change_type_and_check_later(action: AlterColumnType, checks: Sequence[Constraint]) -> Remedy:
    """Return how to change the type, put the CHECKs over the column back, and validate them.

    `checks`: valid, each with its expression.
    """
    table, column = quote_name(action.table), quote_identifier(action.column)
    collation = "" if action.collation is None else f" COLLATE {action.collation}"
    names = [quote_identifier(check.name) for check in checks]
    parts = [f"DROP CONSTRAINT {name}" for name in names]
    parts.append(f"ALTER COLUMN {column} TYPE {type_sql(action.type)}{collation}")
    for name, check in zip(names, checks, strict=True):
        condition = "" if check.expression is None else check.expression.sql
        parts.append(f"ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID")
    change = f"ALTER TABLE {table}\n    " + ",\n    ".join(parts)
    timeout = f"SET LOCAL lock_timeout = {quote_literal(LOCK_TIMEOUT)}"
    first = Step(
        f"BEGIN;\n{timeout};\n{change};\nCOMMIT;",
        f"{alembic_execute(timeout)}\n{alembic_execute(change)}",
    )
    validate = [f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}" for name in names]
    return write_steps(
        "take the CHECK off and add it again NOT VALID in the same statement, then validate it",
        [first, sql_step(*validate, is_apart=True)],
    )
