"""Facts about constraints. Manual: "ALTER TABLE", Description and Notes."""

from safemigrate.facts.columns import is_known_not_null
from safemigrate.facts.partitions import is_taken_over, unprepared
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.model import (
    AddConstraint,
    Certainty,
    Constraint,
    ConstraintDefinition,
    ConstraintKind,
    DropConstraint,
    Facts,
    LockMode,
    QualifiedName,
    RenameConstraint,
    ServerVersion,
    ValidateConstraint,
)

__all__ = ["add_constraint", "drop_constraint", "rename_constraint", "validate_constraint"]


# Measured on 14 to 18: a key of a partitioned table took SHARE on its partitions until 17.
_KEY_SHUTS_PARTITIONS_SINCE = ServerVersion(18)


def add_constraint(action: AddConstraint, situation: Situation) -> Facts:
    """Return the facts of ADD CONSTRAINT, by kind."""
    constraint = action.constraint
    is_checked = not constraint.is_not_valid and constraint.is_enforced
    match constraint.kind:
        case ConstraintKind.FOREIGN_KEY:
            return _add_foreign_key(action, situation, is_checked=is_checked)
        case ConstraintKind.CHECK:
            return situation.exclusive(action.table, scans=is_checked)
        case ConstraintKind.NOT_NULL:
            is_proven = all(
                is_known_not_null(situation.catalog, action.table, column)
                for column in constraint.columns
            )
            return situation.exclusive(action.table, scans=is_checked and not is_proven)
        case ConstraintKind.PRIMARY_KEY | ConstraintKind.UNIQUE | ConstraintKind.EXCLUDE:
            return _add_key(action, situation)


def _add_foreign_key(action: AddConstraint, situation: Situation, *, is_checked: bool) -> Facts:
    """Both tables take SHARE ROW EXCLUSIVE, for the triggers that keep the reference.

    A partition that has the same foreign key is not read: its own is attached, whose triggers on
    the far table go, under ACCESS EXCLUSIVE (`tryAttachPartitionForeignKey` in
    src/backend/commands/tablecmds.c).
    """
    reference = action.constraint.reference
    far = () if reference is None else tuple(situation.family(reference.table))
    family = tuple(situation.family(action.table))
    mode = LockMode.SHARE_ROW_EXCLUSIVE
    parts = [Facts(locks=situation.locks((*family, *far), mode))]
    if is_taken_over(action, situation.catalog):
        parts.append(Facts(locks=situation.locks(far[:1], LockMode.ACCESS_EXCLUSIVE)))
    if is_checked:
        near = tuple(unprepared(action, situation.catalog))
        parts.append(Facts(scans=_looked_up(near, far, situation)))
    return join_facts(parts)


def _looked_up(
    near: tuple[QualifiedName, ...], far: tuple[QualifiedName, ...], situation: Situation
) -> tuple[QualifiedName, ...]:
    """Return what is read to look up all rows of `near` in `far`: nothing where there are none."""
    if not any(situation.has_rows(table) for table in near):
        return ()
    return situation.scanned(*near, *far)


def _add_key(action: AddConstraint, situation: Situation) -> Facts:
    """A key builds its index under ACCESS EXCLUSIVE, unless it takes one that is there."""
    constraint = action.constraint
    if constraint.index is None:
        built = situation.scanned(*unprepared(action, situation.catalog))
        return join_facts([_lock_for_key(action, situation), Facts(scans=built)])
    index = QualifiedName(situation.catalog.resolve(action.table).schema, constraint.index)
    columns = _columns_of_key(constraint, situation, index)
    is_primary = constraint.kind is ConstraintKind.PRIMARY_KEY
    is_nullable = is_primary and not all(
        is_known_not_null(situation.catalog, action.table, column) for column in columns
    )
    certainty = Certainty.KNOWN if columns or not is_primary else Certainty.UNKNOWN
    parts = [
        # A primary key makes its columns NOT NULL, and looks at every row to do so.
        situation.exclusive(action.table, scans=is_nullable),
        Facts(certainty=certainty),
    ]
    if constraint.name not in {None, constraint.index}:
        # The index is renamed to the constraint's name.
        parts.append(Facts(locks=(situation.lock(index, LockMode.SHARE_UPDATE_EXCLUSIVE),)))
    return join_facts(parts)


