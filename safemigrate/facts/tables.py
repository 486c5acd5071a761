"""Facts about whole tables, partitions and rows. Manual: "Explicit Locking", and each command."""

from safemigrate.facts.partitions import (
    ancestor_locks,
    attach_indexes,
    key_facts,
    leave_keys,
    own_references,
    reads_for_bound,
    reads_of_default,
    refuse_attaching,
)
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.model import (
    AttachPartition,
    Certainty,
    ChangeRows,
    ConstraintKind,
    CreateTable,
    CreateTrigger,
    CreateView,
    DetachPartition,
    DropSchema,
    DropTable,
    DropTrigger,
    DropView,
    Facts,
    LockMode,
    LockTable,
    RelationKind,
    RowChange,
    Truncate,
)

__all__ = [
    "attach_partition",
    "change_rows",
    "create_table",
    "create_trigger",
    "create_view",
    "detach_partition",
    "drop_schema",
    "drop_table",
    "drop_trigger",
    "drop_view",
    "lock_table",
    "truncate",
]


def create_table(action: CreateTable, situation: Situation) -> Facts:
    """Return the facts of CREATE TABLE: what it references or is a partition of is locked."""
    if action.takes_existing and situation.catalog.table(action.table) is not None:
        return Facts()
    parts = []
    constraints = [*action.constraints]
    for column in action.columns:
        constraints += column.constraints
    for constraint in constraints:
        if constraint.kind is ConstraintKind.FOREIGN_KEY and constraint.reference is not None:
            far = situation.catalog.resolve(constraint.reference.table)
            if far != situation.catalog.resolve(action.table):
                locks = situation.locks(situation.parts(far), LockMode.SHARE_ROW_EXCLUSIVE)
                parts.append(Facts(locks=locks))
    if action.partition_of is not None:
        parts.append(Facts(locks=(situation.lock(action.partition_of, LockMode.ACCESS_EXCLUSIVE),)))
        parts.append(key_facts(None, action.partition_of, situation))
        if not action.is_default_partition:
            parts.append(reads_of_default(action.partition_of, action.bound, situation))
    parts += [
        Facts(locks=(situation.lock(parent, LockMode.SHARE_UPDATE_EXCLUSIVE),))
        for parent in action.inherits
    ]
    parts += [
        Facts(locks=(situation.lock(source, LockMode.ACCESS_SHARE),)) for source in action.like
    ]
    return join_facts([*parts, situation.reading(action.reads)])


def create_trigger(action: CreateTrigger, situation: Situation) -> Facts:
    """Return the facts of CREATE TRIGGER: writers wait, in partitions as well if it is for rows."""
    tables = situation.parts(action.table) if action.is_for_each_row else (action.table,)
    locks = situation.locks(tables, LockMode.SHARE_ROW_EXCLUSIVE)
    far = () if action.references is None else (action.references,)
    return Facts(locks=(*locks, *situation.locks(far, LockMode.ACCESS_SHARE)))


def drop_trigger(action: DropTrigger, situation: Situation) -> Facts:
    """Return the facts of DROP TRIGGER: everybody waits, in partitions as well."""
    parts = situation.parts(action.table)
    return Facts(locks=situation.locks(parts, LockMode.ACCESS_EXCLUSIVE))


def drop_table(action: DropTable, situation: Situation) -> Facts:
    """Return the facts of DROP TABLE: both ends of every foreign key are locked as hard."""
    mode = LockMode.ACCESS_EXCLUSIVE
    dropped = situation.catalog.table(action.table)
    parts = [situation.exclusive(action.table)]
    if dropped is None and action.takes_missing:
        # Something else may have made it.
        parts.append(Facts(certainty=Certainty.UNKNOWN))
    if dropped is not None and dropped.partition_of is not None:
        # heap_drop_with_catalog in src/backend/catalog/heap.c: others may be looking for the place
        # of a row, which is the default partition from now on.
        default = situation.default_partition(dropped.partition_of)
        defaults = () if default is None else (default,)
        parts.append(Facts(locks=situation.locks((dropped.partition_of, *defaults), mode)))
    for member in situation.family(action.table):
        parts.append(Facts(locks=situation.index_locks(member, mode)))
        table = situation.catalog.table(member)
        if table is None:
            continue
        parts += [Facts(locks=situation.far_locks(far)) for far in own_references(table, situation)]
        parts += [
            Facts(locks=situation.locks(situation.parts(other.name), mode))
            for other, _ in situation.catalog.foreign_keys_to(member)
        ]
    if action.is_cascade:
        parts.append(
            Facts(
                locks=situation.locks(
                    (view.name for view in situation.catalog.readers_of(action.table)), mode
                )
            )
        )
    return join_facts(parts)


def drop_schema(action: DropSchema, situation: Situation) -> Facts:
    """Return the facts of DROP SCHEMA: with CASCADE, those of dropping every table in it."""
    if not action.is_cascade:
        return Facts()
    parts = [
        drop_table(DropTable(table.name, is_cascade=True), situation)
        for table in situation.catalog.tables.values()
        if table.name.schema == action.name
    ]
    # What else is in it, the history may not show.
    return join_facts([*parts, Facts(certainty=Certainty.UNKNOWN)])


