"""Facts about constraints. Manual: "ALTER TABLE", Description and Notes."""

from collections.abc import Iterator

from safemigrate.facts.columns import is_known_not_null
from safemigrate.facts.partitions import taken_over, unprepared
from safemigrate.facts.refusals import refuse_reference
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.model import (
    AddConstraint,
    Certainty,
    Constraint,
    ConstraintDefinition,
    ConstraintKind,
    DropConstraint,
    Facts,
    Lock,
    LockMode,
    QualifiedName,
    RelationKind,
    RenameConstraint,
    ServerVersion,
    ValidateConstraint,
)

__all__ = ["add_constraint", "drop_constraint", "rename_constraint", "validate_constraint"]


# Manual: "Release 18", Constraints.
_PARTITIONS_TAKE_NOT_VALID_SINCE = ServerVersion(18)

# Measured on 14 to 18: a key of a partitioned table took SHARE on its partitions until 17.
_KEY_SHUTS_PARTITIONS_SINCE = ServerVersion(18)

# Measured on 14 to 18: from 18 on, ADD CONSTRAINT locks the children that inherit from the table
# for what they do not inherit as well.
_LOCKS_CHILDREN_SINCE = ServerVersion(18)

_INHERITED = frozenset({ConstraintKind.CHECK, ConstraintKind.NOT_NULL})


def add_constraint(action: AddConstraint, situation: Situation) -> Facts:
    """Return the facts of ADD CONSTRAINT, by kind."""
    constraint = action.constraint
    is_checked = not constraint.is_not_valid and constraint.is_enforced
    match constraint.kind:
        case ConstraintKind.FOREIGN_KEY:
            return _add_foreign_key(action, situation, is_checked=is_checked)
        case ConstraintKind.CHECK:
            return _add_check(action, situation, is_checked=is_checked)
        case ConstraintKind.NOT_NULL:
            return _add_not_null(action, situation, is_checked=is_checked)
        case ConstraintKind.PRIMARY_KEY | ConstraintKind.UNIQUE | ConstraintKind.EXCLUDE:
            return _add_key(action, situation)


def _add_check(action: AddConstraint, situation: Situation, *, is_checked: bool) -> Facts:
    if not action.constraint.is_local:
        return situation.exclusive(action.table, scans=is_checked)
    reached = situation.reaching(action.table, _LOCKS_CHILDREN_SINCE)
    return Facts(
        locks=situation.locks(reached, LockMode.ACCESS_EXCLUSIVE),
        scans=situation.scanned(action.table) if is_checked else (),
    )


def _add_not_null(action: AddConstraint, situation: Situation, *, is_checked: bool) -> Facts:
    """NOT NULL is looked for in those of the family that nothing proves it for."""
    catalog, columns = situation.catalog, action.constraint.columns
    scanned = [
        member
        for member in situation.family(action.table)
        if not all(is_known_not_null(catalog, member, column) for column in columns)
    ]
    errors = _second_name_errors(action, situation)
    scans = situation.scanned(*scanned) if is_checked else ()
    return join_facts([situation.exclusive(action.table), Facts(scans=scans, errors=errors)])


def _second_name_errors(action: AddConstraint, situation: Situation) -> tuple[str, ...]:
    """Return why the server refuses another name for the NOT NULL that a column has already."""
    name, table = action.constraint.name, situation.catalog.table(action.table)
    if name is None or table is None or name in table.constraints:
        return ()
    return tuple(
        f'cannot create not-null constraint "{name}" on column "{each}"'
        for each in action.constraint.columns
        if (column := table.columns.get(each)) is not None and column.is_not_null
    )


def _add_foreign_key(action: AddConstraint, situation: Situation, *, is_checked: bool) -> Facts:
    """Both tables take SHARE ROW EXCLUSIVE, for the triggers that keep the reference.

    A partition that has the same foreign key is not read: its own is attached, whose triggers on
    the far table go, under ACCESS EXCLUSIVE (`tryAttachPartitionForeignKey` in
    src/backend/commands/tablecmds.c). Where the far table is partitioned, it has a constraint for
    each part of that, which go under ACCESS EXCLUSIVE on the partition too (measured on 14 to 18).
    """
    reference = action.constraint.reference
    far = () if reference is None else tuple(situation.parts(reference.table))
    family = tuple(situation.reaching(action.table, _LOCKS_CHILDREN_SINCE))
    mode = LockMode.SHARE_ROW_EXCLUSIVE
    parts = [
        Facts(
            locks=situation.locks((*family, *far), mode),
            errors=(
                *_not_valid_errors(action, situation),
                *refuse_reference(action.table, reference, situation.catalog),
            ),
        )
    ]
    taken = taken_over(action, situation.catalog)
    if taken and reference is not None:
        shut = situation.locks(taken if len(far) > 1 else (), LockMode.ACCESS_EXCLUSIVE)
        parts.append(Facts(locks=(*shut, *situation.far_locks(reference.table))))
    if is_checked:
        near = tuple(unprepared(action, situation))
        parts.append(Facts(scans=_looked_up(near, far, situation)))
    return join_facts(parts)


