"""Which parts of a partitioned table a constraint reaches. Manual: "Table Partitioning"."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from safemigrate.catalog import foreign_keys, is_shared, references_alike, shared_keys
from safemigrate.facts.bounds import excludes_bound, implies_bound
from safemigrate.facts.columns import is_known_not_null
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.model import (
    AddConstraint,
    Catalog,
    Certainty,
    Constraint,
    ConstraintKind,
    Facts,
    Index,
    Lock,
    LockMode,
    PartitionBound,
    QualifiedName,
    RelationKind,
    ServerVersion,
    Table,
)
from safemigrate.sql import quote_identifier

__all__ = [
    "ancestor_locks",
    "attach_indexes",
    "key_facts",
    "leave_keys",
    "may_hide_partitions",
    "own_references",
    "reads_for_bound",
    "reads_of_default",
    "refuse_attaching",
    "taken_over",
    "unprepared",
]

# Measured on 14 to 18: a new partition of a referenced table locks those that reference it.
_LOCKS_REFERENCING_SINCE = ServerVersion(15)

# Measured on 14 to 18: in 14, a partition that is detached loses its foreign keys to partitioned
# tables, without a lock there.
_KEEPS_KEYS_TO_PARTITIONED_SINCE = ServerVersion(15)

# Measured on 14 to 18: a foreign key that is NOT VALID becomes part of the parent's, and is
# validated.
_TAKES_NOT_VALID_SINCE = ServerVersion(18)


def reads_for_bound(
    partition: QualifiedName,
    parent: QualifiedName,
    bound: PartitionBound | None,
    situation: Situation,
) -> Facts:
    """Return the facts of shutting a table, and looking whether its rows fit the bound.

    Nothing is read where a valid CHECK, with NOT NULL, proves it (manual: "ALTER TABLE", ATTACH
    PARTITION). With a CHECK over the key that is of no form known here, the reading is not
    certain.
    """
    catalog = situation.catalog
    key = _key(catalog, parent)
    is_not_null = all(is_known_not_null(catalog, partition, column) for column in key)
    is_endless = bound is not None and bound.lower == bound.upper == (None,)
    if is_not_null and is_endless:
        return situation.exclusive(partition)
    known = bound if is_not_null else None
    return _read_unless_proven(partition, key, known, situation, implies_bound)


def reads_of_default(
    parent: QualifiedName, bound: PartitionBound | None, situation: Situation
) -> Facts:
    """Return the facts of looking in the default partition, if any, for rows of a new one.

    Nothing is read where a valid CHECK excludes the bound.
    """
    default = situation.default_partition(parent)
    if default is None:
        return Facts()
    key = _key(situation.catalog, parent)
    return _read_unless_proven(default, key, bound, situation, excludes_bound)


def attach_indexes(partition: QualifiedName, parent: QualifiedName, situation: Situation) -> Facts:
    """Return the facts of giving the partition every index of its parent.

    One that the partition has already is taken as it is, else it is built, which reads the
    partition (`AttachPartitionEnsureIndexes` in src/backend/commands/tablecmds.c).
    """
    catalog = situation.catalog
    wanted = tuple(catalog.indexes_of(parent))
    free = [index for index in catalog.indexes_of(partition) if index.attached_to is None]
    is_built = False
    for index in wanted:
        match = next((own for own in free if _is_alike(own, index)), None)
        if match is None:
            is_built = True
        else:
            free.remove(match)
    locks = situation.locks((index.name for index in wanted), LockMode.SHARE_UPDATE_EXCLUSIVE)
    return Facts(locks=locks, scans=situation.scanned(partition) if is_built else ())


def _is_alike(own: Index, wanted: Index) -> bool:
    """Return whether one index does for another, as `CompareIndexInfo` has it."""
    if None in own.columns or own.predicate is not None or wanted.predicate is not None:
        # Expressions are compared by their trees.
        return False
    has_constraint = wanted.constraint is None or own.constraint is not None
    return (
        own.columns == wanted.columns
        and own.is_unique == wanted.is_unique
        and own.method == wanted.method
        and has_constraint
    )


def _key(catalog: Catalog, parent: QualifiedName) -> tuple[str, ...]:
    table = catalog.table(parent)
    parts = () if table is None else table.partition_key
    return tuple(name for part in parts for name in part.uses)


def _read_unless_proven(
    name: QualifiedName,
    key: tuple[str, ...],
    bound: PartitionBound | None,
    situation: Situation,
    proves: Callable[[str, str, PartitionBound], bool],
) -> Facts:
    table = situation.catalog.table(name)
    checks = [
        constraint.expression
        for constraint in (() if table is None else table.constraints.values())
        if constraint.kind is ConstraintKind.CHECK
        and constraint.is_valid
        and constraint.is_enforced
        and constraint.expression is not None
        and set(key) <= set(constraint.expression.columns)
    ]
    if bound is not None and len(key) == 1:
        column = quote_identifier(key[0])
        if any(proves(check.sql, column, bound) for check in checks):
            return situation.exclusive(name)
    facts = situation.exclusive(name, scans=True)
    return replace(facts, certainty=Certainty.UNKNOWN) if checks else facts


def key_facts(
    partition: QualifiedName | None, parent: QualifiedName, situation: Situation
) -> Facts:
    """Return the facts of the foreign keys that a partition shares with its parent.

    `partition`: the table that is attached, None for a new one. The far tables get triggers for
    it; where it has the same key already, that one's triggers go. Tables that reference the
    parent from now on reference the partition as well. (`CloneForeignKeyConstraints` in
    src/backend/commands/tablecmds.c; measured on 14 to 18.)
    """
    catalog, parts = situation.catalog, []
    own = () if partition is None else foreign_keys(catalog.table(partition))
    for wanted in shared_keys(catalog, parent):
        if wanted.references is None:
            continue
        far = tuple(situation.parts(wanted.references))
        taken = [each for each in own if _is_taken(each, wanted, situation)]
        parts.append(Facts(locks=situation.locks(far, LockMode.SHARE_ROW_EXCLUSIVE)))
        if taken:
            parts.append(Facts(locks=situation.far_locks(wanted.references)))
        is_doubtful = len(far) > 1 and situation.version < _KEEPS_KEYS_TO_PARTITIONED_SINCE
        if taken and is_doubtful:
            # It may have been lost, and is made anew then.
            parts.append(Facts(certainty=Certainty.UNKNOWN))
        is_checked = is_doubtful or not any(each.is_valid for each in taken)
        if is_checked and partition is not None and situation.has_rows(partition):
            parts.append(Facts(scans=situation.scanned(partition, *far)))
    mode = LockMode.ACCESS_SHARE
    if situation.version >= _LOCKS_REFERENCING_SINCE:
        mode = LockMode.SHARE_ROW_EXCLUSIVE
    referencing = _referencing(parent, catalog)
    return join_facts([*parts, Facts(locks=situation.locks(referencing, mode))])


def _is_taken(own: Constraint, wanted: Constraint, situation: Situation) -> bool:
    """Return whether a foreign key of what is attached becomes part of the parent's."""
    is_ready = situation.version >= _TAKES_NOT_VALID_SINCE and own.is_enforced
    valid = replace(own, is_valid=True) if is_ready else own
    return is_shared(situation.catalog, valid, wanted)


