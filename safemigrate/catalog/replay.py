"""An action → the catalog after it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from safemigrate.catalog.naming import choose_index_name
from safemigrate.catalog.relations import (
    create_view,
    drop_relation,
    drop_schema,
    move_relation,
    rename_schema,
    rename_type,
    set_parent,
)
from safemigrate.catalog.tables import (
    add_column,
    add_constraint,
    change_column,
    create_table,
    drop_column,
    put_table,
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
    AttachPartition,
    Catalog,
    ChangeRows,
    Column,
    ColumnOption,
    CommentOn,
    ConstraintKind,
    CreateDomain,
    CreateEnum,
    CreateFunction,
    CreateIndex,
    CreatePolicy,
    CreateSchema,
    CreateTable,
    CreateTrigger,
    CreateView,
    DetachPartition,
    Domain,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropPolicy,
    DropSchema,
    DropTable,
    DropTrigger,
    DropView,
    Index,
    LockTable,
    NoTableAction,
    QualifiedName,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameSchema,
    RenameTable,
    RenameType,
    RowChange,
    SetDefault,
    SetNotNull,
    SetRowSecurity,
    SetSchema,
    SetVariable,
    TransactionControl,
    Truncate,
    UnmodelledAction,
    ValidateConstraint,
)
from safemigrate.model.catalog import TEMPORARY_SCHEMA
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
    temporary = [name for name in catalog.tables if name.schema == TEMPORARY_SCHEMA]
    for name in temporary:
        catalog = drop_relation(catalog, name)
    if not any(table.is_empty for table in catalog.tables.values()):
        return catalog
    tables = {
        name: replace(table, is_empty=False) if table.is_empty else table
        for name, table in catalog.tables.items()
    }
    return replace(catalog, tables=tables)


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
                return _rename_index(catalog, RenameIndex(action.table, action.new_name))
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
            return _create_index(catalog, action)
        case DropIndex():
            return replace(
                catalog, indexes=without(catalog.indexes, [catalog.resolve(action.index)])
            )
        case RenameIndex():
            return _rename_index(catalog, action)
        case AttachPartition():
            return set_parent(catalog, action.partition, catalog.resolve(action.table), action)
        case DetachPartition():
            return set_parent(catalog, action.partition, None, action)
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
        case CreateEnum():
            name = catalog.resolve_new(action.type)
            return replace(catalog, enums={**catalog.enums, name: action.labels})
        case AddEnumValue():
            name = catalog.resolve(action.type)
            labels = (*catalog.enums.get(name, ()), action.label)
            return replace(catalog, enums={**catalog.enums, name: labels})
        case RenameType():
            return rename_type(catalog, action)
        case CreateFunction():
            name = catalog.resolve_new(action.name)
            return replace(catalog, functions={**catalog.functions, name: action.volatility})
        case CreateView():
            return create_view(catalog, action)
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
            | SetRowSecurity()
            | CreatePolicy()
            | DropPolicy()
            | TransactionControl()
            | NoTableAction()
            | UnmodelledAction()
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
    catalog = put_table(catalog, table)
    if dropped.index is None:
        return catalog
    index = QualifiedName(table.name.schema, dropped.index)
    return replace(catalog, indexes=without(catalog.indexes, [index]))


def _rename_constraint(catalog: Catalog, action: RenameConstraint) -> Catalog:
    table = catalog.table(action.table)
    if table is None or action.name not in table.constraints:
        return catalog
    old = table.constraints[action.name]
    index = None if old.index is None else action.new_name
    constraints = {
        **without(table.constraints, [action.name]),
        action.new_name: replace(old, name=action.new_name, index=index),
    }
    catalog = put_table(catalog, replace(table, constraints=constraints))
    if old.index is None:
        return catalog
    return _rename_index(
        catalog, RenameIndex(QualifiedName(table.name.schema, old.index), action.new_name)
    )


def _validate_constraint(catalog: Catalog, action: ValidateConstraint) -> Catalog:
    table = catalog.table(action.table)
    if table is None or action.name not in table.constraints:
        return catalog
    valid = replace(table.constraints[action.name], is_valid=True)
    table = replace(table, constraints={**table.constraints, action.name: valid})
    if valid.kind is ConstraintKind.NOT_NULL:
        table = set_not_null(table, valid.columns)
    return put_table(catalog, table)


def _create_index(catalog: Catalog, action: CreateIndex) -> Catalog:
    table = catalog.resolve(action.table)
    taken = {index.name.name for index in catalog.indexes.values()}
    name = QualifiedName(table.schema, choose_index_name(action, taken))
    if action.takes_existing and name in catalog.indexes:
        return catalog
    index = Index(
        name=name,
        table=table,
        columns=tuple(column.column for column in action.columns),
        is_unique=action.is_unique,
        method=action.method,
        predicate=action.predicate,
        uses=_used_columns(action),
    )
    return replace(catalog, indexes={**catalog.indexes, name: index})


def _used_columns(action: CreateIndex) -> tuple[str, ...]:
    predicate = () if action.predicate is None else action.predicate.columns
    keys = [name for column in action.columns for name in column.uses]
    return tuple(dict.fromkeys((*keys, *action.included, *predicate)))


def _rename_index(catalog: Catalog, action: RenameIndex) -> Catalog:
    index = catalog.index(action.index)
    if index is None:
        return catalog
    new = QualifiedName(index.name.schema, action.new_name)
    indexes = {**without(catalog.indexes, [index.name]), new: replace(index, name=new)}
    return replace(catalog, indexes=indexes)


def _change_rows(catalog: Catalog, action: ChangeRows) -> Catalog:
    table = catalog.table(action.table)
    adds_rows = action.change in {RowChange.INSERT, RowChange.COPY, RowChange.MERGE}
    if table is None or not table.is_empty or not adds_rows:
        return catalog
    return put_table(catalog, replace(table, is_empty=False))


def _set_variable(catalog: Catalog, action: SetVariable) -> Catalog:
    settings = without(catalog.settings, [action.name])
    if action.value is not None:
        settings[action.name] = action.value
    return replace(catalog, settings=settings)
