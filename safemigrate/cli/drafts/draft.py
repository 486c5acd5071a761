"""Revisions that are being written: what they do, a piece at a time."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent

from safemigrate.errors import UsageError
from safemigrate.model import Direction
from safemigrate.source.editing import TextLines

__all__ = ["Draft", "Piece", "Region", "find_function", "find_regions", "indent_code"]

_BLANKS_AT_END = re.compile(r" +$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of a revision, as code for the two functions.

    `downgrade`: None where the way back is still to be found out. `reason`: why there is none.
    `imports`: what the code needs beside op and sa, a line each.
    """

    upgrade: str
    downgrade: str | None = None
    reason: str = ""
    imports: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision to be written.

    `note`: what must be true before it runs. `ignores`: rules that its downgrade cannot follow,
    each with the reason.
    """

    pieces: tuple[Piece, ...] = ()
    note: str = ""
    ignores: tuple[tuple[str, str], ...] = ()

    @property
    def reason(self) -> str:
        """Why there is no way back, empty where there is one."""
        # A name in it may have lines, which neither a comment nor a literal can hold.
        return " ".join(next((one.reason for one in self.pieces if one.reason), "").split())

    def codes(self, direction: Direction) -> tuple[tuple[int, str], ...]:
        """Return the code of the function, by the numbers of the pieces, in the order it runs."""
        numbered = list(enumerate(self.pieces))
        if direction is Direction.UPGRADE:
            return tuple((number, piece.upgrade) for number, piece in numbered if piece.upgrade)
        if self.reason:
            return ()
        return tuple(
            (number, piece.downgrade) for number, piece in reversed(numbered) if piece.downgrade
        )

    def body(self, direction: Direction) -> str:
        """Return the code of the function, without its margin; empty where it does nothing."""
        code = "\n".join(code for _, code in self.codes(direction))
        if direction is Direction.UPGRADE:
            return f"# {self.note}\n{code}" if self.note and code else code
        if self.reason:
            return f"raise NotImplementedError({_quote(self.reason)})"
        return code or ("# Nothing of the schema is to be taken back.\npass" if self.pieces else "")

    @property
    def imports(self) -> tuple[str, ...]:
        """The imports that the code needs."""
        return tuple(sorted({line for piece in self.pieces for line in piece.imports}))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def indent_code(code: str) -> str:
    """Return code as Alembic puts it into a function: with a margin but for the first line's."""
    return _BLANKS_AT_END.sub("", indent(code, "    ")).strip()


@dataclass(frozen=True, slots=True)
class Region:
    """Where the code of a piece stands in the text of its revision: whole lines, by offsets."""

    number: int
    direction: Direction
    start: int
    end: int


def find_regions(draft: Draft, text: str) -> Sequence[Region]:
    """Return where the pieces of the draft stand in what was made of it; raises UsageError."""
    try:
        return tuple(region for direction in Direction for region in _find(draft, text, direction))
    except ValueError as error:
        raise _refuse_template() from error


def _refuse_template() -> UsageError:
    return UsageError(
        "the project's script.py.mako does not show the code it is given as the body of "
        "upgrade() and downgrade()",
        'it needs a line ${upgrades if upgrades else "pass"}, four blanks in, in upgrade(), '
        "and the same of downgrades",
    )


def find_function(text: str, direction: Direction) -> int:
    """Return the offset of the line that the function begins on; raises UsageError without one."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == direction.value:
            return TextLines(text).offset(node.lineno)
    raise _refuse_template()


def _find(draft: Draft, text: str, direction: Direction) -> Iterator[Region]:
    codes = draft.codes(direction)
    at = find_function(text, direction) if codes else 0
    for number, code in codes:
        written = indent_code(code)
        at = text.index(written, at)
        start = text.rindex("\n", 0, at) + 1
        at += len(written)
        end = text.find("\n", at)
        yield Region(number, direction, start, len(text) if end < 0 else end + 1)
