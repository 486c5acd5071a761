"""ALTER TABLE: one action for each subcommand."""

import re
from dataclasses import replace

from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AlterColumnOption,
    AlterColumnType,
    AlterTableOption,
    AttachIndex,
    AttachPartition,
    ColumnOption,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropNotNull,
    FamilyAction,
    NoTableAction,
    QualifiedName,
    RowSecurity,
    SetDefault,
    SetNotNull,
    SetRowSecurity,
    TableOption,
    UnmodelledAction,
    ValidateConstraint,
)
from safemigrate.sql.definitions import read_bound, read_column, read_constraint
from safemigrate.sql.expressions import name_of_range, read_expression, read_strings, read_type
from safemigrate.sql.objects import kind_of
from safemigrate.sql.parser import character_positions, nodes, read_tokens
from safemigrate.sql.settings import read_setting

__all__ = ["read_alter_table"]

_AT = nodes.AlterTableType

_COLUMN_OPTIONS = {
    _AT.AT_SetStatistics: ColumnOption.STATISTICS,
    _AT.AT_SetStorage: ColumnOption.STORAGE,
    _AT.AT_SetCompression: ColumnOption.COMPRESSION,
    _AT.AT_SetOptions: ColumnOption.OPTIONS,
    _AT.AT_ResetOptions: ColumnOption.OPTIONS,
    _AT.AT_AddIdentity: ColumnOption.ADD_IDENTITY,
    _AT.AT_SetIdentity: ColumnOption.SET_IDENTITY,
    _AT.AT_DropIdentity: ColumnOption.DROP_IDENTITY,
    _AT.AT_DropExpression: ColumnOption.DROP_EXPRESSION,
    _AT.AT_SetExpression: ColumnOption.SET_EXPRESSION,
}

_ROW_SECURITY = {
    _AT.AT_EnableRowSecurity: RowSecurity.ENABLE,
    _AT.AT_DisableRowSecurity: RowSecurity.DISABLE,
    _AT.AT_ForceRowSecurity: RowSecurity.FORCE,
    _AT.AT_NoForceRowSecurity: RowSecurity.NO_FORCE,
}


def read_alter_table(node: nodes.AlterTableStmt, sql: str) -> list[Action]:
    """Return the actions of ALTER TABLE, in the order written."""
    table = name_of_range(node.relation)
    if node.objtype not in _TABLES:
        return [_read_other(table, node.objtype, item.alter_table_cmd) for item in node.cmds]
    offsets = _only_offset(sql) if len(node.cmds) == 1 else []
    offsets = offsets or _subcommand_offsets(sql)
    if len(offsets) != len(node.cmds):
        offsets = [0] * len(node.cmds)
    actions = [
        _read_subcommand(table, command.alter_table_cmd, sql, offset)
        for command, offset in zip(node.cmds, offsets, strict=True)
    ]
    return actions if node.relation.inh else [_leave_children(action) for action in actions]


_KINDS = nodes.ObjectType
_TABLES = frozenset({_KINDS.OBJECT_TABLE, _KINDS.OBJECT_FOREIGN_TABLE})


def _leave_children(action: Action) -> Action:
    """Return the action as ONLY makes it, where it would reach partitions and children."""
    return replace(action, is_only=True) if isinstance(action, FamilyAction) else action


def _read_other(relation: QualifiedName, kind: int, command: nodes.AlterTableCmd) -> Action:
    """Return the action of a subcommand of ALTER INDEX, ALTER VIEW, ALTER TYPE and their like."""
    if kind == _KINDS.OBJECT_TYPE:
        is_cascade = _is_cascade(command)
        return UnmodelledAction("ALTER TYPE CASCADE") if is_cascade else NoTableAction("ALTER TYPE")
    if kind == _KINDS.OBJECT_VIEW and command.subtype != _AT.AT_ChangeOwner:
        return AlterTableOption(relation, TableOption.VIEW)
    match command.subtype:
        case _AT.AT_AttachPartition:
            name = getattr(command, "def").partition_cmd.name
            return AttachIndex(relation, name_of_range(name))
        case _AT.AT_SetStatistics if kind == _KINDS.OBJECT_INDEX:
            return AlterTableOption(relation, TableOption.INDEX_STATISTICS)
    setting = read_setting(relation, command, 0)
    return setting or UnmodelledAction(f"ALTER {kind_of(kind)}", (relation,))


# ALTER TABLE up to the only subcommand, where nothing unusual stands before it.
_PART = r"""(?: [A-Za-z_][A-Za-z0-9_$]*+ | "(?:[^"]|"")*+" )"""
_HEAD = re.compile(
    rf"""
      ALTER \s++ TABLE \s++ (?: IF \s++ EXISTS \s++ )?+ (?: ONLY \s++ )?+
      {_PART} (?: \. {_PART} )*+ \s++ (?=[A-Z])
    """,
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)