def _referencing(parent: QualifiedName, catalog: Catalog) -> tuple[QualifiedName, ...]:
    """Return the tables that reference the table, or what it is itself a partition of."""
    above = (each.name for each in catalog.line_of(parent))
    names = dict.fromkeys((catalog.resolve(parent), *above))
    return tuple(other.name for name in names for other, _ in catalog.foreign_keys_to(name))


def own_references(table: Table, situation: Situation) -> Iterator[QualifiedName]:
    """Yield the far table of each foreign key that is not part of one of the table's parent."""
    above = shared_keys(situation.catalog, table.partition_of)
    for key in foreign_keys(table):
        is_part = any(is_shared(situation.catalog, key, each) for each in above)
        if key.references is not None and not is_part:
            yield key.references


def leave_keys(partition: QualifiedName, parent: QualifiedName, situation: Situation) -> Facts:
    """Return the facts of the foreign keys of a partition that is detached.

    It keeps those it has, with triggers of its own; what references the parent must not reference
    its rows, for which the planner chooses how they are looked for.
    """
    parts = []
    for key in shared_keys(situation.catalog, parent):
        far = () if key.references is None else tuple(situation.parts(key.references))
        if len(far) == 1 or situation.version >= _KEEPS_KEYS_TO_PARTITIONED_SINCE:
            parts.append(Facts(locks=situation.locks(far, LockMode.SHARE_ROW_EXCLUSIVE)))
    for other in _referencing(parent, situation.catalog):
        near = tuple(situation.family(other))
        parts.append(situation.reading(near))
        parts.append(
            Facts(
                locks=(
                    situation.lock(other, LockMode.ACCESS_EXCLUSIVE),
                    *ancestor_locks(parent, situation),
                ),
                scans=situation.scanned(partition, *near),
                certainty=Certainty.UNKNOWN,
            )
        )
    return join_facts(parts)


