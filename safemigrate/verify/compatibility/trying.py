"""The statements of both releases, tried on one database before and after the revision."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from safemigrate.model import Direction, QualifiedName
from safemigrate.trace import Connection, open_connection
from safemigrate.verify.bench import Move
from safemigrate.verify.compatibility.comparing import Performance
from safemigrate.verify.compatibility.constraints import list_new_checks
from safemigrate.verify.compatibility.generating import generate_statements
from safemigrate.verify.compatibility.narrowing import find_affected, keep_affected
from safemigrate.verify.compatibility.rehearsing import Rehearsal, Runs
from safemigrate.verify.compatibility.relations import Relation, Relations, read_relations
from safemigrate.verify.compatibility.statements import ReleaseStatement
from safemigrate.verify.compatibility.wire import Fault
from safemigrate.verify.rows import fill_tables
from safemigrate.verify.snapshots import Snapshot
from safemigrate.verify.stage import Stage, State

__all__ = ["Releases", "Trial", "try_statements"]

_ROWS = 5


@dataclass(frozen=True, slots=True)
class Releases:
    """What the two releases send; `old` is None where that is to be generated."""

    old: Sequence[ReleaseStatement] | None
    new: Sequence[ReleaseStatement]


@dataclass(frozen=True, slots=True)
class Trial:
    """What was seen of the statements of one release.

    `spare`: on the new schema, with rows that were made for it; None where nobody needs it.
    `held`: on the new schema, in the session that was there before; empty where there was none.
    `others`: how many are no queries, such as BEGIN. `left_out`: how many queries have nothing to
    do with the revision.
    `unsolved`: tables that no rows could be made for, and why.
    """

    statements: Sequence[ReleaseStatement]
    before: Performance
    after: Performance
    spare: Performance | None
    held: Mapping[int, Runs]
    others: int
    left_out: int
    unsolved: Mapping[QualifiedName, str]


def try_statements(stage: Stage, releases: Releases) -> tuple[Trial, Trial]:
    """Try the statements of the old and of the new release; return what was seen of each."""
    with stage.database(State.BEFORE) as bench:
        relations = read_relations(bench.connection)
        known = generate_statements(find_affected(stage, relations), list_new_checks(stage))
        old = _Choice.of(stage, known if releases.old is None else releases.old)
        new = _Choice.of(stage, releases.new)
        tables = _list_tables((*old.kept, *new.kept), relations, stage.before)
        unsolved = fill_tables(bench.connection, tables, _ROWS).unsolved
        with open_connection(bench.url) as kept:
            before = _perform(kept, old, new)
            before[0].rehearsal.warm()
            fault = bench.run([Move(stage.script, Direction.UPGRADE)])
            after: tuple[Performance, Performance] | None = None
            held: Mapping[int, Runs] = {}
            if fault is None:
                with open_connection(bench.url) as fresh:
                    after = _perform(fresh, old, new)
                held = before[0].rehearsal.play()
    # the rows that were there may keep the revision, or a new constraint, from what it is for
    spare = None
    if after is None or _has_failed(before[0], after[0]):
        spare = _perform_on_new(stage, old, new)
        after = after or spare
    return (
        old.trial(before[0], after[0], unsolved, None if spare is None else spare[0], held),
        new.trial(before[1], after[1], unsolved),
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """The statements of a release that are tried, and how many of them are not."""

    kept: Sequence[ReleaseStatement]
    others: int
    left_out: int

    @classmethod
    def of(cls, stage: Stage, statements: Sequence[ReleaseStatement]) -> "_Choice":
        queries = [one for one in statements if one.shape.is_query]
        kept = keep_affected(queries, stage)
        return cls(kept, len(statements) - len(queries), len(queries) - len(kept))

    def trial(
        self,
        before: Performance,
        after: Performance,
        unsolved: Mapping[QualifiedName, str],
        spare: Performance | None = None,
        held: Mapping[int, Runs] | None = None,
    ) -> Trial:
        return Trial(
            self.kept, before, after, spare, held or {}, self.others, self.left_out, unsolved
        )


def _perform_on_new(stage: Stage, old: _Choice, new: _Choice) -> tuple[Performance, Performance]:
    """Perform on a database at the state after, whose rows were made for that."""
    with stage.database(State.AFTER) as bench:
        relations = read_relations(bench.connection)
        tables = _list_tables((*old.kept, *new.kept), relations, stage.after)
        fill_tables(bench.connection, tables, _ROWS)
        return _perform(bench.connection, old, new)


def _perform(connection: Connection, old: _Choice, new: _Choice) -> tuple[Performance, Performance]:
    rehearsals = (Rehearsal(connection, old.kept, "old"), Rehearsal(connection, new.kept, "new"))
    for one in rehearsals:
        one.prepare()
    first, second = (Performance(one, one.play()) for one in rehearsals)
    return first, second


def _has_failed(before: Performance, after: Performance) -> bool:
    """Return whether a statement failed, or found no row any more, that lives on values of rows."""
    return any(
        isinstance(outcome, Fault) or (outcome == 0 and outcome != first)
        for number, runs in after.runs.items()
        if not after.rehearsal.statements[number].examples
        for outcome, first in zip(runs, before.runs.get(number, (0,)), strict=True)
    )


def _list_tables(
    statements: Iterable[ReleaseStatement], relations: Relations, schema: Snapshot
) -> list[QualifiedName]:
    """Return the tables that the statements name; rows of Alembic's own are not ours to make."""
    found: dict[QualifiedName, Relation] = {}
    for name in {name for one in statements for name in one.shape.tables}:
        relation = relations.find(name)
        if relation is not None and schema.has_table(relation.name):
            found[relation.name] = relation
    return sorted(found)
