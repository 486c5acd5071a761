"""Names, types and expressions, out of the parse tree."""

from collections.abc import Collection, Iterable, Sequence

from google.protobuf.message import Message

from safemigrate.model import ColumnType, Expression, FunctionCall, QualifiedName
from safemigrate.sql.parser import deparse_expression, nodes, walk_nodes
from safemigrate.sql.texts import read_texts

__all__ = [
    "SERIAL_TYPES",
    "flatten",
    "name_of_range",
    "name_of_strings",
    "read_calls",
    "read_columns",
    "read_expression",
    "read_strings",
    "read_tables",
    "read_type",
]

# The names format_type prints, by the names of pg_type (manual: "Data Types", table 8.1).
_DISPLAY_NAMES = {
    "bool": "boolean",
    "bpchar": "character",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}

# Manual: "Data Types", 8.1.4, serial types.
SERIAL_TYPES = {
    "bigserial": "bigint",
    "serial": "integer",
    "serial2": "smallint",
    "serial4": "integer",
    "serial8": "bigint",
    "smallserial": "smallint",
}


def name_of_range(relation: nodes.RangeVar) -> QualifiedName:
    """Return the name a RangeVar spells; temporary tables go to `pg_temp`."""
    schema = relation.schemaname or None
    if schema is None and relation.relpersistence == "t":
        schema = "pg_temp"
    return QualifiedName(schema, relation.relname)


def read_strings(items: Iterable[nodes.Node]) -> tuple[str, ...]:
    """Return the values of a list of string nodes."""
    return tuple(item.string.sval for item in items if item.HasField("string"))


def name_of_strings(parts: Sequence[str]) -> QualifiedName:
    """Return the name spelled by its parts, a leading database name dropped."""
    return QualifiedName(parts[-2] if len(parts) > 1 else None, parts[-1])


def read_type(type_name: nodes.TypeName) -> ColumnType:
    """Return the type; a serial type comes out under its own name."""
    parts = read_strings(type_name.names)
    schema = parts[-2] if len(parts) > 1 else None
    name = parts[-1] if parts else ""
    if schema in {None, "pg_catalog"}:
        schema = None
        name = _DISPLAY_NAMES.get(name, name)
    modifiers = tuple(
        item.a_const.ival.ival
        for item in type_name.typmods
        if item.HasField("a_const") and item.a_const.HasField("ival")
    )
    return ColumnType(name, modifiers, len(type_name.array_bounds), schema)


def read_expression(node: nodes.Node) -> Expression:
    """Return what the judging needs to know of an expression."""
    inner = flatten(node)
    bare_column, casts = _bare_column(node)
    return Expression(
        sql=deparse_expression(node),
        functions=read_calls(inner),
        columns=read_columns(inner),
        not_null_columns=_not_null_columns(node),
        is_null_constant=_is_null(node),
        bare_column=bare_column,
        casts=casts,
        texts=read_texts(inner),
    )


def flatten(node: Message) -> tuple[Message, ...]:
    """Return every message inside `node`, to be looked through for several things."""
    return tuple(walk_nodes(node))


def read_columns(inner: Iterable[Message]) -> tuple[str, ...]:
    """Return the columns referred to anywhere among the messages, each once."""
    found: dict[str, None] = {}
    for one in inner:
        if isinstance(one, nodes.ColumnRef):
            parts = read_strings(one.fields)
            if parts:
                found[parts[-1]] = None
    return tuple(found)


def read_calls(inner: Iterable[Message]) -> tuple[FunctionCall, ...]:
    """Return the functions called among the messages, each once, without the schema pg_catalog."""
    found: dict[FunctionCall, None] = {}
    for one in inner:
        if isinstance(one, nodes.FuncCall):
            name = name_of_strings(read_strings(one.funcname))
            schema = None if name.schema == "pg_catalog" else name.schema
            found[FunctionCall(schema, name.name, len(one.args))] = None
    return tuple(found)


def _bare_column(node: nodes.Node) -> tuple[str | None, tuple[ColumnType, ...]]:
    """Return the column and the casts around it, from the inside out; None for anything else."""
    if node.HasField("column_ref"):
        parts = read_strings(node.column_ref.fields)
        return (parts[-1] if parts else None), ()
    if node.HasField("type_cast"):
        column, casts = _bare_column(node.type_cast.arg)
        if column is not None:
            return column, (*casts, read_type(node.type_cast.type_name))
    return None, ()


def _not_null_columns(node: nodes.Node) -> tuple[str, ...]:
    """Return the columns that `node` proves NOT NULL: `c IS NOT NULL`, alone or under AND.

    `NOT c IS NULL` is the same to the server.
    """
    if node.HasField("null_test"):
        return _tested_column(node, nodes.NullTestType.IS_NOT_NULL)
    if not node.HasField("bool_expr"):
        return ()
    parts = node.bool_expr.args
    if node.bool_expr.boolop == nodes.BoolExprType.NOT_EXPR:
        return _tested_column(parts[0], nodes.NullTestType.IS_NULL)
    if node.bool_expr.boolop == nodes.BoolExprType.AND_EXPR:
        return tuple(column for part in parts for column in _not_null_columns(part))
    return ()


def _tested_column(node: nodes.Node, kind: int) -> tuple[str, ...]:
    """Return the column that is tested for NULL, or for not being it, as `kind` says."""
    test = node.null_test
    if test.nulltesttype != kind or not test.arg.HasField("column_ref"):
        return ()
    return read_strings(test.arg.column_ref.fields)[-1:]


def _is_null(node: nodes.Node) -> bool:
    if node.HasField("type_cast"):
        return _is_null(node.type_cast.arg)
    return bool(node.HasField("a_const") and node.a_const.isnull)


def read_tables(inner: Collection[Message]) -> tuple[QualifiedName, ...]:
    """Return the tables named among the messages, each once, common table expressions left out."""
    made_here = {one.ctename for one in inner if isinstance(one, nodes.CommonTableExpr)}
    found: dict[QualifiedName, None] = {}
    for one in inner:
        if isinstance(one, nodes.RangeVar):
            name = name_of_range(one)
            if name.schema is not None or name.name not in made_here:
                found[name] = None
    return tuple(found)
