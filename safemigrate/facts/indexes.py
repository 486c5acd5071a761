"""Facts about indexes. Manual: "CREATE INDEX", "DROP INDEX", "ALTER INDEX"."""

from safemigrate.facts.situation import Situation
from safemigrate.model import (
    Certainty,
    CreateIndex,
    DropIndex,
    Facts,
    LockMode,
    RenameIndex,
)

__all__ = ["create_index", "drop_index", "rename_index"]


def create_index(action: CreateIndex, situation: Situation) -> Facts:
    """Return the facts of CREATE INDEX: writers wait, unless it is concurrent."""
    if action.is_concurrent:
        errors = _errors("CREATE INDEX CONCURRENTLY", situation)
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE
        return Facts(
            locks=(situation.lock(action.table, mode),),
            scans=situation.scanned(action.table),
            errors=errors,
        )
    family = (action.table,) if action.is_only else tuple(situation.family(action.table))
    return Facts(locks=situation.locks(family, LockMode.SHARE), scans=situation.scanned(*family))


def drop_index(action: DropIndex, situation: Situation) -> Facts:
    """Return the facts of DROP INDEX: the table is locked as hard as the index."""
    index = situation.catalog.index(action.index)
    relations = (action.index,) if index is None else (index.table, action.index)
    certainty = Certainty.UNKNOWN if index is None else Certainty.KNOWN
    if action.is_concurrent:
        errors = _errors("DROP INDEX CONCURRENTLY", situation)
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE
        return Facts(locks=situation.locks(relations, mode), errors=errors, certainty=certainty)
    if index is not None:
        # The index of a partitioned table goes with those of its partitions.
        relations = (*situation.family(index.table), action.index)
    return Facts(locks=situation.locks(relations, LockMode.ACCESS_EXCLUSIVE), certainty=certainty)


def _errors(command: str, situation: Situation) -> tuple[str, ...]:
    if not situation.is_in_transaction:
        return ()
    return (f"{command} cannot run inside a transaction block",)


def rename_index(action: RenameIndex, situation: Situation) -> Facts:
    """Return the facts of ALTER INDEX … RENAME, which nobody waits for (since 12)."""
    return Facts(locks=(situation.lock(action.index, LockMode.SHARE_UPDATE_EXCLUSIVE),))
