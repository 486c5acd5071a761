"""How long the application waits while a revision runs on tables with rows."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from safemigrate.config import Deployer
from safemigrate.execute.failures import read_failure
from safemigrate.model import Check, Direction, ObservedStatement, Property, QualifiedName
from safemigrate.sql import quote_name
from safemigrate.trace.commands import is_transaction_end, is_transaction_start
from safemigrate.verify.bench import Bench, Move, StepFault
from safemigrate.verify.experiments.facts_matching import quote_statement
from safemigrate.verify.experiments.facts_observing import Observation, depends_on_rows
from safemigrate.verify.experiments.facts_outside import find_felt_locks
from safemigrate.verify.experiments.traffic_growth import warn_of_growth
from safemigrate.verify.rows.loading import advise_sample, load_rows, tell_others
from safemigrate.verify.stage import Stage, State
from safemigrate.verify.traffic import (
    Command,
    Record,
    Traffic,
    Wait,
    Work,
    alone,
    generate_work,
    read_workload,
)

__all__ = ["prove_brief_blocks"]

_MOST_TABLES = 30
_WORKERS_OF_A_SCRIPT = 2
# connection_failure, deadlock_detected, feature_not_supported (a plan that was cached),
# lock_not_available, query_canceled (by a timeout), serialization_failure, admin_shutdown (by
# pg_terminate_backend); what else fails, fails by the new schema.
_OURS = {
    "08006": "a session was ended",
    "0A000": "a prepared statement no longer fits",
    "40001": "a transaction could not be serialized",
    "40P01": "a deadlock",
    "55P03": "a lock was not to be had",
    "57014": "a statement timed out",
    "57P01": "a session was ended",
}
# With what a revision ends that lets the application go on, or that is told as an error.
_GIVEN_UP = frozenset({"40001", "40P01", "55P03", "57014"})
_DEADLOCK = "40P01"
_LOCK_NOT_AVAILABLE = "55P03"
_ADVICE = (
    "split the slow part off, so that the strong lock is held for a moment only; explain and lint"
    " say how"
)
_GIVE = "write what the application sends into a file of SQL, and name it as the workload"


@dataclass(frozen=True, slots=True)
class _Measurement:
    """One run; `fault`: why the revision did not come to its end.

    `works`: what the application did. `unsolved`: tables without rows, and why.
    """

    record: Record
    fault: StepFault | None
    works: Sequence[Work]
    unsolved: Mapping[QualifiedName, str]
    notes: tuple[str, ...] = ()

    @property
    def sqlstate(self) -> str:
        """With which the server ended the revision, empty where it did not."""
        error = None if self.fault is None else self.fault.error
        return "" if error is None else read_failure(error, "").sqlstate


def prove_brief_blocks(stage: Stage, observation: Observation) -> Check:
    """Return how BLOCKS_BRIEFLY stands for the upgrade.

    Raises UsageError for a workload that cannot be read.
    """
    proved = Property.BLOCKS_BRIEFLY
    relations = _find_relations(stage, observation)
    script = None if stage.choices.workload is None else read_workload(stage.choices.workload)
    if not relations:
        return stage.holds(
            proved,
            "no statement keeps others from a table that was there before",
            ("worst wait for a lock 0 ms; blocked: nothing",),
        )
    measured = _measure(stage, relations, script)
    if measured.record.worst_wait_ms > _budget_ms(stage):
        measured = _forgive(measured, _measure(stage, relations, script))
    return _judge(stage, observation, measured)


def _judge(stage: Stage, observation: Observation, measured: _Measurement) -> Check:
    proved = Property.BLOCKS_BRIEFLY
    record = measured.record
    details = (*_describe(observation, record), *observation.speeds, *measured.notes)
    if measured.sqlstate == _LOCK_NOT_AVAILABLE:
        details += ("the revision gave up at its lock_timeout, which let the application go on",)
    wait = record.worst_wait
    if wait is not None and wait.waited_ms > _budget_ms(stage):
        culprit = _find_culprit(observation, wait)
        where = f"line {culprit.line}: " if culprit is not None else ""
        return stage.broken(
            proved,
            f"{where}{wait.command} waits {wait.waited_ms:.0f} ms for a lock, and may wait"
            f" {_budget_ms(stage):.0f} ms",
            details,
            advice=_ADVICE,
            line=1 if culprit is None else culprit.line,
        )
    if errors := _find_errors(measured):
        return stage.broken(proved, errors[0], (*errors, *details), advice=_ADVICE)
    if measured.fault is not None and measured.sqlstate not in _GIVEN_UP:
        reason = " ".join(measured.fault.reason.split())
        return stage.unknown(proved, f"the upgrade does not run on rows: {reason}")
    blind = _find_blindness(stage, measured)
    check = blind or warn_of_growth(stage, stage.holds(proved), observation)
    return replace(check, details=details)


def _find_blindness(stage: Stage, measured: _Measurement) -> Check | None:
    """Return what to say where nobody was there to wait, or no rows to wait for."""
    proved = Property.BLOCKS_BRIEFLY
    commands = [one for work in measured.works for one in work.commands if not _is_bracket(one)]
    if not commands:
        return stage.unknown(proved, "no statement is known that uses the tables", advice=_GIVE)
    if measured.record.proven.isdisjoint(one.name for one in commands):
        useless = ", ".join(f"{name} ({state})" for name, state in measured.record.useless.items())
        reason = f"no statement of the traffic runs, not even without the revision: {useless}"
        return stage.unknown(proved, reason, advice=_GIVE)
    if measured.unsolved:
        name, why = min(measured.unsolved.items())
        others = tell_others(len(measured.unsolved) - 1)
        reason = f"no rows could be generated in {name}: {why}{others}"
        return stage.unknown(proved, reason, advice=advise_sample(stage))
    return None


def _is_bracket(command: Command) -> bool:
    """Return whether it only begins or ends a transaction."""
    text = "".join(command.pieces)
    return is_transaction_start(text) or is_transaction_end(text)


def _find_relations(stage: Stage, observation: Observation) -> tuple[QualifiedName, ...]:
    """Return what the upgrade keeps others from, or whose rows it changes, tables first."""
    names: dict[QualifiedName, None] = {}
    statements = (*observation.of(Direction.UPGRADE), *stage.statements)
    for one in statements:
        if one.direction is not Direction.UPGRADE:
            continue
        names |= {lock.relation: None for lock in find_felt_locks(one.locks, stage.before)}
        names |= {rows.table: None for rows in one.rows if rows.is_preexisting and rows.changed}
        if depends_on_rows(one.sql):
            # who may change rows holds them until the end
            names |= {
                lock.relation: None
                for lock in one.locks
                if lock.is_preexisting
                and lock.mode.value != "ACCESS SHARE"
                and ("table", quote_name(lock.relation)) in stage.before.objects
            }
    return tuple(names)


def _measure(stage: Stage, relations: Sequence[QualifiedName], script: Work | None) -> _Measurement:
    notes = []
    with stage.database(State.BEFORE) as bench:
        tables = sorted({*stage.touched, *(n for n in relations if stage.before.has_table(n))})
        filling = load_rows(stage, bench.connection, tables)
        notes += [f"no rows in {table}: {why}" for table, why in filling.unsolved.items()]
        if script is not None:
            works: tuple[Work, ...] = (script,) * _WORKERS_OF_A_SCRIPT
        else:
            works = generate_work(bench.connection, relations[:_MOST_TABLES])
            if len(relations) > _MOST_TABLES:
                notes.append(f"the traffic uses {_MOST_TABLES} of {len(relations)} tables")
        traffic = Traffic(
            bench.url,
            works,
            reading=relations if stage.choices.deployed_by is Deployer.ALEMBIC else (),
            longest_read=stage.choices.longest_read,
        )
        fault = _run_under(traffic, bench, stage)
    return _Measurement(traffic.record, fault, works, filling.unsolved, tuple(notes))


def _run_under(traffic: Traffic, bench: Bench, stage: Stage) -> StepFault | None:
    def tell(move: Move | None) -> None:
        if move is None:
            traffic.begin()
        else:
            traffic.end()

    with alone(), traffic.running():
        return bench.run([Move(stage.script, Direction.UPGRADE)], on_state=tell)


def _budget_ms(stage: Stage) -> float:
    return stage.choices.max_block.total_seconds() * 1000


def _forgive(first: _Measurement, second: _Measurement) -> _Measurement:
    """Return the calmer of two runs, with the errors of both.

    A machine with other work makes waits longer, never shorter; errors it does not make.
    """
    calmer, other = sorted(
        (first, second), key=lambda one: (one.fault is not None, one.record.worst_wait_ms)
    )
    errors = Counter(calmer.record.errors) + Counter(other.record.errors)
    record = replace(calmer.record, errors=errors)
    return replace(calmer, record=record, fault=calmer.fault or other.fault)


def _find_errors(measured: _Measurement) -> list[str]:
    """Return what the application, or the revision, failed with because the other ran as well."""
    errors = [
        f"{_OURS[state]}: {command} fails {count} times ({state})"
        for (command, state), count in measured.record.errors.items()
        if state in _OURS
    ]
    if measured.sqlstate == _DEADLOCK:
        errors.append("a deadlock: the revision is the one that is ended (40P01)")
    return errors


def _describe(observation: Observation, record: Record) -> Iterator[str]:
    """Yield the result in a line, each blocked command, and what each kind of statement took."""
    blocked = sorted({wait.command for wait in record.waits})
    yield (
        f"worst wait for a lock {record.worst_wait_ms:.0f} ms; statements took"
        f" {record.p99_ms():.1f} ms (p99); blocked: {', '.join(blocked) or 'nothing'}"
    )
    for command in blocked:
        wait = max(
            (one for one in record.waits if one.command == command), key=lambda one: one.waited_ms
        )
        yield f"{command} waited {wait.waited_ms:.0f} ms{_explain(observation, wait)}"
    for command, times in record.times_ms.items():
        yield (
            f"{command}: {len(times)} times, p99 {record.p99_ms(command):.1f} ms,"
            f" worst {times[-1]:.1f} ms"
        )
    for (command, state), count in record.errors.items():
        yield f"{command} failed {count} times while the revision ran ({state})"
    for command, state in record.lost.items():
        yield f"{command} fails once the revision has run ({state}), which is for compatibility"
    for command, state in record.useless.items():
        yield f"{command} fails without the revision too ({state})"


def _explain(observation: Observation, wait: Wait) -> str:
    culprit = _find_culprit(observation, wait)
    if culprit is None:
        return ""
    return f" for the lock of {quote_statement(culprit)}"


def _find_culprit(observation: Observation, wait: Wait) -> ObservedStatement | None:
    """Return the statement whose lock it is, or where no table tells, the one that ran."""
    statements = observation.of(Direction.UPGRADE)
    for one in statements:
        if any(
            str(lock.relation) == wait.relation and lock.mode.value != "ACCESS SHARE"
            for lock in one.locks
        ):
            return one
    running = wait.running.strip().rstrip(";")
    return next((one for one in statements if running and one.sql.startswith(running[:200])), None)
