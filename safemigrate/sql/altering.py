"""ALTER TABLE: one action for each subcommand."""

from dataclasses import replace

from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AlterColumnOption,
    AlterColumnType,
    AttachPartition,
    ColumnOption,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropNotNull,
    QualifiedName,
    SetDefault,
    SetNotNull,
    SetRowSecurity,
    UnmodelledAction,
    ValidateConstraint,
)
from safemigrate.sql.definitions import read_bound, read_column, read_constraint
from safemigrate.sql.expressions import name_of_range, read_expression, read_strings, read_type
from safemigrate.sql.parser import character_positions, nodes, read_tokens

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

_ROW_SECURITY = frozenset(
    {
        _AT.AT_EnableRowSecurity,
        _AT.AT_DisableRowSecurity,
        _AT.AT_ForceRowSecurity,
        _AT.AT_NoForceRowSecurity,
    }
)


def read_alter_table(node: nodes.AlterTableStmt, sql: str) -> list[Action]:
    """Return the actions of ALTER TABLE, in the order written."""
    table = name_of_range(node.relation)
    kind = nodes.ObjectType.Name(node.objtype).removeprefix("OBJECT_")
    if kind != "TABLE":
        return [UnmodelledAction(f"ALTER {kind}", (table,))]
    offsets = _subcommand_offsets(sql)
    if len(offsets) != len(node.cmds):
        offsets = [0] * len(node.cmds)
    return [
        _read_subcommand(table, command.alter_table_cmd, sql, offset)
        for command, offset in zip(node.cmds, offsets, strict=True)
    ]


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
            return SetRowSecurity(table, offset=offset)
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
