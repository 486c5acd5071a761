"""Recipes of several steps, written out as one text."""

from collections.abc import Iterable
from dataclasses import dataclass

from safemigrate.model import QualifiedName, Remedy
from safemigrate.model.names import DEFAULT_SCHEMA
from safemigrate.recipes.rendering import alembic_execute, autocommit

__all__ = [
    "NEXT_REVISION",
    "WHY_NEXT",
    "Step",
    "as_written",
    "concurrent_step",
    "sql_step",
    "write_steps",
]

_NEXT_TRANSACTION = "in the next transaction"
NEXT_REVISION = "in the next revision"
"""How the comment begins behind which the code of a further revision stands."""

WHY_NEXT = "so that it has a transaction of its own"
"""How it goes on where there is no better reason."""

_OUTSIDE = "outside a transaction"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its statements as SQL, each with its semicolon, and its Alembic code.

    `is_apart`: it must not share a transaction, and so a revision, with the step before it.
    `note`: what a reader should know before it; said in place of "in the next transaction".
    """

    sql: str
    alembic: str
    is_apart: bool = False
    note: str = ""


def sql_step(*statements: str, is_apart: bool = False, note: str = "") -> Step:
    """Return the step of the statements, given without semicolons; Alembic executes them."""
    return Step(
        sql="\n".join(f"{statement};" for statement in statements),
        alembic="\n".join(alembic_execute(statement) for statement in statements),
        is_apart=is_apart,
        note=note,
    )


def concurrent_step(sql: str, call: str = "", *, note: str = "") -> Step:
    """Return the step of a statement that runs outside a transaction.

    `sql` has no semicolon. `call`: the same as a call of Alembic's, where it has one.
    """
    return Step(
        sql=f"{sql};",
        alembic=autocommit(call or alembic_execute(sql)),
        is_apart=True,
        note=note or _OUTSIDE,
    )


def write_steps(advice: str, steps: Iterable[Step]) -> Remedy:
    """Return the steps as one text of SQL and one of Alembic, with comments between them."""
    sql: list[str] = []
    alembic: list[str] = []
    for step in steps:
        is_next = step.is_apart and bool(alembic)
        if is_next:
            sql.append(f"-- {step.note or _NEXT_TRANSACTION}:")
            why = WHY_NEXT if step.note in {"", _OUTSIDE} else step.note
            alembic += ["", f"# {NEXT_REVISION}, {why}:"]
        elif step.note and step.note != _OUTSIDE:
            sql.append(f"-- {step.note}:")
            alembic.append(f"# {step.note}:")
        sql.append(step.sql)
        alembic.append(step.alembic)
    return Remedy(advice=advice, sql="\n".join(sql), alembic="\n".join(alembic))


def as_written(name: QualifiedName, table: QualifiedName) -> QualifiedName:
    """Return a name of the catalog the way the user wrote `table`: without `public` or with it."""
    if table.schema is None and name.schema == DEFAULT_SCHEMA:
        return QualifiedName(None, name.name)
    return name
