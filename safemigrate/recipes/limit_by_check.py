"""Limit the values of a column by a CHECK instead of a narrower type."""

from safemigrate.model import AlterColumnType, Remedy
from safemigrate.recipes.rendering import alembic_call, code_string, schema_argument, two_revisions
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["condition_of_type", "limit_by_check"]

_INTEGERS = {
    "smallint": "BETWEEN -32768 AND 32767",
    "integer": "BETWEEN -2147483648 AND 2147483647",
}


def condition_of_type(action: AlterColumnType, old: str) -> str | None:
    """Return what values of type `old` must satisfy to fit the new type, None where unknown."""
    column, new = quote_identifier(action.column), action.type
    if new.dimensions or action.using is not None:
        return None
    is_text = old in {"text", "character varying"}
    if is_text and new.name in {"character varying", "character"} and new.modifiers:
        return f"char_length({column}) <= {new.modifiers[0]}"
    is_whole = old in {"integer", "bigint", "numeric"}
    if is_whole and new.name in _INTEGERS:
        whole = "" if old != "numeric" else f"{column} = trunc({column}) AND "
        return f"{whole}{column} {_INTEGERS[new.name]}"
    if old == "numeric" and new.name == "numeric" and new.modifiers:
        precision, *scales = new.modifiers
        scale = scales[0] if scales else 0
        return f"{column} = round({column}, {scale}) AND abs({column}) < 1e{precision - scale}"
    return None


def limit_by_check(action: AlterColumnType, constraint: str, condition: str) -> Remedy:
    """Return how to keep the type and admit only values that satisfy `condition`."""
    table, check = quote_name(action.table), quote_identifier(constraint)
    validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}"
    return Remedy(
        advice="keep the type and limit the values by a CHECK",
        sql=(
            f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({condition}) NOT VALID;\n"
            "-- in the next transaction, once every old row fits:\n"
            f"{validate};"
        ),
        alembic=two_revisions(
            alembic_call(
                "create_check_constraint",
                code_string(constraint),
                code_string(action.table.name),
                code_string(condition),
                schema_argument(action.table),
                "postgresql_not_valid=True",
            ),
            f"op.execute({code_string(validate)})",
        ),
    )
