"""A fix → edits of the text of one file.

Statements stand in files in two ways: letter by letter in SQL, and as a call in a revision. Where
the text is not plainly what was run, there are no edits but the reason for it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from safemigrate.model import (
    Change,
    Finding,
    IgnoreRemoval,
    Replacement,
    Rewording,
    Span,
    Statement,
)
from safemigrate.source.text import LineIndex
from safemigrate.sql import find_semicolon

__all__ = ["Edit", "Refusal", "TextLines", "apply_edits", "edit_ignore", "edit_sql", "find_change"]


@dataclass(frozen=True, slots=True)
class Edit:
    r"""Text in the place of what stands between two 0-based character offsets.

    Its lines end in `\n`, whatever those of the file do.
    """

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change is not made; one line."""

    reason: str


class TextLines:
    """A text by its lines, as `LineIndex` counts them; numbers and columns are 1-based."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = LineIndex(text).starts

    def offset(self, line: int, column: int = 1) -> int:
        """Return the offset of a place; past the last line it is the end of the text."""
        if line > len(self._starts):
            return len(self.text)
        return self._starts[line - 1] + column - 1

    def number(self, offset: int) -> int:
        """Return the number of the line that an offset is on."""
        return bisect_right(self._starts, offset)

    def line(self, number: int) -> str:
        """Return a line without its end."""
        start = self.offset(number)
        return self.text[start : self.offset(number + 1)].rstrip("\r\n")

    def indent(self, number: int) -> str:
        """Return the blanks that a line begins with."""
        line = self.line(number)
        return line[: len(line) - len(line.lstrip())]

    def range(self, span: Span) -> tuple[int, int]:
        """Return the offsets that a span goes from and to."""
        start = self.offset(span.line, span.column)
        return start, self.offset(span.end_line, span.end_column)


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with the edits made, none of which may overlap another.

    Their lines end as the first line of the text does.
    """
    first, newline, _ = text.partition("\n")
    ending = "\r\n" if newline and first.endswith("\r") else "\n"
    pieces = []
    end = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces += [text[end : edit.start], _LONE.sub(ending, edit.text)]
        end = edit.end
    return "".join([*pieces, text[end:]])


_LONE = re.compile(r"(?<!\r)\n")


def find_change(before: str, after: str, offset: int) -> Edit:
    """Return the one edit that makes `after` of `before`, which stands at the offset."""
    start = 0
    limit = min(len(before), len(after))
    while start < limit and before[start] == after[start]:
        start += 1
    tail = 0
    while tail < limit - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return Edit(offset + start, offset + len(before) - tail, after[start : len(after) - tail])


def edit_sql(text: str, statement: Statement, change: Change) -> tuple[Edit, ...] | Refusal:
    """Return the edits that make the change to a statement of a SQL file."""
    lines = TextLines(text)
    start = lines.offset(statement.span.line, statement.span.column)
    end = start + len(statement.sql)
    if text[start:end] != statement.sql:
        return Refusal("it does not stand in the file as it is run")
    number = lines.number(start)
    indent = lines.indent(number) if not text[lines.offset(number) : start].strip() else ""
    match change:
        case Rewording(sql=sql, then=then):
            edits = [find_change(statement.sql, sql, start)]
            if then is None:
                return tuple(edits)
            behind = _add_behind(text, end, f"{indent}{then.sql}")
            return behind if isinstance(behind, Refusal) else (*edits, behind)
        case Replacement(code=code):
            return (Edit(start, end, code.sql.replace("\n", f"\n{indent}")),)
        case IgnoreRemoval():
            return Refusal("it is about no statement")


# What may follow a statement on its last line: one comment.
_REST = re.compile(r"[ \t]*(?:--[^\r\n]*)?(?=\r?\n|\Z)")


def _add_behind(text: str, end: int, sql: str) -> Edit | Refusal:
    """Return the edit that puts a statement behind the one that ends there."""
    semicolon = find_semicolon(text, end)
    if semicolon is None:
        if text[end:].strip():
            return Refusal("no semicolon ends it")
        return Edit(end, end, f";\n{sql}")
    rest = _REST.match(text, semicolon + 1)
    if rest is None:
        return Edit(semicolon + 1, semicolon + 1, f" {sql.strip()};")
    return Edit(rest.end(), rest.end(), f"\n{sql};")


_DIRECTIVE = re.compile(r"(?P<head>(?:--|#+)\s*safemigrate:\s*ignore\s*\[)(?P<names>[^\]]*)\]")
_MARK = re.compile(r"(?:--|#+)\s*safemigrate:")
# What begins another comment in the reason: not the number of an issue, nor a dash in a word.
_FURTHER = {
    "#": re.compile(r"(?<=[\s\]])#+\s*[^\s#\d]"),
    "-": re.compile(r"(?<=[\s\]])--\s*[^\s-]"),
}


def edit_ignore(text: str, finding: Finding, removal: IgnoreRemoval) -> tuple[Edit, ...] | Refusal:
    """Return the edits that take a rule's name out of the ignore comment at the finding."""
    lines = TextLines(text)
    start, end = lines.range(finding.span)
    directive = _DIRECTIVE.match(text, start, end)
    if directive is None:
        return Refusal("the comment does not stand there")
    names = [name.strip() for name in directive["names"].split(",") if name.strip()]
    left = [name for name in names if name != removal.rule]
    if left:
        return (Edit(*directive.span("names"), ", ".join(left)),)
    number = finding.span.line
    if _goes_on(lines, number):
        return Refusal("the comment may go on in the next line")
    further = _FURTHER[text[start]].search(text, directive.end(), end)
    if further is not None:
        if _MARK.match(text, further.start()):
            return Refusal("another ignore stands behind it")
        # Other tools read it wherever it stands in the line.
        return (Edit(start, further.start(), ""),)
    before = text[lines.offset(number) : start]
    if before.strip():
        return (Edit(start - len(before) + len(before.rstrip()), end, ""),)
    return (Edit(lines.offset(number), lines.offset(number + 1), ""),)


def _goes_on(lines: TextLines, number: int) -> bool:
    """Return whether a comment that is none of ours stands alone on the next line."""
    below = lines.line(number + 1).strip()
    is_alone = lines.line(number).strip().startswith(("#", "--"))
    return is_alone and below.startswith(("#", "--")) and _DIRECTIVE.match(below) is None
