"""One revision proved: up, down and up again, with the schema compared after each."""

from dataclasses import dataclass

from alembic.script import Script

from safemigrate.model import Direction, Outcome, RevisionProof
from safemigrate.source.excerpt import show_path
from safemigrate.verify.bench import Bench, Move, StepFault
from safemigrate.verify.differences import find_differences, find_reordered
from safemigrate.verify.snapshots import Snapshot

__all__ = ["Verdict", "prove_revision", "skip_revision"]

_AGAIN = "upgrade again: "


@dataclass(frozen=True, slots=True)
class Verdict:
    """A proof, and what it means for what comes after.

    `is_reusable`: the database is exactly at the state after the upgrade. `before`, `after`: the
    schema before and after the first upgrade, as far as it came.
    """

    proof: RevisionProof
    is_reusable: bool
    before: Snapshot | None = None
    after: Snapshot | None = None


def prove_revision(bench: Bench, script: Script, before: Snapshot | None = None) -> Verdict:
    """Prove `script` on a database at the state before it, in one run of env.py.

    `before`: the schema of that state when it is known already.
    """
    moves = (
        Move(script, Direction.UPGRADE, is_traced=True),
        Move(script, Direction.DOWNGRADE, is_traced=True),
        Move(script, Direction.UPGRADE),
    )
    snapshots: list[Snapshot] = []

    def look(move: Move | None) -> None:
        known = before if move is None else None
        snapshots.append(known or bench.snapshot())

    fault = bench.run(moves, on_state=look)
    return _judge(bench, script, snapshots, fault)


def skip_revision(script: Script, reason: str) -> RevisionProof:
    """Return the proof of a revision that was not tried."""
    return RevisionProof(
        script.revision,
        show_path(script.path),
        script.doc or "",
        upgrade=Outcome.SKIPPED,
        error=reason,
    )


def _judge(
    bench: Bench, script: Script, snapshots: list[Snapshot], fault: StepFault | None
) -> Verdict:
    """Compare the states that were reached: before, up, down, up again."""
    before, up, down, again = (*snapshots, None, None, None, None)[:4]
    left = () if before is None or down is None else find_differences(before, down)
    changed = () if up is None or again is None else find_differences(up, again)
    reordered = () if before is None or down is None else find_reordered(before, down)
    is_refused = fault is not None and fault.is_refusal
    proof = RevisionProof(
        script.revision,
        show_path(script.path),
        script.doc or "",
        upgrade=_outcome(is_reached=up is not None, is_tried=True),
        downgrade=_outcome(is_reached=down is not None, is_tried=up is not None and not is_refused),
        restored=None if down is None else not left,
        upgrade_again=_outcome(
            is_reached=again is not None and not changed, is_tried=down is not None
        ),
        is_refused=is_refused,
        differences=(*left, *(_AGAIN + line for line in changed)),
        notes=reordered,
        statements=tuple(bench.statements),
        error=None if fault is None else fault.reason,
        duration_ms=bench.durations_ms[0] if bench.durations_ms else 0.0,
    )
    if is_refused and up is not None:
        # what it did outside a transaction before it refused would stay
        is_reusable = bench.snapshot() == up
    else:
        is_reusable = proof.is_proved and not reordered
    return Verdict(proof, is_reusable, before, up)


def _outcome(*, is_reached: bool, is_tried: bool) -> Outcome:
    if is_reached:
        return Outcome.OK
    return Outcome.FAILED if is_tried else Outcome.SKIPPED
