"""Prediction against observation: what a server did that it was not said to do."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from safemigrate.model import Certainty, Facts, LockMode, ObservedStatement, QualifiedName
from safemigrate.trace.commands import changes_rows, is_planned, runs_body

__all__ = ["Departure", "Matter", "compare", "find_departures"]

_DEFAULT_SCHEMA = "public"


class Matter(Enum):
    """What a departure is about."""

    LOCK = "lock"
    REWRITE = "rewrite"
    SCAN = "scan"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Departure:
    """One way in which a server did something else than was predicted.

    `is_more`: it did more than that. `relation`: None for a refusal. `predicted`, `observed`: the
    modes of a lock, None for none.
    """

    matter: Matter
    is_more: bool
    text: str
    relation: QualifiedName | None = None
    predicted: LockMode | None = None
    observed: LockMode | None = None

    def __str__(self) -> str:
        return self.text


def compare(predicted: Facts, observed: ObservedStatement) -> tuple[str, ...]:
    """Return how `observed` differs from `predicted`, one readable line each."""
    return tuple(map(str, find_departures(predicted, observed)))


def find_departures(predicted: Facts, observed: ObservedStatement) -> tuple[Departure, ...]:
    """Return how `observed` differs from `predicted`.

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
        *_compare_relations(Matter.REWRITE, predicted.rewrites, observed.rewrites, predicted),
        *_compare_scans(predicted, observed),
    )


def _compare_refusal(predicted: Facts, observed: ObservedStatement) -> tuple[Departure, ...] | None:
    """Return the differences when either side says that the server refuses, else None."""
    if observed.error is not None:
        if predicted.errors:
            return ()
        text = f"the server refuses the statement, which was not predicted: {observed.error}"
        return (Departure(Matter.REFUSAL, is_more=True, text=text),)
    if predicted.errors and predicted.certainty is not Certainty.UNKNOWN:
        reasons = "; ".join(predicted.errors)
        text = f"predicted that the server refuses the statement, it does not: {reasons}"
        return (Departure(Matter.REFUSAL, is_more=False, text=text),)
    return None


def _compare_locks(predicted: Facts, observed: ObservedStatement) -> Iterator[Departure]:
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
                yield _depart(name, None, found, f"{found.value} observed, none predicted")
        elif found is None or found < wanted:
            is_held = name in held and held[name] >= wanted
            if not is_held and not _may_be_absent(predicted, observed):
                what = "none" if found is None else found.value
                yield _depart(name, wanted, found, f"{wanted.value} predicted, {what} observed")
        elif found > wanted:
            text = f"{wanted.value} predicted, {found.value} observed"
            yield _depart(name, wanted, found, text)


def _depart(
    name: QualifiedName, predicted: LockMode | None, observed: LockMode | None, text: str
) -> Departure:
    is_more = observed is not None and (predicted is None or observed > predicted)
    return Departure(Matter.LOCK, is_more, f"lock on {name}: {text}", name, predicted, observed)


def _may_be_absent(predicted: Facts, observed: ObservedStatement) -> bool:
    is_guess = predicted.certainty is Certainty.UNKNOWN
    return is_guess or observed.certainty is not Certainty.KNOWN


def _compare_scans(predicted: Facts, observed: ObservedStatement) -> Iterator[Departure]:
    if is_planned(observed.sql):
        return
    rewritten = {_qualify(name) for name in (*predicted.rewrites, *observed.rewrites)}
    said = [name for name in predicted.scans if _qualify(name) not in rewritten]
    seen = [name for name in observed.scans if _qualify(name) not in rewritten]
    if observed.certainty is not Certainty.KNOWN:
        said = [name for name in said if name in seen]
    if runs_body(observed.sql):
        seen = [name for name in seen if name in said]
    yield from _compare_relations(Matter.SCAN, said, seen, predicted)


def _compare_relations(
    matter: Matter,
    said: Iterable[QualifiedName],
    seen: Iterable[QualifiedName],
    predicted: Facts,
) -> Iterator[Departure]:
    wanted = {_qualify(name) for name in said}
    found = {_qualify(name) for name in seen}
    if predicted.certainty is not Certainty.UNKNOWN:
        for name in sorted(wanted - found):
            text = f"{matter.value} of {name}: predicted, not observed"
            yield Departure(matter, is_more=False, text=text, relation=name)
    for name in sorted(found - wanted):
        text = f"{matter.value} of {name}: observed, not predicted"
        yield Departure(matter, is_more=True, text=text, relation=name)


def _modes(pairs: Iterable[tuple[QualifiedName, LockMode]]) -> Mapping[QualifiedName, LockMode]:
    """Return the strongest mode per relation."""
    modes: dict[QualifiedName, LockMode] = {}
    for name, mode in pairs:
        qualified = _qualify(name)
        modes[qualified] = max(mode, modes.get(qualified, mode))
    return modes


def _qualify(name: QualifiedName) -> QualifiedName:
    return name if name.schema is not None else QualifiedName(_DEFAULT_SCHEMA, name.name)
