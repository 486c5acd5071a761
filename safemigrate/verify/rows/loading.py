"""Rows for what is measured on a revision: the project's own, and generated ones for the rest."""

from collections.abc import Collection
from dataclasses import replace

from safemigrate.errors import UsageError
from safemigrate.model import QualifiedName
from safemigrate.trace import Connection
from safemigrate.verify.rows.filling import Filling, fill_tables
from safemigrate.verify.rows.samples import Samples, run_sample
from safemigrate.verify.rows.states import count_rows, list_tables
from safemigrate.verify.stage import Stage

__all__ = ["advise_sample", "load_rows", "tell_others"]


def load_rows(stage: Stage, connection: Connection, tables: Collection[QualifiedName]) -> Filling:
    """Put rows into the tables at the state before the revision; see `fill_tables`.

    Where the project's own sample puts rows into a table, no others are generated for it.
    Raises UsageError for a sample that cannot be inserted.
    """
    file = Samples(stage.choices.samples).before(stage.revision)
    if file is None:
        return fill_tables(connection, tables, stage.choices.rows)
    everything = {*list_tables(connection).values(), *tables}
    there = count_rows(connection, everything)
    fault = run_sample(connection, file)
    if fault is not None:
        raise UsageError(
            f"the project's own rows cannot be inserted: {fault}", "mend the statement there"
        )
    now = count_rows(connection, everything)
    sampled = {name: rows for name, rows in now.items() if rows > there[name]}
    filling = fill_tables(connection, tables, stage.choices.rows, except_for=sampled)
    unsolved = {name: why for name, why in filling.unsolved.items() if name not in sampled}
    return replace(filling, rows={**filling.rows, **sampled}, unsolved=unsolved)


def advise_sample(stage: Stage, *, is_after: bool = False) -> str:
    """Return where to write rows of one's own, for a revision that takes no generated ones.

    `is_after`: rows that are written after the upgrade.
    """
    samples = Samples(stage.choices.samples)
    name = samples.name_after if is_after else samples.name_before
    return f'write INSERT statements for such rows into "{name(stage.revision)}"' + (
        samples.how_to_name
    )


def tell_others(tables: int) -> str:
    """Return that so many tables beside the one named have no rows either."""
    if not tables:
        return ""
    return ", and none in 1 more table" if tables == 1 else f", and none in {tables} more tables"
