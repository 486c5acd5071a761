"""The subcommands of ALTER TABLE and ALTER INDEX that set how a relation is kept."""

from safemigrate.model import (
    Action,
    AlterConstraint,
    AlterTableOption,
    Persistence,
    QualifiedName,
    SetAccessMethod,
    SetInheritance,
    SetPersistence,
    SetTablespace,
    SetTriggerState,
    TableOption,
)
from safemigrate.sql.expressions import name_of_range
from safemigrate.sql.objects import read_role
from safemigrate.sql.parser import nodes

__all__ = ["read_setting"]

_AT = nodes.AlterTableType

_OPTIONS = {
    _AT.AT_SetRelOptions: TableOption.PARAMETERS,
    _AT.AT_ResetRelOptions: TableOption.PARAMETERS,
    _AT.AT_ReplaceRelOptions: TableOption.PARAMETERS,
    _AT.AT_ClusterOn: TableOption.CLUSTER_INDEX,
    _AT.AT_DropCluster: TableOption.CLUSTER_INDEX,
    _AT.AT_ReplicaIdentity: TableOption.REPLICA_IDENTITY,
    _AT.AT_ChangeOwner: TableOption.OWNER,
    _AT.AT_AddOf: TableOption.TYPE,
    _AT.AT_DropOf: TableOption.TYPE,
}

_PERSISTENCE = {
    _AT.AT_SetLogged: Persistence.PERMANENT,
    _AT.AT_SetUnLogged: Persistence.UNLOGGED,
}

# What each does to triggers or rules: whether it enables them.
_TRIGGERS = {
    _AT.AT_EnableTrig: True,
    _AT.AT_EnableAlwaysTrig: True,
    _AT.AT_EnableReplicaTrig: True,
    _AT.AT_EnableTrigAll: True,
    _AT.AT_EnableTrigUser: True,
    _AT.AT_DisableTrig: False,
    _AT.AT_DisableTrigAll: False,
    _AT.AT_DisableTrigUser: False,
}
_RULES = {
    _AT.AT_EnableRule: True,
    _AT.AT_EnableAlwaysRule: True,
    _AT.AT_EnableReplicaRule: True,
    _AT.AT_DisableRule: False,
}


def read_setting(
    relation: QualifiedName, command: nodes.AlterTableCmd, offset: int
) -> Action | None:
    """Return the action of a subcommand about how the relation is kept, None for any other."""
    # `def` is a keyword of Python, so the field cannot be written as an attribute.
    definition: nodes.Node = getattr(command, "def")
    match command.subtype:
        case subtype if subtype in _OPTIONS:
            index = command.name if subtype == _AT.AT_ClusterOn else None
            return AlterTableOption(
                relation, _OPTIONS[subtype], offset, index, value=_read_value(command)
            )
        case subtype if subtype in _PERSISTENCE:
            return SetPersistence(relation, _PERSISTENCE[subtype], offset=offset)
        case subtype if subtype in _TRIGGERS:
            return SetTriggerState(
                relation,
                command.name or None,
                _TRIGGERS[subtype],
                offset=offset,
                is_internal=subtype in {_AT.AT_EnableTrigAll, _AT.AT_DisableTrigAll},
            )
        case subtype if subtype in _RULES:
            return SetTriggerState(
                relation, command.name, _RULES[subtype], is_rule=True, offset=offset
            )
        case _AT.AT_SetAccessMethod:
            return SetAccessMethod(relation, command.name or None, offset=offset)
        case _AT.AT_SetTableSpace:
            return SetTablespace(relation, command.name, offset=offset)
        case _AT.AT_AddInherit | _AT.AT_DropInherit:
            parent = name_of_range(definition.range_var)
            is_ended = command.subtype == _AT.AT_DropInherit
            return SetInheritance(relation, parent, is_ended, offset=offset)
        case _AT.AT_AlterConstraint:
            change = definition.atalter_constraint
            is_enforced = change.is_enforced if change.alter_enforceability else None
            return AlterConstraint(relation, change.conname, is_enforced, offset=offset)
    return None


# The letters of ReplicaIdentityStmt.identity_type (src/include/catalog/pg_class.h).
_IDENTITIES = {"d": "DEFAULT", "f": "FULL", "i": "INDEX", "n": "NOTHING"}


def _read_value(command: nodes.AlterTableCmd) -> str | None:
    """Return the new owner or the kind of replica identity, None for any other setting."""
    match command.subtype:
        case _AT.AT_ChangeOwner:
            return read_role(command.newowner)
        case _AT.AT_ReplicaIdentity:
            return _IDENTITIES[getattr(command, "def").replica_identity_stmt.identity_type]
    return None
