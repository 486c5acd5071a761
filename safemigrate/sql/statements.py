"""A statement → its actions."""

from collections.abc import Callable
from functools import partial

from safemigrate.model import (
    Action,
    ChangeRows,
    CreatePolicy,
    CreateRule,
    CreateSchema,
    CreateTrigger,
    DropIndex,
    DropObject,
    DropPolicy,
    DropRule,
    DropSchema,
    DropTable,
    DropTrigger,
    DropView,
    LockMode,
    LockTable,
    NoTableAction,
    QualifiedName,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameObject,
    RenameSchema,
    RenameTable,
    RenameType,
    SetSchema,
    SetVariable,
    TransactionControl,
    TransactionVerb,
    Truncate,
    UnmodelledAction,
    UnreadSql,
)
from safemigrate.sql.altering import read_alter_table
from safemigrate.sql.creating import (
    read_comment,
    read_create_domain,
    read_create_index,
    read_create_table,
    read_create_table_as,
    read_create_view,
    read_with_body,
)
from safemigrate.sql.expressions import (
    flatten,
    name_of_range,
    name_of_strings,
    read_expression,
    read_strings,
    read_tables,
)
from safemigrate.sql.limits import TooDeepError, read_with_room
from safemigrate.sql.maintaining import (
    read_cluster,
    read_create_statistics,
    read_refresh,
    read_reindex,
    read_vacuum,
)
from safemigrate.sql.objects import (
    CLUSTER_COMMANDS,
    kind_of,
    read_alter_domain,
    read_alter_enum,
    read_alter_sequence,
    read_cluster_command,
    read_create_enum,
    read_create_extension,
    read_create_sequence,
    read_privileges,
    read_role,
)
from safemigrate.sql.parser import nodes, parse_statement
from safemigrate.sql.rows import ROW_CHANGES, read_call, read_copy, read_row_changes, read_select

__all__ = ["read_actions"]

_KINDS = nodes.ObjectType

# Statements that take no lock on a table anybody else can see, by the parser's name for them.
_NO_TABLE = {
    "alter_collation_stmt": "ALTER COLLATION",
    "alter_default_privileges_stmt": "ALTER DEFAULT PRIVILEGES",
    "alter_event_trig_stmt": "ALTER EVENT TRIGGER",
    "alter_extension_stmt": "ALTER EXTENSION",
    "alter_fdw_stmt": "ALTER FOREIGN DATA WRAPPER",
    "alter_foreign_server_stmt": "ALTER SERVER",
    "alter_function_stmt": "ALTER FUNCTION",
    "alter_op_family_stmt": "ALTER OPERATOR FAMILY",
    "alter_operator_stmt": "ALTER OPERATOR",
    "alter_owner_stmt": "ALTER OWNER",
    "alter_stats_stmt": "ALTER STATISTICS",
    "alter_tsconfiguration_stmt": "ALTER TEXT SEARCH CONFIGURATION",
    "alter_tsdictionary_stmt": "ALTER TEXT SEARCH DICTIONARY",
    "alter_type_stmt": "ALTER TYPE",
    "alter_user_mapping_stmt": "ALTER USER MAPPING",
    "check_point_stmt": "CHECKPOINT",
    "close_portal_stmt": "CLOSE",
    "composite_type_stmt": "CREATE TYPE",
    "constraints_set_stmt": "SET CONSTRAINTS",
    "create_am_stmt": "CREATE ACCESS METHOD",
    "create_cast_stmt": "CREATE CAST",
    "create_conversion_stmt": "CREATE CONVERSION",
    "create_event_trig_stmt": "CREATE EVENT TRIGGER",
    "create_fdw_stmt": "CREATE FOREIGN DATA WRAPPER",
    "create_foreign_server_stmt": "CREATE SERVER",
    "create_op_class_stmt": "CREATE OPERATOR CLASS",
    "create_op_family_stmt": "CREATE OPERATOR FAMILY",
    "create_plang_stmt": "CREATE LANGUAGE",
    "create_range_stmt": "CREATE TYPE",
    "create_transform_stmt": "CREATE TRANSFORM",
    "create_user_mapping_stmt": "CREATE USER MAPPING",
    "deallocate_stmt": "DEALLOCATE",
    "define_stmt": "CREATE",
    "discard_stmt": "DISCARD",
    "drop_user_mapping_stmt": "DROP USER MAPPING",
    "listen_stmt": "LISTEN",
    "load_stmt": "LOAD",
    "notify_stmt": "NOTIFY",
    "unlisten_stmt": "UNLISTEN",
    "variable_show_stmt": "SHOW",
}


