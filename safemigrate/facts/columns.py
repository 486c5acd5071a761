"""Facts about columns. Manual: "ALTER TABLE", Description and Notes; "Explicit Locking"."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.facts.enums import keeps_labels
from safemigrate.facts.refusals import (
    refuse_inherited,
    refuse_new_column,
    refuse_reference,
    refuse_type_change,
)
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.facts.types import TypeChange, judge_type_change
from safemigrate.facts.volatility import Volatility, judge_volatility
from safemigrate.model import (
    OLDEST_VERSION,
    AddColumn,
    AlterColumnOption,
    AlterColumnType,
    Catalog,
    Certainty,
    ColumnDefinition,
    ColumnOption,
    ConstraintKind,
    DropColumn,
    DropNotNull,
    Facts,
    Generated,
    LockMode,
    QualifiedName,
    RelationKind,
    RenameColumn,
    ServerVersion,
    SetNotNull,
    Table,
)

__all__ = [
    "add_column",
    "alter_column_option",
    "alter_column_type",
    "change_of_type",
    "drop_column",
    "drop_not_null",
    "has_value",
    "is_known_not_null",
    "is_looked_up_at_once",
    "is_restricted",
    "rename_column",
    "set_not_null",
    "volatility_of_default",
]

# Settings that change no stored value take the weaker lock (manual: "ALTER TABLE").
_OPTION_MODES = {
    ColumnOption.STATISTICS: LockMode.SHARE_UPDATE_EXCLUSIVE,
    ColumnOption.OPTIONS: LockMode.SHARE_UPDATE_EXCLUSIVE,
    ColumnOption.STORAGE: LockMode.ACCESS_EXCLUSIVE,
    ColumnOption.COMPRESSION: LockMode.ACCESS_EXCLUSIVE,
    ColumnOption.ADD_IDENTITY: LockMode.ACCESS_EXCLUSIVE,
    ColumnOption.SET_IDENTITY: LockMode.ACCESS_EXCLUSIVE,
    ColumnOption.DROP_IDENTITY: LockMode.ACCESS_EXCLUSIVE,
    ColumnOption.DROP_EXPRESSION: LockMode.ACCESS_EXCLUSIVE,
    ColumnOption.SET_EXPRESSION: LockMode.ACCESS_EXCLUSIVE,
}


# Settings of one table, whatever its partitions and children have (measured on 14 to 18).
_NOT_INHERITED = frozenset({ColumnOption.OPTIONS, ColumnOption.COMPRESSION})
_IDENTITIES = frozenset(
    {ColumnOption.ADD_IDENTITY, ColumnOption.SET_IDENTITY, ColumnOption.DROP_IDENTITY}
)

_KEYS = frozenset({ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY})

# From 18 on, NOT NULL is a constraint that children inherit as partitions do.
_STOPS_AT_PARENT_SINCE = ServerVersion(18)


def volatility_of_default(
    column: ColumnDefinition, catalog: Catalog, version: ServerVersion = OLDEST_VERSION
) -> Volatility:
    """Return how a new column's value is made: once, row by row, or not known."""
    if column.is_serial or column.is_identity or column.generated is Generated.STORED:
        return Volatility.VOLATILE
    if column.default is None or column.generated is Generated.VIRTUAL:
        return Volatility.STABLE
    return judge_volatility(column.default, catalog, version)