def _lock_for_key(action: AddConstraint, situation: Situation) -> Facts:
    """Return the locks of building a key: before 18, partitions are shut to writers only.

    A primary key over columns that may be NULL makes them NOT NULL, on every partition.
    """
    constraint = action.constraint
    makes_not_null = constraint.kind is ConstraintKind.PRIMARY_KEY and not all(
        (column := situation.catalog.column(action.table, name)) is not None and column.is_not_null
        for name in constraint.columns
    )
    if makes_not_null or situation.version >= _KEY_SHUTS_PARTITIONS_SINCE:
        return situation.exclusive(action.table)
    table, *partitions = situation.family(action.table)
    return Facts(
        locks=(
            situation.lock(table, LockMode.ACCESS_EXCLUSIVE),
            *situation.locks(partitions, LockMode.SHARE),
        )
    )


def _columns_of_key(
    constraint: ConstraintDefinition, situation: Situation, index: QualifiedName
) -> tuple[str, ...]:
    found = situation.catalog.index(index)
    if found is None:
        return constraint.columns
    return tuple(column for column in found.columns if column is not None)


def _find(situation: Situation, table: QualifiedName, name: str) -> Constraint | None:
    found = situation.catalog.table(table)
    return None if found is None else found.constraints.get(name)


def drop_constraint(action: DropConstraint, situation: Situation) -> Facts:
    """Return the facts of DROP CONSTRAINT: a foreign key's far table is locked as hard."""
    parts = [situation.exclusive(action.table)]
    constraint = _find(situation, action.table, action.name)
    if constraint is None:
        if action.takes_missing:
            # Something else may have added it.
            parts.append(Facts(certainty=Certainty.UNKNOWN))
        return join_facts(parts)
    if constraint.references is not None:
        parts.append(
            Facts(locks=(situation.lock(constraint.references, LockMode.ACCESS_EXCLUSIVE),))
        )
    if constraint.index is not None:
        index = QualifiedName(situation.catalog.resolve(action.table).schema, constraint.index)
        parts.append(Facts(locks=(situation.lock(index, LockMode.ACCESS_EXCLUSIVE),)))
        if action.is_cascade:
            parts.append(Facts(locks=situation.locks_by_cascade(action.table, constraint)))
    return join_facts(parts)


def rename_constraint(action: RenameConstraint, situation: Situation) -> Facts:
    """Return the facts of RENAME CONSTRAINT; a key's index is renamed with it."""
    parts = [situation.exclusive(action.table)]
    constraint = _find(situation, action.table, action.name)
    if constraint is not None and constraint.index is not None:
        index = QualifiedName(situation.catalog.resolve(action.table).schema, constraint.index)
        parts.append(Facts(locks=(situation.lock(index, LockMode.SHARE_UPDATE_EXCLUSIVE),)))
    return join_facts(parts)


def validate_constraint(action: ValidateConstraint, situation: Situation) -> Facts:
    """Return the facts of VALIDATE CONSTRAINT, which lets reads and writes go on."""
    constraint = _find(situation, action.table, action.name)
    family = tuple(situation.family(action.table))
    locks = situation.locks(family, LockMode.SHARE_UPDATE_EXCLUSIVE)
    if constraint is None:
        return Facts(locks=locks, scans=situation.scanned(*family), certainty=Certainty.UNKNOWN)
    if constraint.is_valid:
        return Facts(locks=locks)
    if constraint.references is None:
        return Facts(locks=locks, scans=situation.scanned(*family))
    locks += (situation.lock(constraint.references, LockMode.ROW_SHARE),)
    far = tuple(situation.family(constraint.references))
    return Facts(locks=locks, scans=_looked_up(family, far, situation))
