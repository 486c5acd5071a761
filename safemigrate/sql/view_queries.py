"""Which columns the query of a view reads."""

from collections.abc import Collection, Iterable, Iterator

from google.protobuf.message import Message

from safemigrate.model import ColumnName, QualifiedName
from safemigrate.sql.expressions import name_of_range, read_strings
from safemigrate.sql.parser import nodes

__all__ = ["read_used_columns"]


def read_used_columns(inner: Collection[Message]) -> tuple[ColumnName, ...]:
    """Return the columns of tables that the query names, each once, `*` for all of a table.

    What it takes from another query inside it is left out: that names the columns itself.
    `inner`: every message inside the query.
    """
    made_here = {one.ctename for one in inner if isinstance(one, nodes.CommonTableExpr)}
    tables = dict(_aliases(inner, made_here))
    found: dict[ColumnName, None] = {}
    for one in inner:
        match one:
            case nodes.ColumnRef():
                found |= dict.fromkeys(_read_reference(one, tables))
            case nodes.JoinExpr():
                names = read_strings(one.using_clause)
                sides = [tables.get(name) for name in _sources([one.larg, one.rarg])]
                found |= dict.fromkeys(
                    ColumnName(table, name) for table in sides if table for name in names
                )
            case nodes.SelectStmt() if any(map(_is_bare_star, one.target_list)):
                named = [tables.get(name) for name in _sources(one.from_clause)]
                found |= dict.fromkeys(ColumnName(table, "*") for table in named if table)
            case _:
                # Nothing else names columns.
                continue
    return tuple(found)


def _aliases(inner: Iterable[object], made_here: set[str]) -> Iterator[tuple[str, QualifiedName]]:
    for one in inner:
        if isinstance(one, nodes.RangeVar) and (one.schemaname or one.relname not in made_here):
            yield one.alias.aliasname or one.relname, name_of_range(one)


def _read_reference(
    reference: nodes.ColumnRef, tables: dict[str, QualifiedName]
) -> Iterator[ColumnName]:
    *qualifier, last = reference.fields
    name = last.string.sval if last.HasField("string") else "*"
    if qualifier:
        table = tables.get(qualifier[-1].string.sval)
        if table is not None:
            yield ColumnName(table, name)
    elif name != "*":
        yield ColumnName(None, name)


def _is_bare_star(target: nodes.Node) -> bool:
    fields = target.res_target.val.column_ref.fields
    return len(fields) == 1 and fields[0].HasField("a_star")


def _sources(items: Iterable[nodes.Node]) -> Iterator[str]:
    """Yield the names that the items of FROM have in the query, through joins."""
    for item in items:
        if item.HasField("join_expr"):
            yield from _sources([item.join_expr.larg, item.join_expr.rarg])
        elif item.HasField("range_var"):
            yield item.range_var.alias.aliasname or item.range_var.relname
