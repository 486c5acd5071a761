"""Whether an upgrade that is cut off anywhere can be run again, and harms nothing when it is.

A revision that is one transaction leaves the state before wherever its session ends, for
PostgreSQL rolls back what was not committed. That it is one is seen on the way: all statements go
into one transaction of one session, and the state is the one before after a cut at the last of
them, which a commit by any other way (a cursor of the driver's own, a second process) would have
changed. Of such a one the first, the middle and the last statement are cut. Of any other, and of
one with savepoints, every statement is, and is also refused by the server as by a lock timeout,
which the revision may catch. "Cut off" is no pretence: the server ends the sessions.

Run again is meant as plain Alembic does it, which is cheap. Where it ends otherwise, or had to
go on from something that the fault left behind, and the project is deployed by `safemigrate
upgrade`, the same fault strikes the real runner at the same place, and the real runner goes on: its
journal skips what was done, which a run from the start would do again.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from safemigrate.config import Deployer
from safemigrate.model import Check, Property
from safemigrate.trace import open_connection
from safemigrate.verify.cuts import (
    Cut,
    Detour,
    Goal,
    SentStatement,
    Survey,
    Trial,
    has_savepoints,
    is_one_transaction,
    lasting,
    refuse_statement,
    survey_upgrade,
    try_cuts,
    try_runner,
)
from safemigrate.verify.rows import fill_tables
from safemigrate.verify.stage import Experiment, Stage, State

__all__ = ["RESUMABLE", "explain_detours"]

_ROWS = 10
_MOST_PLACES = 40
_MOST_LINES = 3
_ADVICE = {
    Deployer.ALEMBIC: (
        "let a revision be one transaction, and put what must stand outside of one into a revision "
        "of its own that finds what it left: DROP INDEX CONCURRENTLY IF EXISTS before the build; "
        'or deploy by "safemigrate upgrade", which goes on behind the last statement that was done'
    ),
    Deployer.SAFEMIGRATE: (
        'let all of it go over the connection that Alembic hands out, of which "safemigrate '
        'upgrade" keeps a journal, and let no error be swallowed; or let the revision be one '
        "transaction"
    ),
}


def _prove(stage: Stage) -> Iterator[Check]:
    goal = Goal(stage)
    survey = survey_upgrade(stage, goal)
    if survey.error:
        yield stage.unknown(Property.RESUMABLE, f"it fails by itself: {survey.error}")
        return
    if not survey.sent:
        yield stage.unknown(Property.RESUMABLE, "it was not seen to send anything to the server")
        return
    if _is_undone(survey):
        trials = list(try_cuts(stage, goal, map(Cut, _choose_three(survey.sent))))
        yield _judge(
            stage, goal, trials, "it is one transaction, and a cut leaves the state before"
        )
        return
    yield _prove_everywhere(stage, survey)


RESUMABLE = Experiment((Property.RESUMABLE,), _prove)


def _is_undone(survey: Survey) -> bool:
    """Return whether all of it was one transaction, which the cut has rolled back.

    One with savepoints can go on behind an error.
    """
    trial = survey.trial
    return (
        trial is not None
        and not trial.left
        and not trial.was_done
        and not has_savepoints(survey.sent)
        and is_one_transaction(survey.sent)
    )


def _choose_three(sent: tuple[SentStatement, ...]) -> list[SentStatement]:
    """Return the first and the middle one; the survey has cut at the last one."""
    last = len(sent)
    return [sent[position - 1] for position in sorted({1, (last + 1) // 2} - {last})]


def _prove_everywhere(stage: Stage, survey: Survey) -> Check:
    """Return the check of an upgrade that is more than one transaction, tried on rows."""
    with _with_rows(stage) as filled:
        goal = Goal(filled)
        again = survey_upgrade(filled, goal)
        if not again.error:
            return _cut_everywhere(filled, goal, again)
    # it does not apply on rows, which another property says
    goal = Goal(stage)
    return _cut_everywhere(stage, goal, survey)


def _cut_everywhere(stage: Stage, goal: Goal, survey: Survey) -> Check:
    places = [one for one in survey.sent if not one.is_read]
    chosen = _spread(places)
    known = [] if survey.trial is None else [survey.trial]
    others = [one for one in chosen if survey.trial is None or one is not survey.sent[-1]]
    trials = [
        *try_cuts(stage, goal, map(Cut, others)),
        *known,
        *try_cuts(stage, goal, (Cut(one, refuse_statement) for one in chosen)),
    ]
    counted = f"{len(chosen)} of {len(places)}" if len(chosen) < len(places) else "all"
    return _judge(stage, goal, trials, f"cut off before and refused at {counted} of its statements")


def _spread(places: list[SentStatement]) -> list[SentStatement]:
    """Return all places, or as many as there is time for, from the first to the last."""
    if len(places) <= _MOST_PLACES:
        return places
    step = (len(places) - 1) / (_MOST_PLACES - 1)
    return [places[round(number * step)] for number in range(_MOST_PLACES)]


@contextmanager
def _with_rows(stage: Stage) -> Iterator[Stage]:
    """Yield the stage with generated rows in the tables that the revision touches."""
    if not stage.touched:
        yield stage
        return
    name = stage.server.copy_database(stage.templates[State.BEFORE])
    try:
        with open_connection(stage.server.url(name)) as connection:
            fill_tables(connection, stage.touched, _ROWS)
        yield replace(stage, templates={**stage.templates, State.BEFORE: name})
    finally:
        stage.server.drop_database(name)


def _judge(stage: Stage, goal: Goal, trials: Sequence[Trial | Detour], tried: str) -> Check:
    is_by_alembic = stage.choices.deployed_by is Deployer.ALEMBIC
    detours = [one for one in trials if isinstance(one, Detour)]
    asked: dict[tuple[int, bool, tuple[str, ...]], Trial] = {}
    for one in trials:
        if isinstance(one, Trial) and not (one.is_harmless and (is_by_alembic or not one.left)):
            # a refusal mostly leaves what a cut at the same place does, and is not told twice
            asked.setdefault(_key(one), one)
    if asked and is_by_alembic:
        return _break(stage, list(asked.values()), "running it again")
    passed: list[str] = []
    for trial in asked.values():
        again = try_runner(stage, goal, trial.statement, lasting(trial.fault))
        if not again.is_harmless:
            lines = [*passed, _tell_plain(trial)]
            return _break(stage, [again], "a second safemigrate upgrade", lines)
        if not trial.is_harmless:
            passed.append(f"{_tell_plain(trial)}; safemigrate upgrade goes on")
    if detours:
        return explain_detours(stage, Property.RESUMABLE, detours, len(trials))
    if passed:
        tried = f"{tried}; safemigrate upgrade goes on where plain Alembic would not"
    elif asked:
        tried = f"{tried}; safemigrate upgrade goes on as plain Alembic would"
    return stage.holds(Property.RESUMABLE, tried, passed)


def explain_detours(stage: Stage, proved: Property, detours: Sequence[Detour], count: int) -> Check:
    """Return the check of a property for which not all of `count` cuts could be made."""
    first = detours[0]
    end = f"failed: {first.error}" if first.error else "took another way"
    return stage.unknown(
        proved,
        f"{len(detours)} of {count} cuts were not made: run once more, it {end}, and never came "
        f"to {first.cut.statement.title}",
        advice="let what the revision sends follow from the database alone",
    )


def _break(stage: Stage, harmful: list[Trial], way: str, passed: Iterable[str] = ()) -> Check:
    first = harmful[0]
    hints = dict.fromkeys(f"  it says: {trial.hint}" for trial in harmful if trial.hint)
    return stage.broken(
        Property.RESUMABLE,
        _describe(first, way),
        [*(line for trial in harmful for line in _detail(trial, way)), *hints, *passed],
        advice=_ADVICE[stage.choices.deployed_by],
        line=first.statement.line or 1,
    )


def _key(trial: Trial) -> tuple[int, bool, tuple[str, ...]]:
    # the words of an error can be others each time
    return trial.statement.position, bool(trial.error), trial.missed


def _describe(trial: Trial, way: str) -> str:
    place = trial.statement.title
    if trial.error:
        left = f"it leaves {_name(trial.left[0])} behind, and " if trial.left else ""
        return f"cut off before {place}, {left}{way} fails: {trial.error}"
    end = f"it is said to be done and is not as it should be: {trial.missed[0]}"
    if trial.was_done:
        return f"when {place} fails, {end}"
    return f"cut off before {place} and run again, {end}"


def _tell_plain(trial: Trial) -> str:
    """Return what plain Alembic would do after a trial."""
    place = trial.statement.title
    if trial.is_harmless:
        return f"cut off before {place}, plain Alembic would end right"
    if trial.error:
        return f"cut off before {place}, plain Alembic would stop at {trial.error}"
    return f"cut off before {place}, plain Alembic would end with {trial.missed[0]}"


def _name(line: str) -> str:
    """Return the kind and the name that a line of a difference begins with."""
    return " ".join(line.split()[1:3]).rstrip(":")


def _detail(trial: Trial, way: str) -> Iterator[str]:
    outcome = f"{way} fails: {trial.error}" if trial.error else "it ends as done"
    yield f"{trial.statement.title}: {outcome}"
    yield from (f"  left: {line}" for line in trial.left[:_MOST_LINES])
    yield from (f"  in the end: {line}" for line in trial.missed[:_MOST_LINES])
