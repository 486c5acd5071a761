"""What a server is seen to do for each statement of a revision, on rows where they may matter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from safemigrate.model import Check, Direction, ObservedStatement, QualifiedName, Standing
from safemigrate.source.dbapi import split_sent
from safemigrate.trace import note_rewrites
from safemigrate.trace.commands import is_planned, runs_body
from safemigrate.verify.bench import Move
from safemigrate.verify.rows.loading import advise_sample, load_rows
from safemigrate.verify.stage import Stage, State

__all__ = ["Observation", "depends_on_rows", "observe_stage", "qualify_fallback"]


@dataclass(frozen=True, slots=True)
class Observation:
    """The statements of a revision, up and down, and what was in its tables.

    `rows`: how many in each table that was there before; empty where the statements were observed
    on the empty tables of the walk. `unsolved`: tables that are empty, and why.
    `notes`: what the reader should know of it. `fallback`: why it does not run on rows, up or down,
    where it was observed on empty tables for that.
    """

    statements: tuple[ObservedStatement, ...]
    rows: Mapping[QualifiedName, int] = field(default_factory=dict)
    unsolved: Mapping[QualifiedName, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    fallback: str = ""

    @property
    def has_rows(self) -> bool:
        """Whether the statements ran on tables with rows."""
        return any(self.rows.values())

    @property
    def speeds(self) -> tuple[str, ...]:
        """What is rewritten and scanned, and how fast, a line for each statement and table."""
        return tuple(
            f"{one.direction.value}, line {one.line}: {name} is"
            f" {'rewritten' if name in one.rewrites else 'scanned'}{self._measure(one, name)}"
            for one in self.statements
            for name in dict.fromkeys((*one.rewrites, *one.scans))
        )

    def _measure(self, one: ObservedStatement, name: QualifiedName) -> str:
        """Return why and how fast; of few rows it is the start that takes the time."""
        reasons = ", ".join(reason.reason for reason in one.rewrite_reasons if reason.table == name)
        why = f" ({reasons})" if reasons else ""
        rows = self.rows.get(name, 0)
        if not rows or not one.duration_ms:
            return why
        speed = rows / one.duration_ms * 1000
        return f"{why}: {rows} rows in {one.duration_ms:.1f} ms, {speed:,.0f} rows/s or more"

    def of(self, direction: Direction) -> tuple[ObservedStatement, ...]:
        """Return the statements of one direction that the server did not refuse."""
        return tuple(
            one for one in self.statements if one.direction is direction and one.error is None
        )


def observe_stage(stage: Stage) -> Observation:
    """Return what the walk saw, or where rows may matter what is seen on a copy with rows."""
    if stage.statements and not any(map(_needs_rows, stage.statements)):
        return Observation(stage.statements)
    return _observe_on_rows(stage)


def qualify_fallback(stage: Stage, check: Check, observation: Observation) -> Check:
    """Return the check, UNKNOWN where it held of statements that rows could have told more of."""
    if check.standing is not Standing.HOLDS or not observation.fallback:
        return check
    reason = f"it was observed on empty tables alone, because on rows {observation.fallback}"
    unknown = stage.unknown(check.subject, reason, advice=advise_sample(stage))
    return replace(unknown, details=check.details)


def depends_on_rows(sql: str) -> bool:
    """Return whether what a text does may depend on what is in the tables."""
    return any(is_planned(part) or runs_body(part) for part in split_sent(sql))


def _needs_rows(one: ObservedStatement) -> bool:
    """Return whether to see it on rows tells more: what it does, or how many there are to it."""
    return bool(one.rewrites or one.scans) or depends_on_rows(one.sql)


def _observe_on_rows(stage: Stage) -> Observation:
    moves = [Move(stage.script, Direction.UPGRADE, is_traced=True)]
    if stage.has_downgrade:
        moves.append(Move(stage.script, Direction.DOWNGRADE, is_traced=True))
    with stage.database(State.BEFORE) as bench:
        filling = load_rows(stage, bench.connection, sorted(stage.touched, key=str))
        note_rewrites(bench.connection)
        fault = bench.run(moves)
        seen = tuple(bench.statements)
    notes = tuple(f"no rows in {table}: {why}" for table, why in filling.unsolved.items())
    if fault is None:
        return Observation(seen, filling.rows, filling.unsolved, notes)
    # That it fails is for the properties of rows; what it does without rows is still to be judged.
    reason = " ".join(fault.reason.split())
    return Observation(
        stage.statements or _observe_without_rows(stage, moves),
        notes=(*notes, f"observed on empty tables, because on rows {reason}"),
        fallback=reason,
    )


def _observe_without_rows(stage: Stage, moves: Sequence[Move]) -> tuple[ObservedStatement, ...]:
    with stage.database(State.BEFORE) as bench:
        bench.run(moves)
        return tuple(bench.statements)