def add_column(action: AddColumn, situation: Situation) -> Facts:
    """Return the facts of ADD COLUMN with everything written inline."""
    column = action.column
    errors = refuse_new_column(action.table, column, situation)
    if action.takes_existing and situation.catalog.column(action.table, column.name):
        own = situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE)
        return Facts(locks=(own,), errors=errors)
    volatility = volatility_of_default(column, situation.catalog, situation.version)
    parts = [
        situation.exclusive(action.table, scans=_scans_new_column(column)),
        Facts(scans=_built_over(column, action.table, situation), errors=errors),
    ]
    if volatility is not Volatility.STABLE or is_restricted(column, situation.catalog):
        parts.append(situation.rewrite(action.table))
    if volatility is Volatility.UNKNOWN or column.type.is_unknown:
        parts.append(Facts(certainty=Certainty.UNKNOWN))
    for constraint in column.constraints:
        if constraint.reference is None:
            continue
        referenced = constraint.reference.table
        locks = situation.locks(situation.parts(referenced), LockMode.SHARE_ROW_EXCLUSIVE)
        refused = refuse_reference(action.table, constraint.reference, situation.catalog)
        parts.append(Facts(locks=locks, errors=refused))
        near = tuple(situation.parts(action.table))
        is_looked_up = is_looked_up_at_once(column) and any(map(situation.has_rows, near))
        if is_looked_up and constraint.is_enforced:
            # NULL in every row leaves nothing to find on the far side.
            far = situation.parts(referenced) if has_value(column) else ()
            parts.append(Facts(scans=situation.scanned(*near, *far)))
    return join_facts(parts)


def is_restricted(column: ColumnDefinition, catalog: Catalog) -> bool:
    """Return whether the new column's type is a domain that restricts it.

    Then the table is rewritten to test every row, even without a default (`ATExecAddColumn` in
    src/backend/commands/tablecmds.c).
    """
    _, is_constrained = catalog.base_type(column.type)
    return is_constrained and column.generated is not Generated.VIRTUAL


def has_value(column: ColumnDefinition) -> bool:
    """Return whether the rows that are there get a value in the new column."""
    if column.is_serial or column.is_identity or column.generated is not None:
        return True
    return column.default is not None and not column.default.is_null_constant


def is_looked_up_at_once(column: ColumnDefinition) -> bool:
    """Return whether a foreign key written at the new column is checked for every row.

    It is not where nothing is said of a value; DEFAULT NULL says something, and an identity does
    not (`transformAlterTableStmt` in src/backend/parser/parse_utilcmd.c).
    """
    return column.is_serial or column.default is not None


def _scans_new_column(column: ColumnDefinition) -> bool:
    """Return whether ADD COLUMN reads the whole table without rewriting it."""
    for constraint in column.constraints:
        if constraint.kind is ConstraintKind.CHECK and constraint.is_enforced:
            return True
    # A value that is the same for all rows proves NOT NULL by itself; else all are looked at.
    is_computed = column.generated is Generated.VIRTUAL or not has_value(column)
    return column.is_not_null and is_computed


def _built_over(
    column: ColumnDefinition, table: QualifiedName, situation: Situation
) -> tuple[QualifiedName, ...]:
    """Return the tables read to build the index of a key written at the column."""
    if not any(constraint.kind in _KEYS for constraint in column.constraints):
        return ()
    return situation.scanned(*situation.parts(table))


def drop_column(action: DropColumn, situation: Situation) -> Facts:
    """Return the facts of DROP COLUMN: what hangs on the column is locked as well."""
    errors = refuse_inherited("drop", action.table, action.column, situation.catalog)
    parts = [situation.exclusive(action.table), Facts(errors=errors)]
    table = situation.catalog.table(action.table)
    if action.takes_missing and (table is None or action.column not in table.columns):
        # Something else may have added it.
        parts.append(Facts(certainty=Certainty.UNKNOWN))
    if table is None:
        return join_facts(parts)
    parts += [
        Facts(locks=situation.far_locks(constraint.references))
        for constraint in table.constraints.values()
        if action.column in constraint.columns and constraint.references is not None
    ]
    if action.is_cascade:
        # Which columns a view reads is not known here: it may be this one.
        readers = [view.name for view in situation.catalog.readers_of(action.table)]
        doubt = Certainty.UNKNOWN if readers else Certainty.KNOWN
        locks = situation.locks(readers, LockMode.ACCESS_EXCLUSIVE)
        parts.append(Facts(locks=locks, certainty=doubt))
        parts += [
            Facts(locks=situation.locks_by_cascade(action.table, constraint))
            for constraint in table.constraints.values()
            if action.column in constraint.columns and constraint.index is not None
        ]
    for index in situation.catalog.indexes_of(action.table):
        if action.column in index.uses:
            parts.append(Facts(locks=(situation.lock(index.name, LockMode.ACCESS_EXCLUSIVE),)))
    return join_facts(parts)


