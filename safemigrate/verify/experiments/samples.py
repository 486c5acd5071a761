"""The project's own rows of a revision, put in before it and after it."""

from collections.abc import Iterator
from pathlib import Path

from safemigrate.model import Check, Property
from safemigrate.verify.rows.samples import SampleFault, Samples, run_sample
from safemigrate.verify.stage import Experiment, Stage, State

__all__ = ["SAMPLES"]

_TAKES = Property.TAKES_SAMPLES


def _prove(stage: Stage) -> Iterator[Check]:
    samples = Samples(stage.choices.samples)
    if samples.folder is None:
        yield stage.unasked(
            _TAKES,
            "the project gives no rows of its own",
            advice='name a folder with a file of INSERT statements per revision: samples = "…"',
        )
        return
    files = (
        (samples.before(stage.revision), State.BEFORE),
        (samples.after(stage.revision), State.AFTER),
    )
    given = [(file, state) for file, state in files if file is not None]
    faults = [fault for fault in (_try(stage, *one) for one in given) if fault is not None]
    strangers = _find_strangers(stage, samples)
    if faults:
        first = faults[0]
        reason = f"a sample cannot be inserted: {first}"
        yield stage.broken(_TAKES, reason, [str(one) for one in faults[1:]] + strangers)
    elif strangers:
        yield stage.broken(
            _TAKES,
            f"{strangers[0]} is for a revision that is not there",
            strangers[1:],
            advice="a file is called as the id of a revision, with .sql or .after.sql",
        )
    elif given:
        yield stage.holds(_TAKES, f"{len(given)} of its files")
    else:
        yield stage.holds(_TAKES, "the project has no rows for this revision")


def _try(stage: Stage, file: Path, state: State) -> SampleFault | None:
    with stage.database(state) as bench:
        return run_sample(bench.connection, file)


def _find_strangers(stage: Stage, samples: Samples) -> list[str]:
    """Return the files that are for no revision; said once, at a head."""
    if not stage.script.is_head:
        return []
    return samples.strangers(frozenset(one.revision for one in stage.project.revisions()))


SAMPLES = Experiment((_TAKES,), _prove)
