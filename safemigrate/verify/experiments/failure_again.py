"""Whether an upgrade that is done can be asked for once more without any change.

Alembic then runs no revision, but env.py runs, and what the revision's module registered when it
was loaded is there: a listener, or a hook that makes views anew.
"""

from collections.abc import Iterator

from safemigrate.errors import EnvironmentSetupError
from safemigrate.model import Check, Property
from safemigrate.verify.bench import Bench
from safemigrate.verify.cuts import Condition, look
from safemigrate.verify.snapshots import VersionTable
from safemigrate.verify.stage import Experiment, Stage, State

__all__ = ["REPEATABLE"]

_ADVICE = "let env.py, and what revisions register, look first whether there is anything left to do"


def _prove(stage: Stage) -> Iterator[Check]:
    with stage.database(State.AFTER) as bench:
        before = look(bench, stage.revision)
        try:
            bench.run(())
        except EnvironmentSetupError as err:
            reason = f"with the revision done, the same run once more fails: {err.message}"
            yield stage.broken(Property.REPEATABLE, reason, advice=_ADVICE)
            return
        is_usual = _is_usual(bench.version_table)
        after = look(bench, stage.revision, is_anew=not is_usual)
    if not is_usual:
        before = _look_anew(stage, bench)
    differences = before.compare(after)
    if not differences:
        yield stage.holds(Property.REPEATABLE)
        return
    yield stage.broken(
        Property.REPEATABLE,
        f"with the revision done, the same run once more changes something: {differences[0]}",
        differences,
        advice=_ADVICE,
    )


REPEATABLE = Experiment((Property.REPEATABLE,), _prove)


def _is_usual(table: VersionTable) -> bool:
    """Return whether the table was left out already when env.py had not named it yet."""
    return table.name == VersionTable().name and table.schema in {None, "public"}


def _look_anew(stage: Stage, bench: Bench) -> Condition:
    """Return the condition before the run, with the version table that it named."""
    with stage.database(State.AFTER) as untouched:
        untouched.version_table = bench.version_table
        return look(untouched, stage.revision)
