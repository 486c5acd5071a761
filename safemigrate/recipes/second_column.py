"""A column beside the old one, kept in step with it, so that code can move over in its own time."""

from dataclasses import dataclass

from safemigrate.model import ColumnType, QualifiedName, Remedy
from safemigrate.recipes.rendering import alembic_execute, autocommit, type_sql
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["SecondColumn", "add_second_column"]

# Types without an equality operator, which IS DISTINCT FROM needs.
_INCOMPARABLE = frozenset({"json", "xml", "point", "polygon"})


@dataclass(frozen=True, slots=True)
class SecondColumn:
    """What takes the place of column `old`: `name`, of the type `type`.

    `old_type` is None where it is not known.
    `value`: the new value as an expression of the old columns, where it is not the old value
    itself; the trigger then works from old to new only.
    """

    table: QualifiedName
    old: str
    old_type: ColumnType | None
    name: str
    type: ColumnType
    value: str | None = None


def add_second_column(column: SecondColumn) -> Remedy:
    """Return how to move from the old column to the new one.

    A trigger keeps both in step, whichever of them a program writes.
    """
    table, new = quote_name(column.table), quote_identifier(column.name)
    trigger = f"{column.table.name}_{column.name}_in_step"
    function = quote_name(QualifiedName(column.table.schema, trigger))
    ending = (
        f"move the code to {new} release by release, then drop the trigger, its function and "
        f"{quote_identifier(column.old)}"
    )
    statements = [
        f"ALTER TABLE {table} ADD COLUMN {new} {type_sql(column.type)};",
        (
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$\n"
            f"BEGIN\n{_body(column)}    RETURN NEW;\nEND\n$$;"
        ),
        (
            f"CREATE TRIGGER {quote_identifier(trigger)} BEFORE INSERT OR UPDATE ON {table}\n"
            f"    FOR EACH ROW EXECUTE FUNCTION {function}();"
        ),
    ]
    backfill = _backfill(column)
    first = [alembic_execute(statement.removesuffix(";")) for statement in statements]
    second = autocommit(alembic_execute(backfill.removesuffix(";")))
    return Remedy(
        advice=f"add {new} beside it, keep both in step, and move over",
        sql="\n".join(
            [
                *statements,
                "-- outside a transaction, a thousand rows in each of its own:",
                backfill,
                f"-- {ending}",
            ]
        ),
        alembic="\n".join([*first, second, f"# {ending}"]),
    )


def _body(column: SecondColumn) -> str:
    """Return what the trigger does with NEW."""
    old, new = (f"NEW.{quote_identifier(name)}" for name in (column.old, column.name))
    old_changed = _differs(column.old, column.old_type)
    new_changed = _differs(column.name, column.type)
    if column.value is None:
        lines = [
            "IF TG_OP = 'INSERT' THEN",
            f"    {new} := coalesce({new}, {old});",
            f"    {old} := {new};",
            f"ELSIF {new_changed} THEN",
            f"    {old} := {new};",
            "ELSE",
            f"    {new} := {old};",
            "END IF;",
        ]
    else:
        value = f"(SELECT {column.value} FROM (SELECT NEW.*) AS written)"  # noqa: S608 - text to read
        lines = [
            "IF TG_OP = 'INSERT' THEN",
            f"    {new} := coalesce({new}, {value});",
            f"ELSIF {old_changed} AND NOT ({new_changed}) THEN",
            f"    {new} := {value};",
            "END IF;",
        ]
    return "".join(f"    {line}\n" for line in lines)


def _differs(name: str, type_: ColumnType | None) -> str:
    """Return the condition that an UPDATE gives the column another value."""
    cast = "::text" if type_ is None or type_.name in _INCOMPARABLE else ""
    column = quote_identifier(name)
    return f"NEW.{column}{cast} IS DISTINCT FROM OLD.{column}{cast}"


def _backfill(column: SecondColumn) -> str:
    """Return the loop that fills the old rows, a thousand in a transaction."""
    table, new = quote_name(column.table), quote_identifier(column.name)
    value = quote_identifier(column.old) if column.value is None else f"({column.value})"
    missing = f"{new} IS NULL AND {value} IS NOT NULL"
    lines = [
        f"UPDATE {table} SET {new} = {value} WHERE ctid = ANY (ARRAY(",  # noqa: S608 - text to read
        f"    SELECT ctid FROM {table} WHERE {missing} LIMIT 1000",  # noqa: S608 - text to read
        "));",
        "EXIT WHEN NOT FOUND;",
        "COMMIT;",
    ]
    inside = "".join(f"        {line}\n" for line in lines)
    return f"DO $$\nBEGIN\n    LOOP\n{inside}    END LOOP;\nEND\n$$;"
