"""Experiments made, and what they leave open said."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.errors import ConfigError, SafemigrateError
from safemigrate.model import Check, Property, PropertyFamily, Standing
from safemigrate.trace import describe_fault
from safemigrate.verify.stage import Experiment, HistoryExperiment, Stage, Whole

__all__ = [
    "experiment_on_history",
    "experiment_on_revision",
    "has_experiments",
    "sort_checks",
]

_ORDER = {one: position for position, one in enumerate(Property)}


def has_experiments(wanted: frozenset[Property]) -> bool:
    """Return whether one of the properties of a revision is proved by experiment."""
    return any(wanted.intersection(one.proves) for one in _load(wanted))


def _load(wanted: frozenset[Property]) -> tuple[Experiment, ...]:
    # the walk itself proves these, and what the experiments import takes longer than a short walk
    if all(one.family is PropertyFamily.SCHEMA for one in wanted):
        return ()
    from safemigrate.verify.experiments import EXPERIMENTS  # noqa: PLC0415 - see above

    return EXPERIMENTS


def _load_for_history(wanted: frozenset[Property]) -> tuple[HistoryExperiment, ...]:
    if not any(one.is_of_history for one in wanted):
        return ()
    from safemigrate.verify.experiments import HISTORY_EXPERIMENTS  # noqa: PLC0415 - see above

    return HISTORY_EXPERIMENTS


def experiment_on_revision(stage: Stage) -> tuple[Check, ...]:
    """Return a check for each property of a revision that is wanted and proved by experiment."""
    wanted = stage.choices.wanted
    return tuple(
        check
        for one in _load(wanted)
        if wanted.intersection(one.proves)
        for check in _make(one.proves, wanted, partial(one.prove, stage))
    )


def experiment_on_history(whole: Whole) -> tuple[Check, ...]:
    """Return a check for each wanted property of the whole history."""
    wanted = whole.choices.wanted
    return tuple(
        check
        for one in _load_for_history(wanted)
        if wanted.intersection(one.proves)
        for check in _make(one.proves, wanted, partial(one.prove, whole))
    )


def sort_checks(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks in the order of `Property`."""
    return tuple(sorted(checks, key=lambda check: _ORDER[check.subject]))


def _make(
    proves: tuple[Property, ...],
    wanted: frozenset[Property],
    prove: Callable[[], Iterable[Check]],
) -> Iterator[Check]:
    """Yield a check for each property that is wanted, whatever happens in the experiment."""
    open_ = [one for one in proves if one in wanted]
    reason = "the experiment came to no end"
    try:
        for check in prove():
            if check.subject in open_:
                open_.remove(check.subject)
                yield check
    except ConfigError:
        raise  # a file that the project gives is wrong, and no revision is at fault
    except SafemigrateError as error:
        reason = error.message
    except (psycopg.Error, SQLAlchemyError) as error:
        reason = f"the throwaway server says: {describe_fault(error)}"
    for one in open_:
        yield Check(one, Standing.UNKNOWN, reason)
