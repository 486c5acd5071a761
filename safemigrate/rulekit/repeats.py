"""What can run again when it has run already."""

from safemigrate.model import (
    Action,
    AddColumn,
    AddEnumValue,
    AlterColumnOption,
    AlterColumnType,
    AlterConstraint,
    AlterSequence,
    AlterTableOption,
    Analyze,
    AttachIndex,
    ChangePrivileges,
    ChangeRows,
    Cluster,
    CommentOn,
    CreateExtension,
    CreateFunction,
    CreateIndex,
    CreateRule,
    CreateSchema,
    CreateSequence,
    CreateStatistics,
    CreateTable,
    CreateTrigger,
    CreateView,
    DoBlock,
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
    LockTable,
    NoTableAction,
    RefreshView,
    Reindex,
    SetAccessMethod,
    SetDefault,
    SetNotNull,
    SetPersistence,
    SetRowSecurity,
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

__all__ = ["is_repeatable"]

# What says how something is to be, and what changes nothing, has the same effect again.
_SAME_AGAIN = (
    AlterColumnOption
    | AlterColumnType
    | AlterConstraint
    | AlterSequence
    | AlterTableOption
    | Analyze
    | AttachIndex
    | ChangePrivileges
    | ChangeRows
    | Cluster
    | CommentOn
    | DropDefault
    | DropNotNull
    | LockTable
    | NoTableAction
    | RefreshView
    | Reindex
    | SetAccessMethod
    | SetDefault
    | SetNotNull
    | SetPersistence
    | SetRowSecurity
    | SetTablespace
    | SetTriggerState
    | SetVariable
    | TransactionControl
    | Truncate
    | Vacuum
    | ValidateConstraint
)
# Whether these can run again is not shown: what a body does, or whether IF EXISTS stands there.
_NOT_TOLD = (
    CreateRule
    | CreateSchema
    | CreateSequence
    | CreateStatistics
    | CreateTrigger
    | DoBlock
    | DropPolicy
    | DropRule
    | DropTrigger
    | UnmodelledAction
    | UnreadSql
)


def is_repeatable(action: Action, dropped: set[str]) -> bool:
    """Return whether the action can run again when it has run already.

    `dropped`: the names of indexes that the migration has dropped before, there or not.
    """
    match action:
        case CreateIndex():
            return action.takes_existing or action.name in dropped
        case CreateTable() | AddColumn() | AddEnumValue() | CreateExtension():
            return action.takes_existing
        case CreateFunction() | CreateView():
            return action.replaces
        case DropIndex() | DropTable() | DropView() | DropColumn() | DropConstraint():
            return action.takes_missing
        case DropObject() | DropSchema():
            return action.takes_missing
        case _:
            return isinstance(action, _SAME_AGAIN | _NOT_TOLD)
