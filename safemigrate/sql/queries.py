"""A query → what its answer looks like, and what it asks of PostgreSQL's own catalogs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import QualifiedName
from safemigrate.sql.expressions import read_strings
from safemigrate.sql.limits import read_with_room
from safemigrate.sql.parser import nodes, parse_statement

__all__ = [
    "Comparison",
    "Output",
    "OutputKind",
    "Parameter",
    "Query",
    "RelationName",
    "Special",
    "Value",
    "read_query",
]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value bound as `$number`; `is_relation`: cast to regclass."""

    number: int
    is_relation: bool = False


@dataclass(frozen=True, slots=True)
class RelationName:
    """A constant cast to regclass, as written."""

    text: str


class Special(Enum):
    """Values that the session knows."""

    CURRENT_SCHEMA = "current_schema"
    CURRENT_DATABASE = "current_database"


Value = str | int | bool | None | Parameter | RelationName | Special


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column equal to one of the values, or to none of them."""

    column: str
    values: tuple[Value, ...]
    is_negated: bool = False


class OutputKind(Enum):
    """What a column of the answer is."""

    COLUMN = "column"
    CONSTANT = "constant"
    COUNT = "count"
    EXISTS = "exists"
    RELATION = "to_regclass"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the answer, with its name.

    `column`: the one it shows. `value`: of a constant, the argument of to_regclass, or what
    COALESCE falls back to. `query`: the one inside EXISTS. `is_negated`: NOT EXISTS.
    `tests_null`: whether what it is about is NULL is asked, with the answer for NULL; None where
    that is not asked.
    """

    name: str
    kind: OutputKind = OutputKind.OTHER
    column: str = ""
    value: Value = None
    query: "Query | None" = None
    is_negated: bool = False
    tests_null: bool | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What is known of a query.

    `outputs`: empty where they cannot be told, as with `*`.
    `has_one_row`: the answer is one row, whatever the database holds.
    `table`: the only relation it reads, as written; None where it reads none or more.
    `conditions`: all of what rows must meet; None where they are more than comparisons with
    constants, or rows are grouped, joined or left out in another way. `limit`: of LIMIT.
    """

    outputs: tuple[Output, ...] = ()
    has_one_row: bool = False
    table: QualifiedName | None = None
    conditions: tuple[Comparison, ...] | None = None
    limit: int | None = None


@lru_cache(maxsize=256)
def read_query(sql: str) -> Query | None:
    """Return what is known of the query; None when `sql` does not parse or answers with no rows."""
    try:
        return read_with_room(sql, _read)
    except SqlSyntaxError:
        return None


def _read(sql: str) -> Query | None:
    node = parse_statement(sql)
    which = node.WhichOneof("node") or ""
    if which == "select_stmt":
        return _read_select(node.select_stmt)
    if which == "insert_stmt":
        insert = node.insert_stmt
        source = insert.select_stmt.select_stmt
        has_one = not insert.HasField("select_stmt") or len(source.values_lists) == 1
        action = insert.on_conflict_clause.action
        has_one = has_one and action != nodes.OnConflictAction.ONCONFLICT_NOTHING
        return Query(_read_outputs(insert.returning_clause.exprs), has_one)
    if which in {"update_stmt", "delete_stmt", "merge_stmt"}:
        return Query(_read_outputs(getattr(node, which).returning_clause.exprs))
    return None


def _read_select(select: nodes.SelectStmt) -> Query:
    while select.op != nodes.SetOperation.SETOP_NONE and select.HasField("larg"):
        # the columns of UNION are those of its first part, and how many rows it has is open
        return Query(_read_select(select.larg).outputs)
    outputs = _read_outputs(select.target_list)
    if select.values_lists:
        return Query()
    limit = _read_limit(select)
    is_plain = limit is not _UNREAD and not (
        select.group_clause
        or select.distinct_clause
        or select.HasField("having_clause")
        or select.HasField("with_clause")
        or select.HasField("limit_offset")
    )
    if not is_plain or any(_called(item.res_target.val) in _SETS for item in select.target_list):
        return Query(outputs)
    counts = any(_has_aggregate(item.res_target.val) for item in select.target_list)
    if not select.from_clause:
        return Query(outputs, has_one_row=not select.HasField("where_clause"))
    table = _read_table(select.from_clause)
    conditions = None
    if table is not None and (not counts or all(one.kind is OutputKind.COUNT for one in outputs)):
        conditions = _read_conditions(select.where_clause)
    return Query(outputs, counts, table, conditions, limit if isinstance(limit, int) else None)


def _read_limit(select: nodes.SelectStmt) -> "Value":
    """Return the number of LIMIT, None without one."""
    if not select.HasField("limit_count"):
        return None
    value = _read_value(select.limit_count)
    return value if value is None or (isinstance(value, int) and value > 0) else _UNREAD


def _read_table(items: Iterable[nodes.Node]) -> QualifiedName | None:
    found = list(items)
    if len(found) != 1 or found[0].WhichOneof("node") != "range_var":
        return None
    relation = found[0].range_var
    return QualifiedName(relation.schemaname or None, relation.relname)


_AGGREGATES = frozenset(
    {"array_agg", "avg", "bool_and", "bool_or", "count", "json_agg", "jsonb_agg", "max", "min"}
    | {"string_agg", "sum"}
)
# Of what a query without FROM may call, these may give more than a row, or none.
_SETS = frozenset(
    {"generate_series", "generate_subscripts", "json_array_elements", "json_each"}
    | {"jsonb_array_elements", "jsonb_each", "regexp_split_to_table", "string_to_table", "unnest"}
)


def _called(node: nodes.Node) -> str:
    """Return the bare name of the function that is called there; empty for anything else."""
    if node.WhichOneof("node") != "func_call":
        return ""
    return read_strings(node.func_call.funcname)[-1]


def _has_aggregate(node: nodes.Node) -> bool:
    """Return whether an aggregate makes one row of all, at the top or under operators."""
    match node.WhichOneof("node"):
        case "func_call":
            if _called(node) in _AGGREGATES:
                return not node.func_call.HasField("over")
            inner = list(node.func_call.args)
        case "a_expr":
            inner = [node.a_expr.lexpr, node.a_expr.rexpr]
        case "bool_expr":
            inner = list(node.bool_expr.args)
        case "coalesce_expr":
            inner = list(node.coalesce_expr.args)
        case "type_cast":
            inner = [node.type_cast.arg]
        case "null_test":
            inner = [node.null_test.arg]
        case _:
            inner = []
    return any(map(_has_aggregate, inner))


def _read_outputs(items: Iterable[nodes.Node]) -> tuple[Output, ...]:
    outputs = []
    for item in items:
        target = item.res_target
        output = _read_output(target.val, target.name)
        if output is None:
            return ()
        outputs.append(output)
    return tuple(outputs)


def _read_output(node: nodes.Node, name: str) -> Output | None:
    """Return the column of the answer; None for `*`."""
    match node.WhichOneof("node"):
        case "column_ref":
            parts = node.column_ref.fields
            if parts[-1].WhichOneof("node") != "string":
                return None
            column = parts[-1].string.sval
            return Output(name or column, OutputKind.COLUMN, column)
        case "a_const":
            return Output(name or "?column?", OutputKind.CONSTANT, value=_read_constant(node))
        case "func_call":
            return _read_call(node, name)
        case "sub_link":
            return _read_sublink(node.sub_link, name)
        case "bool_expr" | "null_test" | "type_cast":
            return _read_wrapped(node, name)
        case "coalesce_expr":
            fallback = _read_value(node.coalesce_expr.args[-1])
            return Output(name or "coalesce", value=None if fallback is _UNREAD else fallback)
        case "case_expr":
            return Output(name or "case")
        case _:
            return Output(name or "?column?")


def _read_wrapped(node: nodes.Node, name: str) -> Output:
    """Return a column that says something of another: NOT, IS NULL, or a cast."""
    which = node.WhichOneof("node")
    if which == "type_cast":
        inner = _read_output(node.type_cast.arg, name)
        casted = read_strings(node.type_cast.type_name.names)[-1]
        if inner is None or inner.name == "?column?":
            return Output(name or casted)
        return inner if inner.kind is OutputKind.COUNT else Output(inner.name)
    name = name or "?column?"
    if which == "bool_expr":
        inner = _read_output(node.bool_expr.args[0], "")
        is_not = node.bool_expr.boolop == nodes.BoolExprType.NOT_EXPR
        if is_not and inner is not None and inner.kind is OutputKind.EXISTS:
            return replace(inner, name=name, is_negated=not inner.is_negated)
    else:
        inner = _read_output(node.null_test.arg, "")
        if inner is not None and inner.kind is OutputKind.RELATION:
            is_null = node.null_test.nulltesttype == nodes.NullTestType.IS_NULL
            return replace(inner, name=name, tests_null=is_null)
    return Output(name)


def _read_call(node: nodes.Node, name: str) -> Output:
    called = _called(node)
    call = node.func_call
    if called == "count" and not call.HasField("over") and not call.HasField("agg_filter"):
        # a column that is counted may be NULL
        is_of_rows = call.agg_star
        return Output(name or called, OutputKind.COUNT, column="" if is_of_rows else "?")
    if called == "to_regclass" and len(call.args) == 1:
        value = _read_value(call.args[0])
        if value is not _UNREAD:
            return Output(name or called, OutputKind.RELATION, value=value)
    return Output(name or called)


def _read_sublink(link: nodes.SubLink, name: str) -> Output:
    if link.sub_link_type != nodes.SubLinkType.EXISTS_SUBLINK:
        return Output(name or "?column?")
    inner = _read_select(link.subselect.select_stmt)
    return Output(name or "exists", OutputKind.EXISTS, query=inner)


def _read_conditions(clause: nodes.Node) -> tuple[Comparison, ...] | None:
    """Return the comparisons that are joined by AND; None when there is anything else."""
    which = clause.WhichOneof("node")
    if which is None:
        return ()
    if which == "bool_expr" and clause.bool_expr.boolop == nodes.BoolExprType.AND_EXPR:
        found: list[Comparison] = []
        for part in clause.bool_expr.args:
            inner = _read_conditions(part)
            if inner is None:
                return None
            found += inner
        return tuple(found)
    comparison = _read_comparison(clause.a_expr) if which == "a_expr" else None
    return None if comparison is None else (comparison,)


def _read_comparison(expression: nodes.A_Expr) -> Comparison | None:
    operator = read_strings(expression.name)[-1]
    if operator not in {"=", "<>"}:
        return None
    left, right = expression.lexpr, expression.rexpr
    column, values = _column_of(left), [right]
    if expression.kind == nodes.A_Expr_Kind.AEXPR_IN:
        values = list(right.list.items)
    elif expression.kind != nodes.A_Expr_Kind.AEXPR_OP:
        return None
    elif column is None:
        column, values = _column_of(right), [left]
    found = [_read_value(value) for value in values]
    if column is None or any(value is _UNREAD for value in found):
        return None
    return Comparison(column, tuple(found), is_negated=operator == "<>")


def _column_of(node: nodes.Node) -> str | None:
    if node.WhichOneof("node") == "type_cast" and _cast_of(node) in _TEXT_TYPES:
        node = node.type_cast.arg
    if node.WhichOneof("node") != "column_ref":
        return None
    last = node.column_ref.fields[-1]
    return last.string.sval if last.WhichOneof("node") == "string" else None


# Stands for a value that is not among those that can be told.
_UNREAD = RelationName("\0")
_TEXT_TYPES = frozenset({"name", "text", "varchar"})
_SPECIAL = {
    "current_schema": Special.CURRENT_SCHEMA,
    "current_database": Special.CURRENT_DATABASE,
    "current_catalog": Special.CURRENT_DATABASE,
}
_SPECIAL_WORDS = {
    nodes.SQLValueFunctionOp.SVFOP_CURRENT_SCHEMA: Special.CURRENT_SCHEMA,
    nodes.SQLValueFunctionOp.SVFOP_CURRENT_CATALOG: Special.CURRENT_DATABASE,
}


def _cast_of(node: nodes.Node) -> str:
    names = read_strings(node.type_cast.type_name.names)
    return names[-1] if names and not node.type_cast.type_name.array_bounds else ""


def _read_value(node: nodes.Node) -> Value:
    which = node.WhichOneof("node")
    if which == "a_const":
        return _read_constant(node)
    if which == "param_ref":
        return Parameter(node.param_ref.number)
    if which == "func_call" and not node.func_call.args:
        return _SPECIAL.get(_called(node), _UNREAD)
    if which == "sqlvalue_function":
        return _SPECIAL_WORDS.get(node.sqlvalue_function.op, _UNREAD)
    if which == "type_cast":
        inner = _read_value(node.type_cast.arg)
        target = _cast_of(node)
        if target in _TEXT_TYPES:
            return inner
        if target == "regclass" and isinstance(inner, str):
            return RelationName(inner)
        if target == "regclass" and isinstance(inner, Parameter):
            return Parameter(inner.number, is_relation=True)
    return _UNREAD


def _read_constant(node: nodes.Node) -> Value:
    constant = node.a_const
    if constant.isnull:
        return None
    match constant.WhichOneof("val"):
        case "sval":
            return str(constant.sval.sval)
        case "ival":
            return int(constant.ival.ival)
        case "boolval":
            return bool(constant.boolval.boolval)
        case _:
            return _UNREAD
