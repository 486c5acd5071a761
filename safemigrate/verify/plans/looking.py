"""How queries are planned at a state of a revision, and what is otherwise than expected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from safemigrate.model import QualifiedName
from safemigrate.verify.plans.asking import (
    Refusal,
    ask_plan,
    read_relations,
    without,
)
from safemigrate.verify.plans.expectations import Expectation
from safemigrate.verify.plans.filling import Ground, open_ground
from safemigrate.verify.plans.judging import Relations, find_shortfalls, is_named
from safemigrate.verify.plans.trees import PlanNode
from safemigrate.verify.stage import Stage, State

__all__ = ["Look", "look_at"]


@dataclass(frozen=True, slots=True)
class Look:
    """What one query is planned as.

    `refusal`: why the state cannot run it, with the SQLSTATE. `doubt`: why its plan says nothing.
    `shortfalls`: what is otherwise than expected. `is_possible`: with sequential scans forbidden
    nothing is, so that it is the generated rows that speak against it. `ground`: what it goes by.
    """

    ground: str
    plan: PlanNode | None = None
    refusal: str = ""
    doubt: str = ""
    shortfalls: tuple[str, ...] = ()
    is_possible: bool = False

    @property
    def has_held(self) -> bool:
        """Whether the query is planned as expected."""
        return not (self.refusal or self.doubt or self.shortfalls)


def look_at(
    stage: Stage, state: State, expectations: Iterable[Expectation]
) -> Mapping[Expectation, Look]:
    """Return how each query is planned at that state; raises what `open_ground` raises."""
    asked = tuple(expectations)
    if not asked:
        return {}
    with open_ground(stage, state, asked) as ground:
        relations = read_relations(ground.connection)
        return {one: _look(stage, one, ground, relations) for one in asked}


def _look(stage: Stage, one: Expectation, ground: Ground, relations: Relations) -> Look:
    """Return how one query is planned there.

    On rows of our own, which have few values each, an index that could be read alone is not kept
    from it by a bitmap scan being cheaper.
    """
    connection, version = ground.connection, stage.server.version
    is_generated = any(_reads(one, name, relations) for name in ground.generated)
    shunned = ("bitmapscan",) if is_generated and one.is_index_only else ()
    with without(connection, *shunned):
        plan = ask_plan(connection, one, version)
    if isinstance(plan, Refusal):
        return Look(ground.words, refusal=plan.reason)
    empty = [name for name in sorted(ground.empty) if _reads(one, name, relations)]
    if empty:
        return Look(ground.words, plan, doubt=f'"{empty[0]}" is empty: {ground.empty[empty[0]]}')
    shortfalls = find_shortfalls(one, plan, relations)
    is_possible = False
    if shortfalls and is_generated:
        with without(connection, "seqscan", *shunned):
            other = ask_plan(connection, one, version)
        is_possible = isinstance(other, PlanNode) and not find_shortfalls(one, other, relations)
    return Look(ground.words, plan, shortfalls=shortfalls, is_possible=is_possible)


def _reads(expectation: Expectation, table: QualifiedName, relations: Relations) -> bool:
    """Return whether the query reads the table, as far as its names say: a view may read any."""
    return any(is_named(one, table) or not relations.has(one) for one in expectation.tables)
