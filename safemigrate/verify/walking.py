"""The walk through a part of a history: every revision up, down and up again, in one database."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from alembic.script import Script

from safemigrate.config import Deployer, VerifyChoices
from safemigrate.model import Check, Direction, Property, PropertyFamily, RevisionProof
from safemigrate.server import Server
from safemigrate.source import Project
from safemigrate.verify.bench import Bench, Move, StepFault
from safemigrate.verify.experimenting import (
    experiment_on_revision,
    has_experiments,
    sort_checks,
)
from safemigrate.verify.foreknowledge import Foreknowledge
from safemigrate.verify.ground import Ground
from safemigrate.verify.markers import accept, find_markers, judge_markers
from safemigrate.verify.preparing import Footing
from safemigrate.verify.proving import Attempt, fail_revision, judge, skip_revision
from safemigrate.verify.remembering import Recollection
from safemigrate.verify.selection import read_source
from safemigrate.verify.server_faults import blame_server
from safemigrate.verify.snapshots import Snapshot
from safemigrate.verify.stage import Stage, State

__all__ = ["Part", "Task", "Walk"]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be proved, on which server and how; `wanted`: the properties.

    `footing`: what the history starts from. `recollection`: what earlier runs have left; None
    where nothing is remembered.
    """

    project: Project
    server: Server
    choices: VerifyChoices
    foreknowledge: Foreknowledge
    wanted: frozenset[Property]
    footing: Footing
    recollection: Recollection | None = None

    def make_ground(self, *, is_incremental: bool = True) -> Ground:
        """Return the ground for a walk, at what the history starts from."""
        choices = self.choices
        ground = Ground(
            self.project,
            self.server,
            is_incremental,
            choices.time_limit,
            is_replaying=choices.deployed_by is Deployer.SAFEMIGRATE,
        )
        if self.footing.base is not None:
            ground.begin_at(self.footing.base, self.footing.applied)
            ground.given = len(self.footing.applied)
        return ground

    @property
    def has_experiments(self) -> bool:
        """Whether something is to be tried with each revision on copies of the database."""
        return has_experiments(self.wanted)

    @property
    def is_traced(self) -> bool:
        """Whether every statement is to be observed."""
        return any(one.family is PropertyFamily.FACTS for one in self.wanted)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a history, and what comes before it.

    `before`: revisions that are only applied, and that somebody else tells of. `scripts`: those of
    the part, in the order of an upgrade. `chosen`: those of them to be proved.
    """

    before: Sequence[Script]
    scripts: Sequence[Script]
    chosen: frozenset[str]


@dataclass(slots=True)
class Walk:
    """The walk through one part.

    `report` is called with each proof. `base`: the schema before the first revision, where the
    walk began there. `schema`: the schema now, None where nobody has looked.
    `is_sound`: False where the schema that was kept is found not to be that of the database, which
    is a bug of ours: what was reported may be wrong, and the walk ends.
    """

    task: Task
    part: Part
    report: Callable[[RevisionProof], None]
    ground: Ground
    base: Snapshot | None = None
    schema: Snapshot | None = None
    is_sound: bool = True
    _queue: deque[Script] = field(default_factory=deque)
    _attempt: Attempt | None = None

    def run(self) -> None:
        """Prove or apply every revision of the part."""
        self._queue.extend((*self.part.before, *self.part.scripts))
        while self._queue and self.is_sound:
            if self._is_next_alone():
                self.ground.keep()
            with self.ground.open() as bench:
                fault = bench.run(self._moves(bench))
                blame_server(self.task.server, None if fault is None else fault.error)
                attempt, self._attempt = self._attempt, None
                if attempt is not None:
                    _complete(attempt, bench, fault)
                if attempt is None or not attempt.is_at_rest or len(self._queue) == 1:
                    self._confirm(bench, bench.look())
            if attempt is not None and self.is_sound:
                self._conclude(attempt)
            elif fault is not None and self.is_sound:
                self._give_up(fault)
            if self._is_due():
                _leave(self.task, self.ground)

    def _is_next_alone(self) -> bool:
        """Whether the next revision is proved with databases at the states around it."""
        return self.task.has_experiments and self._queue[0].revision in self.part.chosen

    def _is_due(self) -> bool:
        return self.is_sound and _is_due(self.task, self.ground)

    def _moves(self, bench: Bench) -> Iterator[Move]:
        """Yield the moves; what comes after a yield comes when the move has been made."""
        if not self.ground.applied:
            self.base = self.base or bench.look()
        while self._queue and self.is_sound:
            script = self._queue[0]
            blocker = self.ground.find_blocker(script)
            if blocker is not None:
                self._skip(script, blocker)
            elif script.revision not in self.part.chosen:
                yield Move(script, Direction.UPGRADE)
                self._pass(script)
                if self._is_due() or (self._queue and self._is_next_alone()):
                    return
            else:
                yield from self._try(bench, script)
                if self._attempt is None or not self._attempt.is_at_rest or self._is_next_alone():
                    return
                attempt, self._attempt = self._attempt, None
                self._conclude(attempt)
                if self._is_due():
                    return

    def _try(self, bench: Bench, script: Script) -> Iterator[Move]:
        """Yield the moves of one revision, and take down what is seen after each."""
        if self.schema is None:
            self.schema = bench.look()
        is_traced = self.task.is_traced
        begun_at = len(bench.sent), len(bench.statements)
        attempt = self._attempt = Attempt(script, self.schema, begun_at)
        yield Move(script, Direction.UPGRADE, is_traced)
        attempt.up = bench.look()
        yield Move(script, Direction.DOWNGRADE, is_traced)
        attempt.down = self._confirm(bench, bench.look(), attempt.before)
        yield Move(script, Direction.UPGRADE)
        attempt.again = attempt.end = self._confirm(bench, bench.look(), attempt.up)
        _complete(attempt, bench, None)

    def _confirm(self, bench: Bench, seen: Snapshot, expected: Snapshot | None = None) -> Snapshot:
        """Read the schema as a whole, unless it is as expected; return it as it was seen."""
        if seen != expected and bench.snapshot() != seen:
            self.is_sound = False
        return seen

    def _conclude(self, attempt: Attempt) -> None:
        """Judge the revision, and go on from the state after it, where it has one."""
        script, ground = self._queue.popleft(), self.ground
        proof = judge(attempt)
        self.schema = attempt.end
        if attempt.up is None:
            ground.fail(script, f"the upgrade of {script.revision} fails")
        else:
            ground.applied.append(script)
        # a second upgrade that failed can leave the same schema and another version: that table is
        # no part of a schema, and what comes next would find this revision still pending
        is_midway = attempt.down is not None and attempt.again is None
        if is_midway or attempt.end != (attempt.up or attempt.before):
            ground.renew()
            self.schema = None
        if script.revision not in ground.failed and self.task.has_experiments:
            proof = replace(proof, checks=(*proof.checks, *self._experiment(attempt, proof)))
        self._report(proof)

    def _experiment(self, attempt: Attempt, proof: RevisionProof) -> tuple[Check, ...]:
        before, after = self.ground.checkpoint, self.ground.database
        if attempt.up is None or before is None or after is None:
            return ()
        stage = Stage(
            self.task.project,
            self.task.server,
            self.task.choices,
            attempt.script,
            {State.BEFORE: before, State.AFTER: after},
            attempt.before,
            attempt.up,
            self.task.foreknowledge,
            self.task.footing.witness,
            proof.statements,
            proof.is_restored,
        )
        return experiment_on_revision(stage)

    def _pass(self, script: Script) -> None:
        """Go on after a revision that was only to be applied."""
        self._queue.popleft()
        self.ground.applied.append(script)
        self.schema = None

    def _give_up(self, fault: StepFault) -> None:
        """Go on without a revision that was only to be applied, and cannot be."""
        script = self._queue.popleft()
        self.ground.fail(script, f"the upgrade of {script.revision} fails")
        self.ground.renew()
        self.schema = None
        if script in self.part.scripts:
            self._report(fail_revision(script, fault.reason))

    def _skip(self, script: Script, reason: str) -> None:
        self._queue.popleft()
        self.ground.fail(script, reason)
        if script.revision in self.part.chosen:
            self._report(skip_revision(script, f"not tried, because {reason}"))

    def _report(self, proof: RevisionProof) -> None:
        self.report(_add_markers(self.task, proof))


def _is_due(task: Task, ground: Ground) -> bool:
    """Return whether the state is one that a later run is to begin at."""
    recollection = task.recollection
    return recollection is not None and recollection.templates.is_due(len(ground.applied))


def _leave(task: Task, ground: Ground) -> None:
    """Leave the state for a later run; no session is open on its database."""
    recollection, applied = task.recollection, ground.applied
    if recollection is not None:
        *_, lineage = recollection.trace(one.revision for one in applied)
        recollection.templates.keep(len(applied), lineage, ground.settle())


def _add_markers(task: Task, proof: RevisionProof) -> RevisionProof:
    """Return the proof with what is wanted of its checks, and what markers accept of that."""
    markers = find_markers(read_source(proof.path))
    checks = (*proof.checks, judge_markers(markers, proof.path))
    accepted = (accept(check, markers) for check in checks if check.subject in task.wanted)
    return replace(proof, checks=sort_checks(accepted))


def _complete(attempt: Attempt, bench: Bench, fault: StepFault | None) -> None:
    """Take down how it ended, and what the server was seen to do."""
    moves, statements = attempt.begun_at
    attempt.fault = fault
    if attempt.end is None:
        attempt.end = bench.look()
    attempt.statements = tuple(bench.statements[statements:])
    attempt.sent_down = next(iter(bench.sent[moves + 1 : moves + 2]), ())
    attempt.duration_ms = next(iter(bench.durations_ms[moves:]), 0.0)