def read_actions(sql: str) -> tuple[Action, ...]:
    """Return what one statement does, action by action; UnreadSql where that is too deep to read.

    Raises:
        SqlSyntaxError: when it does not parse.
    """
    return read_with_room(sql, partial(_read, depth=0))


def _read(sql: str, depth: int) -> tuple[Action, ...]:
    """Read a statement that stands in `depth` bodies."""
    try:
        return _read_node(parse_statement(sql), sql, depth)
    except (TooDeepError, RecursionError):
        return (UnreadSql("nested too deeply to be read"),)


def _read_node(node: nodes.Node, sql: str, depth: int) -> tuple[Action, ...]:
    which = node.WhichOneof("node") or ""
    if which in {"do_stmt", "create_function_stmt"}:
        return (read_with_body(node, sql, partial(_read, depth=depth + 1), depth),)
    if which == "alter_table_stmt":
        return tuple(read_alter_table(node.alter_table_stmt, sql))
    if which == "create_stmt":
        return (read_create_table(node.create_stmt, sql),)
    reader = _READERS.get(which)
    if reader is not None:
        return tuple(reader(node))
    if which in _NO_TABLE:
        return (NoTableAction(_NO_TABLE[which]),)
    return (UnmodelledAction(_tag(which), read_tables(flatten(node))),)


def _tag(which: str) -> str:
    return which.removesuffix("_stmt").replace("_", " ").upper()


def _read_drop(node: nodes.Node) -> list[Action]:
    drop = node.drop_stmt
    is_cascade = drop.behavior == nodes.DropBehavior.DROP_CASCADE
    paths = [_parts(item) for item in drop.objects]
    actions: list[Action] = []
    for parts in paths:
        match drop.remove_type:
            case _KINDS.OBJECT_TABLE:
                actions.append(DropTable(name_of_strings(parts), is_cascade, drop.missing_ok))
            case _KINDS.OBJECT_INDEX:
                index = name_of_strings(parts)
                actions.append(DropIndex(index, drop.concurrent, is_cascade, drop.missing_ok))
            case _KINDS.OBJECT_VIEW | _KINDS.OBJECT_MATVIEW:
                is_materialized = drop.remove_type == _KINDS.OBJECT_MATVIEW
                view = name_of_strings(parts)
                actions.append(DropView(view, is_cascade, drop.missing_ok, is_materialized))
            case _KINDS.OBJECT_SCHEMA:
                actions.append(DropSchema(parts[-1], is_cascade, drop.missing_ok))
            case _KINDS.OBJECT_TRIGGER:
                actions.append(DropTrigger(name_of_strings(parts[:-1]), parts[-1]))
            case _KINDS.OBJECT_POLICY:
                actions.append(DropPolicy(name_of_strings(parts[:-1]), parts[-1]))
            case _KINDS.OBJECT_RULE:
                actions.append(DropRule(name_of_strings(parts[:-1]), parts[-1]))
            case kind:
                # A cast has no name.
                name = name_of_strings(parts) if parts else QualifiedName(None, "")
                actions.append(DropObject(kind_of(kind), name, is_cascade, drop.missing_ok))
    return actions


def _parts(item: nodes.Node) -> tuple[str, ...]:
    if item.HasField("list"):
        return read_strings(item.list.items)
    if item.HasField("string"):
        return (item.string.sval,)
    if item.HasField("type_name"):
        return read_strings(item.type_name.names)
    return read_strings(item.object_with_args.objname)


