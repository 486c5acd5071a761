"""How many rows each statement of a revision changes in one go.

That depends on how many there are. Where a statement changed about every row of a table, it is
looked at again with so many that it shows whether there is a limit: a backfill in batches has one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from psycopg import sql

from safemigrate.model import Direction, ObservedStatement, QualifiedName
from safemigrate.model.names import DEFAULT_SCHEMA
from safemigrate.trace import Connection
from safemigrate.trace.commands import runs_in_transaction
from safemigrate.verify.bench import Move, StepFault
from safemigrate.verify.rows.filling import fill_tables
from safemigrate.verify.rows.tables import Schema
from safemigrate.verify.stage import Stage, State

__all__ = ["Amount", "Amounts", "find_amounts"]

# A statement that changes less than this part of what was generated is taken to choose its rows.
_SUSPICIOUS = 0.5


@dataclass(frozen=True, slots=True)
class Amount:
    """How many rows of one table, partitions together, a statement changed in one go.

    `vanished`: how many it deleted where it may have committed in between; which transaction
    deleted a row is not to be seen. `is_every_row`: these are all that were generated to see it.
    """

    statement: ObservedStatement
    table: QualifiedName
    rows: int
    vanished: int = 0
    is_every_row: bool = False


@dataclass(frozen=True, slots=True)
class Amounts:
    """What was seen; `excessive`: more than allowed. `largest`: the most of all, 0 for none.

    `unseen`: maybe more than allowed. `tried`: how many rows were in the tables. `fault`: why it
    could not be seen.
    """

    excessive: tuple[Amount, ...] = ()
    largest: int = 0
    tried: int = 0
    fault: StepFault | None = None
    unseen: tuple[Amount, ...] = ()


def find_amounts(
    stage: Stage,
    statements: Sequence[ObservedStatement],
    counts: Mapping[QualifiedName, int],
    schema: Schema,
    kind_to: Schema | None,
) -> Amounts:
    """Return how many rows the statements change, seen with as many as it takes.

    `statements`: those of the way up and down with `counts` rows. `schema`: that before the
    upgrade. `kind_to`: what the generated rows have to meet besides, so that the upgrade applies.
    """
    limit, generated = stage.choices.most_rows_changed, stage.choices.rows
    seen = [amount for one in statements for amount in _amounts(one, schema)]
    largest = max((one.rows for one in seen), default=0)
    excessive = tuple(one for one in seen if one.rows > limit)
    suspicious = [one for one in seen if one.rows >= _SUSPICIOUS * generated]
    if excessive or not suspicious:
        return Amounts(excessive, largest, generated)
    # as many that the smallest part of them which is looked at exceeds the limit
    share = min(one.rows / max(counts.get(one.table, 0), generated) for one in suspicious)
    rows = ceil((limit + 1) / min(share, 1))
    tables = {
        _root(schema, one.table)
        for amount in suspicious
        for one in amount.statement.rows
        if one.is_preexisting
    }
    return _look_again(stage, tables & counts.keys(), rows, schema, kind_to)


def _look_again(
    stage: Stage,
    tables: frozenset[QualifiedName] | set[QualifiedName],
    rows: int,
    schema: Schema,
    kind_to: Schema | None,
) -> Amounts:
    """Make the way up and down with that many rows."""
    up = Move(stage.script, Direction.UPGRADE, is_traced=True)
    down = Move(stage.script, Direction.DOWNGRADE, is_traced=True)
    looks: list[Mapping[tuple[QualifiedName, str], int]] = []
    with stage.database(State.BEFORE) as bench:
        filling = fill_tables(
            bench.connection,
            tables,
            rows,
            kind_to=kind_to,
            rows_referred_to=stage.choices.rows,
        )

        def look(_: Move | None) -> None:
            looks.append(_count_by_transaction(bench.connection, tables))

        fault = bench.run((up, down), on_state=look)
        statements = tuple(bench.statements)
    if fault is not None and (fault.move.direction is Direction.UPGRADE):
        return Amounts(tried=rows, fault=fault)
    found = []
    for statement in statements:
        at = 1 if statement.direction is Direction.UPGRADE else 2
        for amount in _amounts(statement, schema):
            one = amount
            if at < len(looks) and _may_commit(statement):
                most = _most_in_one(looks[at - 1], looks[at], amount.table)
                one = replace(amount, rows=min(most, amount.rows))
            is_every_row = one.rows == filling.rows.get(one.table) and not _inserts(
                statement, one.table, schema
            )
            found.append(replace(one, is_every_row=is_every_row))
    limit = stage.choices.most_rows_changed
    return Amounts(
        tuple(one for one in found if one.rows > limit),
        max((one.rows for one in found), default=0),
        rows,
        unseen=tuple(one for one in found if one.rows <= limit < one.rows + one.vanished),
    )


def _amounts(statement: ObservedStatement, schema: Schema) -> Iterator[Amount]:
    """Yield how many rows of each table that was there before the statement changed."""
    changed: Counter[QualifiedName] = Counter()
    vanished: Counter[QualifiedName] = Counter()
    for one in statement.rows:
        # what a statement does outside a transaction is counted with all that others tell late
        rows = one.updated + one.deleted if _may_commit(statement) else one.changed
        if one.is_preexisting and rows:
            changed[_root(schema, one.table)] += rows
            vanished[_root(schema, one.table)] += one.deleted if _may_commit(statement) else 0
    for table, rows in changed.items():
        yield Amount(statement, table, rows, vanished[table])


def _inserts(statement: ObservedStatement, table: QualifiedName, schema: Schema) -> bool:
    """Return whether a statement inserted into a table, or maybe one before it that told late."""
    return any(one.inserted and _root(schema, one.table) == table for one in statement.rows)


def _root(schema: Schema, name: QualifiedName) -> QualifiedName:
    """Return the table that a partition belongs to in the end; others are their own."""
    for table in schema.tables.values():
        if any(leaf.qualified == name for leaf in table.leaves or ()):
            return table.qualified
    return name


def _count_by_transaction(
    connection: Connection, tables: frozenset[QualifiedName] | set[QualifiedName]
) -> dict[tuple[QualifiedName, str], int]:
    """Return how many rows each transaction has left in each table."""
    counts = {}
    for name in sorted(tables):
        known = connection.execute(
            "SELECT to_regclass(format('%%I.%%I', %s::text, %s::text))",
            (name.schema or DEFAULT_SCHEMA, name.name),
        ).fetchone()
        if known is None or known[0] is None:
            continue
        query = sql.SQL("SELECT xmin::text, count(*) FROM {} GROUP BY 1").format(
            sql.Identifier(name.schema or DEFAULT_SCHEMA, name.name)
        )
        for transaction, rows in connection.execute(query).fetchall():
            counts[name, transaction] = rows
    return counts


def _may_commit(statement: ObservedStatement) -> bool:
    """Return whether one statement may have been several transactions."""
    return statement.transaction is None and not runs_in_transaction(statement.sql)


def _most_in_one(
    before: Mapping[tuple[QualifiedName, str], int],
    after: Mapping[tuple[QualifiedName, str], int],
    table: QualifiedName,
) -> int:
    """Return how many rows that are there one transaction has written; those gone tell nothing."""
    return max(
        (
            rows
            for (name, transaction), rows in after.items()
            if name == table and (name, transaction) not in before
        ),
        default=0,
    )