def ancestor_locks(parent: QualifiedName, situation: Situation) -> tuple[Lock, ...]:
    """Return the locks on what the parent is itself a partition of, whose bounds hold as well."""
    locks: tuple[Lock, ...] = ()
    table = situation.catalog.table(parent)
    while table is not None and table.partition_of is not None:
        locks += (situation.lock(table.partition_of, LockMode.ACCESS_SHARE),)
        table = situation.catalog.table(table.partition_of)
    return locks


def refuse_attaching(
    partition: QualifiedName, parent: QualifiedName, catalog: Catalog
) -> tuple[str, ...]:
    """Return why a table cannot become a partition: NOT NULL of the parent must be its own."""
    own, above = catalog.table(partition), catalog.table(parent)
    if own is None or above is None:
        return ()
    return tuple(
        f'column "{name}" in child table "{own.name.name}" must be marked NOT NULL'
        for name, column in above.columns.items()
        if column.is_not_null and name in own.columns and not own.columns[name].is_not_null
    )


def may_hide_partitions(catalog: Catalog, table: QualifiedName) -> bool:
    """Return whether the table is partitioned and the history shows no partition of it.

    Something else makes them then, so what happens to them cannot be told.
    """
    found = catalog.table(table)
    if found is None or found.kind is not RelationKind.PARTITIONED_TABLE:
        return False
    return not any(catalog.partitions_of(table))


def unprepared(action: AddConstraint, situation: Situation) -> Iterator[QualifiedName]:
    """Yield the table and those of its partitions that do not have the constraint already.

    A partition that has an equal one is attached as it is: `ATAddForeignKeyConstraint` and
    `DefineIndex` in src/backend/commands look for it.
    """
    catalog = situation.catalog
    yield catalog.resolve(action.table)
    _, *partitions = situation.parts(action.table)
    for name in partitions:
        child = catalog.table(name)
        if child is None or not _has_equal(child, action, catalog):
            yield name


def taken_over(action: AddConstraint, catalog: Catalog) -> tuple[QualifiedName, ...]:
    """Return the partitions that have the constraint already."""
    children = catalog.partitions_of(action.table)
    return tuple(child.name for child in children if _has_equal(child, action, catalog))


def _has_equal(partition: Table, action: AddConstraint, catalog: Catalog) -> bool:
    """Return whether the partition has a valid constraint of the same kind and columns."""
    new = action.constraint
    if partition.partition_of is None:
        return False
    for constraint in partition.constraints.values():
        if constraint.kind is not new.kind or constraint.columns != new.columns:
            continue
        if not constraint.is_valid or new.kind is ConstraintKind.EXCLUDE:
            continue
        if new.reference is None:
            return True
        far = catalog.resolve(new.reference.table)
        if references_alike(catalog, far, new.reference.columns, constraint):
            return True
    return False
