"""The foreign keys that a partition has from what it is a partition of.

While it is one, they stand with the table they were made on, and nowhere else. One that the
partition had before it was attached, and that is the same, is part of the parent's from then on.
It goes with that one, and stays behind when the partition is detached
(`CloneForeignKeyConstraints` and `DetachPartitionFinalize` in src/backend/commands/tablecmds.c;
measured on 14 to 18).
"""

from dataclasses import replace

from safemigrate.catalog.naming import choose_constraint_name
from safemigrate.model import (
    Catalog,
    Constraint,
    ConstraintDefinition,
    ConstraintKind,
    QualifiedName,
    Table,
)

__all__ = [
    "drop_from_partitions",
    "foreign_keys",
    "is_shared",
    "keep_keys",
    "references_alike",
    "shared_keys",
]


def foreign_keys(table: Table | None) -> tuple[Constraint, ...]:
    """Return the foreign keys that stand with the table itself."""
    constraints = () if table is None else table.constraints.values()
    return tuple(each for each in constraints if each.kind is ConstraintKind.FOREIGN_KEY)


def shared_keys(catalog: Catalog, parent: QualifiedName | None) -> tuple[Constraint, ...]:
    """Return the foreign keys that hold in every partition of `parent`; none where it is None.

    Those of `parent`, and of what that is itself a partition of, each once.
    """
    found: tuple[Constraint, ...] = ()
    for table in () if parent is None else catalog.line_of(parent):
        known = found
        found += tuple(
            key
            for key in foreign_keys(table)
            if not any(is_shared(catalog, below, key) for below in known)
        )
    return found


def is_shared(catalog: Catalog, own: Constraint, key: Constraint) -> bool:
    """Return whether a partition's own foreign key does for that of its parent.

    What is done on DELETE and UPDATE must be the same as well, which a catalog does not show.
    """
    return (
        own.is_valid
        and own.columns == key.columns
        and own.references == key.references
        and references_alike(catalog, own.references, own.referenced_columns, key)
    )


def references_alike(
    catalog: Catalog, far: QualifiedName | None, columns: tuple[str, ...], key: Constraint
) -> bool:
    """Return whether the columns of the far table are those that `key` references.

    None is the primary key; where that is not known, it is taken to be what the other names.
    """
    if far is None or far != key.references:
        return False
    primary = catalog.primary_key(far)
    one, other = columns or primary, key.referenced_columns or primary
    return not one or not other or one == other


def keep_keys(catalog: Catalog, partition: Table, parent: QualifiedName) -> Table:
    """Return the partition of `parent` with the keys it shares as its own: it is detached."""
    own, constraints = foreign_keys(partition), dict(partition.constraints)
    for key in shared_keys(catalog, parent):
        if any(is_shared(catalog, mine, key) for mine in own):
            continue
        name = key.name
        if name in constraints:
            definition = ConstraintDefinition(key.kind, columns=key.columns)
            name = choose_constraint_name(partition.name.name, definition, constraints)
        constraints[name] = replace(key, name=name)
    return replace(partition, constraints=constraints)


def drop_from_partitions(catalog: Catalog, parent: QualifiedName, key: Constraint) -> Catalog:
    """Return the catalog where the partitions of `parent` have lost what was part of its key.

    `key`: what the parent has lost already.
    """
    for child in catalog.partitions_of(parent):
        above = shared_keys(catalog, child.partition_of)
        constraints = {
            own.name: own
            for own in child.constraints.values()
            if own.kind is not ConstraintKind.FOREIGN_KEY
            or not is_shared(catalog, own, key)
            or any(is_shared(catalog, own, other) for other in above)
        }
        if child.partition_of is not None and len(constraints) < len(child.constraints):
            catalog = catalog.with_table(replace(child, constraints=constraints))
    return catalog
