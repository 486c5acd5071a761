"""An action → its facts, by family."""

from typing import assert_never

from safemigrate.facts import columns, constraints, indexes, tables
from safemigrate.facts.situation import Situation
from safemigrate.facts.volatility import is_read
from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterColumnOption,
    AlterColumnType,
    AttachPartition,
    Certainty,
    ChangeRows,
    CommentOn,
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
    Facts,
    LockMode,
    LockTable,
    NoTableAction,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameSchema,
    RenameTable,
    RenameType,
    ServerVersion,
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

__all__ = ["facts_of"]

# From 18 on, GRANT and REVOKE look the table up under a lock (measured on 14 to 18).
_GRANT_LOCKS_SINCE = ServerVersion(18)


def facts_of(action: Action, situation: Situation) -> Facts:  # noqa: C901, PLR0912 - one case each
    """Return what the server does for the action in the situation."""
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
        case SetDefault() | DropDefault() | DropNotNull():
            return situation.exclusive(action.table)
        case RenameTable() | SetSchema() | DropTrigger():
            return Facts(locks=(situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE),))
        case SetRowSecurity() | CreatePolicy() | DropPolicy():
            return Facts(locks=(situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE),))
        case CreateTrigger():
            return Facts(locks=(situation.lock(action.table, LockMode.SHARE_ROW_EXCLUSIVE),))
        case CommentOn():
            if action.relation is None:
                return Facts()
            part, whole = LockMode.ACCESS_SHARE, LockMode.SHARE_UPDATE_EXCLUSIVE
            return Facts(
                locks=(situation.lock(action.relation, part if action.is_part else whole),)
            )
        case NoTableAction():
            if action.kind == "GRANT" and situation.version < _GRANT_LOCKS_SINCE:
                return Facts()
            # A function of somebody's own may do anything, and what it is called says nothing.
            is_opaque = any(not is_read(call, situation.catalog) for call in action.calls)
            return Facts(
                locks=situation.locks(action.reads, LockMode.ACCESS_SHARE),
                certainty=Certainty.UNKNOWN if is_opaque else Certainty.KNOWN,
            )
        case DropSchema():
            return tables.drop_schema(action, situation)
        case UnmodelledAction():
            # The strongest it could be, said to be unknown.
            return Facts(
                locks=situation.locks(action.tables, LockMode.ACCESS_EXCLUSIVE),
                certainty=Certainty.UNKNOWN,
            )
        case (
            CreateSchema()
            | RenameSchema()
            | CreateDomain()
            | CreateEnum()
            | AddEnumValue()
            | RenameType()
            | CreateFunction()
            | SetVariable()
            | TransactionControl()
        ):
            return Facts()
        case _ as unreachable:
            assert_never(unreachable)