def rename_column(action: RenameColumn, situation: Situation) -> Facts:
    """Return the facts of RENAME COLUMN."""
    errors = refuse_inherited("rename", action.table, action.column, situation.catalog)
    return join_facts([situation.exclusive(action.table), Facts(errors=errors)])


def change_of_type(action: AlterColumnType, catalog: Catalog) -> TypeChange:
    """Return what the new type means for the column as the catalog knows it."""
    column = catalog.column(action.table, action.column)
    old = None if column is None or column.type is None else catalog.base_type(column.type)[0]
    new, is_constrained = catalog.base_type(action.type)
    change = judge_type_change(
        old,
        new,
        column=action.column,
        using=action.using,
        timezone=catalog.settings.get("timezone"),
    )
    if change.narrows and old is not None:
        is_cast = action.using is not None and action.using.bare_column == action.column
        casts = action.using.casts if is_cast and action.using is not None else ()
        change = replace(change, narrows=not keeps_labels((old, *casts, new), catalog))
    if not is_constrained:
        return change
    # Every row is tested against the domain, and may fail.
    return replace(change, rewrites=True, narrows=True)


def alter_column_type(action: AlterColumnType, situation: Situation) -> Facts:
    """Return the facts of ALTER COLUMN … TYPE."""
    change = change_of_type(action, situation.catalog)
    certainty = Certainty.KNOWN if change.is_known else Certainty.UNKNOWN
    errors = tuple(refuse_type_change(action, situation.catalog))
    doubts = Facts(errors=errors, certainty=certainty)
    if change.rewrites:
        return join_facts([situation.rewrite(action.table), _far_ends(action, situation), doubts])
    # Constraints over the column are made anew, and a CHECK is then tested on every row.
    is_read = _has_check(situation.catalog, action.table, action.column)
    whole = situation.exclusive(action.table, scans=is_read)
    return join_facts([whole, *_rebuilt_indexes(action, situation), doubts])


def _rebuilt_indexes(action: AlterColumnType, situation: Situation) -> Iterator[Facts]:
    """Yield the facts of the indexes that are built anew although the table is not.

    One on the column itself stays as long as the collation does; an expression or a predicate
    over it is not compared, nor is the index of a partitioned table, whose parts are built anew
    (`TryReuseIndex` in src/backend/commands/tablecmds.c).
    """
    catalog = situation.catalog
    column = catalog.column(action.table, action.column)
    is_collated_anew = action.collation != (None if column is None else column.collation)
    for member in situation.family(action.table):
        table = catalog.table(member)
        is_always = is_collated_anew or (
            table is not None and table.kind is RelationKind.PARTITIONED_TABLE
        )
        for index in catalog.indexes_of(member):
            predicate = () if index.predicate is None else index.predicate.columns
            is_inside = action.column in predicate or (
                None in index.columns and action.column in index.uses
            )
            if is_inside or (is_always and action.column in index.columns):
                yield Facts(
                    locks=(situation.lock(index.name, LockMode.ACCESS_EXCLUSIVE),),
                    scans=situation.scanned(*situation.parts(member)),
                )