def _read_rename(node: nodes.Node) -> list[Action]:
    rename = node.rename_stmt
    name = name_of_range(rename.relation)
    match rename.rename_type:
        case _KINDS.OBJECT_TABLE | _KINDS.OBJECT_VIEW | _KINDS.OBJECT_MATVIEW:
            return [RenameTable(name, rename.newname)]
        case _KINDS.OBJECT_COLUMN:
            return [
                RenameColumn(name, rename.subname, rename.newname, is_only=not rename.relation.inh)
            ]
        case _KINDS.OBJECT_TABCONSTRAINT:
            return [RenameConstraint(name, rename.subname, rename.newname)]
        case _KINDS.OBJECT_INDEX:
            return [RenameIndex(name, rename.newname)]
        case _KINDS.OBJECT_SCHEMA:
            return [RenameSchema(rename.subname, rename.newname)]
        case _KINDS.OBJECT_TYPE:
            return [RenameType(name_of_strings(_parts(rename.object)), rename.newname)]
        case kind if kind in _PARTS_OF_RELATION:
            return [UnmodelledAction(f"ALTER {kind_of(kind)} RENAME", (name,))]
        case kind:
            parts = (rename.subname,) if rename.subname else _parts(rename.object)
            old = name if name.name else name_of_strings(parts)
            return [RenameObject(kind_of(kind), old, rename.newname)]


_PARTS_OF_RELATION = frozenset(
    {
        _KINDS.OBJECT_ATTRIBUTE,
        _KINDS.OBJECT_DOMCONSTRAINT,
        _KINDS.OBJECT_POLICY,
        _KINDS.OBJECT_RULE,
        _KINDS.OBJECT_TRIGGER,
    }
)


def _read_set_schema(node: nodes.Node) -> list[Action]:
    change = node.alter_object_schema_stmt
    if change.object_type in {_KINDS.OBJECT_TABLE, _KINDS.OBJECT_VIEW, _KINDS.OBJECT_MATVIEW}:
        return [SetSchema(name_of_range(change.relation), change.newschema)]
    return [NoTableAction("ALTER SET SCHEMA")]


def _read_variable(node: nodes.Node) -> list[Action]:
    setting = node.variable_set_stmt
    values = []
    for argument in setting.args:
        constant = argument.a_const
        match constant.WhichOneof("val"):
            case "sval":
                values.append(constant.sval.sval)
            case "ival":
                values.append(str(constant.ival.ival))
            case "fval":
                values.append(constant.fval.fval)
            case "boolval":
                values.append(str(constant.boolval.boolval).lower())
    has_value = setting.kind == nodes.VariableSetKind.VAR_SET_VALUE
    value = ", ".join(values) if has_value else None
    return [SetVariable(setting.name.lower(), value, setting.is_local)]


_VERBS = {
    nodes.TransactionStmtKind.TRANS_STMT_BEGIN: TransactionVerb.BEGIN,
    nodes.TransactionStmtKind.TRANS_STMT_START: TransactionVerb.BEGIN,
    nodes.TransactionStmtKind.TRANS_STMT_COMMIT: TransactionVerb.COMMIT,
    nodes.TransactionStmtKind.TRANS_STMT_ROLLBACK: TransactionVerb.ROLLBACK,
    # It takes the transaction from the session, which goes on without one.
    nodes.TransactionStmtKind.TRANS_STMT_PREPARE: TransactionVerb.COMMIT,
}


def _read_transaction(node: nodes.Node) -> list[Action]:
    verb = _VERBS.get(node.transaction_stmt.kind, TransactionVerb.SAVEPOINT)
    return [TransactionControl(verb)]


def _read_create_schema(node: nodes.Node) -> list[Action]:
    schema = node.create_schema_stmt
    name = schema.schemaname or schema.authrole.rolename
    actions: list[Action] = [CreateSchema(name, schema.if_not_exists)]
    if schema.schema_elts:
        actions.append(UnmodelledAction("CREATE SCHEMA with elements"))
    return actions


def _read_lock(node: nodes.Node) -> list[Action]:
    mode = list(LockMode)[node.lock_stmt.mode - 1].value
    return [
        LockTable(name_of_range(item.range_var), mode, is_only=not item.range_var.inh)
        for item in node.lock_stmt.relations
    ]


