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
)
from safemigrate.sql.definitions import read_bound, read_column, read_constraint
from safemigrate.sql.expressions import (
    name_of_range,
    name_of_strings,
    read_expression,
    read_strings,
    read_type,
    tables_in,
)
from safemigrate.sql.parser import character_positions, deparse_expression, nodes
from safemigrate.sql.quoting import quote_identifier, quote_literal, quote_name

__all__ = [
    "read_comment",
    "read_create_domain",
    "read_create_function",
    "read_create_index",
    "read_create_table",
    "read_create_table_as",
    "read_create_view",
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
        return CreateView(name, tables_in(node.query), is_materialized=True)
    return CreateTable(
        table=name,
        columns=(),
        constraints=(),
        persistence=_PERSISTENCE[node.into.rel.relpersistence],
        takes_existing=node.if_not_exists,
        has_query=True,
        reads=tables_in(node.query),
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
    return CreateView(name_of_range(node.view), tables_in(node.query))


def read_create_function(node: nodes.CreateFunctionStmt) -> Action:
    """Return the action of CREATE FUNCTION, VOLATILE unless it says otherwise."""
    volatility = "v"
    for option in node.options:
        if option.def_elem.defname == "volatility":
            volatility = option.def_elem.arg.string.sval[:1]
    return CreateFunction(name_of_strings(read_strings(node.funcname)), volatility)


def read_comment(node: nodes.CommentStmt) -> Action:
    """Return the action of COMMENT ON; the relation is known for relations and their parts."""
    kinds = nodes.ObjectType
    relation: QualifiedName | None = None
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
        elif node.objtype in _COMMENTED_RELATIONS:
            relation = name_of_strings(parts)
    return CommentOn(relation, is_part)


_COMMENTED_RELATIONS = frozenset(
    {
        nodes.ObjectType.OBJECT_TABLE,
        nodes.ObjectType.OBJECT_VIEW,
        nodes.ObjectType.OBJECT_MATVIEW,
        nodes.ObjectType.OBJECT_INDEX,
    }
)
