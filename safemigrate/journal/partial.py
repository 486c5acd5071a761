"""What failed runs left half done, by what the history says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from safemigrate.journal.entries import Entry, Outcome, read_entries
from safemigrate.journal.resolutions import read_forgotten
from safemigrate.model import Direction

__all__ = ["PartialRun", "find_partial_runs", "read_partial_runs"]


@dataclass(frozen=True, slots=True)
class PartialRun:
    """A revision that failed after part of it was committed, and was not finished since.

    `committed`: the first lines of the statements, of all attempts since it last succeeded.
    """

    revision: str
    direction: Direction
    committed: tuple[str, ...]


def find_partial_runs(
    entries: Iterable[Entry], forgotten: Mapping[tuple[str, Direction], datetime] | None = None
) -> tuple[PartialRun, ...]:
    """Return what is half done after all these entries, which are in order.

    `forgotten`: what was committed of a revision before that moment is taken to be none of it.
    """
    found: dict[str, PartialRun] = {}
    for entry in entries:
        moment = (forgotten or {}).get((entry.revision, entry.direction))
        if moment is not None and entry.finished_at < moment:
            continue
        if entry.outcome is Outcome.APPLIED:
            found.pop(entry.revision, None)
        elif entry.committed:
            earlier = found.pop(entry.revision, None)
            known = () if earlier is None else earlier.committed
            committed = tuple(dict.fromkeys((*known, *entry.committed)))
            found[entry.revision] = PartialRun(entry.revision, entry.direction, committed)
    return tuple(found.values())


def read_partial_runs(connection: Connection) -> tuple[PartialRun, ...]:
    """Return what the history says is half done; nothing where there is no history."""
    return find_partial_runs(read_entries(connection), read_forgotten(connection))
