"""Constants of text in SQL, and the columns they are meant for."""

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

from safemigrate.model import TextConstant
from safemigrate.sql.parser import nodes

__all__ = ["read_assigned_texts", "read_texts"]

# The longest label of an enum, in bytes (manual: "Data Types", Enumerated Types).
_LONGEST = 63


def read_texts(inner: Iterable[Message], *known: TextConstant) -> tuple[TextConstant, ...]:
    """Return the short constants of text among the messages, each once, behind those `known`."""
    found = dict.fromkeys(known)
    alone: dict[str, None] = {}
    for one in inner:
        if isinstance(one, nodes.A_Expr):
            found |= dict.fromkeys(_read_comparison(one))
        elif isinstance(one, nodes.A_Const) and one.HasField("sval"):
            alone[one.sval.sval] = None
    paired = {constant.text for constant in found}
    rest = (TextConstant(text) for text in alone if text not in paired and _is_short(text))
    return (*found, *rest)


def read_assigned_texts(node: nodes.Node) -> Iterator[TextConstant]:
    """Yield the constants that INSERT … VALUES or UPDATE … SET writes to a column by itself."""
    insert, update = node.insert_stmt, node.update_stmt
    columns = [item.res_target.name for item in insert.cols]
    for row in insert.select_stmt.select_stmt.values_lists:
        for column, value in zip(columns, row.list.items, strict=False):
            yield from _constants(value, column)
    for item in update.target_list:
        yield from _constants(item.res_target.val, item.res_target.name)


def _read_comparison(expression: nodes.A_Expr) -> Iterator[TextConstant]:
    sides = expression.lexpr, expression.rexpr
    for side, other in (sides, sides[::-1]):
        fields = side.column_ref.fields
        if fields and fields[-1].HasField("string"):
            yield from _constants(other, fields[-1].string.sval)


def _constants(node: nodes.Node, column: str) -> Iterator[TextConstant]:
    """Yield the constants that `node` is, under casts, or in a list or an array."""
    match node.WhichOneof("node"):
        case "a_const" if node.a_const.HasField("sval"):
            text = node.a_const.sval.sval
            if _is_short(text):
                yield TextConstant(text, column)
        case "type_cast":
            yield from _constants(node.type_cast.arg, column)
        case "list":
            for item in node.list.items:
                yield from _constants(item, column)
        case "a_array_expr":
            for item in node.a_array_expr.elements:
                yield from _constants(item, column)


def _is_short(text: str) -> bool:
    return len(text.encode(errors="replace")) <= _LONGEST
