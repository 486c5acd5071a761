"""CREATE and COMMENT: tables, indexes, views, triggers, policies, types, functions."""

from collections.abc import Iterable

from safemigrate.model import (
    Action,
    CommentOn,
    CreateDomain,
    CreateFunction,
    CreateIndex,
    CreateTable,
    CreateView,
    IndexColumn,
    Persistence,
    QualifiedName,
    SetVariable,
    UnreadSql,
)
from safemigrate.sql.bodies import ReadActions, language_of, read_block, read_body
from safemigrate.sql.definitions import read_bound, read_column, read_constraint
from safemigrate.sql.expressions import (
    flatten,
    name_of_range,
    name_of_strings,
    read_expression,
    read_strings,
    read_tables,
    read_type,
)
from safemigrate.sql.parser import (
    character_positions,
    deparse_expression,
    deparse_statement,
    nodes,
)
from safemigrate.sql.quoting import quote_identifier, quote_literal, quote_name
from safemigrate.sql.view_queries import read_used_columns

__all__ = [
    "read_comment",
    "read_create_domain",
    "read_create_index",
    "read_create_table",
    "read_create_table_as",
    "read_create_view",
    "read_with_body",
]

_PERSISTENCE = {
    "p": Persistence.PERMANENT,
    "u": Persistence.UNLOGGED,
    "t": Persistence.TEMPORARY,
}


def read_create_table(node: nodes.CreateStmt, sql: str) -> Action:
    """Return the action of CREATE TABLE, PARTITION OF and INHERITS included."""
    positions = character_positions(sql)
    elements = list(node.table_elts)
    parents = tuple(name_of_range(item.range_var) for item in node.inh_relations)
    is_partition = node.HasField("partbound")
    return CreateTable(
        table=name_of_range(node.relation),
        columns=tuple(
            read_column(item.column_def, positions)
            for item in elements
            if item.HasField("column_def")
        ),
        constraints=tuple(
            read_constraint(item.constraint, positions)
            for item in [*elements, *node.constraints]
            if item.HasField("constraint")
        ),
        persistence=_PERSISTENCE[node.relation.relpersistence],
        takes_existing=node.if_not_exists,
        is_partitioned=node.HasField("partspec"),
        partition_key=_read_partition_key(node.partspec),
        partition_of=parents[0] if is_partition else None,
        is_default_partition=is_partition and node.partbound.is_default,
        bound=read_bound(node.partbound) if is_partition else None,
        inherits=() if is_partition else parents,
        like=tuple(
            name_of_range(item.table_like_clause.relation)
            for item in elements
            if item.HasField("table_like_clause")
        ),
    )


def _read_partition_key(specification: nodes.PartitionSpec) -> tuple[IndexColumn, ...]:
    """Return the parts of the key; none for a table that is not partitioned."""
    parts = []
    for item in specification.part_params:
        key = item.partition_elem
        if key.name:
            parts.append(IndexColumn(quote_identifier(key.name), key.name, (key.name,)))
        else:
            expression = read_expression(key.expr)
            parts.append(IndexColumn(expression.sql, None, expression.columns))
    return tuple(parts)


def read_create_table_as(node: nodes.CreateTableAsStmt) -> Action:
    """Return the action of CREATE TABLE AS, SELECT INTO or CREATE MATERIALIZED VIEW."""
    name = name_of_range(node.into.rel)
    if node.objtype == nodes.ObjectType.OBJECT_MATVIEW:
        inner = flatten(node.query)
        return CreateView(
            name,
            read_tables(inner),
            is_materialized=True,
            columns=read_used_columns(inner),
            takes_existing=node.if_not_exists,
        )
    return CreateTable(
        table=name,
        columns=(),
        constraints=(),
        persistence=_PERSISTENCE[node.into.rel.relpersistence],
        takes_existing=node.if_not_exists,
        has_query=True,
        reads=read_tables(flatten(node.query)),
    )


def read_create_index(node: nodes.IndexStmt) -> Action:
    """Return the action of CREATE INDEX."""
    return CreateIndex(
        name=node.idxname or None,
        table=name_of_range(node.relation),
        columns=tuple(_read_index_column(item.index_elem) for item in node.index_params),
        is_unique=node.unique,
        is_concurrent=node.concurrent,
        method=node.access_method or "btree",
        included=tuple(item.index_elem.name for item in node.index_including_params),
        predicate=read_expression(node.where_clause) if node.HasField("where_clause") else None,
        takes_existing=node.if_not_exists,
        is_only=not node.relation.inh,
        is_nulls_not_distinct=node.nulls_not_distinct,
        storage=_read_parameters(node.options),
        tablespace=node.table_space or None,
    )


def _read_parameters(options: Iterable[nodes.Node]) -> tuple[str, ...]:
    """Return parameters as `name = 'value'`, which is taken for values of every kind."""
    return tuple(_read_parameter(item.def_elem) for item in options)


def _read_parameter(option: nodes.DefElem) -> str:
    name = quote_identifier(option.defname)
    match option.arg.WhichOneof("node"):
        case "string":
            value = option.arg.string.sval
        case "integer":
            value = str(option.arg.integer.ival)
        case "float":
            value = option.arg.float.fval
        case "type_name":
            value = read_strings(option.arg.type_name.names)[-1]
        case _:
            return name
    return f"{name} = {quote_literal(value)}"


