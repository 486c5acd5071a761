"""The experiments, in the order they are made."""

from safemigrate.verify.experiments.compatibility import COMPATIBILITY
from safemigrate.verify.experiments.determinism import IS_DETERMINISTIC
from safemigrate.verify.experiments.facts import FACTS
from safemigrate.verify.experiments.failure import RESUMABLE
from safemigrate.verify.experiments.failure_again import REPEATABLE
from safemigrate.verify.experiments.failure_masks import MASKS_NOTHING
from safemigrate.verify.experiments.heads import HEADS
from safemigrate.verify.experiments.models import MODELS, REGISTRATION
from safemigrate.verify.experiments.offline import RENDERS_OFFLINE
from safemigrate.verify.experiments.plans import PLANS
from safemigrate.verify.experiments.review import REVIEW
from safemigrate.verify.experiments.rows import ROWS
from safemigrate.verify.experiments.samples import SAMPLES
from safemigrate.verify.experiments.tenants import TENANTS
from safemigrate.verify.stage import Experiment, HistoryExperiment

__all__ = ["EXPERIMENTS", "HISTORY_EXPERIMENTS"]

EXPERIMENTS: tuple[Experiment, ...] = (
    ROWS,
    SAMPLES,
    FACTS,
    RESUMABLE,
    REPEATABLE,
    MASKS_NOTHING,
    IS_DETERMINISTIC,
    RENDERS_OFFLINE,
    COMPATIBILITY,
    PLANS,
    REVIEW,
    TENANTS,
)

HISTORY_EXPERIMENTS: tuple[HistoryExperiment, ...] = (HEADS, MODELS, REGISTRATION)
