"""A history proved, revision by revision, each on a copy of the state before it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alembic.script import Script

from safemigrate.model import Direction, HistoryProof, Outcome, RevisionProof, RoundTrip
from safemigrate.server import Server
from safemigrate.source import Project
from safemigrate.source.excerpt import show_path
from safemigrate.verify.bench import Move, StepFault, open_bench
from safemigrate.verify.differences import find_differences
from safemigrate.verify.proving import Verdict, prove_revision, skip_revision
from safemigrate.verify.selection import choose_revisions, find_ancestors, list_parents
from safemigrate.verify.snapshots import Snapshot

__all__ = ["Progress", "verify_history"]

# Called with a proof just made, its position from 1 on, and how many there will be.
Progress = Callable[[RevisionProof, int, int], None]


def verify_history(
    project: Project,
    server: Server,
    *,
    names: Sequence[str] = (),
    on_proof: Progress = lambda _proof, _position, _total: None,
) -> HistoryProof:
    """Prove the revisions named, or all of them and then the whole way to base and back.

    Databases are made on `server` and dropped again. A revision that fails does not end the walk:
    those that do not depend on it are proved on a fresh copy.
    Raises UsageError for an unknown name, and what `run_environment` raises for env.py.
    """
    chosen = choose_revisions(project, names)
    walk = _Walk(project, server, chosen, on_proof)
    walk.run()
    round_trip = None if names else walk.make_round_trip()
    walk.drop_state()
    return HistoryProof(
        tuple(walk.proofs), server.kind, server.version, round_trip, project.notices
    )


@dataclass(slots=True)
class _Walk:
    """The walk from base to head.

    `state`: the database at the state before the next revision, None for an empty one.
    `schema`: its schema where it is known. `base`: the schema before the first revision.
    `failed`: revisions that are not applied in `state`, so that nothing after them can be.
    """

    project: Project
    server: Server
    chosen: frozenset[str]
    on_proof: Progress
    state: str | None = None
    schema: Snapshot | None = None
    base: Snapshot | None = None
    applied: list[Script] = field(default_factory=list)
    waiting: list[Script] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    proofs: list[RevisionProof] = field(default_factory=list)

    def run(self) -> None:
        """Prove or apply every revision that is needed, in the order of an upgrade."""
        scripts = self.project.revisions()
        needed = find_ancestors(scripts, self.chosen)
        for script in scripts:
            if script.revision not in needed:
                continue
            if script.revision not in self.chosen:
                self.waiting.append(script)
                continue
            self._apply_waiting()
            blocker = self._find_blocker(script)
            if blocker is not None:
                self._skip(script, blocker)
            else:
                self._prove(script)

    def make_round_trip(self) -> RoundTrip:
        """Go from head to base and to head again, where every revision was proved by itself."""
        unproved = [proof.revision for proof in self.proofs if not proof.is_proved]
        if unproved:
            return RoundTrip(None, f"not every revision can be rolled back: {', '.join(unproved)}")
        if self.state is None:
            return RoundTrip(None, "there are no revisions")
        moves = [
            *(Move(script, Direction.DOWNGRADE) for script in reversed(self.applied)),
            *(Move(script, Direction.UPGRADE) for script in self.applied),
        ]
        at_base, at_head = moves[len(self.applied) - 1], moves[-1]
        differences: list[str] = []
        with open_bench(self.project, self.server, self.state) as bench:

            def look(move: Move | None) -> None:
                if move is at_base and self.base is not None:
                    left = find_differences(self.base, bench.snapshot())
                    differences.extend(f"at base: {line}" for line in left)
                elif move is at_head and self.schema is not None:
                    changed = find_differences(self.schema, bench.snapshot())
                    differences.extend(f"at head again: {line}" for line in changed)

            fault = bench.run(moves, on_state=look)
        if fault is not None:
            return RoundTrip(is_ok=False, reason=fault.reason, differences=tuple(differences))
        return RoundTrip(is_ok=not differences, differences=tuple(differences))

    def drop_state(self) -> None:
        """Drop the last database."""
        if self.state is not None:
            self.server.drop_database(self.state)
            self.state = None

    def _prove(self, script: Script) -> None:
        database = self.server.create_database(self.state)
        with open_bench(self.project, self.server, database) as bench:
            verdict = prove_revision(bench, script, self.schema)
        if self.base is None and not self.applied:
            self.base = verdict.before
        proof = verdict.proof
        if verdict.is_reusable:
            self._advance(database, [script], verdict.after)
        else:
            self.server.drop_database(database)
            if proof.upgrade is Outcome.OK:
                self._advance_anew(script, verdict)
            else:
                self.failed[script.revision] = f"the upgrade of {script.revision} fails"
        self._report(proof)

    def _advance_anew(self, script: Script, verdict: Verdict) -> None:
        """Upgrade a fresh copy once, so that what follows does not see what the proof left."""
        database = self.server.create_database(self.state)
        fault = self._apply(database, [script])
        if fault is None:
            self._advance(database, [script], verdict.after)
        else:
            self.server.drop_database(database)
            self.failed[script.revision] = (
                f"{script.revision} cannot be applied a second time: {fault.reason}"
            )

    def _apply_waiting(self) -> None:
        """Apply the revisions that nobody asked to prove; report only one that fails."""
        scripts, self.waiting = self.waiting, []
        while scripts:
            ready = [script for script in scripts if self._find_blocker(script) is None]
            for script in scripts:
                if script not in ready:
                    self.failed[script.revision] = self._find_blocker(script) or ""
            scripts = ready
            if not scripts:
                return
            database = self.server.create_database(self.state)
            fault = self._apply(database, scripts)
            if fault is None:
                self._advance(database, scripts, None)
                return
            self.server.drop_database(database)
            failed = fault.move.script
            self.failed[failed.revision] = f"the upgrade of {failed.revision} fails"
            scripts = [script for script in scripts if script is not failed]
            self._report(
                RevisionProof(
                    failed.revision,
                    show_path(failed.path),
                    failed.doc or "",
                    upgrade=Outcome.FAILED,
                    error=fault.reason,
                )
            )

    def _apply(self, database: str, scripts: Sequence[Script]) -> StepFault | None:
        with open_bench(self.project, self.server, database) as bench:
            return bench.run(Move(script, Direction.UPGRADE) for script in scripts)

    def _advance(self, database: str, scripts: Sequence[Script], schema: Snapshot | None) -> None:
        self.drop_state()
        self.state, self.schema = database, schema
        self.applied.extend(scripts)

    def _find_blocker(self, script: Script) -> str | None:
        """Return why the revision cannot be applied, None when it can."""
        return next(
            (self.failed[parent] for parent in list_parents(script) if parent in self.failed), None
        )

    def _skip(self, script: Script, reason: str) -> None:
        self.failed[script.revision] = reason
        self._report(skip_revision(script, f"not tried, because {reason}"))

    def _report(self, proof: RevisionProof) -> None:
        self.proofs.append(proof)
        self.on_proof(proof, len(self.proofs), len(self.chosen))
