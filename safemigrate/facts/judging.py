"""An action → its facts, by family."""

from typing import assert_never

from safemigrate.facts import (
    columns,
    constraints,
    functions,
    indexes,
    maintenance,
    objects,
    settings,
    tables,
)
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.facts.volatility import is_read
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
    Certainty,
    ChangeCluster,
    ChangePrivileges,
    ChangeRows,
    Cluster,
    CommentOn,
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
    Facts,
    FamilyAction,
    LockMode,
    LockTable,
    NoTableAction,
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

__all__ = ["facts_of"]


def facts_of(action: Action, situation: Situation) -> Facts:  # noqa: C901, PLR0912, PLR0915 - one case each
    """Return what the server does for the action in the situation."""
    # The children's columns change as well when they stop to be inherited.
    is_alone = isinstance(action, FamilyAction) and action.is_only
    if is_alone and not isinstance(action, DropColumn):
        situation = situation.alone()
    match action:
        case AddColumn():
            return columns.add_column(action, situation)
        case DropColumn():
            return columns.drop_column(action, situation)
        case RenameColumn():
            return columns.rename_column(action, situation)
        case AlterColumnType():
            return columns.alter_column_type(action, situation)
        case SetNotNull():
            return columns.set_not_null(action, situation)
        case AlterColumnOption():
            return columns.alter_column_option(action, situation)
        case AddConstraint():
            return constraints.add_constraint(action, situation)
        case DropConstraint():
            return constraints.drop_constraint(action, situation)
        case RenameConstraint():
            return constraints.rename_constraint(action, situation)
        case ValidateConstraint():
            return constraints.validate_constraint(action, situation)
        case CreateIndex():
            return indexes.create_index(action, situation)
        case DropIndex():
            return indexes.drop_index(action, situation)
        case RenameIndex():
            return indexes.rename_index(action, situation)
        case CreateTable():
            return tables.create_table(action, situation)
        case DropTable():
            return tables.drop_table(action, situation)
        case CreateView():
            return tables.create_view(action, situation)
        case DropView():
            return tables.drop_view(action, situation)
        case AttachPartition():
            return tables.attach_partition(action, situation)
        case DetachPartition():
            return tables.detach_partition(action, situation)
        case ChangeRows():
            return tables.change_rows(action, situation)
        case Truncate():
            return tables.truncate(action, situation)
        case LockTable():
            return tables.lock_table(action, situation)
        case DropNotNull():
            return columns.drop_not_null(action, situation)
        case SetDefault() | DropDefault():
            return situation.exclusive(action.table)
        case DropTrigger():
            return tables.drop_trigger(action, situation)
        case RenameTable() | SetSchema():
            return Facts(locks=(situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE),))
        case SetRowSecurity() | DropPolicy() | DropRule():
            return Facts(locks=(situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE),))
        case CreatePolicy():
            own = situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE)
            return Facts(locks=(own, *situation.locks(action.reads, LockMode.ACCESS_SHARE)))
        case CreateTrigger():
            return tables.create_trigger(action, situation)
        case CreateRule():
            return settings.create_rule(action, situation)
        case AlterTableOption():
            return settings.alter_table_option(action, situation)
        case AlterConstraint():
            return settings.alter_constraint(action, situation)
        case SetPersistence():
            return settings.set_persistence(action, situation)
        case SetAccessMethod():
            return settings.set_access_method(action, situation)
        case SetTablespace():
            return settings.set_tablespace(action, situation)
        case SetTriggerState():
            return settings.set_trigger_state(action, situation)
        case SetInheritance():
            return settings.set_inheritance(action, situation)
        case AttachIndex():
            return settings.attach_index(action, situation)
        case Reindex():
            return maintenance.reindex(action, situation)
        case Vacuum():
            return maintenance.vacuum(action, situation)
        case Analyze():
            return maintenance.analyze(action, situation)
        case Cluster():
            return maintenance.cluster(action, situation)
        case RefreshView():
            return maintenance.refresh_view(action, situation)
        case CreateStatistics():
            mode = LockMode.SHARE_UPDATE_EXCLUSIVE
            return Facts(locks=(situation.lock(action.table, mode),))
        case AlterDomain():
            return objects.alter_domain(action, situation)
        case DropObject():
            return objects.drop_object(action, situation)
        case RenameObject():
            return objects.rename_object(action, situation)
        case CreateSequence():
            return objects.create_sequence(action, situation)
        case AlterSequence():
            return objects.alter_sequence(action, situation)
        case ChangePrivileges():
            return objects.change_privileges(action, situation)
        case ChangeCluster():
            return objects.change_cluster(action, situation)
        case CommentOn():
            if action.relation is None:
                return Facts()
            part, whole = LockMode.ACCESS_SHARE, LockMode.SHARE_UPDATE_EXCLUSIVE
            return Facts(
                locks=(situation.lock(action.relation, part if action.is_part else whole),)
            )
        case NoTableAction():
            # A function of somebody's own may do anything, and what it is called says nothing.
            is_opaque = any(not is_read(call, situation.catalog) for call in action.calls)
            doubt = Facts(certainty=Certainty.UNKNOWN if is_opaque else Certainty.KNOWN)
            return join_facts([situation.reading(action.reads), doubt])
        case DropSchema():
            return tables.drop_schema(action, situation)
        case CreateFunction():
            return functions.create_function(action, situation)
        case UnreadSql():
            return Facts(certainty=Certainty.UNKNOWN)
        case UnmodelledAction():
            # The strongest it could be, said to be unknown.
            members = (member for table in action.tables for member in situation.family(table))
            return Facts(
                locks=situation.locks(members, LockMode.ACCESS_EXCLUSIVE),
                certainty=Certainty.UNKNOWN,
            )
        case (
            CreateSchema()
            | RenameSchema()
            | CreateDomain()
            | CreateEnum()
            | AddEnumValue()
            | RenameEnumValue()
            | RenameType()
            | CreateExtension()
            | DoBlock()
            | SetVariable()
            | TransactionControl()
        ):
            return Facts()
        case _ as unreachable:
            assert_never(unreachable)
