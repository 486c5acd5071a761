"""A statement → its actions."""

from collections.abc import Callable, Iterator

from safemigrate.model import (
    Action,
    AddEnumValue,
    ChangeRows,
    CreateEnum,
    CreatePolicy,
    CreateSchema,
    CreateTrigger,
    DropIndex,
    DropPolicy,
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
    RenameSchema,
    RenameTable,
    RenameType,
    RowChange,
    SetSchema,
    SetVariable,
    TransactionControl,
    TransactionVerb,
    Truncate,
    UnmodelledAction,
)
from safemigrate.sql.altering import read_alter_table
from safemigrate.sql.creating import (
    read_comment,
    read_create_domain,
    read_create_function,
    read_create_index,
    read_create_table,
    read_create_table_as,
    read_create_view,
)
from safemigrate.sql.expressions import (
    name_of_range,
    name_of_strings,
    read_calls,
    read_expression,
    read_strings,
    tables_in,
)
from safemigrate.sql.parser import nodes, parse_statement

__all__ = ["read_actions"]

_KINDS = nodes.ObjectType

# Statements that take no lock on a table anybody else can see, by the parser's name for them.
_NO_TABLE = {
    "alter_database_set_stmt": "ALTER DATABASE",
    "alter_default_privileges_stmt": "ALTER DEFAULT PRIVILEGES",
    "alter_enum_stmt": "ALTER TYPE",
    "alter_function_stmt": "ALTER FUNCTION",
    "alter_role_set_stmt": "ALTER ROLE",
    "alter_role_stmt": "ALTER ROLE",
    "alter_seq_stmt": "ALTER SEQUENCE",
    "composite_type_stmt": "CREATE TYPE",
    "constraints_set_stmt": "SET CONSTRAINTS",
    "create_cast_stmt": "CREATE CAST",
    "create_extension_stmt": "CREATE EXTENSION",
    "create_range_stmt": "CREATE TYPE",
    "create_role_stmt": "CREATE ROLE",
    "create_seq_stmt": "CREATE SEQUENCE",
    "define_stmt": "CREATE",
    "drop_role_stmt": "DROP ROLE",
    "grant_role_stmt": "GRANT ROLE",
    "grant_stmt": "GRANT",
    "notify_stmt": "NOTIFY",
    "variable_show_stmt": "SHOW",
}

# The same among what DROP can name.
_DROP_NO_TABLE = frozenset(
    {
        _KINDS.OBJECT_AGGREGATE,
        _KINDS.OBJECT_CAST,
        _KINDS.OBJECT_EXTENSION,
        _KINDS.OBJECT_FUNCTION,
        _KINDS.OBJECT_PROCEDURE,
        _KINDS.OBJECT_ROUTINE,
        _KINDS.OBJECT_SEQUENCE,
        _KINDS.OBJECT_TYPE,
        _KINDS.OBJECT_DOMAIN,
    }
)

# And among what can be renamed.
_RENAME_NO_TABLE = frozenset(
    {
        _KINDS.OBJECT_AGGREGATE,
        _KINDS.OBJECT_DOMAIN,
        _KINDS.OBJECT_FUNCTION,
        _KINDS.OBJECT_PROCEDURE,
        _KINDS.OBJECT_ROLE,
    }
)

_ROW_CHANGES = {
    "insert_stmt": RowChange.INSERT,
    "update_stmt": RowChange.UPDATE,
    "delete_stmt": RowChange.DELETE,
    "merge_stmt": RowChange.MERGE,
}


def read_actions(sql: str) -> tuple[Action, ...]:
    """Return what one statement does, action by action.

    Raises:
        SqlSyntaxError: when it does not parse.
    """
    node = parse_statement(sql)
    which = node.WhichOneof("node") or ""
    if which == "alter_table_stmt":
        return tuple(read_alter_table(node.alter_table_stmt, sql))
    if which == "create_stmt":
        return (read_create_table(node.create_stmt, sql),)
    if which in _ROW_CHANGES:
        return (_read_row_change(node, which), *_read_inner_changes(node, which))
    reader = _READERS.get(which)
    if reader is not None:
        return tuple(reader(node))
    if which in _NO_TABLE:
        reads = tables_in(node) if which == "grant_stmt" else ()
        return (NoTableAction(_NO_TABLE[which], reads),)
    return (UnmodelledAction(_tag(which), tables_in(node)),)


