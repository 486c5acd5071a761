"""A history proved: divided into parts, each walked through, and then the way back and forth."""

import gc
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

from alembic.script import Script

from safemigrate.cache import Inputs, note_inputs
from safemigrate.config import VerifyChoices
from safemigrate.errors import SafemigrateError
from safemigrate.model import Check, HistoryProof, RevisionProof, RoundTrip
from safemigrate.server import Server
from safemigrate.source import Project
from safemigrate.verify.experimenting import experiment_on_history
from safemigrate.verify.foreknowledge import Foreknowledge
from safemigrate.verify.parting import divide
from safemigrate.verify.preparing import prepared
from safemigrate.verify.recalling import begin_at_template, recall, remember, remember_whole
from safemigrate.verify.remembering import Memory
from safemigrate.verify.rounds import make_round_trip
from safemigrate.verify.selection import choose_revisions, list_way
from safemigrate.verify.server_faults import blaming_server, require_server
from safemigrate.verify.snapshots import Snapshot
from safemigrate.verify.stage import Whole
from safemigrate.verify.walking import Part, Task, Walk
from safemigrate.verify.workers import Worker

__all__ = ["Progress", "verify_history"]

# Called with a proof just made, its position from 1 on, and how many there will be.
Progress = Callable[[RevisionProof, int, int], None]

_STRAYED = (
    "the schema that was kept up to date from step to step was found to differ from the "
    "database's, so it was read as a whole after each step; this is a bug in safemigrate"
)


def verify_history(
    project: Project,
    server: Server,
    *,
    names: Sequence[str] = (),
    choices: VerifyChoices | None = None,
    memory: Memory | None = None,
    on_proof: Progress = lambda _proof, _position, _total: None,
) -> HistoryProof:
    """Prove the revisions named, or all of them and then the whole way to base and back.

    Databases are made on `server` and dropped again. A revision that fails does not end the walk:
    those that do not depend on it are proved at the state without it. `on_proof` is called in the
    order of the history, but with what is remembered first. `memory`: what earlier runs have
    proved and made, which is not proved and made again; None where nothing is remembered.
    Raises UsageError for an unknown name, what `run_environment` raises for env.py, and ServerError
    when the server goes away or runs short of something.
    """
    choices = choices or VerifyChoices()
    recollection = None if memory is None or memory.is_empty else memory.open(server)
    imports = None if recollection is None or memory is None else memory.imports
    foreknowledge = Foreknowledge(project, server.version, imports)
    chosen = choose_revisions(project, names)
    way = list_way(project, chosen)
    known = recall(recollection, way, chosen)
    telling = _Telling(on_proof, len(chosen))
    for one in known.proofs:
        telling.tell_last(one)
    rest = chosen - {one.revision for one in known.proofs}
    round_trip, checks = (None if names else known.whole) or (None, ())
    if rest or (not names and known.whole is None):
        with (
            blaming_server(server),
            prepared(project, server, choices, foreknowledge) as footing,
        ):
            telling.notices += footing.notices
            task = Task(
                project, server, choices, foreknowledge, choices.wanted, footing, recollection
            )
            left = [script for script in way if script not in footing.applied]
            rest -= {script.revision for script in footing.applied}
            round_trip, checks = _prove(task, left, rest, telling, is_whole=not names)
    proofs = telling.in_order_of(way)
    if recollection is not None:
        remember(recollection, way, proofs)
        if not names:
            remember_whole(recollection, way, round_trip, checks)
        telling.notices += recollection.describe(len(chosen))
    notices = (*project.notices, *dict.fromkeys(telling.notices))
    proof = HistoryProof(proofs, server.kind, server.version, round_trip, notices, checks)
    require_server(server, proof)
    return proof


def _prove(
    task: Task,
    way: Sequence[Script],
    chosen: frozenset[str],
    telling: "_Telling",
    *,
    is_whole: bool,
) -> tuple[RoundTrip | None, tuple[Check, ...]]:
    """Prove what is chosen of the way; return what is proved of the whole, where that is asked."""
    if task.has_experiments:
        # before any revision runs
        _ = task.foreknowledge.passages
    # what is there now stays there: nobody need look through it again, nor copy it for that
    gc.freeze()
    *others, last = divide(task, way, chosen, has_round_trip=is_whole)
    with ExitStack() as stack:
        stack.callback(gc.unfreeze)
        for part in others:
            telling.listen(part, _start(stack, task, part))
        walk = _walk(task, last, telling.tell_last)
        stack.callback(walk.ground.drop)
        telling.finish(task)
        if not is_whole:
            return None, ()
        base, head = _see_ends(task, walk)
        # the way back comes last, for it may not lead to head again
        checks = _examine_whole(task, walk, base, head)
        proofs = telling.in_order_of(way)
        return make_round_trip(walk.ground, proofs, base, head), checks


