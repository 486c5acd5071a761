"""What pending revisions will do to a database as it is now."""

from safemigrate.plan.foresight import Foreseen, Foresight
from safemigrate.plan.passages import walk_pending

__all__ = ["Foreseen", "Foresight", "walk_pending"]
