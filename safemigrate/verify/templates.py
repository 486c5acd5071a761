"""Databases at states of a history, so that a long one is not replayed to prove its newest end."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from safemigrate.server import Server

__all__ = ["Templates"]

# A shorter way is gone sooner than a cluster is written.
_LONG_WAY = 16
# How far from the end of the history: for a revision that is edited, and for the last few.
_KEPT_BEHIND = (9, 2, 1)


@dataclass(slots=True)
class Templates:
    """The databases of one server that stand at known states, by the lineage of the state.

    `planned`: the lineage after each revision that is to be applied, in order, where all apply.
    A database that is one is copied, and neither changed nor dropped.
    """

    server: Server
    planned: Sequence[str] = ()
    has_kept: bool = field(default=False, init=False)
    _due: Mapping[int, str] = field(default_factory=dict, init=False)
    _owner: int = field(default_factory=os.getpid, init=False)

    def __post_init__(self) -> None:
        found = self.find(self.planned)
        there = 0 if found is None else found[0] + 1
        if self.server.states is not None and len(self.planned) - there >= _LONG_WAY:
            ends = (len(self.planned) + 1 - behind for behind in _KEPT_BEHIND)
            self._due = {count: self.planned[count - 1] for count in ends if count > 0}

    def find(self, lineages: Sequence[str]) -> tuple[int, str] | None:
        """Return how far a database has come on the way through `lineages`, and its name.

        The position, 0-based, is that of the last of them; None where nothing is known of any.
        """
        states = self.server.states
        return None if states is None else states.find(lineages)

    def is_due(self, count: int) -> bool:
        """Return whether a database is to be kept that has so many revisions applied.

        Not by a process forked from this one: only this one tells the server.
        """
        return count in self._due and os.getpid() == self._owner

    def keep(self, count: int, lineage: str, database: str) -> None:
        """Keep a copy of the database for a later run, if it is as planned.

        Nobody works on it, and no session is open there.
        """
        states = self.server.states
        if states is None or self._due.get(count) != lineage:
            return
        copy = self.server.copy_database(database)
        if states.keep(lineage, copy):
            self.has_kept = True
        else:
            self.server.drop_database(copy)
