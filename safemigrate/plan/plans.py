"""Pending revisions, statement by statement: what they meet on a server, and what is done there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from safemigrate.model import (
    Catalog,
    Certainty,
    ChangeRows,
    ExplainedStatement,
    LockMode,
    Passage,
    QualifiedName,
    RowChange,
)
from safemigrate.plan.courses import Proceeding, choose_proceedings, list_hindering, list_locks
from safemigrate.plan.estimates import Estimate, Figures, add_estimates, estimate_work, list_read
from safemigrate.plan.resuming import Resumption, resumption_of

__all__ = [
    "Holder",
    "Obstacle",
    "RelationPlan",
    "RevisionPlan",
    "StatementPlan",
    "list_relations",
    "list_worked_on",
    "make_plan",
    "measure_room",
]


@dataclass(frozen=True, slots=True)
class Holder:
    """A session that holds a lock on a relation at this moment.

    `age_seconds`: how long its transaction has been open, None where that is not known. `words`:
    who it is and what it does, without passwords. `gives_way`: it is a vacuum that PostgreSQL ends
    for whoever waits for longer than deadlock_timeout, so that it is not waited for.
    """

    relation: QualifiedName
    mode: LockMode
    pid: int
    age_seconds: float | None
    words: str
    gives_way: bool = False


@dataclass(frozen=True, slots=True)
class RelationPlan:
    """What a statement does to a relation, and what that holds.

    `mode`: the strongest lock, None where it takes none. `is_new`: the revision itself makes it.
    `size_bytes`, `rows`: None where it is not there yet. `holders`: who holds what conflicts.
    """

    relation: QualifiedName
    mode: LockMode | None
    is_new: bool = False
    is_rewritten: bool = False
    is_scanned: bool = False
    size_bytes: int | None = None
    rows: int | None = None
    holders: tuple[Holder, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementPlan:
    """A statement, what it does, and what is done about it.

    `work`: about how long the server is busy with it; None for what was done before. `hold`: about
    how long others may have to wait, which is to the end of its transaction; None where nobody has
    to. `row_hold`: the same for those who change the very rows that it does, or lock them.
    """

    explained: ExplainedStatement
    relations: tuple[RelationPlan, ...]
    proceeding: Proceeding
    work: Estimate | None
    hold: Estimate | None
    row_hold: Estimate | None = None

    @property
    def is_sure(self) -> bool:
        """Whether what it does follows from the statement and the schema."""
        return self.explained.facts.certainty is Certainty.KNOWN


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a revision that is half done cannot go on, and the ways out."""

    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class RevisionPlan:
    """A revision that is pending.

    `resumption`: where it goes on when it was cut off.
    `room`: how much room its rewrites take on the disk, at most at once, as `measure_room` has it.
    `obstacle`: why it cannot go on, None where nothing is known to be in its way.
    """

    passage: Passage
    statements: tuple[StatementPlan, ...]
    resumption: Resumption = Resumption.WHOLE
    room: Mapping[str, int] = field(default_factory=dict)
    obstacle: Obstacle | None = None


def list_relations(passages: Sequence[Passage]) -> frozenset[QualifiedName]:
    """Return the relations that were there before and that the passages have to do with."""
    found: set[QualifiedName] = set()
    for passage in passages:
        names = _old_names(passages[0].before, passage.before)
        for explained in passage.statements:
            facts = explained.facts
            locked = (lock.relation for lock in facts.locks if lock.is_preexisting)
            found |= {names.get(name, name) for name in (*locked, *facts.rewrites, *facts.scans)}
    return frozenset(found)


def list_worked_on(passages: Sequence[Passage]) -> frozenset[QualifiedName]:
    """Return the relations that were there before and that statements go through row by row."""
    found: set[QualifiedName] = set()
    for passage in passages:
        names = _old_names(passages[0].before, passage.before)
        for explained in passage.statements:
            found |= {names.get(name, name) for name in list_read(explained)}
    return frozenset(found)


def measure_room(passages: Sequence[Passage], figures: Figures) -> dict[str, int]:
    """Return the most bytes that rewrites need at once beside what is there, by tablespace.

    A table that is rewritten is there twice, with its indexes, until the transaction ends
    (manual: "ALTER TABLE", Notes). The tablespaces are named by their folders, "" for the server's
    own.
    """
    most: dict[str, int] = {}
    for passage in passages:
        known = figures.renamed(_old_names(passages[0].before, passage.before))
        needs: dict[tuple[str, int], int] = {}
        for position, one in enumerate(passage.statements):
            number = one.statement.transaction
            for name in one.facts.rewrites:
                own = known.relations.get(name)
                if own is not None:
                    place = (own.tablespace, -position if number is None else number)
                    needs[place] = needs.get(place, 0) + own.size_bytes
        for (tablespace, _), need in needs.items():
            most[tablespace] = max(most.get(tablespace, 0), need)
    return most