def _read_truncate(node: nodes.Node) -> list[Action]:
    is_cascade = node.truncate_stmt.behavior == nodes.DropBehavior.DROP_CASCADE
    return [
        Truncate(name_of_range(item.range_var), is_cascade, is_only=not item.range_var.inh)
        for item in node.truncate_stmt.relations
    ]


def _read_trigger(node: nodes.Node) -> list[Action]:
    trigger = node.create_trig_stmt
    far = name_of_range(trigger.constrrel) if trigger.HasField("constrrel") else None
    return [
        CreateTrigger(
            name_of_range(trigger.relation),
            trigger.trigname,
            far,
            is_for_each_row=trigger.row,
            replaces=trigger.replace,
        )
    ]


def _read_policy(node: nodes.Node) -> list[Action]:
    is_altered = node.HasField("alter_policy_stmt")
    policy: nodes.CreatePolicyStmt = getattr(node, node.WhichOneof("node") or "")
    table = name_of_range(policy.table)
    return [
        CreatePolicy(
            table=table,
            name=policy.policy_name,
            is_altered=is_altered,
            is_permissive=is_altered or policy.permissive,
            command="ALL" if is_altered else policy.cmd_name.upper(),
            roles=tuple(read_role(item.role_spec) for item in policy.roles),
            using=read_expression(policy.qual) if policy.HasField("qual") else None,
            check=read_expression(policy.with_check) if policy.HasField("with_check") else None,
            reads=tuple(name for name in read_tables(flatten(node)) if name != table),
        )
    ]


def _read_rule(node: nodes.Node) -> list[Action]:
    rule = node.rule_stmt
    table = name_of_range(rule.relation)
    changes = [
        action
        for statement in rule.actions
        if statement.WhichOneof("node") in ROW_CHANGES
        for action in read_row_changes(statement)
    ]
    writes = tuple(action.table for action in changes if isinstance(action, ChangeRows))
    reads = tuple(name for name in read_tables(flatten(node)) if name not in {table, *writes})
    return [CreateRule(table, rule.rulename, writes=writes, reads=reads)]


_READERS: dict[str, Callable[[nodes.Node], list[Action]]] = {
    "alter_domain_stmt": read_alter_domain,
    "alter_enum_stmt": read_alter_enum,
    "alter_object_schema_stmt": _read_set_schema,
    "alter_policy_stmt": _read_policy,
    "alter_seq_stmt": read_alter_sequence,
    "call_stmt": read_call,
    "cluster_stmt": read_cluster,
    "comment_stmt": lambda node: [read_comment(node.comment_stmt)],
    "copy_stmt": read_copy,
    "create_domain_stmt": lambda node: [read_create_domain(node.create_domain_stmt)],
    "create_enum_stmt": read_create_enum,
    "create_extension_stmt": read_create_extension,
    "create_policy_stmt": _read_policy,
    "create_schema_stmt": _read_create_schema,
    "create_seq_stmt": read_create_sequence,
    "create_stats_stmt": read_create_statistics,
    "create_table_as_stmt": lambda node: [read_create_table_as(node.create_table_as_stmt)],
    "create_trig_stmt": _read_trigger,
    "drop_stmt": _read_drop,
    "grant_stmt": read_privileges,
    "index_stmt": lambda node: [read_create_index(node.index_stmt)],
    "lock_stmt": _read_lock,
    "refresh_mat_view_stmt": read_refresh,
    "reindex_stmt": read_reindex,
    "rename_stmt": _read_rename,
    "rule_stmt": _read_rule,
    "select_stmt": read_select,
    "transaction_stmt": _read_transaction,
    "truncate_stmt": _read_truncate,
    "vacuum_stmt": read_vacuum,
    "variable_set_stmt": _read_variable,
    "view_stmt": lambda node: [read_create_view(node.view_stmt)],
    **dict.fromkeys(CLUSTER_COMMANDS, read_cluster_command),
    **dict.fromkeys(ROW_CHANGES, read_row_changes),
}
