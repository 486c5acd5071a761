"""A build is prepared, watched while it runs, and cleared up behind when it fails."""

from safemigrate.execute.conducting import Sent
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.watcher import LockWatcher

__all__ = ["BuildSupervisor"]


class BuildSupervisor:
    """Takes statements to the server that must not be ended half-way."""

    def __init__(self, surroundings: Surroundings, watcher: LockWatcher) -> None:
        self._surroundings = surroundings
        self._watcher = watcher

    def takes(self, sent: Sent) -> bool:
        """Return whether the statement is one for the supervisor."""
        del sent
        return False

    def carry(self, sent: Sent) -> None:
        """Take the statement to the server."""
        sent.send()
