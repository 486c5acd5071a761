"""What is remembered of a history, put to use on the way through it, and added to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from alembic.script import Script

from safemigrate.model import Check, Outcome, RevisionProof, RoundTrip
from safemigrate.verify.ground import Ground
from safemigrate.verify.remembering import Recollection, Whole
from safemigrate.verify.walking import Part

__all__ = ["Known", "begin_at_template", "recall", "remember", "remember_whole"]


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier runs have proved; `whole`: of the history as a whole, None for nothing."""

    proofs: tuple[RevisionProof, ...] = ()
    whole: Whole | None = None


def recall(
    recollection: Recollection | None, way: Sequence[Script], chosen: frozenset[str]
) -> Known:
    """Return what is known of the revisions chosen, and of the whole way if it is of all."""
    if recollection is None or not way:
        return Known()
    revisions = [script.revision for script in way]
    lineages = recollection.trace(revisions)
    found = (
        recollection.recall(lineage)
        for revision, lineage in zip(revisions, lineages, strict=True)
        if revision in chosen
    )
    proofs = tuple(proof for proof in found if proof is not None)
    is_all = len(proofs) == len(chosen)
    return Known(proofs, recollection.recall_whole(lineages[-1]) if is_all else None)


def begin_at_template(recollection: Recollection | None, part: Part, ground: Ground) -> Part:
    """Begin where an earlier run has left a database, as far along the part as there is one.

    Return what is left of the part; nothing of it is skipped that is to be proved.
    """
    if recollection is None:
        return part
    idle = takewhile(lambda script: script.revision not in part.chosen, part.scripts)
    applied = [*part.before, *idle]
    found = recollection.templates.find(recollection.trace(one.revision for one in applied))
    if found is None:
        return part
    count = found[0] + 1
    ground.begin_at(found[1], [*ground.applied, *applied[:count]])
    there = max(0, count - len(part.before))
    return replace(part, before=part.before[count:], scripts=part.scripts[there:])


def remember(
    recollection: Recollection, way: Sequence[Script], proofs: Sequence[RevisionProof]
) -> None:
    """Remember the proofs, each by what was applied when it was made."""
    by_revision = {proof.revision: proof for proof in proofs}
    lineage, has_failed = recollection.ground, False
    for script in way:
        proof = by_revision.get(script.revision)
        if proof is not None and proof.upgrade is not Outcome.OK:
            # what follows runs without it
            has_failed = True
        elif proof is None and has_failed:
            # nobody has told whether it was applied
            return
        else:
            lineage = recollection.follow(lineage, script.revision)
            if proof is not None:
                recollection.note(lineage, proof)


def remember_whole(
    recollection: Recollection,
    way: Sequence[Script],
    round_trip: RoundTrip | None,
    checks: tuple[Check, ...],
) -> None:
    """Remember what was proved of the whole way."""
    if way:
        *_, lineage = recollection.trace(script.revision for script in way)
        recollection.note_whole(lineage, round_trip, checks)
