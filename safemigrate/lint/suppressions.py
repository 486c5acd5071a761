"""Comments that silence a finding, with a reason.

`-- safemigrate: ignore[rule-name] reason` in SQL, the same behind `#` in Python. Several rules
stand between the brackets with commas. The comment stands at the end of the statement's line, or
alone on the line above; in a revision, anywhere in the call that sends the statement.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from safemigrate.model import Finding, Migration, Span

__all__ = ["Suppression", "find_suppressions", "is_silenced_by"]

_DIRECTIVE = re.compile(r"safemigrate:\s*ignore\s*(?:\[(?P<rules>[^\]]*)\])?\s*(?P<reason>.*)")
_SQL_COMMENT = re.compile(r"--(?P<text>[^\n]*)")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One ignore comment: the rules it names, why, where it stands, and the line it covers.

    `line`: the 1-based line a silenced finding begins on.
    `takes_call`: it silences what a call that it stands in sends as well.
    """

    rules: tuple[str, ...]
    reason: str
    span: Span
    line: int
    takes_call: bool = False


def find_suppressions(migration: Migration) -> tuple[Suppression, ...]:
    """Return the ignore comments of the file, in order."""
    if "safemigrate:" not in migration.text:
        return ()
    is_python = migration.path.endswith(".py")
    comments = _python_comments(migration.text) if is_python else _sql_comments(migration.text)
    lines = migration.text.split("\n")
    found = (_read(lines, *comment, takes_call=is_python) for comment in comments)
    return tuple(suppression for suppression in found if suppression is not None)


def _python_comments(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield line, 1-based column and text of every comment, and of those in SQL strings."""
    for token in _python_tokens(text):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.start[1] + 1, token.string.lstrip("#").strip()
        elif token.type in _STRINGS and "safemigrate:" in token.string:
            for number, line in enumerate(token.string.split("\n")):
                for match in _SQL_COMMENT.finditer(line):
                    offset = token.start[1] if number == 0 else 0
                    column = match.start() + offset + 1
                    yield token.start[0] + number, column, match["text"].strip()


# From Python 3.12 on the pieces of an f-string are tokens of their own.
_STRINGS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def _python_tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """Yield the tokens as far as they can be told; a file that is broken is reported elsewhere."""
    with suppress(tokenize.TokenError, SyntaxError):
        yield from tokenize.generate_tokens(io.StringIO(text).readline)


def _sql_comments(text: str) -> Iterator[tuple[int, int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        for match in _SQL_COMMENT.finditer(line):
            yield number, match.start() + 1, match["text"].strip()


def _read(
    lines: list[str], line: int, column: int, comment: str, *, takes_call: bool
) -> Suppression | None:
    match = _DIRECTIVE.match(comment)
    if match is None:
        return None
    names = tuple(name.strip() for name in (match["rules"] or "").split(",") if name.strip())
    text = lines[line - 1]
    is_alone = not text[: column - 1].strip(_OPENING)
    return Suppression(
        rules=names,
        reason=match["reason"].strip(),
        span=Span(line, column, line, len(text.rstrip()) + 1),
        line=_line_below(lines, line) if is_alone else line,
        takes_call=takes_call,
    )


# What may stand before a comment that is alone on its line: blanks, and the quotes of a string.
_OPENING = " \t\"'"


def _line_below(lines: list[str], line: int) -> int:
    """Return the first line below that is more than a comment: ignores can stand in rows."""
    below = line + 1
    while below <= len(lines) and lines[below - 1].strip().startswith(("#", "--")):
        below += 1
    return below


def is_silenced_by(finding: Finding, statement_line: int, suppression: Suppression) -> bool:
    """Return whether the comment silences the finding; one without a reason silences nothing.

    `statement_line`: where the statement begins, which may be above the finding's own line.
    """
    if not suppression.reason or finding.rule not in suppression.rules:
        return False
    if suppression.line in {finding.span.line, statement_line}:
        return True
    is_inside = finding.span.line <= suppression.span.line <= finding.span.end_line
    return suppression.takes_call and is_inside
