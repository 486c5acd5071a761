"""Prediction against observation: what a server did that it was not said to do."""

from collections.abc import Iterable, Iterator, Mapping

from safemigrate.model import Certainty, Facts, LockMode, ObservedStatement, QualifiedName
from safemigrate.trace.commands import changes_rows, is_planned, runs_body

__all__ = ["compare"]

_DEFAULT_SCHEMA = "public"


def compare(predicted: Facts, observed: ObservedStatement) -> tuple[str, ...]:
    """Return how `observed` differs from `predicted`, one readable line each.

    Only relations that were there before the revision count. No difference is: a predicted mode
    not newly taken because the transaction already held one as strong, nor a mode newly taken
    where it held a stronger one; a lock on an index that nobody waits for; the ROW SHARE under
    which foreign keys of changed rows are looked up, if need be; a scan that is part of a rewrite;
    a scan of a query, which the planner chooses, also where a body runs the query; what was
    predicted too strong with an unknown certainty; and what an observation from outside a
    transaction may have missed.
    """
    refusal = _compare_refusal(predicted, observed)
    if refusal is not None:
        return refusal
    return (
        *_compare_locks(predicted, observed),
        *_compare_relations("rewrite", predicted.rewrites, observed.rewrites, predicted),
        *_compare_scans(predicted, observed),
    )


def _compare_refusal(predicted: Facts, observed: ObservedStatement) -> tuple[str, ...] | None:
    """Return the differences when either side says that the server refuses, else None."""
    if observed.error is not None:
        if predicted.errors:
            return ()
        return (f"the server refuses the statement, which was not predicted: {observed.error}",)
    if predicted.errors and predicted.certainty is not Certainty.UNKNOWN:
        reasons = "; ".join(predicted.errors)
        return (f"predicted that the server refuses the statement, it does not: {reasons}",)
    return None


def _compare_locks(predicted: Facts, observed: ObservedStatement) -> Iterator[str]:
    said = _modes((lock.relation, lock.mode) for lock in predicted.locks if lock.is_preexisting)
    seen = _modes((lock.relation, lock.mode) for lock in observed.locks if lock.is_preexisting)
    held = _modes((lock.relation, lock.mode) for lock in observed.held)
    minor = {_qualify(name) for name in observed.minor}
    for name in sorted(said.keys() | seen.keys()):
        wanted, found = said.get(name), seen.get(name)
        if wanted is None:
            if found is None or name in minor or held.get(name, found) > found:
                continue
            if found is not LockMode.ROW_SHARE or not changes_rows(observed.sql):
                yield f"lock on {name}: {found.value} observed, none predicted"
        elif found is None or found < wanted:
            is_held = name in held and held[name] >= wanted
            if not is_held and not _may_be_absent(predicted, observed):
                what = "none" if found is None else found.value
                yield f"lock on {name}: {wanted.value} predicted, {what} observed"
        elif found > wanted:
            yield f"lock on {name}: {wanted.value} predicted, {found.value} observed"


def _may_be_absent(predicted: Facts, observed: ObservedStatement) -> bool:
    is_guess = predicted.certainty is Certainty.UNKNOWN
    return is_guess or observed.certainty is not Certainty.KNOWN


def _compare_scans(predicted: Facts, observed: ObservedStatement) -> Iterator[str]:
    if is_planned(observed.sql):
        return
    rewritten = {_qualify(name) for name in (*predicted.rewrites, *observed.rewrites)}
    said = [name for name in predicted.scans if _qualify(name) not in rewritten]
    seen = [name for name in observed.scans if _qualify(name) not in rewritten]
    if observed.certainty is not Certainty.KNOWN:
        said = [name for name in said if name in seen]
    if runs_body(observed.sql):
        seen = [name for name in seen if name in said]
    yield from _compare_relations("scan", said, seen, predicted)


def _compare_relations(
    what: str,
    said: Iterable[QualifiedName],
    seen: Iterable[QualifiedName],
    predicted: Facts,
) -> Iterator[str]:
    wanted = {_qualify(name) for name in said}
    found = {_qualify(name) for name in seen}
    if predicted.certainty is not Certainty.UNKNOWN:
        for name in sorted(wanted - found):
            yield f"{what} of {name}: predicted, not observed"
    for name in sorted(found - wanted):
        yield f"{what} of {name}: observed, not predicted"


def _modes(pairs: Iterable[tuple[QualifiedName, LockMode]]) -> Mapping[QualifiedName, LockMode]:
    """Return the strongest mode per relation."""
    modes: dict[QualifiedName, LockMode] = {}
    for name, mode in pairs:
        qualified = _qualify(name)
        modes[qualified] = max(mode, modes.get(qualified, mode))
    return modes


def _qualify(name: QualifiedName) -> QualifiedName:
    return name if name.schema is not None else QualifiedName(_DEFAULT_SCHEMA, name.name)