def _far_ends(action: AlterColumnType, situation: Situation) -> Facts:
    """Return the facts of the foreign keys over the column, which are made and checked anew."""
    parts = []
    table = situation.catalog.table(action.table)
    for constraint in () if table is None else table.constraints.values():
        if action.column not in constraint.columns or constraint.references is None:
            continue
        far = tuple(situation.parts(constraint.references))
        parts.append(Facts(locks=situation.locks(far, LockMode.SHARE_ROW_EXCLUSIVE)))
        parts.append(Facts(locks=situation.far_locks(constraint.references)))
        if constraint.is_valid:
            parts.append(Facts(scans=situation.scanned(*far)))
    for other, constraint in situation.catalog.foreign_keys_to(action.table):
        columns = constraint.referenced_columns or situation.catalog.primary_key(action.table)
        if columns and action.column not in columns:
            continue
        near = tuple(situation.parts(other.name))
        parts.append(Facts(locks=situation.locks(near, LockMode.ACCESS_EXCLUSIVE)))
        if constraint.is_valid:
            parts.append(Facts(scans=situation.scanned(*near)))
    return join_facts(parts)


def _has_check(catalog: Catalog, name: QualifiedName, column: str) -> bool:
    table = catalog.table(name)
    if table is None:
        return False
    return any(
        constraint.kind is ConstraintKind.CHECK
        and constraint.is_valid
        and constraint.expression is not None
        and column in constraint.expression.columns
        for constraint in table.constraints.values()
    )


def is_known_not_null(catalog: Catalog, name: QualifiedName, column: str) -> bool:
    """Return whether the server can tell without a scan that no row has NULL in the column.

    By NOT NULL itself, or (since 12) by a valid CHECK that says so (manual: "ALTER TABLE",
    SET NOT NULL).
    """
    # A partition has every constraint of its parent, and so have the children that inherit.
    return any(_proves_not_null(table, column) for table in catalog.line_of(name))


def _proves_not_null(table: Table, column: str) -> bool:
    known = table.columns.get(column)
    if known is not None and known.is_not_null:
        return True
    return any(
        constraint.is_valid
        and constraint.expression is not None
        and constraint.kind is ConstraintKind.CHECK
        and column in constraint.expression.not_null_columns
        for constraint in table.constraints.values()
    )


def set_not_null(action: SetNotNull, situation: Situation) -> Facts:
    """Return the facts of SET NOT NULL."""
    family = tuple(situation.family(action.table))
    column = situation.catalog.column(action.table, action.column)
    table = situation.catalog.table(action.table)
    is_partitioned = table is not None and table.kind is RelationKind.PARTITIONED_TABLE
    stops_here = is_partitioned or situation.version >= _STOPS_AT_PARENT_SINCE
    if column is not None and column.is_not_null and stops_here:
        # Where the parent has it already, its partitions are not visited (`ATPrepSetNotNull` in
        # src/backend/commands/tablecmds.c).
        family = family[:1]
    scanned = [
        member
        for member in family
        if not is_known_not_null(situation.catalog, member, action.column)
    ]
    return Facts(
        locks=situation.locks(family, LockMode.ACCESS_EXCLUSIVE),
        scans=situation.scanned(*scanned),
        # A CHECK that the history does not show may prove it.
        certainty=Certainty.UNKNOWN if column is None else Certainty.KNOWN,
    )


def alter_column_option(action: AlterColumnOption, situation: Situation) -> Facts:
    """Return the facts of the settings of a column."""
    if action.option is ColumnOption.SET_EXPRESSION:
        column = situation.catalog.column(action.table, action.column)
        if column is None or column.generated is not Generated.VIRTUAL:
            return situation.rewrite(action.table)
    mode = _OPTION_MODES[action.option]
    if action.option in _NOT_INHERITED:
        return Facts(locks=(situation.lock(action.table, mode),))
    reached = situation.parts if action.option in _IDENTITIES else situation.family
    return Facts(locks=situation.locks(reached(action.table), mode))


def drop_not_null(action: DropNotNull, situation: Situation) -> Facts:
    """Return the facts of DROP NOT NULL; since 18 what is nullable already is left alone."""
    column = situation.catalog.column(action.table, action.column)
    is_nullable = column is not None and not column.is_not_null
    if is_nullable and situation.version >= _STOPS_AT_PARENT_SINCE:
        return Facts(locks=(situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE),))
    return situation.exclusive(action.table)
