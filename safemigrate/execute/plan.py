"""What a run is going to do."""

from dataclasses import dataclass

from alembic.runtime.migration import RevisionStep

from safemigrate.execute.clearance import Clearance
from safemigrate.execute.origin import Origin
from safemigrate.execute.settings import RunSettings
from safemigrate.model import Direction
from safemigrate.source import Project

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be executed, and within what.

    `heads`: what the version table has. `clearance`: what the check had to say.
    `origin`: where its code comes from, for the history.
    """

    project: Project
    url: str | None
    direction: Direction
    target: str
    heads: tuple[str, ...]
    steps: tuple[RevisionStep, ...]
    settings: RunSettings
    clearance: Clearance
    origin: Origin
