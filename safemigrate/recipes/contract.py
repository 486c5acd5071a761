"""Take something away once nobody uses it: the last step of expand and contract."""

from safemigrate.model import (
    DropColumn,
    DropConstraint,
    DropSchema,
    DropTable,
    DropView,
    QualifiedName,
    Remedy,
    RenameConstraint,
    RenameSchema,
    Truncate,
)
from safemigrate.recipes.rendering import (
    alembic_call,
    alembic_execute,
    code_string,
    schema_argument,
)
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = [
    "LOCK_TIMEOUT",
    "contract",
    "drop_column_later",
    "drop_constraint_later",
    "drop_schema_later",
    "drop_table_later",
    "drop_view_later",
    "rename_constraint_later",
    "rename_schema_later",
    "truncate_later",
]

LOCK_TIMEOUT = "2s"
"""How long a short change may wait for its lock, and everybody else behind it."""


def drop_column_later(action: DropColumn, rule: str) -> Remedy:
    """Return how to drop the column a release after the last that uses it."""
    exists = "IF EXISTS " if action.takes_missing else ""
    sql = (
        f"ALTER TABLE {quote_name(action.table)}"
        f" DROP COLUMN {exists}{quote_identifier(action.column)}"
    )
    call = alembic_call(
        "drop_column",
        code_string(action.table.name),
        code_string(action.column),
        schema_argument(action.table),
        "if_exists=True" if action.takes_missing else "",
    )
    return _drop_later(rule, sql, call, is_cascade=action.is_cascade)


def drop_table_later(action: DropTable, rule: str) -> Remedy:
    """Return how to drop the table a release after the last that uses it."""
    exists = "IF EXISTS " if action.takes_missing else ""
    sql = f"DROP TABLE {exists}{quote_name(action.table)}"
    call = alembic_call(
        "drop_table",
        code_string(action.table.name),
        schema_argument(action.table),
        "if_exists=True" if action.takes_missing else "",
    )
    return _drop_later(rule, sql, call, is_cascade=action.is_cascade)


def drop_view_later(action: DropView, rule: str) -> Remedy:
    """Return how to drop the view a release after the last that uses it."""
    kind = "MATERIALIZED VIEW" if action.is_materialized else "VIEW"
    exists = "IF EXISTS " if action.takes_missing else ""
    sql = f"DROP {kind} {exists}{quote_name(action.view)}"
    return _drop_later(rule, sql, "", is_cascade=action.is_cascade)


def drop_schema_later(action: DropSchema, rule: str) -> Remedy:
    """Return how to drop the schema a release after the last that uses anything in it."""
    exists = "IF EXISTS " if action.takes_missing else ""
    return contract(
        rule,
        advice="stop using what is in it, deploy that everywhere, and drop it in a later release",
        comment="in a release after the one that stops using what is in it",
        reason="nothing in it used since release <version>",
        sql=_cascading(
            f"DROP SCHEMA {exists}{quote_identifier(action.name)}", is_cascade=action.is_cascade
        ),
        call="",
    )


def truncate_later(action: Truncate, rule: str) -> Remedy:
    """Return how to empty the table a release after the last that needs its rows."""
    return contract(
        rule,
        advice="stop needing the rows, deploy that everywhere, and empty it in a later release",
        comment="in a release after the one that stops needing the rows",
        reason="rows not needed since release <version>",
        sql=_cascading(f"TRUNCATE {quote_name(action.table)}", is_cascade=action.is_cascade),
        call="",
    )


def rename_schema_later(action: RenameSchema, rule: str) -> Remedy:
    """Return how to rename the schema once every release finds things under both names."""
    return contract(
        rule,
        advice="let the code find things under both names (search_path), deploy that everywhere, "
        "and rename in a later release",
        comment="in a release after the one that has both names in its search_path",
        reason="both names known since release <version>",
        sql=(
            f"ALTER SCHEMA {quote_identifier(action.name)}"
            f" RENAME TO {quote_identifier(action.new_name)}"
        ),
        call="",
    )


def drop_constraint_later(action: DropConstraint, rule: str) -> Remedy:
    """Return how to drop the constraint once no release relies on it."""
    exists = "IF EXISTS " if action.takes_missing else ""
    sql = (
        f"ALTER TABLE {quote_name(action.table)}"
        f" DROP CONSTRAINT {exists}{quote_identifier(action.name)}"
    )
    call = alembic_call(
        "drop_constraint",
        code_string(action.name),
        code_string(action.table.name),
        schema_argument(action.table),
        "if_exists=True" if action.takes_missing else "",
    )
    return contract(
        rule,
        advice="stop relying on it, deploy that everywhere, and drop it in a later release",
        comment="in a release after the one that stops relying on it",
        reason="not relied on since release <version>",
        sql=_cascading(sql, is_cascade=action.is_cascade),
        call="" if action.is_cascade else call,
    )


def rename_constraint_later(table: QualifiedName, action: RenameConstraint, rule: str) -> Remedy:
    """Return how to rename the constraint of `table` once every release knows both names."""
    sql = (
        f"ALTER TABLE {quote_name(table)} RENAME CONSTRAINT {quote_identifier(action.name)}"
        f" TO {quote_identifier(action.new_name)}"
    )
    return contract(
        rule,
        advice="teach the code both names, deploy that everywhere, and rename in a later release",
        comment="in a release after the one that knows both names",
        reason="both names known since release <version>",
        sql=sql,
        call="",
    )


def _cascading(sql: str, *, is_cascade: bool) -> str:
    return f"{sql} CASCADE" if is_cascade else sql


def _drop_later(rule: str, sql: str, call: str, *, is_cascade: bool) -> Remedy:
    """Return the drop of one thing; `call` has no word for CASCADE."""
    return contract(
        rule,
        advice="stop using it, deploy that everywhere, and drop it in a later release",
        comment="in a release after the one that stops using it",
        reason="unused since release <version>",
        sql=_cascading(sql, is_cascade=is_cascade),
        call="" if is_cascade else call,
    )


def contract(rule: str, *, advice: str, comment: str, reason: str, sql: str, call: str) -> Remedy:
    """Return the step behind a short lock_timeout, with its ignore comment.

    `call`: the same in Alembic; empty where only SQL can say it.
    """
    timeout = quote_literal(LOCK_TIMEOUT)
    ignore = f"safemigrate: ignore[{rule}] {reason}"
    local = alembic_execute(f"SET LOCAL lock_timeout = {timeout}")
    return Remedy(
        advice=advice,
        sql=(
            f"-- {comment}:\nSET lock_timeout = {timeout};\n-- {ignore}\n{sql};\n"
            "RESET lock_timeout;"
        ),
        alembic=f"# {comment}:\n{local}\n# {ignore}\n{call or alembic_execute(sql)}",
    )
