"""An action → the catalog after it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from safemigrate.catalog.foreign_keys import drop_from_partitions
from safemigrate.catalog.functions import remember_function
from safemigrate.catalog.indexes import create_index, rename_index
from safemigrate.catalog.objects import change_object, forget_transaction
from safemigrate.catalog.relations import (
    create_view,
    drop_relation,
    drop_schema,
    move_relation,
    rename_schema,
    rename_type,
    set_parent,
)
from safemigrate.catalog.settings import change_setting
from safemigrate.catalog.tables import (
    add_column,
    add_constraint,
    change_column,
    create_table,
    drop_column,
    rename_column,
    set_not_null,
    without,
)
from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterColumnOption,
    AlterColumnType,
    AlterConstraint,
    AlterDomain,
    AlterSequence,
    AlterTableOption,
    Analyze,
    AttachIndex,
    AttachPartition,
    Catalog,
    ChangeCluster,
    ChangePrivileges,
    ChangeRows,
    Cluster,
    Column,
    ColumnOption,
    CommentOn,
    ConstraintKind,
    CreateDomain,
    CreateEnum,
    CreateExtension,
    CreateFunction,
    CreateIndex,
    CreatePolicy,
    CreateRule,
    CreateSchema,
    CreateSequence,
    CreateStatistics,
    CreateTable,
    CreateTrigger,
    CreateView,
    DetachPartition,
    DoBlock,
    Domain,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropObject,
    DropPolicy,
    DropRule,
    DropSchema,
    DropTable,
    DropTrigger,
    DropView,
    Function,
    LockTable,
    NoTableAction,
    QualifiedName,
    RefreshView,
    Reindex,
    RenameColumn,
    RenameConstraint,
    RenameEnumValue,
    RenameIndex,
    RenameObject,
    RenameSchema,
    RenameTable,
    RenameType,
    RowChange,
    SetAccessMethod,
    SetDefault,
    SetInheritance,
    SetNotNull,
    SetPersistence,
    SetRowSecurity,
    SetSchema,
    SetTablespace,
    SetTriggerState,
    SetVariable,
    TransactionControl,
    Truncate,
    UnmodelledAction,
    UnreadSql,
    Vacuum,
    ValidateConstraint,
)
from safemigrate.model.names import TEMPORARY_SCHEMA
from safemigrate.sql import read_actions, split_statements

__all__ = ["apply_action", "apply_actions", "catalog_of_sql", "settle"]


def catalog_of_sql(text: str, path: str) -> Catalog:
    """Return the catalog that the statements of `text` build; `path` names it in errors.

    Raises:
        SqlSyntaxError: with the position as `path:line` in the message.
    """
    catalog = Catalog(is_complete=True)
    for statement in split_statements(text):
        try:
            actions = read_actions(statement.sql)
        except SqlSyntaxError as err:
            offset = statement.offset + err.offset
            line = text.count("\n", 0, offset) + 1
            raise SqlSyntaxError(
                f'"{path}" line {line}: {err.message}', err.hint, offset=offset
            ) from err
        catalog = apply_actions(catalog, actions)
    return settle(catalog)


def settle(catalog: Catalog) -> Catalog:
    """Return the catalog as a later migration finds it.

    Its tables may have rows by then, and temporary ones went with their session.
    """
    catalog = forget_transaction(catalog)
    for name in catalog.tables.passing:
        if name.schema == TEMPORARY_SCHEMA:
            catalog = drop_relation(catalog, name)
    for name in catalog.tables.passing:
        catalog = catalog.with_table(replace(catalog.tables[name], is_empty=False))
    return catalog


def apply_actions(catalog: Catalog, actions: Iterable[Action]) -> Catalog:
    """Return the catalog after all the actions, in order."""
    for action in actions:
        catalog = apply_action(catalog, action)
    return catalog


def apply_action(catalog: Catalog, action: Action) -> Catalog:  # noqa: C901, PLR0912 - one case each
    """Return the catalog after the action; what it names and is not known changes nothing."""
    match action:
        case CreateTable():
            return create_table(catalog, action)
        case DropTable():
            return drop_relation(catalog, action.table)
        case DropView():
            return drop_relation(catalog, action.view)
        case RenameTable():
            if catalog.names_index(action.table):
                return rename_index(catalog, RenameIndex(action.table, action.new_name))
            return move_relation(catalog, action.table, None, action.new_name)
        case SetSchema():
            return move_relation(catalog, action.table, action.new_schema, None)
        case AddColumn():
            if action.takes_existing and catalog.column(action.table, action.column.name):
                return catalog
            return add_column(catalog, action.table, action.column)
        case DropColumn():
            return drop_column(catalog, action.table, action.column)
        case RenameColumn():
            return rename_column(catalog, action.table, action.column, action.new_name)
        case AlterColumnType() | SetDefault() | DropDefault() | SetNotNull() | DropNotNull():
            return _alter_column(catalog, action)
        case AlterColumnOption():
            return _set_column_option(catalog, action)
        case AddConstraint():
            return add_constraint(catalog, action.table, action.constraint)
        case DropConstraint():
            return _drop_constraint(catalog, action)
        case RenameConstraint():
            return _rename_constraint(catalog, action)
        case ValidateConstraint():
            return _validate_constraint(catalog, action)
        case CreateIndex():
            return create_index(catalog, action)
        case DropIndex():
            return catalog.without_indexes([catalog.resolve(action.index)])
        case RenameIndex():
            return rename_index(catalog, action)
        case AttachPartition() | DetachPartition():
            return set_parent(catalog, action)
        case CreateSchema():
            return replace(catalog, schemas=catalog.schemas | {action.name})
        case RenameSchema():
            return rename_schema(catalog, action)
        case DropSchema():
            return drop_schema(catalog, action)
        case CreateDomain():
            name = catalog.resolve_new(action.domain)
            domain = Domain(action.type, action.is_constrained)
            return replace(catalog, domains={**catalog.domains, name: domain})
        case CreateEnum() | AddEnumValue():
            return change_object(catalog, action)
        case RenameType():
            return rename_type(catalog, action)
        case CreateFunction():
            return remember_function(catalog, Function(action))
        case CreateView():
            return create_view(catalog, action)
        case CreateStatistics():
            if action.name is None:
                return catalog
            name, table = catalog.resolve_new(action.name), catalog.resolve(action.table)
            return replace(catalog, statistics={**catalog.statistics, name: table})
        case CreateSequence():
            sequences = catalog.sequences | {catalog.resolve_new(action.sequence)}
            return replace(catalog, sequences=sequences)
        case AlterDomain() | DropObject() | RenameObject() | RenameEnumValue():
            return change_object(catalog, action)
        case SetPersistence() | SetInheritance() | AlterConstraint() | AttachIndex():
            return change_setting(catalog, action)
        case SetRowSecurity() | CreatePolicy() | DropPolicy():
            return change_setting(catalog, action)
        case DoBlock():
            return apply_actions(catalog, (step.action for step in action.steps))
        case ChangeRows():
            return _change_rows(catalog, action)
        case SetVariable():
            return _set_variable(catalog, action)
        case (
            Truncate()
            | LockTable()
            | CommentOn()
            | CreateTrigger()
            | DropTrigger()
            | CreateRule()
            | DropRule()
            | SetTriggerState()
            | AlterTableOption()
            | SetAccessMethod()
            | SetTablespace()
            | Reindex()
            | Vacuum()
            | Analyze()
            | Cluster()
            | RefreshView()
            | AlterSequence()
            | CreateExtension()
            | ChangePrivileges()
            | ChangeCluster()
            | TransactionControl()
            | NoTableAction()
            | UnmodelledAction()
            | UnreadSql()
        ):
            return catalog
        case _ as unreachable:
            assert_never(unreachable)


def _alter_column(
    catalog: Catalog, action: AlterColumnType | SetDefault | DropDefault | SetNotNull | DropNotNull
) -> Catalog:
    column = catalog.column(action.table, action.column)
    if column is None:
        table = catalog.table(action.table)
        if table is None or table.has_all_columns:
            return catalog
        column = Column(action.column, None)
    match action:
        case AlterColumnType():
            column = replace(column, type=action.type, collation=action.collation)
        case SetDefault():
            column = replace(column, default=action.default)
        case DropDefault():
            column = replace(column, default=None)
        case SetNotNull():
            column = replace(column, is_not_null=True)
        case DropNotNull():
            column = replace(column, is_not_null=False)
    return change_column(catalog, action.table, column)


def _set_column_option(catalog: Catalog, action: AlterColumnOption) -> Catalog:
    column = catalog.column(action.table, action.column)
    if column is None:
        return catalog
    match action.option:
        case ColumnOption.ADD_IDENTITY:
            column = replace(column, is_identity=True)
        case ColumnOption.DROP_IDENTITY:
            column = replace(column, is_identity=False)
        case ColumnOption.DROP_EXPRESSION:
            column = replace(column, generated=None, default=None)
        case (
            ColumnOption.STATISTICS
            | ColumnOption.STORAGE
            | ColumnOption.COMPRESSION
            | ColumnOption.OPTIONS
            | ColumnOption.SET_IDENTITY
            | ColumnOption.SET_EXPRESSION
        ):
            return catalog
    return change_column(catalog, action.table, column)


def _drop_constraint(catalog: Catalog, action: DropConstraint) -> Catalog:
    table = catalog.table(action.table)
    if table is None or action.name not in table.constraints:
        return catalog
    dropped = table.constraints[action.name]
    table = replace(table, constraints=without(table.constraints, [action.name]))
    if dropped.kind is ConstraintKind.NOT_NULL:
        columns = {
            name: replace(column, is_not_null=False) if name in dropped.columns else column
            for name, column in table.columns.items()
        }
        table = replace(table, columns=columns)
    catalog = catalog.with_table(table)
    if dropped.kind is ConstraintKind.FOREIGN_KEY:
        return drop_from_partitions(catalog, table.name, dropped)
    if dropped.index is None:
        return catalog
    index = QualifiedName(table.name.schema, dropped.index)
    return catalog.without_indexes([index])


def _rename_constraint(catalog: Catalog, action: RenameConstraint) -> Catalog:
    table = catalog.table(action.table)
    if table is None or action.name not in table.constraints:
        return catalog
    old = table.constraints[action.name]
    index = QualifiedName(table.name.schema, old.index or "")
    if index in catalog.indexes:
        return rename_index(catalog, RenameIndex(index, action.new_name))
    constraints = {
        **without(table.constraints, [action.name]),
        action.new_name: replace(old, name=action.new_name),
    }
    return catalog.with_table(replace(table, constraints=constraints))


def _validate_constraint(catalog: Catalog, action: ValidateConstraint) -> Catalog:
    table = catalog.table(action.table)
    if table is None or action.name not in table.constraints:
        return catalog
    valid = replace(table.constraints[action.name], is_valid=True)
    table = replace(table, constraints={**table.constraints, action.name: valid})
    if valid.kind is ConstraintKind.NOT_NULL:
        table = set_not_null(table, valid.columns)
    return catalog.with_table(table)


def _change_rows(catalog: Catalog, action: ChangeRows) -> Catalog:
    table = catalog.table(action.table)
    adds_rows = action.change in {RowChange.INSERT, RowChange.COPY, RowChange.MERGE}
    if table is None or not adds_rows or not (table.is_empty or table.row_count is not None):
        return catalog
    return catalog.with_table(replace(table, is_empty=False, row_count=None))


def _set_variable(catalog: Catalog, action: SetVariable) -> Catalog:
    settings = without(catalog.settings, [action.name])
    if action.value is not None:
        settings[action.name] = action.value
    return replace(catalog, settings=settings)
