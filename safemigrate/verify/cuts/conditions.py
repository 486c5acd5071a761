"""What a run left on a database, and what it should have left."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from psycopg import sql

from safemigrate.errors import RevisionFailedError
from safemigrate.model import Direction
from safemigrate.verify.bench import Bench, Move
from safemigrate.verify.cuts.contents import (
    Contents,
    compare_contents,
    find_unsettled,
    read_contents,
)
from safemigrate.verify.differences import find_differences
from safemigrate.verify.snapshots import Snapshot
from safemigrate.verify.stage import Stage, State

__all__ = ["Condition", "Goal", "look", "upgrade"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A database as it is committed; `is_stamped`: the version table has the revision."""

    schema: Snapshot
    contents: Contents
    is_stamped: bool

    def compare(self, later: "Condition") -> tuple[str, ...]:
        """Return a line for each object, and each table's rows, that is different in `later`."""
        return (
            *find_differences(self.schema, later.schema),
            *compare_contents(self.contents, later.contents),
        )


def look(bench: Bench, revision: str, *, is_anew: bool = False) -> Condition:
    """Return the condition of the bench's database; env.py has run on it, if only in a template.

    `is_anew`: the version table that the bench knew at the last look was another one.
    """
    return Condition(
        bench.snapshot() if is_anew else bench.look(),
        read_contents(bench.connection, bench.version_table),
        _is_stamped(bench, revision),
    )


def _is_stamped(bench: Bench, revision: str) -> bool:
    table = bench.version_table.identifier()
    found = bench.connection.execute(
        "SELECT to_regclass(%s) IS NOT NULL", (table.as_string(),)
    ).fetchall()
    if found != [(True,)]:
        return False
    query = sql.SQL("SELECT 1 FROM {} WHERE version_num = %s").format(table)
    return bench.connection.execute(query, (revision,)).fetchone() is not None


def upgrade(stage: Stage) -> Move:
    """Return the move that is cut off and made again."""
    return Move(stage.script, Direction.UPGRADE)


class Goal:
    """Where an upgrade of the stage's state before leads when nothing happens to it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def compare(self, found: Condition) -> tuple[str, ...]:
        """Return how a condition differs from the goal, in lines.

        What a second undisturbed run makes otherwise, too, is no difference: a moment, a random
        value, a name that depends on the database.
        """
        if not self._first.compare(found):
            return ()
        first, second = self._first, self._second
        loose = _find_loose(first.schema, second.schema, found.schema)
        unsettled = find_unsettled(first.contents, second.contents)
        return (
            *find_differences(_without(first.schema, loose), _without(found.schema, loose)),
            *compare_contents(first.contents, found.contents, unsettled),
        )

    @cached_property
    def _first(self) -> Condition:
        return self._run()

    @cached_property
    def _second(self) -> Condition:
        return self._run()

    def _run(self) -> Condition:
        with self._stage.database(State.BEFORE) as bench:
            fault = bench.run([upgrade(self._stage)])
            condition = look(bench, self._stage.revision)
        if fault is not None:
            raise RevisionFailedError(fault.reason)
        return condition


def _find_loose(first: Snapshot, second: Snapshot, found: Snapshot) -> frozenset[tuple[str, str]]:
    """Return the objects, by kind and identity, that two undisturbed runs make otherwise.

    One whose name is another in every run has a third name in `found`: those of its kind are told
    by how many there are, unless the runs do not agree on that either.
    """
    differing = {key for key, _ in first.objects.items() ^ second.objects.items()}
    renamed = first.objects.keys() - second.objects.keys()
    wanted, again = _count(renamed), _count(second.objects.keys() - first.objects.keys())
    others = {key for key in found.objects.keys() - first.objects.keys() if again[key[0]]}
    there = _count(others | (renamed & found.objects.keys()))
    told = {kind for kind in wanted | again if wanted[kind] == again[kind] != there[kind]}
    named = renamed | others
    return frozenset(key for key in differing | others if key not in named or key[0] not in told)


def _count(keys: Iterable[tuple[str, str]]) -> Counter[str]:
    return Counter(kind for kind, _ in keys)


def _without(snapshot: Snapshot, loose: frozenset[tuple[str, str]]) -> Snapshot:
    kept = {key: one for key, one in snapshot.objects.items() if key not in loose}
    return replace(snapshot, objects=kept)
