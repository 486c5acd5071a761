"""A walk through a history that begins where an earlier one ended."""

from collections.abc import Sequence
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
    store = open_store("catalogs") if is_remembered and _is_of_revisions(history) else None
    if store is None or before.path or history.further:
        return walk_from(history, before, version)
    keys = _list_keys(history, before, version)
    first = _find_first(subject)
    known = store.load(keys[first]) if first else None
    if isinstance(known, Catalog):
        # what the history says of itself is in the catalog already
        rest = replace(history, migrations=history.migrations[first:], is_complete=False, setup=())
        timeline = walk(rest, before=known, version=version)
    else:
        timeline = walk_from(history, before, version)
    _keep(store, keys, timeline)
    return timeline


def _is_of_revisions(history: History) -> bool:
    return any(one.revision is not None for one in history.migrations)


def _find_first(subject: Subject) -> int:
    """Return how many revisions stand before the first one asked for."""
    migrations = subject.history.migrations
    if subject.paths is None:
        return 0
    asked = (number for number, one in enumerate(migrations) if one.path in subject.paths)
    return next(asked, len(migrations))


def _keep(store: Store, keys: Sequence[str], timeline: Timeline) -> None:
    """Keep the catalogs that the newest revisions meet, and what the next one would."""
    upgrades = [one for one in timeline.passages if one.direction is Direction.UPGRADE]
    catalogs = [*(one.before for one in upgrades), timeline.following]
    newest = list(zip(reversed(keys), reversed(catalogs), strict=False))[:_KEPT]
    for key, catalog in newest:
        if not store.has(key):
            store.save(key, catalog)


def _list_keys(history: History, before: Schema, version: ServerVersion) -> list[str]:
    """Return the key of the catalog in front of each migration, and behind the last.

    It stands for all that the walk up to there depends on: what is sent, not what the files hold.
    """
    settings = repr(sorted(before.catalog.settings.items()))
    setup = repr(history.setup)
    keys = [digest(digest_of_us(), str(version.major), settings, repr(history.is_complete), setup)]
    for one in history.migrations:
        gaps = (
            any(entry.hides_statements for entry in one.unjudged),
            any(entry.hides_changes for entry in one.assumptions),
        )
        sent = (
            f"{statement.transaction} {statement.is_assumed} {statement.sql}"
            for statement in one.upgrade
        )
        keys.append(digest(keys[-1], repr(gaps), *sent))
    return keys
