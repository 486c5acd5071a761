"""What of a history is judged, and what is only read."""

from collections.abc import Iterable
from difflib import get_close_matches

from safemigrate.errors import ConfigError
from safemigrate.model import Migration, Timeline

__all__ = ["choose_paths", "list_ancestors"]


def choose_paths(
    timeline: Timeline, paths: frozenset[str] | None, start_after: str | None
) -> frozenset[str] | None:
    """Return the `Migration.path` of what to judge of `paths`; None means all.

    `start_after`: the last revision that is history, with all it comes after. A history without
    revisions, of SQL files, has none. Raises ConfigError when the history does not have it.
    """
    migrations = {passage.migration.path: passage.migration for passage in timeline.passages}
    revisions = {one.revision for one in migrations.values() if one.revision is not None}
    if start_after is None or not revisions:
        return paths
    if start_after not in revisions:
        close = get_close_matches(start_after, revisions, n=1)
        guess = f'did you mean "{close[0]}"? ' if close else ""
        raise ConfigError(
            f'there is no revision "{start_after}", which "start-after" names',
            f"{guess}write the whole id of the last revision that is not to be judged",
        )
    past = list_ancestors(migrations.values(), [start_after])
    judged = frozenset(path for path, one in migrations.items() if one.revision not in past)
    return judged if paths is None else judged & paths


def list_ancestors(migrations: Iterable[Migration], revisions: Iterable[str]) -> frozenset[str]:
    """Return these revisions and all that they come after; what is not there is left out."""
    downs = {one.revision: one.down_revisions for one in migrations if one.revision is not None}
    found: set[str] = set()
    waiting = [revision for revision in revisions if revision in downs]
    while waiting:
        revision = waiting.pop()
        if revision not in found:
            found.add(revision)
            waiting += [down for down in downs[revision] if down in downs]
    return frozenset(found)