def _not_valid_errors(action: AddConstraint, situation: Situation) -> tuple[str, ...]:
    """Return why the server refuses NOT VALID, which a partitioned table takes since 18."""
    reference, table = action.constraint.reference, situation.catalog.table(action.table)
    if table is None or table.kind is not RelationKind.PARTITIONED_TABLE or reference is None:
        return ()
    if not action.constraint.is_not_valid or situation.version >= _PARTITIONS_TAKE_NOT_VALID_SINCE:
        return ()
    what = f'cannot add NOT VALID foreign key on partitioned table "{table.name.name}"'
    return (f'{what} referencing relation "{reference.table.name}"',)


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
        built = situation.scanned(*unprepared(action, situation))
        return join_facts([_lock_for_key(action, situation), Facts(scans=built)])
    index = situation.catalog.beside(action.table, constraint.index)
    columns = _columns_of_key(constraint, situation, index)
    is_primary = constraint.kind is ConstraintKind.PRIMARY_KEY
    is_nullable = is_primary and not all(
        is_known_not_null(situation.catalog, action.table, column) for column in columns
    )
    certainty = Certainty.KNOWN if columns or not is_primary else Certainty.UNKNOWN
    reached = situation.reaching(action.table, _LOCKS_CHILDREN_SINCE)
    if is_primary:
        reached = situation.family(action.table)
    parts = [
        # A primary key makes its columns NOT NULL, and looks at every row to do so.
        Facts(
            locks=situation.locks(reached, LockMode.ACCESS_EXCLUSIVE),
            scans=situation.scanned(*situation.family(action.table)) if is_nullable else (),
            certainty=certainty,
        )
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
    if constraint.kind is ConstraintKind.PRIMARY_KEY and situation.has_storage(action.table):
        # Its columns are made NOT NULL in children that inherit, whatever they are.
        return situation.exclusive(action.table)
    table, *partitions = situation.parts(action.table)
    # What is checked at the end needs a trigger as well.
    mode = LockMode.SHARE_ROW_EXCLUSIVE if constraint.is_deferrable else LockMode.SHARE
    return Facts(
        locks=(
            situation.lock(table, LockMode.ACCESS_EXCLUSIVE),
            *situation.locks(partitions, mode),
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
    mode = LockMode.ACCESS_EXCLUSIVE
    constraint = _find(situation, action.table, action.name)
    if constraint is None:
        # Something else may have added it.
        certainty = Certainty.UNKNOWN if action.takes_missing else Certainty.KNOWN
        return join_facts([situation.exclusive(action.table), Facts(certainty=certainty)])
    parts = [Facts(locks=situation.locks(_holders(constraint, action, situation), mode))]
    if constraint.references is not None:
        far = situation.parts(constraint.references)
        parts.append(Facts(locks=situation.locks(far, mode)))
    if constraint.index is not None:
        parts.append(Facts(locks=(situation.lock_index(action.table, constraint.index, mode),)))
        if action.is_cascade:
            parts.append(Facts(locks=situation.locks_by_cascade(action.table, constraint)))
    return join_facts(parts)


def _holders(
    constraint: Constraint, action: DropConstraint | ValidateConstraint, situation: Situation
) -> Iterator[QualifiedName]:
    """Yield the tables that have the constraint: children inherit CHECK and NOT NULL only."""
    if constraint.kind in _INHERITED:
        return situation.family(action.table)
    return situation.parts(action.table)


def rename_constraint(action: RenameConstraint, situation: Situation) -> Facts:
    """Return the facts of RENAME CONSTRAINT; a key's index is renamed with it."""
    constraint = _find(situation, action.table, action.name)
    if constraint is None or constraint.kind in _INHERITED:
        return situation.exclusive(action.table)
    locks: tuple[Lock, ...] = (situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE),)
    if constraint.index is not None:
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE
        locks += (situation.lock_index(action.table, constraint.index, mode),)
    return Facts(locks=locks)


def validate_constraint(action: ValidateConstraint, situation: Situation) -> Facts:
    """Return the facts of VALIDATE CONSTRAINT, which lets reads and writes go on."""
    constraint = _find(situation, action.table, action.name)
    mode = LockMode.SHARE_UPDATE_EXCLUSIVE
    if constraint is None:
        family = tuple(situation.family(action.table))
        scans = situation.scanned(*family)
        locks = situation.locks(family, mode)
        return Facts(locks=locks, scans=scans, certainty=Certainty.UNKNOWN)
    if constraint.is_valid:
        return Facts(locks=(situation.lock(action.table, mode),))
    holders = tuple(_holders(constraint, action, situation))
    locks = situation.locks(holders, mode)
    if constraint.references is None:
        return Facts(locks=locks, scans=situation.scanned(*holders))
    locks += (situation.lock(constraint.references, LockMode.ROW_SHARE),)
    far = tuple(situation.parts(constraint.references))
    return Facts(locks=locks, scans=_looked_up(holders, far, situation))
