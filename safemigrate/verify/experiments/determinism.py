"""Whether two runs of an upgrade, on two databases, make the same schema.

The second run is on a database of another name, later, in another session. Where the revision's
code could tell one process from another, it is also in another process: with other hash values,
another state of whatever is random, and a clock that is years ahead. Nobody changes the server's
own clock: a name made of `current_date` in SQL stays the same for a day, one made of `now()` not.
"""

from collections.abc import Iterator

from safemigrate.model import Check, Direction, Property
from safemigrate.verify.bench import Bench, Move
from safemigrate.verify.differences import find_differences
from safemigrate.verify.stage import Experiment, Stage, State
from safemigrate.verify.witness import may_know_process

__all__ = ["IS_DETERMINISTIC"]

_ADVICE = (
    "give every object a name of its own in the revision, and take nothing from the clock, from "
    "chance, or from the database's name"
)


def _prove(stage: Stage) -> Iterator[Check]:
    is_apart = may_know_process(stage.path)
    where = "in another process" if is_apart else "on another database"
    with stage.database(State.BEFORE) as bench:
        error = _run_apart(stage, bench) if is_apart else _run(stage, bench)
        if error:
            reason = f"run {where}, it fails: {error}"
            yield stage.broken(Property.IS_DETERMINISTIC, reason, advice=_ADVICE)
            return
        differences = find_differences(stage.after, bench.snapshot())
    if not differences:
        yield stage.holds(Property.IS_DETERMINISTIC, f"it was run {where}")
        return
    yield stage.broken(
        Property.IS_DETERMINISTIC,
        f"run {where}, it makes another schema: {'; '.join(differences[:2])}",
        differences,
        advice=_ADVICE,
    )


IS_DETERMINISTIC = Experiment((Property.IS_DETERMINISTIC,), _prove)


def _run(stage: Stage, bench: Bench) -> str:
    fault = bench.run([Move(stage.script, Direction.UPGRADE)])
    return "" if fault is None else fault.reason


def _run_apart(stage: Stage, bench: Bench) -> str:
    answer = stage.witness.upgrade(bench.url, stage.revision)
    # so that the snapshot leaves it out
    bench.version_table = answer.version_table
    return answer.error