def _read_index_column(element: nodes.IndexElem) -> IndexColumn:
    uses: tuple[str, ...] = (element.name,)
    if not element.name:
        uses = read_expression(element.expr).columns
    if element.name:
        text = quote_identifier(element.name)
    elif element.expr.HasField("func_call"):
        text = deparse_expression(element.expr)
    else:
        text = f"({deparse_expression(element.expr)})"
    if element.collation:
        text += f" COLLATE {quote_name(name_of_strings(read_strings(element.collation)))}"
    if element.opclass:
        text += f" {quote_name(name_of_strings(read_strings(element.opclass)))}"
    if element.opclassopts:
        text += f" ({', '.join(_read_parameters(element.opclassopts))})"
    text += _ORDERINGS.get(element.ordering, "") + _NULLS.get(element.nulls_ordering, "")
    return IndexColumn(text, element.name or None, uses)


_ORDERINGS = {nodes.SortByDir.SORTBY_ASC: " ASC", nodes.SortByDir.SORTBY_DESC: " DESC"}
_NULLS = {
    nodes.SortByNulls.SORTBY_NULLS_FIRST: " NULLS FIRST",
    nodes.SortByNulls.SORTBY_NULLS_LAST: " NULLS LAST",
}


def read_create_domain(node: nodes.CreateDomainStmt) -> Action:
    """Return the action of CREATE DOMAIN."""
    restricting = {nodes.ConstrType.CONSTR_CHECK, nodes.ConstrType.CONSTR_NOTNULL}
    return CreateDomain(
        name_of_strings(read_strings(node.domainname)),
        read_type(node.type_name),
        any(item.constraint.contype in restricting for item in node.constraints),
    )


def read_create_view(node: nodes.ViewStmt) -> Action:
    """Return the action of CREATE VIEW."""
    whole = nodes.Node()
    whole.view_stmt.CopyFrom(node)
    inner = flatten(node.query)
    return CreateView(
        name_of_range(node.view),
        read_tables(inner),
        replaces=node.replace,
        columns=read_used_columns(inner),
        definition=deparse_statement(whole),
    )


def read_with_body(node: nodes.Node, sql: str, read: ReadActions, depth: int) -> Action:
    """Return the action of DO or CREATE FUNCTION, which stands in `depth` other bodies.

    `read`: the way to read the statements of its own.

    Raises:
        SqlSyntaxError: for a body that the server refuses.
    """
    if depth > _DEEPEST_BODY:
        return UnreadSql("bodies inside bodies, too deep to follow")
    if node.HasField("do_stmt"):
        return read_block(node.do_stmt, sql, read)
    return _read_create_function(node.create_function_stmt, sql, read)


_DEEPEST_BODY = 5


def _read_create_function(node: nodes.CreateFunctionStmt, sql: str, read: ReadActions) -> Action:
    """Return the action of CREATE FUNCTION, VOLATILE unless it says otherwise."""
    volatility, is_definer = "v", False
    settings = []
    for option in node.options:
        match option.def_elem.defname:
            case "volatility":
                volatility = option.def_elem.arg.string.sval[:1]
            case "security":
                is_definer = option.def_elem.arg.boolean.boolval
            case "set":
                settings.append(_read_setting(option.def_elem.arg.variable_set_stmt))
    modes = nodes.FunctionParameterMode
    given = set(_GIVEN_MODES)
    if node.is_procedure:
        # CALL names a place for what comes out as well.
        given.add(modes.FUNC_PARAM_OUT)
    arguments = [
        item.function_parameter for item in node.parameters if item.function_parameter.mode in given
    ]
    return CreateFunction(
        name_of_strings(read_strings(node.funcname)),
        volatility,
        arguments=tuple(read_type(one.arg_type) for one in arguments),
        optional_arguments=sum(one.HasField("defexpr") for one in arguments),
        is_variadic=any(one.mode == modes.FUNC_PARAM_VARIADIC for one in arguments),
        body=read_body(node, sql, read),
        settings=tuple(settings),
        is_analysed=language_of(node) == "sql",
        replaces=node.replace,
        is_definer=is_definer,
    )


_GIVEN_MODES = (
    nodes.FunctionParameterMode.FUNC_PARAM_DEFAULT,
    nodes.FunctionParameterMode.FUNC_PARAM_IN,
    nodes.FunctionParameterMode.FUNC_PARAM_INOUT,
    nodes.FunctionParameterMode.FUNC_PARAM_VARIADIC,
)


def _read_setting(setting: nodes.VariableSetStmt) -> SetVariable:
    """Return what the SET of a function sets while that runs."""
    values = [item.a_const.sval.sval for item in setting.args if item.a_const.HasField("sval")]
    return SetVariable(setting.name.lower(), ", ".join(values), is_local=True)


def read_comment(node: nodes.CommentStmt) -> Action:
    """Return the action of COMMENT ON; the relation is known for relations and their parts."""
    kinds = nodes.ObjectType
    relation: QualifiedName | None = None
    column: str | None = None
    is_part = node.objtype in {
        kinds.OBJECT_TABCONSTRAINT,
        kinds.OBJECT_TRIGGER,
        kinds.OBJECT_POLICY,
        kinds.OBJECT_RULE,
    }
    if node.object.HasField("list"):
        parts = read_strings(node.object.list.items)
        if is_part or node.objtype == kinds.OBJECT_COLUMN:
            relation = name_of_strings(parts[:-1])
            column = parts[-1] if not is_part else None
        elif node.objtype in _COMMENTED_RELATIONS:
            relation = name_of_strings(parts)
    return CommentOn(relation, is_part, column, is_removed=not node.comment)


_COMMENTED_RELATIONS = frozenset(
    {
        nodes.ObjectType.OBJECT_TABLE,
        nodes.ObjectType.OBJECT_VIEW,
        nodes.ObjectType.OBJECT_MATVIEW,
        nodes.ObjectType.OBJECT_INDEX,
    }
)