def _tag(which: str) -> str:
    return which.removesuffix("_stmt").replace("_", " ").upper()


def _read_row_change(node: nodes.Node, which: str) -> Action:
    statement: nodes.UpdateStmt = getattr(node, which)
    target = name_of_range(statement.relation)
    change = _ROW_CHANGES[which]
    others = _others(node, target)
    match change:
        case RowChange.INSERT:
            query = node.insert_stmt.select_stmt.select_stmt
            return ChangeRows(change, target, others, *_read_condition(query))
        case RowChange.UPDATE | RowChange.DELETE:
            return ChangeRows(change, target, others, *_read_condition(statement))
    return ChangeRows(change, target, others)


def _read_condition(
    statement: nodes.UpdateStmt | nodes.SelectStmt,
) -> tuple[bool, tuple[str, ...]]:
    """Return whether the statement picks rows, and by which columns."""
    if statement.HasField("where_clause"):
        return True, read_expression(statement.where_clause).columns
    return isinstance(statement, nodes.SelectStmt) and statement.HasField("limit_count"), ()


def _read_inner_changes(node: nodes.Node, which: str) -> Iterator[Action]:
    """Yield what WITH changes: INSERT, UPDATE, DELETE and MERGE in common table expressions."""
    statement: nodes.SelectStmt = getattr(node, which)
    for table in statement.with_clause.ctes:
        query = table.common_table_expr.ctequery
        inner = query.WhichOneof("node") or ""
        if inner in _ROW_CHANGES:
            yield _read_row_change(query, inner)


def _others(node: nodes.Node, target: QualifiedName) -> tuple[QualifiedName, ...]:
    return tuple(name for name in tables_in(node) if name != target)


def _read_select(node: nodes.Node) -> list[Action]:
    if node.select_stmt.HasField("into_clause"):
        name = name_of_range(node.select_stmt.into_clause.rel)
        return [UnmodelledAction("SELECT INTO", (name,))]
    setting = _read_set_config(node.select_stmt)
    if setting is not None:
        return [setting]
    changes = list(_read_inner_changes(node, "select_stmt"))
    if node.select_stmt.locking_clause:
        return [LockTable(name, LockMode.ROW_SHARE.value) for name in tables_in(node)] + changes
    return [NoTableAction("SELECT", tables_in(node), read_calls(node)), *changes]


def _read_set_config(select: nodes.SelectStmt) -> Action | None:
    """Return the action of `SELECT set_config(name, value, is_local)` with constants."""
    if len(select.target_list) != 1:
        return None
    call = select.target_list[0].res_target.val.func_call
    if read_strings(call.funcname)[-1:] != ("set_config",) or len(call.args) != _SET_CONFIG:
        return None
    name, value = (argument.a_const.sval.sval for argument in call.args[:2])
    local = call.args[2].a_const
    return SetVariable(name.lower(), value, local.boolval.boolval) if name else None


_SET_CONFIG = 3  # arguments


def _read_copy(node: nodes.Node) -> list[Action]:
    copy = node.copy_stmt
    if copy.is_from:
        return [ChangeRows(RowChange.COPY, name_of_range(copy.relation))]
    return [NoTableAction("COPY", tables_in(node))]


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
            case kind if kind in _DROP_NO_TABLE and not is_cascade:
                actions.append(NoTableAction(f"DROP {_KINDS.Name(kind).removeprefix('OBJECT_')}"))
            case kind:
                name = _KINDS.Name(kind).removeprefix("OBJECT_")
                words = f"DROP {name} CASCADE" if is_cascade else f"DROP {name}"
                actions.append(UnmodelledAction(words))
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
            return [RenameColumn(name, rename.subname, rename.newname)]
        case _KINDS.OBJECT_TABCONSTRAINT:
            return [RenameConstraint(name, rename.subname, rename.newname)]
        case _KINDS.OBJECT_INDEX:
            return [RenameIndex(name, rename.newname)]
        case _KINDS.OBJECT_SCHEMA:
            return [RenameSchema(rename.subname, rename.newname)]
        case _KINDS.OBJECT_TYPE:
            return [RenameType(name_of_strings(_parts(rename.object)), rename.newname)]
        case kind:
            tag = _KINDS.Name(kind).removeprefix("OBJECT_")
            if kind in _RENAME_NO_TABLE:
                return [NoTableAction(f"ALTER {tag} RENAME")]
            tables = (name,) if name.name else ()
            return [UnmodelledAction(f"ALTER {tag} RENAME", tables)]


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
}