def create_view(action: CreateView, situation: Situation) -> Facts:
    """Return the facts of CREATE VIEW; replacing one locks it against its readers."""
    reads = Facts(locks=situation.locks(action.reads, LockMode.ACCESS_SHARE))
    if action.is_materialized:
        reads = situation.reading(action.reads)
    if situation.catalog.table(action.view) is None:
        return reads
    return join_facts([situation.exclusive(action.view), reads])


def drop_view(action: DropView, situation: Situation) -> Facts:
    """Return the facts of DROP VIEW."""
    # Without CASCADE there can be none, or the server refuses.
    readers = tuple(view.name for view in situation.catalog.readers_of(action.view))
    is_doubtful = action.takes_missing and situation.catalog.table(action.view) is None
    return Facts(
        locks=situation.locks((action.view, *readers), LockMode.ACCESS_EXCLUSIVE),
        certainty=Certainty.UNKNOWN if is_doubtful else Certainty.KNOWN,
    )


def attach_partition(action: AttachPartition, situation: Situation) -> Facts:
    """Return the facts of ATTACH PARTITION: the partition, not the parent, is shut."""
    parts = [
        Facts(locks=(situation.lock(action.table, LockMode.SHARE_UPDATE_EXCLUSIVE),)),
        reads_for_bound(action.partition, action.table, action.bound, situation),
        attach_indexes(action.partition, action.table, situation),
        key_facts(action.partition, action.table, situation),
        Facts(
            locks=ancestor_locks(action.table, situation),
            errors=refuse_attaching(action.partition, action.table, situation.catalog),
        ),
    ]
    if not action.is_default:
        parts.append(reads_of_default(action.table, action.bound, situation))
    elif not any(situation.catalog.partitions_of(action.table)):
        # As the only partition it is not read, but the history may not show them all.
        parts.append(Facts(certainty=Certainty.UNKNOWN))
    return join_facts(parts)


def detach_partition(action: DetachPartition, situation: Situation) -> Facts:
    """Return the facts of DETACH PARTITION [CONCURRENTLY]."""
    default = situation.default_partition(action.table)
    defaults = () if default is None else (default,)
    keys = leave_keys(action.partition, action.table, situation)
    shut = situation.locks(situation.family(action.partition), LockMode.ACCESS_EXCLUSIVE)
    if not action.is_concurrent:
        # The bounds of the default partition change with those of the others.
        others = situation.locks((action.table, *defaults), LockMode.ACCESS_EXCLUSIVE)
        return join_facts([Facts(locks=(*others, *shut)), keys])
    errors: tuple[str, ...] = ()
    if situation.is_in_transaction:
        errors += ("ALTER TABLE ... DETACH CONCURRENTLY cannot run inside a transaction block",)
    if defaults:
        errors += ("cannot detach partitions concurrently when a default partition exists",)
    # It waits for everybody before it shuts the partition, for a moment.
    parent = situation.lock(action.table, LockMode.SHARE_UPDATE_EXCLUSIVE)
    return join_facts([Facts(locks=(parent, *shut), errors=errors), keys])


def change_rows(action: ChangeRows, situation: Situation) -> Facts:
    """Return the facts of INSERT, UPDATE, DELETE, MERGE and COPY on the tables they name."""
    changes_all = action.change in {RowChange.UPDATE, RowChange.DELETE} and not action.has_condition
    family = tuple(situation.family(action.table))
    parts = [Facts(locks=situation.locks(family, LockMode.ROW_EXCLUSIVE))]
    if changes_all:
        parts.append(Facts(scans=situation.scanned(*family)))
    ancestors = ancestor_locks(action.table, situation)
    if ancestors:
        # For the bounds, unless the session remembers them.
        parts.append(Facts(locks=ancestors, certainty=Certainty.UNKNOWN))
    reads = [tuple(situation.family(table)) for table in action.reads]
    parts += [Facts(locks=situation.locks(part, LockMode.ACCESS_SHARE)) for part in reads]
    # Which partitions are left out, only the planner and the rows say.
    is_certain = changes_all or len(family) == 1
    if not is_certain or any(len(part) > 1 for part in reads):
        parts.append(Facts(certainty=Certainty.UNKNOWN))
    return join_facts(parts)


def truncate(action: Truncate, situation: Situation) -> Facts:
    """Return the facts of TRUNCATE; CASCADE reaches every table that references it."""
    parts: list[Facts] = []
    waiting = [situation.catalog.resolve(action.table)]
    seen = set(waiting)
    while waiting:
        table = waiting.pop()
        # Children that inherit are emptied with the table named, and not by CASCADE.
        members = situation.parts(table) if parts else situation.family(table)
        for member in members:
            mode = LockMode.ACCESS_EXCLUSIVE
            parts.append(Facts(locks=(situation.lock(member, mode),)))
            if situation.has_storage(member):
                parts.append(Facts(locks=situation.index_locks(member, mode)))
        if not action.is_cascade:
            continue
        for other, _ in situation.catalog.foreign_keys_to(table):
            if other.name not in seen:
                seen.add(other.name)
                waiting.append(other.name)
    return join_facts(parts)


def lock_table(action: LockTable, situation: Situation) -> Facts:
    """Return the facts of LOCK TABLE, on the table and its partitions."""
    table = situation.catalog.table(action.table)
    is_view = table is not None and table.kind is RelationKind.VIEW
    family = (action.table,) if is_view else tuple(situation.family(action.table))
    return Facts(locks=situation.locks(family, LockMode(action.mode)))
