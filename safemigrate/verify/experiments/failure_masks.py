"""Whether something that is not as it should be is taken for the thing, because it has its name.

Two ways to that are tried. CREATE INDEX CONCURRENTLY is made to fail after it has built, which
leaves an INVALID index; run again, the upgrade must not say that it is done with that. Plain
Alembic is asked first; where it says so, and the project is deployed by `safemigrate upgrade`, the
real runner is cut off in the same build, goes on, and is asked the same. And where a statement says
IF NOT EXISTS and the name is taken already, by what the history itself made before, what the
statement would make is made and compared.

Nothing is invented: a table of another shape under the name, put there by nobody's revision,
would be found with every IF NOT EXISTS there is, harmful or not; that is drift, which
`safemigrate status` finds. A schema or an extension has nothing to be compared.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from safemigrate.config import Deployer
from safemigrate.model import Check, Direction, Property
from safemigrate.verify.cuts import (
    Cut,
    Detour,
    Goal,
    Sending,
    SentStatement,
    StatementWatch,
    Trial,
    builds_beside,
    cutting_build,
    fail_build,
    find_masked,
    says_if_not_exists,
    try_cuts,
    try_runner,
    upgrade,
)
from safemigrate.verify.experiments.failure import explain_detours
from safemigrate.verify.stage import Experiment, Stage, State

__all__ = ["MASKS_NOTHING"]

_ADVICE = {
    Deployer.ALEMBIC: (
        "DROP INDEX CONCURRENTLY IF EXISTS before it, and leave out IF NOT EXISTS; or deploy by "
        '"safemigrate upgrade", which removes an INVALID index by itself'
    ),
    Deployer.SAFEMIGRATE: (
        "send CREATE INDEX CONCURRENTLY without looking for the index before; "
        '"safemigrate upgrade" looks for it, and builds an INVALID one anew'
    ),
}


@dataclass(frozen=True, slots=True)
class _Masked:
    """A statement that did nothing, and how what was there differs from what it says."""

    statement: SentStatement
    lines: tuple[str, ...]


def _prove(stage: Stage) -> Iterator[Check]:
    texts = _list_texts(stage)
    if texts is not None and not any(map(_may_mask, texts)):
        yield stage.holds(
            Property.MASKS_NOTHING,
            "it says IF NOT EXISTS nowhere, and builds nothing beside others",
        )
        return
    builds: list[SentStatement] = []
    masked: list[_Masked] = []
    with stage.database(State.BEFORE) as bench:

        def examine(sending: Sending) -> bool:
            statement = sending.statement
            if statement.is_autocommit and builds_beside(statement.sql):
                builds.append(statement)
            if says_if_not_exists(statement.sql):
                lines = find_masked(sending, bench.version_table)
                masked.extend([_Masked(statement, lines)] if lines else [])
            return False

        watch = StatementWatch(str(stage.script.path), examine)
        with watch.watching():
            fault = bench.run([upgrade(stage)], on_state=watch.attend)
    if fault is not None:
        yield stage.unknown(
            Property.MASKS_NOTHING, f"it fails when it is looked at: {fault.reason}"
        )
    elif masked:
        yield _judge_masked(stage, masked)
    else:
        goal = Goal(stage)
        cuts = (Cut(statement, fail_build) for statement in builds)
        yield _judge_builds(stage, goal, try_cuts(stage, goal, cuts))


MASKS_NOTHING = Experiment((Property.MASKS_NOTHING,), _prove)


def _list_texts(stage: Stage) -> list[str] | None:
    """Return what the upgrade sends, as far as anybody knows; None where nobody does."""
    passage = stage.foreseen(Direction.UPGRADE)
    seen = [one.sql for one in stage.statements if one.direction is Direction.UPGRADE]
    if passage is None or passage.migration.unjudged:
        return seen or None
    return [*seen, *(one.statement.sql for one in passage.statements)]


def _may_mask(text: str) -> bool:
    return says_if_not_exists(text) or builds_beside(text)


def _judge_masked(stage: Stage, masked: list[_Masked]) -> Check:
    first = masked[0]
    return stage.broken(
        Property.MASKS_NOTHING,
        f"IF NOT EXISTS of {first.statement.title} takes what is there for what it should make: "
        f"{first.lines[0]}",
        [f"{one.statement.title}: {line}" for one in masked for line in one.lines],
        advice="say what is to become of the one that is there: ALTER it, or DROP it first",
        line=first.statement.line or 1,
    )


def _judge_builds(stage: Stage, goal: Goal, trials: Iterable[Trial | Detour]) -> Check:
    tried = list(trials)
    failed = [one for one in tried if isinstance(one, Trial)]
    masked = list(filter(_takes_it, failed))
    if masked and stage.choices.deployed_by is Deployer.ALEMBIC:
        return _break_build(stage, masked)
    passed: list[str] = []
    for trial in masked:
        title = trial.statement.title
        again = try_runner(stage, goal, trial.statement, cutting_build)
        if _takes_it(again):
            return _break_build(stage, [again])
        if again.was_done:
            return stage.unknown(
                Property.MASKS_NOTHING, f"safemigrate upgrade was not seen to build at {title}"
            )
        end = f"says: {again.error}" if again.error else "builds it anew"
        passed.append(
            f"plain Alembic would take what {title} leaves when it fails for the index; "
            f"safemigrate upgrade {end}"
        )
    detours = [one for one in tried if isinstance(one, Detour)]
    if detours:
        return explain_detours(stage, Property.MASKS_NOTHING, detours, len(tried))
    if not masked:
        reason = "an index build that fails is not taken for a done one" if failed else ""
        return stage.holds(Property.MASKS_NOTHING, reason)
    reason = "safemigrate upgrade takes no index build that fails for a done one"
    return stage.holds(Property.MASKS_NOTHING, reason, passed)


def _takes_it(trial: Trial) -> bool:
    # a run that fails again takes nothing for what it is not
    return bool(trial.missed) and not trial.error


def _break_build(stage: Stage, masked: list[Trial]) -> Check:
    first = masked[0]
    return stage.broken(
        Property.MASKS_NOTHING,
        f"what {first.statement.title} leaves when it fails is taken for the index by the next "
        f"run: {first.missed[0]}",
        [line for trial in masked for line in trial.missed],
        advice=_ADVICE[stage.choices.deployed_by],
        line=first.statement.line or 1,
    )