def make_plan(
    passages: Sequence[Passage],
    figures: Figures,
    *,
    holders: Sequence[Holder] = (),
    done: Mapping[str, int] | None = None,
    obstacles: Mapping[str, Obstacle] | None = None,
) -> tuple[RevisionPlan, ...]:
    """Return the plan of each passage, in their order.

    `passages`: of the pending revisions, over the schema that the server has. `holders`: who holds
    locks on their relations now. `done`: by revision, how many of its first statements an earlier
    run has done. `obstacles`: by revision.
    """
    plans = []
    for passage in passages:
        names = _old_names(passages[0].before, passage.before)
        revision = passage.migration.revision or passage.migration.path
        known = figures.renamed(names)
        statements = tuple(
            _plan_statements(passage, known, _rename(holders, names), (done or {}).get(revision, 0))
        )
        plans.append(
            RevisionPlan(
                passage,
                statements,
                resumption_of(passage),
                measure_room([passage], known),
                (obstacles or {}).get(revision),
            )
        )
    return tuple(plans)


def _plan_statements(
    passage: Passage, figures: Figures, holders: Sequence[Holder], done: int
) -> Iterator[StatementPlan]:
    every = passage.statements
    work = [estimate_work(explained, figures) for explained in every]
    for position, proceeding in enumerate(choose_proceedings(every, done)):
        explained = every[position]
        is_done = position < done
        yield StatementPlan(
            explained,
            tuple(_plan_relations(explained, figures, () if is_done else holders)),
            proceeding,
            None if is_done else work[position],
            None if is_done or not list_hindering(explained) else _hold(every, work, position),
            None if is_done or not _locks_rows(explained) else _hold(every, work, position),
        )


def _hold(every: Sequence[ExplainedStatement], work: Sequence[Estimate], position: int) -> Estimate:
    """Return how long the locks of a statement are held: to the end of its transaction."""
    number = every[position].statement.transaction
    return add_estimates(
        work[later]
        for later in range(position, len(every))
        if later == position
        or (number is not None and every[later].statement.transaction == number)
    )


def _locks_rows(explained: ExplainedStatement) -> bool:
    """Return whether it locks rows that were there before."""
    # https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
    old = {lock.relation for lock in explained.facts.locks if lock.is_preexisting}
    return any(
        isinstance(event.action, ChangeRows)
        and event.action.change in {RowChange.UPDATE, RowChange.DELETE, RowChange.MERGE}
        and event.before.resolve(event.action.table) in old
        for event in explained.events
    )


def _plan_relations(
    explained: ExplainedStatement, figures: Figures, holders: Sequence[Holder]
) -> Iterator[RelationPlan]:
    facts = explained.facts
    locks = {lock.relation: lock for lock in list_locks(explained)}
    for name in dict.fromkeys((*locks, *facts.rewrites, *facts.scans)):
        held = locks.get(name)
        own = figures.relations.get(name)
        is_new = held is not None and not held.is_preexisting
        yield RelationPlan(
            name,
            None if held is None else held.mode,
            is_new=is_new,
            is_rewritten=name in facts.rewrites,
            is_scanned=name in facts.scans,
            size_bytes=None if own is None or is_new else own.size_bytes,
            rows=None if own is None or is_new else own.rows,
            holders=()
            if held is None
            else tuple(
                one
                for one in holders
                if one.relation == name and one.mode.conflicts_with(held.mode)
            ),
        )


def _old_names(start: Catalog, now: Catalog) -> dict[QualifiedName, QualifiedName]:
    """Return what renamed tables are called at the start, by their names now."""
    if start is now:
        return {}
    before = {table.identity: name for name, table in start.tables.items()}
    return {
        name: before[table.identity]
        for name, table in now.tables.items()
        if before.get(table.identity, name) != name
    }


def _rename(
    holders: Sequence[Holder], names: Mapping[QualifiedName, QualifiedName]
) -> Sequence[Holder]:
    if not names:
        return holders
    new = {old: name for name, old in names.items()}
    return [replace(one, relation=new.get(one.relation, one.relation)) for one in holders]
