"""What each pending revision does, over the schema that a server has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from safemigrate.facts import walk
from safemigrate.model import Catalog, Direction, History, Passage, ServerVersion

__all__ = ["walk_pending"]


def walk_pending(
    history: History,
    pending: Sequence[str],
    direction: Direction,
    *,
    before: Catalog,
    version: ServerVersion,
) -> Mapping[str, Passage]:
    """Return the passage of each revision by its id.

    `pending`: in the order they will run. `before`: the schema that the first of them meets. A
    revision that the history does not have is left out.
    """
    migrations = {one.revision: one for one in history.migrations}
    chosen = tuple(migrations[revision] for revision in pending if revision in migrations)
    if direction is Direction.UPGRADE:
        part = replace(history, migrations=chosen, further=())
        passages = walk(part, before=before, version=version).passages
    else:
        passages = tuple(
            _walk_back(replace(history, migrations=chosen, further=()), before, version)
        )
    return {
        one.migration.revision: one
        for one in passages
        if one.direction is direction and one.migration.revision is not None
    }


def _walk_back(history: History, before: Catalog, version: ServerVersion) -> Iterator[Passage]:
    """Yield the downgrades, each from where the one before it has come to."""
    for migration in history.migrations:
        alone = replace(history, migrations=(replace(migration, upgrade=()),))
        passages = walk(alone, before=before, version=version).passages
        yield from passages
        before = passages[-1].after if passages else before