def _read_transaction(node: nodes.Node) -> list[Action]:
    verb = _VERBS.get(node.transaction_stmt.kind, TransactionVerb.SAVEPOINT)
    return [TransactionControl(verb)]


def _read_enum_change(node: nodes.Node) -> list[Action]:
    change = node.alter_enum_stmt
    name = name_of_strings(read_strings(change.type_name))
    if change.old_val:
        return [NoTableAction("ALTER TYPE RENAME VALUE")]
    return [AddEnumValue(name, change.new_val)]


def _read_create_enum(node: nodes.Node) -> list[Action]:
    enum = node.create_enum_stmt
    name = name_of_strings(read_strings(enum.type_name))
    return [CreateEnum(name, read_strings(enum.vals))]


def _read_create_schema(node: nodes.Node) -> list[Action]:
    schema = node.create_schema_stmt
    actions: list[Action] = [CreateSchema(schema.schemaname or schema.authrole.rolename)]
    if schema.schema_elts:
        actions.append(UnmodelledAction("CREATE SCHEMA with elements"))
    return actions


def _read_lock(node: nodes.Node) -> list[Action]:
    mode = list(LockMode)[node.lock_stmt.mode - 1].value
    return [LockTable(name_of_range(item.range_var), mode) for item in node.lock_stmt.relations]


def _read_truncate(node: nodes.Node) -> list[Action]:
    is_cascade = node.truncate_stmt.behavior == nodes.DropBehavior.DROP_CASCADE
    return [
        Truncate(name_of_range(item.range_var), is_cascade) for item in node.truncate_stmt.relations
    ]


def _read_trigger(node: nodes.Node) -> list[Action]:
    trigger = node.create_trig_stmt
    return [CreateTrigger(name_of_range(trigger.relation), trigger.trigname)]


def _read_policy(node: nodes.Node) -> list[Action]:
    which = node.WhichOneof("node") or ""
    policy: nodes.CreatePolicyStmt = getattr(node, which)
    return [CreatePolicy(name_of_range(policy.table), policy.policy_name)]


_READERS: dict[str, Callable[[nodes.Node], list[Action]]] = {
    "alter_enum_stmt": _read_enum_change,
    "alter_object_schema_stmt": _read_set_schema,
    "alter_policy_stmt": _read_policy,
    "comment_stmt": lambda node: [read_comment(node.comment_stmt)],
    "copy_stmt": _read_copy,
    "create_domain_stmt": lambda node: [read_create_domain(node.create_domain_stmt)],
    "create_enum_stmt": _read_create_enum,
    "create_function_stmt": lambda node: [read_create_function(node.create_function_stmt)],
    "create_policy_stmt": _read_policy,
    "create_schema_stmt": _read_create_schema,
    "create_table_as_stmt": lambda node: [read_create_table_as(node.create_table_as_stmt)],
    "create_trig_stmt": _read_trigger,
    "drop_stmt": _read_drop,
    "index_stmt": lambda node: [read_create_index(node.index_stmt)],
    "lock_stmt": _read_lock,
    "rename_stmt": _read_rename,
    "select_stmt": _read_select,
    "transaction_stmt": _read_transaction,
    "truncate_stmt": _read_truncate,
    "variable_set_stmt": _read_variable,
    "view_stmt": lambda node: [read_create_view(node.view_stmt)],
}
