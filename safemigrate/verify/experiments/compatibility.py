"""OLD_STATEMENTS_WORK, NEW_STATEMENTS_WORK: what a rolling deploy sends to the other schema.

While a deploy rolls, the old release meets the new schema; where the code goes first, the new one
meets the old schema.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from safemigrate.model import Check, Property, Standing
from safemigrate.verify.compatibility import (
    Comparison,
    Releases,
    Trial,
    compare,
    find_stale,
    list_new_checks,
    read_statements,
    try_statements,
)
from safemigrate.verify.stage import Experiment, Stage

__all__ = ["COMPATIBILITY"]

_OLD = Property.OLD_STATEMENTS_WORK
_NEW = Property.NEW_STATEMENTS_WORK
_SHOWN = 5
_NOTHING = "it touches no table and no view that was there before"
_NAME_ONE = 'name a file of what the old release sends under "old-statements"'
_HOW_TO_MAKE = (
    "it is SQL, an export of pg_stat_statements, or what the tests of a release send: "
    "pytest --safemigrate-capture FILE"
)
_TAKE_AWAY_LAST = (
    "add first, let a release stop using what goes, and take it away after that; "
    'where that is done, say so: "# safemigrate: accept[old-statements-work] REASON", or '
    f"{_NAME_ONE}; {_HOW_TO_MAKE}"
)
_CONNECT_ANEW = (
    "add a new column or table beside the old one instead; or let the release connect anew as "
    "soon as it is applied, and say so: "
    '"# safemigrate: accept[old-statements-work] REASON"'
)


def _prove(stage: Stage) -> Iterator[Check]:
    wanted, choices = stage.choices.wanted, stage.choices
    old = None if choices.old_statements is None else read_statements(choices.old_statements)
    new = None if choices.new_statements is None else read_statements(choices.new_statements)
    if new is None:
        yield stage.unasked(
            _NEW,
            "no file says what the new release sends",
            advice=f'name one under "new-statements"; {_HOW_TO_MAKE}',
        )
    is_nothing_old = old is None and not _is_seen(stage)
    if is_nothing_old:
        yield stage.holds(_OLD, _NOTHING)
    is_old_open = _OLD in wanted and not is_nothing_old
    is_new_open = _NEW in wanted and new is not None
    if not is_old_open and not is_new_open:
        return
    releases = Releases(old if is_old_open else (), (new or ()) if is_new_open else ())
    old_trial, new_trial = try_statements(stage, releases)
    if is_old_open:
        yield _judge_old(stage, old_trial, is_generated=old is None)
    if is_new_open:
        yield _judge_new(stage, new_trial)


COMPATIBILITY = Experiment((_OLD, _NEW), _prove)


def _is_seen(stage: Stage) -> bool:
    """Return whether the revision may change something that was there before."""
    before, after = stage.before.objects, stage.after.objects
    return bool(stage.touched) or any(after.get(key) != one for key, one in before.items())


def _judge_old(stage: Stage, trial: Trial, *, is_generated: bool) -> Check:
    comparison = compare(trial.statements, trial.before, trial.after, trial.spare)
    failing, stale = find_stale(comparison, trial.after, trial.held)
    broken = {**comparison.broken, **failing}
    details = [
        *_list(comparison, broken),
        *_list(comparison, comparison.changed),
        *_list(comparison, comparison.silent),
        *_list_stale(comparison, stale),
        *_tell_unvalidated(stage),
        *_tell_rest(comparison, trial),
    ]
    if broken:
        return stage.broken(
            _OLD,
            _say(comparison, broken, "on the new schema"),
            details,
            advice=_TAKE_AWAY_LAST if comparison.broken else _CONNECT_ANEW,
        )
    untried = _find_untried(comparison, trial) if is_generated else None
    if untried is not None:
        return stage.unknown(
            _OLD,
            untried,
            advice=f"{_NAME_ONE}; {_HOW_TO_MAKE}",
        )
    check = _hold(stage, _OLD, comparison, details, is_generated=is_generated)
    # a condition that somebody wrote may well find nothing among other rows, a key does not
    if not is_generated or not comparison.silent or check.standing is not Standing.HOLDS:
        return check
    told = _say(comparison, comparison.silent, "on the new schema")
    return replace(check, warning=f"{told}, given the values that the row has", path=stage.path)


def _find_untried(comparison: Comparison, trial: Trial) -> str | None:
    """Return which INSERT could not be tried, and why; None for none.

    A table may well refuse UPDATE and DELETE, and then no release sends them. One that has rows
    and refuses INSERT is tried by what reads and changes those; without rows, what a new column
    demands of a row is seen by nobody.
    """
    faults = {**comparison.unusable, **comparison.unexecuted}
    tried = {
        table
        for number, statement in enumerate(comparison.statements)
        if number not in faults
        for table in statement.shape.tables
        if table not in trial.unsolved
    }
    for number, fault in sorted(faults.items()):
        statement = comparison.statements[number]
        if _has_written(trial, number):
            continue  # a trigger may have been repaired
        if statement.shape.inserted is not None and statement.shape.inserted not in tried:
            why = trial.unsolved.get(statement.shape.inserted, fault)
            return f"{statement.title} could not be tried: {why}"
    return None


def _has_written(trial: Trial, number: int) -> bool:
    """Return whether a statement wrote a row on the new schema, whatever it did on the old one."""
    performances = [one for one in (trial.after, trial.spare) if one is not None]
    outcomes = [outcome for one in performances for outcome in one.runs.get(number, ())]
    return any(isinstance(outcome, int) and outcome > 0 for outcome in outcomes)


def _judge_new(stage: Stage, trial: Trial) -> Check:
    comparison = compare(trial.statements, trial.after, trial.before)
    details = [
        *_list(comparison, comparison.broken),
        *_list(comparison, comparison.changed),
        *_list(comparison, comparison.silent),
        *_tell_rest(comparison, trial),
    ]
    if comparison.broken:
        return stage.broken(
            _NEW,
            _say(comparison, comparison.broken, "on the old schema"),
            details,
            advice="migrate before the new release starts, and say so: "
            '"# safemigrate: accept[new-statements-work] REASON"',
        )
    return _hold(stage, _NEW, comparison, details, is_generated=False)


def _hold(
    stage: Stage,
    proved: Property,
    comparison: Comparison,
    details: list[str],
    *,
    is_generated: bool,
) -> Check:
    if not comparison.statements or (comparison.usable == 0 and not _is_seen(stage)):
        return stage.holds(proved, _NOTHING, details)
    made = "generated " if is_generated else ""
    if comparison.working == 0:
        side = "before" if proved is _OLD else "after"
        works = "can be executed" if comparison.usable else "works"
        unknown = stage.unknown(
            proved,
            f"no {made}statement of {len(comparison.statements)} {works} on the schema {side} it",
            advice=f"{_NAME_ONE}; {_HOW_TO_MAKE}"
            if is_generated
            else "give the statements of the release that is made for that schema",
        )
        return replace(unknown, details=tuple(details))
    works = "works" if comparison.working == 1 else "work"
    number = _number(comparison.working, f"{made}statement")
    return stage.holds(proved, f"{number} {works}", details)


def _say(comparison: Comparison, broken: Mapping[int, str], where: str) -> str:
    number, what = min(broken.items())
    return f"{where} {comparison.statements[number].place} {what}"


def _list(comparison: Comparison, lines: Mapping[int, str]) -> Iterator[str]:
    for number, what in sorted(lines.items()):
        yield f"{comparison.statements[number].title}: {what}"


def _list_stale(comparison: Comparison, stale: list[int]) -> Iterator[str]:
    for number in stale:
        yield (
            f"{comparison.statements[number].title}: fails once on a connection that was open "
            "before, with 0A000, cached plan must not change result type; pools prepare it again"
        )


def _tell_unvalidated(stage: Stage) -> Iterator[str]:
    for check in list_new_checks(stage):
        if not check.is_valid:
            yield (
                f"constraint {check.identity} is NOT VALID: an UPDATE of a row that was there "
                "before and does not meet it is refused, whatever it changes"
            )


def _tell_rest(comparison: Comparison, trial: Trial) -> Iterator[str]:
    """Yield what was not tried, and why."""
    yield from _count(
        comparison, comparison.unusable, "not working on the schema of the release itself"
    )
    yield from _count(comparison, comparison.unexecuted, "prepared and not executed")
    if trial.others:
        yield f"{_number(trial.others, 'statement')} not tried, being no queries"
    if trial.left_out:
        yield f"{_number(trial.left_out, 'statement')} not tried, being about something else"
    for table, why in sorted(trial.unsolved.items()):
        yield f"no rows could be made for {table}: {why}"


def _count(comparison: Comparison, faults: Mapping[int, object], what: str) -> Iterator[str]:
    if not faults:
        return
    yield f"{_number(len(faults), 'statement')} {what}:"
    for number, fault in islice(sorted(faults.items()), _SHOWN):
        yield f"    {comparison.statements[number].title}: {fault}"
    if len(faults) > _SHOWN:
        yield f"    and {len(faults) - _SHOWN} more"


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
