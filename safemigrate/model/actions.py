"""Actions: what one statement does, in PostgreSQL's sense of the word.

A statement is a list of actions: an ALTER TABLE with three subcommands has three.
The union is closed: `match` over `Action` lists every member, and the type checker holds that.
Every action has `offset`, the 0-based character offset of its own text in the statement.
"""

from safemigrate.model.bodies import DoBlock, UnreadSql
from safemigrate.model.column_actions import (
    AddColumn,
    AddConstraint,
    AlterColumnOption,
    AlterColumnType,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropNotNull,
    RenameColumn,
    RenameConstraint,
    SetDefault,
    SetNotNull,
    ValidateConstraint,
)
from safemigrate.model.maintenance_actions import (
    Analyze,
    Cluster,
    CreateStatistics,
    RefreshView,
    Reindex,
    Vacuum,
)
from safemigrate.model.object_actions import (
    AlterDomain,
    AlterSequence,
    ChangeCluster,
    ChangePrivileges,
    CreateExtension,
    CreateSequence,
    DropObject,
    RenameEnumValue,
    RenameObject,
)
from safemigrate.model.other_actions import (
    AddEnumValue,
    ChangeRows,
    CreateDomain,
    CreateEnum,
    CreateFunction,
    CreateSchema,
    DropSchema,
    NoTableAction,
    RenameSchema,
    RenameType,
    SetVariable,
    TransactionControl,
    UnmodelledAction,
)
from safemigrate.model.relation_actions import (
    AttachPartition,
    CommentOn,
    CreateIndex,
    CreatePolicy,
    CreateTable,
    CreateTrigger,
    CreateView,
    DetachPartition,
    DropIndex,
    DropPolicy,
    DropTable,
    DropTrigger,
    DropView,
    LockTable,
    RenameIndex,
    RenameTable,
    SetRowSecurity,
    SetSchema,
    Truncate,
)
from safemigrate.model.setting_actions import (
    AlterConstraint,
    AlterTableOption,
    AttachIndex,
    CreateRule,
    DropRule,
    SetAccessMethod,
    SetInheritance,
    SetPersistence,
    SetTablespace,
    SetTriggerState,
)

__all__ = ["Action", "FamilyAction"]

Action = (
    CreateTable
    | DropTable
    | RenameTable
    | SetSchema
    | AddColumn
    | DropColumn
    | RenameColumn
    | AlterColumnType
    | SetDefault
    | DropDefault
    | SetNotNull
    | DropNotNull
    | AlterColumnOption
    | AddConstraint
    | DropConstraint
    | RenameConstraint
    | ValidateConstraint
    | CreateIndex
    | DropIndex
    | RenameIndex
    | AttachPartition
    | DetachPartition
    | CreateTrigger
    | DropTrigger
    | SetRowSecurity
    | CreatePolicy
    | DropPolicy
    | CommentOn
    | CreateSchema
    | RenameSchema
    | DropSchema
    | CreateDomain
    | CreateEnum
    | AddEnumValue
    | RenameType
    | CreateFunction
    | CreateView
    | DropView
    | ChangeRows
    | Truncate
    | LockTable
    | SetVariable
    | TransactionControl
    | AlterConstraint
    | AlterTableOption
    | AttachIndex
    | CreateRule
    | DropRule
    | SetAccessMethod
    | SetInheritance
    | SetPersistence
    | SetTablespace
    | SetTriggerState
    | Analyze
    | Cluster
    | CreateStatistics
    | RefreshView
    | Reindex
    | Vacuum
    | AlterDomain
    | AlterSequence
    | ChangeCluster
    | ChangePrivileges
    | CreateExtension
    | CreateSequence
    | DropObject
    | RenameEnumValue
    | RenameObject
    | DoBlock
    | NoTableAction
    | UnmodelledAction
    | UnreadSql
)

FamilyAction = (
    AddColumn
    | DropColumn
    | RenameColumn
    | AlterColumnType
    | SetDefault
    | DropDefault
    | SetNotNull
    | DropNotNull
    | AlterColumnOption
    | AddConstraint
    | DropConstraint
    | ValidateConstraint
    | SetTriggerState
    | Truncate
    | LockTable
)
"""What is done to partitions and children as well, unless it says ONLY."""
