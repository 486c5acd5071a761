"""What the columns in a condition are compared with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import QualifiedName
from safemigrate.sql.expressions import name_of_range, read_strings
from safemigrate.sql.limits import read_with_room
from safemigrate.sql.parser import deparse_expression, nodes, parse_statement, walk_nodes

__all__ = ["ColumnComparison", "read_comparisons"]


@dataclass(frozen=True, slots=True)
class ColumnComparison:
    """A column that must equal something which reads no other column.

    `table`: the one that a query inside the condition reads it from; None for the table that the
    condition is on. `other`: what it equals, as SQL; a set of values where `is_any`, of which it
    is to be one. `sql`: the comparison as a whole. `reads_tables`: `other` is a query of tables.
    """

    table: QualifiedName | None
    column: str
    other: str
    sql: str
    is_any: bool = False
    reads_tables: bool = False


def read_comparisons(condition: str) -> tuple[ColumnComparison, ...]:
    """Return the comparisons by `=` in a condition, those of queries inside it as well.

    `condition`: as `pg_get_expr` writes it.
    Raises SqlSyntaxError for what is no expression.
    """
    return read_with_room(condition, _read)


def _read(condition: str) -> tuple[ColumnComparison, ...]:
    tree = parse_statement(f"SELECT {condition}")
    targets = tree.select_stmt.target_list
    if len(targets) != 1:
        raise SqlSyntaxError(f"expected one expression, found {len(targets)}")
    return tuple(_walk(targets[0].res_target.val, ()))


def _walk(node: nodes.Node, sources: tuple[nodes.RangeVar, ...]) -> Iterator[ColumnComparison]:
    """Yield the comparisons below a node, which stands in a query of `sources`."""
    for one, inside in _descend(node, sources):
        yield from _compare(one, inside)


def _descend(
    message: Message, sources: tuple[nodes.RangeVar, ...]
) -> Iterator[tuple[nodes.A_Expr, tuple[nodes.RangeVar, ...]]]:
    """Yield every operator with the tables of the query that it stands in."""
    if isinstance(message, nodes.SelectStmt) and message.from_clause:
        found = (one for item in message.from_clause for one in walk_nodes(item))
        sources = tuple(one for one in found if isinstance(one, nodes.RangeVar))
    if isinstance(message, nodes.A_Expr):
        yield message, sources
    for field, value in message.ListFields():
        if field.message_type is not None:
            for one in value if field.is_repeated else (value,):
                yield from _descend(one, sources)


def _compare(
    expression: nodes.A_Expr, sources: tuple[nodes.RangeVar, ...]
) -> Iterator[ColumnComparison]:
    is_any = expression.kind == nodes.A_Expr_Kind.AEXPR_OP_ANY
    is_plain = expression.kind == nodes.A_Expr_Kind.AEXPR_OP
    if not (is_any or is_plain) or read_strings(expression.name)[-1:] != ("=",):
        return
    sides = [(expression.lexpr, expression.rexpr)]
    if is_plain:
        sides.append((expression.rexpr, expression.lexpr))
    for column, other in sides:
        reference = _bare(column)
        if reference is None or _reads_columns(other):
            continue
        *qualifier, name = read_strings(reference.fields)
        whole = nodes.Node()
        whole.a_expr.CopyFrom(expression)
        yield ColumnComparison(
            _find_table(qualifier, sources),
            name,
            deparse_expression(other),
            deparse_expression(whole),
            is_any,
            any(isinstance(one, nodes.RangeVar) for one in walk_nodes(other)),
        )


def _bare(node: nodes.Node) -> nodes.ColumnRef | None:
    """Return the column that a side is, cast or not."""
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return node.column_ref if node.HasField("column_ref") else None


def _reads_columns(node: nodes.Node) -> bool:
    """Return whether a side reads a column of the rows that the comparison is about."""
    # a query inside reads those of its own tables
    kinds = [type(one) for one in walk_nodes(node)]
    return nodes.ColumnRef in kinds and nodes.RangeVar not in kinds


def _find_table(
    qualifier: Sequence[str], sources: tuple[nodes.RangeVar, ...]
) -> QualifiedName | None:
    if qualifier:
        named = (one for one in sources if qualifier[-1] == (one.alias.aliasname or one.relname))
        found = next(named, None)
    else:
        found = sources[0] if len(sources) == 1 else None
    return None if found is None else name_of_range(found)
