"""The whole history from head to base and to head again."""

from collections.abc import Iterator, Sequence

from safemigrate.model import Direction, RevisionProof, RoundTrip
from safemigrate.verify.bench import Bench, Move
from safemigrate.verify.differences import find_differences
from safemigrate.verify.ground import Ground
from safemigrate.verify.snapshots import Snapshot

__all__ = ["make_round_trip"]


def make_round_trip(
    ground: Ground, proofs: Sequence[RevisionProof], base: Snapshot | None, head: Snapshot | None
) -> RoundTrip:
    """Go from head to base and to head again, where every revision was proved by itself.

    `base`, `head`: the schemas there, not compared where nobody has seen them.
    """
    unproved = [proof.revision for proof in proofs if not proof.is_restored]
    if unproved:
        return RoundTrip(None, f"not every revision can be rolled back: {', '.join(unproved)}")
    applied = ground.applied[ground.given :]
    if not applied:
        return RoundTrip(None, "there are no revisions")
    differences: list[str] = []

    def moves(bench: Bench) -> Iterator[Move]:
        for script in reversed(applied):
            yield Move(script, Direction.DOWNGRADE)
        differences.extend(_compare("at base", base, bench))
        for script in applied:
            yield Move(script, Direction.UPGRADE)
        differences.extend(_compare("at head again", head, bench))

    with ground.open() as bench:
        fault = bench.run(moves(bench))
    if fault is not None:
        return RoundTrip(is_ok=False, reason=fault.reason, differences=tuple(differences))
    return RoundTrip(is_ok=not differences, differences=tuple(differences))


def _compare(place: str, expected: Snapshot | None, bench: Bench) -> list[str]:
    if expected is None:
        return []
    return [f"{place}: {line}" for line in find_differences(expected, bench.snapshot())]
