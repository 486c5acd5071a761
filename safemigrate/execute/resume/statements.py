"""Each statement is written down as it is done, and not done twice."""

from collections.abc import Callable

from safemigrate.execute.conducting import Sent
from safemigrate.execute.events import PlannedRevision
from safemigrate.execute.surroundings import Surroundings

__all__ = ["StatementLog"]


class StatementLog:
    """Knows what of the revision in hand is done, and writes down what is."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def begin_attempt(self, revision: PlannedRevision) -> None:
        """Be told that a revision begins, or begins again."""

    def carry(self, sent: Sent, way: Callable[[Sent], None]) -> None:
        """Take the statement its way to the server, unless it is done."""
        way(sent)
