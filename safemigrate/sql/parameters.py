"""A query → its tables, and the columns that its parameters stand for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from google.protobuf.message import Message

from safemigrate.model import ColumnName, QualifiedName
from safemigrate.sql.expressions import flatten, name_of_range, read_strings, read_tables
from safemigrate.sql.limits import read_with_room
from safemigrate.sql.parser import nodes, parse_statement

__all__ = ["QueryShape", "read_query"]

_QUERIES = frozenset({"delete_stmt", "insert_stmt", "merge_stmt", "select_stmt", "update_stmt"})


@dataclass(frozen=True, slots=True)
class QueryShape:
    """What a query is about.

    `is_query`: it can be prepared, and makes no table: SELECT, VALUES, INSERT, UPDATE, DELETE or
    MERGE. `tables`: those it names, each once; views too.
    `inserted`: the table that it puts rows into.
    `parameters`: the number of a `$n` → the column it is compared with, or becomes a value of.
    """

    is_query: bool
    tables: tuple[QualifiedName, ...] = ()
    inserted: QualifiedName | None = None
    parameters: Mapping[int, ColumnName] = field(default_factory=dict)


def read_query(sql: str) -> QueryShape:
    """Return the shape of one statement whose parameters are written `$n`.

    Raises:
        SqlSyntaxError: when it does not parse.
    """
    return read_with_room(sql, _read)


def _read(sql: str) -> QueryShape:
    node = parse_statement(sql)
    which = node.WhichOneof("node") or ""
    if which not in _QUERIES or node.select_stmt.HasField("into_clause"):
        return QueryShape(is_query=False)
    inner = flatten(node)
    names = _Names.read(inner)
    parameters: dict[int, ColumnName] = {}
    for number, column in _list_uses(inner, names):
        parameters.setdefault(number, column)
    inserted = name_of_range(node.insert_stmt.relation) if which == "insert_stmt" else None
    return QueryShape(True, read_tables(inner), inserted, parameters)  # noqa: FBT003 - a query


@dataclass(frozen=True, slots=True)
class _Names:
    """The tables by the names that they go by in the query."""

    tables: Mapping[str, QualifiedName]

    @classmethod
    def read(cls, inner: Iterable[Message]) -> "_Names":
        ranges = [one for one in inner if isinstance(one, nodes.RangeVar)]
        return cls({one.alias.aliasname or one.relname: name_of_range(one) for one in ranges})

    def column(self, reference: nodes.ColumnRef) -> ColumnName | None:
        """Return the column referred to; its table is None where it may be any of several."""
        parts = read_strings(reference.fields)
        if not parts or len(parts) != len(reference.fields):
            return None  # a star
        if len(parts) > 1:
            return ColumnName(self.tables.get(parts[-2]), parts[-1])
        only = next(iter(self.tables.values())) if len(self.tables) == 1 else None
        return ColumnName(only, parts[-1])


def _list_uses(inner: Iterable[Message], names: _Names) -> Iterator[tuple[int, ColumnName]]:
    for one in inner:
        if isinstance(one, nodes.InsertStmt):
            yield from _list_inserted(one)
        elif isinstance(one, nodes.UpdateStmt):
            yield from _list_assigned(one.target_list, name_of_range(one.relation))
        elif isinstance(one, nodes.A_Expr):
            yield from _list_compared(one, names)


def _list_inserted(insert: nodes.InsertStmt) -> Iterator[tuple[int, ColumnName]]:
    table = name_of_range(insert.relation)
    columns = [item.res_target.name for item in insert.cols]
    query = insert.select_stmt.select_stmt
    for row in query.values_lists:
        for column, value in zip(columns, row.list.items, strict=False):
            yield from _use(value, ColumnName(table, column))
    for column, target in zip(columns, query.target_list, strict=False):
        yield from _use(target.res_target.val, ColumnName(table, column))
    yield from _list_assigned(insert.on_conflict_clause.target_list, table)


def _list_assigned(
    targets: Iterable[nodes.Node], table: QualifiedName
) -> Iterator[tuple[int, ColumnName]]:
    for target in targets:
        yield from _use(target.res_target.val, ColumnName(table, target.res_target.name))


def _list_compared(expression: nodes.A_Expr, names: _Names) -> Iterator[tuple[int, ColumnName]]:
    sides = (expression.lexpr, expression.rexpr)
    for one, other in (sides, sides[::-1]):
        column = names.column(other.column_ref) if other.HasField("column_ref") else None
        if column is None:
            continue
        for value in one.list.items if one.HasField("list") else (one,):
            yield from _use(value, column)


def _use(value: nodes.Node, column: ColumnName) -> Iterator[tuple[int, ColumnName]]:
    """Yield the parameter that the value is, however it is cast."""
    while value.HasField("type_cast"):
        value = value.type_cast.arg
    if value.HasField("param_ref"):
        yield value.param_ref.number, column
