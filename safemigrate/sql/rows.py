"""SELECT, COPY, and what changes rows."""

from collections.abc import Iterator

from safemigrate.model import (
    Action,
    ChangeRows,
    LockMode,
    LockTable,
    NoTableAction,
    RowChange,
    SetVariable,
    UnmodelledAction,
)
from safemigrate.sql.expressions import (
    flatten,
    name_of_range,
    read_calls,
    read_columns,
    read_strings,
    read_tables,
)
from safemigrate.sql.parser import nodes
from safemigrate.sql.texts import read_assigned_texts, read_texts

__all__ = ["ROW_CHANGES", "read_call", "read_copy", "read_row_changes", "read_select"]

ROW_CHANGES = {
    "insert_stmt": RowChange.INSERT,
    "update_stmt": RowChange.UPDATE,
    "delete_stmt": RowChange.DELETE,
    "merge_stmt": RowChange.MERGE,
}
"""The statements that change rows, by the parser's name for them."""


def read_row_changes(node: nodes.Node) -> list[Action]:
    """Return the actions of a statement among `ROW_CHANGES`, those of its WITH last."""
    which = node.WhichOneof("node") or ""
    return [_read_row_change(node, which), *_read_inner_changes(node, which)]


def _read_row_change(node: nodes.Node, which: str) -> Action:
    statement: nodes.UpdateStmt = getattr(node, which)
    target = name_of_range(statement.relation)
    change = ROW_CHANGES[which]
    inner = flatten(node)
    others = tuple(name for name in read_tables(inner) if name != target)
    texts = read_texts(inner, *read_assigned_texts(node))
    match change:
        case RowChange.INSERT:
            condition = _read_condition(node.insert_stmt.select_stmt.select_stmt)
            columns = _inserted_columns(node.insert_stmt)
            return ChangeRows(change, target, others, *condition, columns, texts)
        case RowChange.UPDATE | RowChange.DELETE:
            condition = _read_condition(statement)
            targets = node.update_stmt.target_list
            columns = tuple(dict.fromkeys(item.res_target.name for item in targets))
            return ChangeRows(change, target, others, *condition, columns, texts)
    return ChangeRows(change, target, others, texts=texts)


def _inserted_columns(insert: nodes.InsertStmt) -> tuple[str, ...] | None:
    """Return the columns of the list; None without one, though DEFAULT VALUES needs none."""
    if insert.cols or not insert.HasField("select_stmt"):
        return tuple(item.res_target.name for item in insert.cols)
    return None


def _read_condition(
    statement: nodes.UpdateStmt | nodes.SelectStmt,
) -> tuple[bool, tuple[str, ...]]:
    """Return whether the statement picks rows, and by which columns."""
    if statement.HasField("where_clause"):
        return True, read_columns(flatten(statement.where_clause))
    return isinstance(statement, nodes.SelectStmt) and statement.HasField("limit_count"), ()


def _read_inner_changes(node: nodes.Node, which: str) -> Iterator[Action]:
    """Yield what WITH changes: INSERT, UPDATE, DELETE and MERGE in common table expressions."""
    statement: nodes.SelectStmt = getattr(node, which)
    for table in statement.with_clause.ctes:
        query = table.common_table_expr.ctequery
        inner = query.WhichOneof("node") or ""
        if inner in ROW_CHANGES:
            yield _read_row_change(query, inner)


def read_select(node: nodes.Node) -> list[Action]:
    """Return the actions of SELECT: what it reads, locks and changes."""
    if node.select_stmt.HasField("into_clause"):
        name = name_of_range(node.select_stmt.into_clause.rel)
        return [UnmodelledAction("SELECT INTO", (name,))]
    setting = _read_set_config(node.select_stmt)
    if setting is not None:
        return [setting]
    changes = list(_read_inner_changes(node, "select_stmt"))
    inner = flatten(node)
    tables = read_tables(inner)
    if node.select_stmt.locking_clause:
        return [LockTable(name, LockMode.ROW_SHARE.value) for name in tables] + changes
    return [NoTableAction("SELECT", tables, read_calls(inner)), *changes]


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


def read_call(node: nodes.Node) -> list[Action]:
    """Return the action of CALL."""
    inner = flatten(node)
    return [NoTableAction("CALL", read_tables(inner), read_calls(inner))]


def read_copy(node: nodes.Node) -> list[Action]:
    """Return the action of COPY."""
    copy = node.copy_stmt
    if copy.is_from:
        return [ChangeRows(RowChange.COPY, name_of_range(copy.relation))]
    return [NoTableAction("COPY", read_tables(flatten(node)))]