def _see_ends(task: Task, walk: Walk) -> tuple[Snapshot | None, Snapshot | None]:
    """Return the schemas at base and at head, also where the walk began in between."""
    base, head = walk.base, walk.schema
    if not walk.ground.applied:
        return base, head
    if base is None:
        ground = task.make_ground()
        base = ground.look()
        ground.drop()
    return base, head or walk.ground.look()


def _start(stack: ExitStack, task: Task, part: Part) -> Worker | None:
    """Let another process walk the part; None where there can be none."""
    with suppress(OSError):
        return stack.enter_context(Worker(partial(_work, task, part)))
    return None


def _work(task: Task, part: Part, send: Callable[[object], None]) -> None:
    _walk(task, part, send).ground.drop()
    if task.recollection is not None:
        # what it has read, too, is what the proofs depend on
        send(task.recollection.read)


def _walk(task: Task, part: Part, report: Callable[[RevisionProof | str], None]) -> Walk:
    """Walk the part, and return the walk at its end; report proofs, and what to say of them."""
    for is_incremental in (True, False):
        ground = task.make_ground(is_incremental=is_incremental)
        walk = Walk(task, begin_at_template(task.recollection, part, ground), report, ground)
        try:
            walk.run()
        except BaseException:
            # what stops us may be that the server is gone
            with suppress(SafemigrateError):
                ground.drop()
            raise
        if walk.is_sound:
            break
        ground.drop()
        report(_STRAYED)
    return walk


def _examine_whole(
    task: Task, walk: Walk, base: Snapshot | None, head: Snapshot | None
) -> tuple[Check, ...]:
    """Return how the properties of the history as a whole stand."""
    ground = walk.ground
    return experiment_on_history(
        Whole(
            task.project,
            task.server,
            task.choices,
            task.foreknowledge,
            None if ground.failed or not ground.applied else ground.settle(),
            base,
            head,
        )
    )


@dataclass(slots=True)
class _Telling:
    """Proofs told in the order of the history, each when those before it have been.

    `proofs` by revision; one that is made again takes the place of the first.
    """

    on_proof: Progress
    total: int
    proofs: dict[str, RevisionProof] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    _workers: list[tuple[Part, Worker | None]] = field(default_factory=list)
    _held_back: list[RevisionProof | str] = field(default_factory=list)

    def in_order_of(self, way: Sequence[Script]) -> tuple[RevisionProof, ...]:
        """Return the proofs in that order."""
        found = (self.proofs.get(script.revision) for script in way)
        return tuple(proof for proof in found if proof is not None)

    def listen(self, part: Part, worker: Worker | None) -> None:
        """Tell what the worker sends, after what the workers before it send."""
        self._workers.append((part, worker))

    def tell_last(self, value: RevisionProof | str) -> None:
        """Tell something of the last part, now or as soon as all of the others is told."""
        self._held_back.append(value)
        for _, worker in self._workers:
            if worker is None:
                return
            for one in worker.receive(is_waiting=False):
                self._tell(one)
            if not worker.is_over or worker.has_failed:
                return
        self._tell_rest()

    def finish(self, task: Task) -> None:
        """Tell everything; what a worker did not come to is done here."""
        for part, worker in self._workers:
            for one in worker.receive(is_waiting=True) if worker is not None else ():
                self._tell(one)
            if worker is None or worker.has_failed:
                _work(task, part, self._tell)
        self._tell_rest()

    def _tell_rest(self) -> None:
        values, self._held_back = self._held_back, []
        for one in values:
            self._tell(one)

    def _tell(self, value: object) -> None:
        if isinstance(value, str):
            self.notices.append(value)
        elif isinstance(value, Inputs):
            note_inputs(value)
        elif isinstance(value, RevisionProof):
            is_new = value.revision not in self.proofs
            self.proofs[value.revision] = value
            if is_new:
                self.on_proof(value, len(self.proofs), self.total)
