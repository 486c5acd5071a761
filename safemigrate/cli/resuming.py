"""A walk through a history that begins where an earlier one ended."""

from dataclasses import replace

from safemigrate.cache import Store, digest, digest_of_us, open_store
from safemigrate.cli.inputs import Subject
from safemigrate.cli.schema import Schema, walk_from
from safemigrate.facts import walk
from safemigrate.model import Catalog, Direction, History, ServerVersion, Timeline

__all__ = ["walk_subject"]

# How many of the newest revisions may change before all is walked through again.
_KEPT = 3


def walk_subject(
    subject: Subject, before: Schema, version: ServerVersion, *, is_remembered: bool
) -> Timeline:
    """Return the timeline of what is asked for, with as much of the history before it as it takes.

    Where a walk has met the first revision asked for, or has ended just before it, the catalog that
    it had there is taken from the user's cache, and the revisions before are left out.
    """
    history = subject.history
    store = open_store("catalogs") if is_remembered else None
    if store is None or before.path or history.further or not _has_lineage(history):
        return walk_from(history, before, version)
    first = _find_first(subject)
    if first:
        known = store.load(_key(history, first, before, version))
        if isinstance(known, Catalog):
            # what the history says of itself is in the catalog already
            rest = replace(
                history, migrations=history.migrations[first:], is_complete=False, setup=()
            )
            timeline = walk(rest, before=known, version=version)
            _keep(store, history, timeline, before, version)
            return timeline
    timeline = walk_from(history, before, version)
    _keep(store, history, timeline, before, version)
    return timeline


def _has_lineage(history: History) -> bool:
    return bool(history.migrations) and all(one.lineage for one in history.migrations)


def _find_first(subject: Subject) -> int:
    """Return how many revisions stand before the first one asked for."""
    migrations = subject.history.migrations
    if subject.paths is None:
        return 0
    asked = (number for number, one in enumerate(migrations) if one.path in subject.paths)
    return next(asked, len(migrations))


def _keep(
    store: Store, history: History, timeline: Timeline, before: Schema, version: ServerVersion
) -> None:
    """Keep the catalogs that the newest revisions meet, and what the next one would."""
    upgrades = [one for one in timeline.passages if one.direction is Direction.UPGRADE]
    catalogs = [*(one.before for one in upgrades), timeline.following]
    count = len(history.migrations)
    for number, catalog in list(zip(range(count, 0, -1), reversed(catalogs), strict=False))[:_KEPT]:
        key = _key(history, number, before, version)
        if not store.has(key):
            store.save(key, catalog)


def _key(history: History, number: int, before: Schema, version: ServerVersion) -> str:
    """Return the key of the catalog behind so many of the history's revisions."""
    return digest(
        digest_of_us(),
        history.migrations[number - 1].lineage,
        str(version.major),
        repr(sorted(before.catalog.settings.items())),
        repr(history.is_complete),
        *(statement.sql for statement in history.setup),
    )