def _only_offset(sql: str) -> list[int]:
    """Return what `_subcommand_offsets` does for one subcommand, if that is plain to see."""
    head = _HEAD.match(sql)
    return [] if head is None else [head.end()]


def _subcommand_offsets(sql: str) -> list[int]:
    """Return where each subcommand begins: behind the table's name, and behind each outer comma."""
    tokens = read_tokens(sql)
    words = [sql[token.start : token.end].upper() for token in tokens]
    position = 2  # ALTER TABLE
    if words[position : position + 2] == ["IF", "EXISTS"]:
        position += 2
    if words[position : position + 1] == ["ONLY"]:
        position += 1
    position += 1  # the name, with the parts behind dots
    while words[position : position + 1] == ["."]:
        position += 2
    if words[position : position + 1] == ["*"]:
        position += 1
    offsets, depth = [], 0
    is_next = True
    for token, word in zip(tokens[position:], words[position:], strict=True):
        if is_next:
            offsets.append(token.start)
            is_next = False
        depth += (word in "([") - (word in ")]") if len(word) == 1 else 0
        is_next = word == "," and depth == 0
    return offsets


def _read_subcommand(
    table: QualifiedName, command: nodes.AlterTableCmd, sql: str, offset: int
) -> Action:
    """Return the action of one subcommand."""
    column = _read_column_subcommand(table, command, sql, offset)
    if column is not None:
        return column
    match command.subtype:
        case _AT.AT_AddConstraint:
            constraint = read_constraint(
                getattr(command, "def").constraint, character_positions(sql)
            )
            return AddConstraint(table, replace(constraint, offset=offset), offset=offset)
        case _AT.AT_DropConstraint:
            return DropConstraint(
                table, command.name, _is_cascade(command), command.missing_ok, offset=offset
            )
        case _AT.AT_ValidateConstraint:
            return ValidateConstraint(table, command.name, offset=offset)
        case _AT.AT_AttachPartition:
            partition = getattr(command, "def").partition_cmd
            bound = partition.bound
            return AttachPartition(
                table,
                name_of_range(partition.name),
                bound.is_default,
                read_bound(bound),
                offset=offset,
            )
        case _AT.AT_DetachPartition:
            partition = getattr(command, "def").partition_cmd
            return DetachPartition(
                table, name_of_range(partition.name), partition.concurrent, offset=offset
            )
        case subtype if subtype in _ROW_SECURITY:
            return SetRowSecurity(table, _ROW_SECURITY[subtype], offset=offset)
    setting = read_setting(table, command, offset)
    if setting is not None:
        return setting
    name = _AT.Name(command.subtype).removeprefix("AT_")
    return UnmodelledAction(f"ALTER TABLE {name}", (table,), offset=offset)


def _read_column_subcommand(
    table: QualifiedName, command: nodes.AlterTableCmd, sql: str, offset: int
) -> Action | None:
    """Return the action of a subcommand about one column, None for any other."""
    # `def` is a keyword of Python, so the field cannot be written as an attribute.
    definition: nodes.Node = getattr(command, "def")
    match command.subtype:
        case _AT.AT_AddColumn:
            column = read_column(definition.column_def, character_positions(sql))
            return AddColumn(table, column, command.missing_ok, offset=offset)
        case _AT.AT_DropColumn:
            return DropColumn(
                table, command.name, _is_cascade(command), command.missing_ok, offset=offset
            )
        case _AT.AT_AlterColumnType:
            new = definition.column_def
            return AlterColumnType(
                table,
                command.name,
                read_type(new.type_name),
                read_expression(new.raw_default) if new.HasField("raw_default") else None,
                ".".join(read_strings(new.coll_clause.collname)) or None,
                offset=offset,
            )
        case _AT.AT_ColumnDefault if command.HasField("def"):
            return SetDefault(table, command.name, read_expression(definition), offset=offset)
        case _AT.AT_ColumnDefault:
            return DropDefault(table, command.name, offset=offset)
        case _AT.AT_SetNotNull:
            return SetNotNull(table, command.name, offset=offset)
        case _AT.AT_DropNotNull:
            return DropNotNull(table, command.name, offset=offset)
        case subtype if subtype in _COLUMN_OPTIONS:
            option = _COLUMN_OPTIONS[subtype]
            is_new = option is ColumnOption.SET_EXPRESSION
            expression = read_expression(definition) if is_new else None
            return AlterColumnOption(table, command.name, option, expression, offset=offset)
    return None


def _is_cascade(command: nodes.AlterTableCmd) -> bool:
    return bool(command.behavior == nodes.DropBehavior.DROP_CASCADE)
