"""EXPECTED_PLANS: the queries of the expectation file are planned as it says."""

from collections.abc import Iterable, Iterator, Mapping

from safemigrate.errors import ConfigError
from safemigrate.model import Check, Direction, Property, QualifiedName
from safemigrate.sql import quote_identifier, quote_name
from safemigrate.verify.attribution import list_sent
from safemigrate.verify.plans import (
    Expectation,
    Look,
    Verdict,
    is_named,
    look_at,
    read_expectations,
    sum_up,
    tell_doubt,
    tell_held,
    tell_refusal,
    tell_shortfall,
)
from safemigrate.verify.stage import Experiment, Stage, State

__all__ = ["PLANS"]

_WANTED = Property.EXPECTED_PLANS
_RELATIONS = frozenset({"foreign table", "materialized view", "table", "view"})


def _prove(stage: Stage) -> Iterator[Check]:
    if stage.choices.plans is None:
        yield stage.unasked(
            _WANTED,
            "no file says how queries must be planned",
            advice='name one under "plans": queries, and the indexes that they must use',
        )
        return
    due = _choose(stage, read_expectations(stage.choices.plans))
    after = look_at(stage, State.AFTER, due)
    before = look_at(stage, State.BEFORE, [one for one in after if after[one].shortfalls])
    yield _judge(stage, after, before)


PLANS = Experiment((_WANTED,), _prove)


def _choose(stage: Stage, expectations: Iterable[Expectation]) -> list[Expectation]:
    """Return what is expected after this revision, and may have come to be otherwise by it."""
    places = {script.revision: place for place, script in enumerate(stage.project.revisions())}
    here = places[stage.revision]
    due = []
    for one in expectations:
        for limit in filter(None, (one.since, one.until)):
            if limit not in places:
                raise ConfigError(f'{one.place}: there is no revision "{limit}"')
        begins = 0 if one.since is None else places[one.since]
        ends = len(places) if one.until is None else places[one.until]
        if begins <= here < ends and (_must_hold(stage, one) or _may_change(stage, one)):
            due.append(one)
    return due


def _must_hold(stage: Stage, one: Expectation) -> bool:
    """Return whether it must hold after this revision, whether or not it did before.

    Between its first revision and the last one a query is judged where it held before: a history
    may make a table first and its index later.
    """
    newest = stage.project.revisions()[-1].revision
    return stage.revision in {newest, one.since}


def _may_change(stage: Stage, one: Expectation) -> bool:
    """Return whether the revision may change the plan: rather once too often."""
    if not (stage.statements or stage.foreseen(Direction.UPGRADE)):
        return True  # nobody knows what it does
    found = [_find_relation(stage, name) for name in one.tables]
    if None in found:
        return False  # it is not there yet, or no longer
    return any(
        _is_touched(stage, name, relation)
        for name, relation in zip(one.tables, filter(None, found), strict=True)
    )


def _find_relation(stage: Stage, name: QualifiedName) -> tuple[str, str] | None:
    """Return kind and identity of what has that name after the revision, None for nothing."""
    for kind, identity in stage.after.objects:
        if kind in _RELATIONS and (
            identity == quote_name(name)
            or (name.schema is None and identity.endswith(f".{quote_identifier(name.name)}"))
        ):
            return kind, identity
    return None


def _is_touched(stage: Stage, name: QualifiedName, relation: tuple[str, str]) -> bool:
    definition = stage.after.objects[relation]
    if stage.before.objects.get(relation) != definition:
        return True
    if relation[0] != "table" or "partition key=" in definition:
        # what it reads in the end has other names
        return bool(stage.touched)
    return any(is_named(name, other) for other in stage.touched)


def _judge(
    stage: Stage, after: Mapping[Expectation, Look], before: Mapping[Expectation, Look]
) -> Check:
    """Return how all of them stand, the worst first."""
    broken: list[Verdict] = []
    unknown: list[Verdict] = []
    for one, look in after.items():
        earlier = before.get(one)
        has_held = earlier is not None and earlier.has_held
        if look.refusal and _must_hold(stage, one):
            (unknown if _has_branches(stage) else broken).append(tell_refusal(one, look))
        elif look.doubt:
            unknown.append(tell_doubt(one, look))
        elif look.shortfalls and (has_held or _must_hold(stage, one)):
            told = tell_shortfall(one, look, earlier, list_sent(stage))
            # rows of our own prove that an index is no longer of use, not that one is of none
            (unknown if look.is_possible and not has_held else broken).append(told)
    if broken:
        details = [line for one in broken for line in one.details]
        return stage.broken(
            _WANTED, sum_up(broken), details, advice=broken[0].advice, line=broken[0].line
        )
    if unknown:
        return stage.unknown(_WANTED, sum_up(unknown), advice=unknown[0].advice)
    return stage.holds(_WANTED, *tell_held(after))


def _has_branches(stage: Stage) -> bool:
    """Return whether what another branch makes may be missing where only some are proved."""
    return len(stage.project.script.get_heads()) > 1
