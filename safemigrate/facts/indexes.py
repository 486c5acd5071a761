"""Facts about indexes. Manual: "CREATE INDEX", "DROP INDEX", "ALTER INDEX"."""

from safemigrate.facts.situation import Situation
from safemigrate.model import (
    Certainty,
    CreateIndex,
    DropIndex,
    Facts,
    LockMode,
    QualifiedName,
    RelationKind,
    RenameIndex,
)

__all__ = ["create_index", "drop_index", "rename_index"]


def create_index(action: CreateIndex, situation: Situation) -> Facts:
    """Return the facts of CREATE INDEX: writers wait, unless it is concurrent."""
    is_there = action.takes_existing and _is_there(action, situation)
    if action.is_concurrent:
        errors = [*_transaction_errors("CREATE INDEX CONCURRENTLY", situation)]
        if _is_partitioned(action.table, situation):
            table = action.table.name
            errors.append(f'cannot create index on partitioned table "{table}" concurrently')
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE
        return Facts(
            locks=(situation.lock(action.table, mode),),
            scans=() if is_there else situation.scanned(action.table),
            errors=tuple(errors),
        )
    family = (action.table,) if action.is_only else tuple(situation.parts(action.table))
    scans = () if is_there else situation.scanned(*family)
    return Facts(locks=situation.locks(family, LockMode.SHARE), scans=scans)


def _is_there(action: CreateIndex, situation: Situation) -> bool:
    """Return whether the schema of the table has an index of that name."""
    if action.name is None:
        return False
    catalog = situation.catalog
    return catalog.index(catalog.beside(action.table, action.name)) is not None


def _is_partitioned(table: QualifiedName, situation: Situation) -> bool:
    found = situation.catalog.table(table)
    return found is not None and found.kind is RelationKind.PARTITIONED_TABLE


def drop_index(action: DropIndex, situation: Situation) -> Facts:
    """Return the facts of DROP INDEX: the table is locked as hard as the index."""
    index = situation.catalog.index(action.index)
    mode = LockMode.ACCESS_EXCLUSIVE
    errors: tuple[str, ...] = ()
    if action.is_concurrent:
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE
        errors = _transaction_errors("DROP INDEX CONCURRENTLY", situation)
    if index is None:
        locks = situation.locks([action.index], mode)
        return Facts(locks=locks, errors=errors, certainty=Certainty.UNKNOWN)
    name = action.index.name
    family: tuple[QualifiedName, ...] = (index.table,)
    if not action.is_concurrent:
        # The index of a partitioned table goes with those of its partitions.
        family = tuple(situation.parts(index.table))
    elif _is_partitioned(index.table, situation):
        errors += (f'cannot drop partitioned index "{name}" concurrently',)
    if index.constraint is not None:
        errors += (f"cannot drop index {name} because constraint {index.constraint} requires it",)
    return Facts(locks=situation.locks((*family, action.index), mode), errors=errors)


def _transaction_errors(command: str, situation: Situation) -> tuple[str, ...]:
    if not situation.is_in_transaction:
        return ()
    return (f"{command} cannot run inside a transaction block",)


def rename_index(action: RenameIndex, situation: Situation) -> Facts:
    """Return the facts of ALTER INDEX … RENAME, which nobody waits for (since 12)."""
    return Facts(locks=(situation.lock(action.index, LockMode.SHARE_UPDATE_EXCLUSIVE),))
