"""Whether locks are taken in a good order, for a short time, and with a limit to the wait."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from safemigrate.config import Deployer
from safemigrate.model import (
    Check,
    Direction,
    Lock,
    ObservedStatement,
    Property,
    QualifiedName,
)
from safemigrate.trace.commands import is_planned, runs_body
from safemigrate.verify.experiments.facts_matching import quote_statement
from safemigrate.verify.experiments.facts_observing import Observation
from safemigrate.verify.experiments.facts_outside import find_felt_locks
from safemigrate.verify.snapshots import Snapshot
from safemigrate.verify.stage import Stage

__all__ = ["judge_order"]

# Which share of the generated rows a statement changes that goes with the size of the table.
_SHARE = 10


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a statement, in one line, and what to do."""

    observed: ObservedStatement
    text: str
    advice: str


def judge_order(stage: Stage, observation: Observation) -> Iterator[Check]:
    """Yield how ORDERED_LOCKS stands for the upgrade."""
    statements = observation.of(Direction.UPGRADE)
    faults = [
        *_find_work_under_locks(stage, observation, statements),
        *_find_opposite_orders(stage.before, statements),
    ]
    unlimited = list(_find_unlimited_waits(stage.before, statements))
    notes: list[str] = []
    if stage.choices.deployed_by is Deployer.ALEMBIC:
        faults += unlimited
    elif unlimited:
        notes.append(
            f"{len(unlimited)} of the statements ask for such a lock without a lock_timeout, as"
            " they may where safemigrate upgrade takes the locks"
        )
    if not faults:
        yield stage.holds(Property.ORDERED_LOCKS, details=notes)
        return
    worst = faults[0]
    yield stage.broken(
        Property.ORDERED_LOCKS,
        worst.text,
        (*(f"{quote_statement(one.observed)}: {one.text}" for one in faults), *notes),
        advice=worst.advice,
        line=worst.observed.line,
    )


def _find_work_under_locks(
    stage: Stage, observation: Observation, statements: Iterable[ObservedStatement]
) -> Iterator[_Fault]:
    """Yield each slow statement that runs while an earlier one of its transaction locks others out.

    What a single statement does under its own lock no order makes better.
    """
    transaction: int | None = None
    held: tuple[Lock, ObservedStatement] | None = None
    for one in statements:
        if one.transaction is None or one.transaction != transaction:
            transaction, held = one.transaction, None
        if not one.held:
            held = None
        work = _describe_work(one, observation, stage) if held is not None else ""
        if held is not None and work:
            lock, since = held
            yield _Fault(
                one,
                f"{work} while {lock.mode.value} on {lock.relation}, taken on line {since.line},"
                " is held",
                "do the slow part in a revision of its own, before or after this one",
            )
        taken = max(
            find_felt_locks(one.locks, stage.before), key=lambda lock: lock.mode, default=None
        )
        if (
            transaction is not None
            and taken is not None
            and (held is None or held[0].mode < taken.mode)
        ):
            held = taken, one


def _describe_work(one: ObservedStatement, observation: Observation, stage: Stage) -> str:
    """Return what of the statement takes longer the more rows there are; empty for nothing."""
    read = {rows.table: rows.read for rows in one.rows}
    for name in one.rewrites:
        if read.get(name) or name in observation.unsolved:
            return f"{name} is rewritten"
    is_query = is_planned(one.sql) or runs_body(one.sql)
    for name in one.scans if not is_query else ():
        if read.get(name) or name in observation.unsolved:
            return f"{name} is scanned"
    least = max(1, stage.choices.rows // _SHARE)
    for rows in one.rows:
        if not is_query and not rows.is_preexisting and rows.read > least:
            return f"{rows.read} rows of the new table {rows.table} are read"
        changed = rows.updated + rows.deleted
        if changed > least:
            return f"{changed} rows of {rows.table} are changed"
        if rows.inserted > (least if _is_copied(one) else stage.choices.most_rows_changed):
            return f"{rows.inserted} rows are written to {rows.table}"
    return ""


def _is_copied(one: ObservedStatement) -> bool:
    """Return whether what it inserts may come out of other tables, so that it is more elsewhere."""
    return " values" not in " ".join(one.sql.lower().split()) or runs_body(one.sql)


def _find_unlimited_waits(
    before: Snapshot, statements: Iterable[ObservedStatement]
) -> Iterator[_Fault]:
    for one in statements:
        lock = next(find_felt_locks(one.locks, before), None)
        is_patient = one.lock_timeout_ms == 0 and "nowait" not in one.sql.lower()
        if lock is not None and is_patient:
            yield _Fault(
                one,
                f"waits without a lock_timeout for {lock.mode.value} on {lock.relation},"
                " and everybody who comes later waits behind it",
                "run it with safemigrate upgrade, or begin with"
                " op.execute(\"SET LOCAL lock_timeout = '2s'\")",
            )


def _find_opposite_orders(
    before: Snapshot, statements: Iterable[ObservedStatement]
) -> Iterator[_Fault]:
    """Yield where one transaction locks two tables the other way round than one before it.

    A run that is begun again, or one on another host, may be in the one transaction while this is
    in the other.
    """
    orders: dict[int, list[tuple[QualifiedName, ObservedStatement]]] = {}
    for one in statements:
        if one.transaction is None:
            continue
        order = orders.setdefault(one.transaction, [])
        known = {name for name, _ in order}
        order += [
            (lock.relation, one)
            for lock in find_felt_locks(one.locks, before)
            if lock.relation not in known
        ]
    transactions = list(orders.values())
    for position, later in enumerate(transactions):
        for earlier in transactions[:position]:
            yield from _compare_orders(earlier, later)


_Order = Sequence[tuple[QualifiedName, ObservedStatement]]


def _compare_orders(earlier: _Order, later: _Order) -> Iterator[_Fault]:
    places = {name: (place, one) for place, (name, one) in enumerate(earlier)}
    for place, (first, _) in enumerate(later):
        for second, one in later[place + 1 :]:
            if first not in places or second not in places:
                continue
            (of_first, at_first), (of_second, at_second) = places[first], places[second]
            if of_second < of_first and at_second is not at_first and _is_apart(later, first, one):
                yield _Fault(
                    one,
                    f"{first} is locked before {second} here, and after it in an earlier"
                    f" transaction (line {at_first.line}): two runs can end in a deadlock",
                    "lock the tables in the same order in both",
                )


def _is_apart(order: _Order, first: QualifiedName, second: ObservedStatement) -> bool:
    """Return whether another statement locks the first; one statement has an order of its own."""
    return all(one is not second for name, one in order if name == first)
