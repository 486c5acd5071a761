"""A fix → edits of a revision, at the call that sends the statement.

Only a call that stands by itself in the body of upgrade() or downgrade() is edited: there it runs
once, and always. Comments and layout stay as they are.
"""

import ast
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent

from safemigrate.model import (
    Change,
    Code,
    IgnoreRemoval,
    Replacement,
    Rewording,
    Statement,
)
from safemigrate.source.editing import Edit, Refusal, find_change
from safemigrate.source.revision_calls import Call, find_call, holds_only
from safemigrate.sql import split_statements

__all__ = ["edit_revision"]

_BLOCK = "with op.get_context().autocommit_block():\n"


def edit_revision(
    text: str, statement: Statement, change: Change, sent: Sequence[Statement]
) -> tuple[Edit, ...] | Refusal:
    """Return the edits that make the change at the call that sends the statement.

    `sent`: every statement of that direction. A change that ends a transaction is made only where
    nothing but such calls stands in the function.
    """
    if isinstance(change, IgnoreRemoval):
        return Refusal("it is about no statement")
    if sum(one.span == statement.span for one in sent) > 1:
        return Refusal("one call sends several statements")
    call = find_call(text, statement)
    if isinstance(call, Refusal):
        return call
    if call.operation not in {change.operation, "execute"}:
        return Refusal(f"op.{call.operation}() cannot be told to do so")
    is_inside = statement.transaction is not None
    parts = isinstance(change, Replacement) or change.is_outside or change.then is not None
    if is_inside and parts and not holds_only(call.function, {one.span for one in sent}, text):
        return Refusal(
            f"{statement.direction.value}() does more than call operations, and its transaction "
            "would end half-way"
        )
    match change:
        case Rewording():
            return _reword(call, statement, change, is_inside=is_inside)
        case Replacement(code=code):
            return _replace(call, code)


def _reword(
    call: Call, statement: Statement, change: Rewording, *, is_inside: bool
) -> tuple[Edit, ...] | Refusal:
    is_wrapped = change.is_outside and is_inside
    if call.operation == "execute":
        words = _edit_string(call, statement.sql, change.sql)
    else:
        words = _add_keywords(call, change.keywords, call.unit if is_wrapped else "")
    if isinstance(words, Refusal):
        return words
    edits = list(words)
    if is_wrapped:
        edits += _wrap(call)
    if change.then is not None:
        edits.append(_add_behind(call, change.then, is_inside=is_inside))
    return tuple(edits)


def _edit_string(call: Call, before: str, after: str) -> tuple[Edit, ...] | Refusal:
    """Return the edit of the SQL in `op.execute("…")` or `op.execute(sa.text("…"))`."""
    if before == after:
        return ()
    string = _find_string(call.node)
    if string is None or len(split_statements(string.value)) != 1:
        return Refusal("its SQL is not one plain string")
    start, end = call.range(string.node)
    source = call.lines.text[start:end]
    is_one = sum(token.type == tokenize.STRING for token in call.tokens_in(start, end)) == 1
    if not is_one or source.count(before) != 1:
        return Refusal("its SQL is not one plain string")
    return (find_change(before, after, start + source.index(before)),)


@dataclass(frozen=True, slots=True)
class _String:
    node: ast.Constant
    value: str


def _find_string(call: ast.Call) -> _String | None:
    """Return the one argument of a call, where it is a string, or a text() of one."""
    match call:
        case ast.Call(args=[ast.Constant(value=str() as value) as node], keywords=[]):
            return _String(node, value)
        case ast.Call(
            args=[
                ast.Call(
                    func=ast.Attribute(attr="text") | ast.Name(id="text"),
                    args=[ast.Constant(value=str() as value) as node],
                    keywords=[],
                )
            ],
            keywords=[],
        ):
            return _String(node, value)
        case _:
            return None


def _add_keywords(
    call: Call, keywords: Sequence[tuple[str, str]], margin: str
) -> tuple[Edit, ...] | Refusal:
    """Return the edits that give the call the arguments, in the way its arguments are laid out.

    `margin`: blanks that a new line has in front of those of the others.
    """
    given = {keyword.arg: keyword.value for keyword in call.node.keywords}
    if keywords and None in given:
        return Refusal("its arguments are not all written out")
    edits = []
    missing = []
    for name, code in keywords:
        if name not in given:
            missing.append(f"{name}={code}")
        elif isinstance(given[name], ast.Constant):
            edits.append(Edit(*call.range(given[name]), code))
        else:
            return Refusal(f"it has an argument {name} of its own")
    return (*edits, _add_arguments(call, missing, margin)) if missing else tuple(edits)


def _add_arguments(call: Call, arguments: Sequence[str], margin: str) -> Edit:
    tokens = [token for token in call.tokens() if token.type not in _LAYOUT]
    closing, last = tokens[-1], tokens[-2]
    at = call.lines.offset(last.end[0], last.end[1] + 1)
    words = ", ".join(arguments)
    if last.string == "(":
        return Edit(at, at, words)
    if last.string != ",":
        return Edit(at, at, f", {words}")
    if closing.start[0] == last.end[0]:
        return Edit(at, at, f" {words},")
    end = call.lines.offset(last.end[0] + 1) - 1
    return Edit(end, end, f"\n{margin}{call.lines.indent(last.start[0])}{words},")


_LAYOUT = {tokenize.NL, tokenize.COMMENT}


def _wrap(call: Call) -> Iterator[Edit]:
    """Yield the edits that put the call in an autocommit block, and our comments on it too."""
    first = call.first_line
    while "safemigrate:" in call.lines.line(first - 1) and call.is_comment(first - 1):
        first -= 1
    inside = set(call.lines_inside_strings())
    for number in range(first, call.last_line + 1):
        start = call.lines.offset(number)
        if number == first:
            yield Edit(start, start, f"{call.indent}{_BLOCK}{call.unit}")
        elif number not in inside and call.lines.line(number).strip():
            yield Edit(start, start, call.unit)


def _add_behind(call: Call, code: Code, *, is_inside: bool) -> Edit:
    """Return the edit that has the code run behind the call, outside a transaction."""
    lines = f"{call.indent}{_BLOCK}{indent(code.alembic, call.indent + call.unit)}\n"
    if not is_inside:
        lines = f"{indent(code.alembic, call.indent)}\n"
    end = call.lines.offset(call.last_line + 1)
    if not call.lines.text[:end].endswith("\n"):
        return Edit(end, end, f"\n{lines.removesuffix(chr(10))}")
    return Edit(end, end, lines)


def _replace(call: Call, code: Code) -> tuple[Edit, ...] | Refusal:
    start, end = call.range(call.node)
    if any(token.type == tokenize.COMMENT for token in call.tokens()):
        return Refusal("there are comments in the call")
    if call.is_in_block:
        return Refusal("it stands in an autocommit block already")
    if re.search(r"\bsa\.", code.alembic) and not call.imports_sqlalchemy:
        return Refusal("the file does not import sqlalchemy as sa")
    return (Edit(start, end, indent(code.alembic, call.indent).lstrip()),)
