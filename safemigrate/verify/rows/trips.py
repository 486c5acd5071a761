"""One revision's way up, down and up again, with rows in the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from safemigrate.model import Direction, ObservedStatement, QualifiedName
from safemigrate.trace import Connection
from safemigrate.verify.bench import Bench, Move, StepFault
from safemigrate.verify.rows.filling import Filling, fill_tables
from safemigrate.verify.rows.inserting import NO_FREE_KEY, Gone
from safemigrate.verify.rows.samples import SampleFault, Samples, run_sample
from safemigrate.verify.rows.states import (
    Held,
    count_rows,
    find_concerned,
    list_tables,
    read_held,
)
from safemigrate.verify.rows.tables import Schema, read_tables
from safemigrate.verify.stage import Stage, State

__all__ = ["Load", "Trip", "applies_again_without_rows", "travel"]

_NOTHING = Filling({}, {})


@dataclass(frozen=True, slots=True)
class Load:
    """What rows a trip takes along.

    `rows`: how many are generated in a table. `kind_to`, `later_kind_to`: a schema that the rows
    generated before and after the upgrade meet too, None for rows that meet only their own.
    """

    rows: int
    kind_to: Schema | None = None
    later_kind_to: Schema | None = None


@dataclass(slots=True)
class Trip:
    """What came of it.

    `touched`: the tables that the revision touches, without those that only refer to them.
    `before`, `upgraded`, `middle`, `end`, `again`: what the tables held before the upgrade, right
    after it, with what was written then, after the downgrade, and after another upgrade, as far as
    it came.
    `schema`, `later_schema`: the schemas before and after the upgrade.
    `made`: the tables that the upgrade makes; nobody knows who writes to them, and none are
    generated there. `sampled`: the tables that the project's own rows are in, where none were
    generated either. `written`: the tables that rows were to be generated in after the upgrade.
    """

    touched: frozenset[QualifiedName] = frozenset()
    made: frozenset[QualifiedName] = frozenset()
    filling: Filling = _NOTHING
    later_filling: Filling = _NOTHING
    sampled: frozenset[QualifiedName] = frozenset()
    written: frozenset[QualifiedName] = frozenset()
    sample_fault: SampleFault | None = None
    fault: StepFault | None = None
    before: Mapping[QualifiedName, Held] = field(default_factory=dict)
    upgraded: Mapping[QualifiedName, Held] = field(default_factory=dict)
    middle: Mapping[QualifiedName, Held] = field(default_factory=dict)
    end: Mapping[QualifiedName, Held] = field(default_factory=dict)
    again: Mapping[QualifiedName, Held] = field(default_factory=dict)
    schema: Schema | None = None
    later_schema: Schema | None = None
    statements: Sequence[ObservedStatement] = ()

    @property
    def fails_up(self) -> bool:
        """Whether the first upgrade failed."""
        return (
            self.fault is not None
            and self.fault.move.direction is Direction.UPGRADE
            and self.fault.move.is_traced
        )

    @property
    def fails_down(self) -> bool:
        """Whether the downgrade failed."""
        return self.fault is not None and self.fault.move.direction is Direction.DOWNGRADE

    @property
    def fails_again(self) -> bool:
        """Whether the second upgrade failed, after a downgrade that did not."""
        return self.fault is not None and not self.fails_up and not self.fails_down

    def unsolved(self) -> dict[QualifiedName, str]:
        """Return the touched tables that are empty, and why."""
        return {
            name: reason
            for name, reason in self.filling.unsolved.items()
            if name in self.touched and name in self.before and not self.before[name].rows
        }

    def unwritten(self) -> dict[QualifiedName, str]:
        """Return the touched tables that got no rows after the upgrade, and why.

        Nothing is missing where rows have every key that there is, as in a table of one row.
        """
        return {
            name: reason
            for name, reason in self.later_filling.unsolved.items()
            if name in self.written and reason != NO_FREE_KEY
        }


def travel(stage: Stage, load: Load) -> Trip:
    """Make the trip on a fresh database; what samples there are is taken along."""
    samples = Samples(stage.choices.samples)
    trip = Trip()
    up = Move(stage.script, Direction.UPGRADE, is_traced=True)
    down = Move(stage.script, Direction.DOWNGRADE, is_traced=True)
    last = Move(stage.script, Direction.UPGRADE)
    with stage.database(State.BEFORE) as bench:
        _load_before(stage, bench, load, samples, trip)
        if trip.sample_fault is not None:
            return trip

        def look(move: Move | None) -> None:
            if move is up:
                _load_after(stage, bench, load, samples, trip)
            elif move is down:
                trip.end = read_held(bench.connection, trip.middle, trip.middle)
            elif move is last:
                trip.again = read_held(bench.connection, trip.middle, trip.end)

        trip.fault = bench.run((up, down, last), on_state=look)
        trip.statements = tuple(bench.statements)
    return trip


def applies_again_without_rows(stage: Stage) -> bool:
    """Return whether the upgrade applies a second time where the tables are empty."""
    up = Move(stage.script, Direction.UPGRADE)
    down = Move(stage.script, Direction.DOWNGRADE)
    with stage.database(State.BEFORE) as bench:
        return bench.run((up, down, up)) is None


def _load_before(stage: Stage, bench: Bench, load: Load, samples: Samples, trip: Trip) -> None:
    connection = bench.connection
    trip.touched, concerned = find_concerned(connection, stage.touched)
    trip.schema = read_tables(connection, concerned)
    file = samples.before(stage.revision)
    if file is not None:
        trip.sampled = _run_sample(connection, file, trip)
        if trip.sample_fault is not None:
            return
    trip.filling = fill_tables(
        connection, concerned, load.rows, except_for=trip.sampled, kind_to=load.kind_to
    )
    trip.before = read_held(connection, concerned | trip.sampled)


def _load_after(stage: Stage, bench: Bench, load: Load, samples: Samples, trip: Trip) -> None:
    connection = bench.connection
    version_table = bench.version_table.name
    there = {
        oid: name for oid, name in list_tables(connection).items() if name.name != version_table
    }
    first_names = {there[one.oid]: name for name, one in trip.before.items() if one.oid in there}
    made_anew = {name for name in there.values() if name in trip.before} - first_names.keys()
    trip.made = frozenset(
        name
        for name in there.values()
        if name not in first_names and name not in made_anew and not stage.before.has_table(name)
    )
    concerned = {name for name, first in first_names.items() if first in trip.touched} | made_anew
    trip.later_schema = read_tables(connection, concerned)
    trip.upgraded = read_held(connection, trip.before, trip.before)
    sampled = {name for name, first in first_names.items() if first in trip.sampled}
    file = samples.after(stage.revision)
    if file is not None:
        sampled |= _run_sample(connection, file, trip)
    trip.written = frozenset(concerned - sampled)
    trip.later_filling = fill_tables(
        connection,
        concerned,
        load.rows,
        except_for=sampled,
        kind_to=load.later_kind_to,
        gone=_find_gone(trip, there),
    )
    trip.middle = read_held(connection, trip.before, trip.before)


def _find_gone(trip: Trip, there: Mapping[int, QualifiedName]) -> dict[QualifiedName, Gone]:
    """Return the keys of the rows that the upgrade has deleted, by the tables' present names."""
    found = {}
    for name, after in trip.upgraded.items():
        before = trip.before[name]
        keys = tuple(key for key in before.rows if key not in after.rows)
        if keys and after.oid in there and after.key and len(after.key) == len(before.key):
            found[there[after.oid]] = Gone(after.key, keys)
    return found


def _run_sample(connection: Connection, file: Path, trip: Trip) -> frozenset[QualifiedName]:
    """Insert the project's own rows, and return which tables have more rows now."""
    everything = list_tables(connection).values()
    there = count_rows(connection, everything)
    trip.sample_fault = run_sample(connection, file)
    now = count_rows(connection, everything)
    return frozenset(name for name in now if now[name] > there[name])
