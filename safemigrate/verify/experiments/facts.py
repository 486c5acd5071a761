"""What the server is seen to do, judged: foreseen, beside others, in a good order, briefly."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.model import Check, Property
from safemigrate.verify.experiments.facts_foreseen import judge_foresight
from safemigrate.verify.experiments.facts_observing import Observation, observe_stage
from safemigrate.verify.experiments.facts_order import judge_order
from safemigrate.verify.experiments.facts_outside import judge_outside
from safemigrate.verify.experiments.traffic import prove_brief_blocks
from safemigrate.verify.stage import Experiment, Stage

__all__ = ["FACTS"]


def _prove(stage: Stage) -> Iterator[Check]:
    """Observe once; the traffic alone needs a run of its own, so it comes last."""
    observation = observe_stage(stage)
    for check in _judge(stage, observation):
        details = dict.fromkeys((*check.details, *observation.notes))
        yield replace(check, details=tuple(details))


def _judge(stage: Stage, observation: Observation) -> Iterator[Check]:
    yield from judge_foresight(stage, observation)
    yield from judge_outside(stage, observation)
    yield from judge_order(stage, observation)
    if Property.BLOCKS_BRIEFLY in stage.choices.wanted:
        yield prove_brief_blocks(stage, observation)


FACTS = Experiment(
    proves=(
        Property.FORESEEN_LOCKS,
        Property.FORESEEN_REWRITES,
        Property.FORESEEN_SCANS,
        Property.LETS_OTHERS_WORK,
        Property.ORDERED_LOCKS,
        Property.BLOCKS_BRIEFLY,
    ),
    prove=_prove,
)
