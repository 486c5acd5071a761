"""Whether what runs outside a transaction lets others read and write meanwhile."""

from collections.abc import Iterator

from safemigrate.model import (
    Certainty,
    Check,
    Direction,
    Lock,
    Property,
    blocked_commands,
)
from safemigrate.sql import quote_name
from safemigrate.verify.experiments.facts_matching import Pair, pair_statements, quote_statement
from safemigrate.verify.experiments.facts_observing import Observation, qualify_fallback
from safemigrate.verify.snapshots import Snapshot
from safemigrate.verify.stage import Stage

__all__ = ["find_felt_locks", "judge_outside"]

_ADVICE = (
    "there is a form that works beside the application: REINDEX and REFRESH with CONCURRENTLY,"
    " VACUUM without FULL, and pg_repack in place of CLUSTER"
)


def judge_outside(stage: Stage, observation: Observation) -> Iterator[Check]:
    """Yield how LETS_OTHERS_WORK stands for the upgrade.

    Broken by a statement that works through a table while it keeps others from it. A change of the
    catalog alone needs its lock for a moment, and that moment is what `ordered-locks` is about.
    """
    proved = Property.LETS_OTHERS_WORK
    outside = [one for one in observation.of(Direction.UPGRADE) if one.transaction is None]
    if not outside:
        yield stage.holds(proved, "nothing runs outside a transaction")
        return
    notes: list[str] = []
    broken: list[tuple[Pair, Lock]] = []
    pairs = [
        pair
        for pair in pair_statements(stage, outside, Direction.UPGRADE)
        if not pair.is_replayed(stage.choices.deployed_by)
    ]
    for pair in pairs:
        lock = _find_lock_held_long(pair, stage.before)
        if lock is not None:
            broken.append((pair, lock))
        notes.append(_describe(pair, lock))
    if not broken:
        check = stage.holds(proved, details=notes)
        is_blind = any(pair.may_read_rows for pair in pairs)
        yield qualify_fallback(stage, check, observation) if is_blind else check
        return
    pair, lock = broken[0]
    blocked = ", ".join(blocked_commands(lock.mode))
    yield stage.broken(
        proved,
        f"{_command(pair)} works through {lock.relation} under {lock.mode.value}: {blocked} wait",
        notes,
        advice=_ADVICE,
        line=pair.observed.line,
    )


def find_felt_locks(locks: tuple[Lock, ...], before: Snapshot) -> Iterator[Lock]:
    """Yield the locks that keep others from reading or writing what was there before.

    Nobody writes to a view or a materialized view.
    """
    for lock in locks:
        blocked = blocked_commands(lock.mode)
        if not lock.is_preexisting or not blocked:
            continue
        name = quote_name(lock.relation)
        is_written = any((kind, name) in before.objects for kind in ("table", "foreign table"))
        is_read = any((kind, name) in before.objects for kind in ("view", "materialized view"))
        if is_written or (is_read and "SELECT" in blocked):
            yield lock


def _find_lock_held_long(pair: Pair, before: Snapshot) -> Lock | None:
    """Return the lock under which the statement works through a table.

    What may have been missed is taken from what is foreseen.
    """
    observed, facts = pair.observed, pair.facts
    locks, work = observed.locks, (*observed.rewrites, *observed.scans)
    changed = [one.table for one in observed.rows if one.is_preexisting and one.changed]
    if observed.certainty is not Certainty.KNOWN and not pair.doubt:
        locks, work = (*locks, *facts.locks), (*work, *facts.rewrites, *facts.scans)
    if not work and not changed:
        return None
    return max(find_felt_locks(locks, before), key=lambda lock: lock.mode, default=None)


def _describe(pair: Pair, lock: Lock | None) -> str:
    observed = pair.observed
    text = quote_statement(observed)
    if lock is not None:
        return f"{text}: {lock.mode.value} on {lock.relation}"
    taken = ", ".join(
        f"{one.mode.value} on {one.relation}" for one in observed.locks if one.is_preexisting
    )
    waits = " and waits for transactions" if "virtualxid" in observed.waited_for else ""
    return f"{text}: takes {taken or 'no lock'}{waits}"


def _command(pair: Pair) -> str:
    """Return the first words of the statement."""
    words = pair.observed.sql.split()
    return " ".join(word for word in words[:2]).rstrip(";(")
