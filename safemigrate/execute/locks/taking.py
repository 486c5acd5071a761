"""A statement that needs locks gets them, and is sent."""

from safemigrate.execute.conducting import Sent
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.watcher import LockWatcher

__all__ = ["LockTaker"]


class LockTaker:
    """Takes the locks of statements."""

    def __init__(self, surroundings: Surroundings, watcher: LockWatcher) -> None:
        self._surroundings = surroundings
        self._watcher = watcher

    def begin_attempt(self) -> None:
        """Be told that a revision begins, or begins again, in a new transaction."""

    def carry(self, sent: Sent) -> None:
        """Take the statement to the server."""
        sent.send()
