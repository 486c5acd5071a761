"""SQL → its pieces, as PostgreSQL's lexer tells them apart; any text has some.

Manual: "Lexical Structure". What PostgreSQL's own scanner does for one statement, this does for
text of any size, in one pass, and also for text that is no SQL.
"""

import re
from collections.abc import Iterator

__all__ = ["BLANKS", "Enclosure", "lex", "lex_coarsely"]

BLANKS = " \t\n\r\f\v"
"""The white space of SQL."""

# Any letter that is not ASCII, whatever it is; said by what it is not, which takes `re` much less.
_START = r"[^\x00-@\[-\^`{-\x7f]"
_NEXT = r"[^\x00-\#%-/:-@\[-\^`{-\x7f]"  # the same, digits and $
_IN_TAG = r"[^\x00-/:-@\[-\^`{-\x7f]"  # the same, and digits
_PIECE = re.compile(
    rf"""
      (?P<escaped> [eE]' )
    | (?P<word> {_START} {_NEXT}*+ )
    | (?P<comma> , )
    | (?P<number> [0-9] {_IN_TAG}*+ | \$ [0-9]++ )
    | (?P<string> ' [^']*+ '? )
    | (?P<open> [(\[] )
    | (?P<close> [)\]] )
    | (?P<semicolon> ; )
    | (?P<name> " [^"]*+ "? )
    | (?P<comment> -- [^\r\n]*+ )
    | (?P<block> /\* )
    | (?P<dollar> \$ (?: {_START} {_IN_TAG}*+ )? \$ )
    | (?P<backslash> \\ )
    | (?P<other> [^ \t\n\r\f\v] )
    """,
    re.VERBOSE,
)
# The same, with all in one that has nothing to do with where a statement ends.
_COARSE_PIECE = re.compile(
    rf"""
      (?P<run> (?:
            (?! [eE]' ) {_START} {_NEXT}*+
          | [0-9] {_IN_TAG}*+
          | [{BLANKS}]++
          | - (?!-)
          | / (?!\*)
          | [\x00-\x08\x0e-\x1f!\#%&(-,.:<-@\[-\^`{{-\x7f]
        )++ )
    | {_PIECE.pattern}
    """,
    re.VERBOSE,
)
# Those whose end is looked for with more than the pattern.
_LONG = frozenset({"block", "dollar", "escaped"})
_ESCAPED_EDGE = re.compile(r"\\.|''|'", re.DOTALL)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
# Constants with nothing between but white space and a line end count as one.
_CONTINUATION = re.compile(
    r"(?:[ \t\f\v]|--[^\r\n]*+)*+[\r\n](?:[ \t\n\r\f\v]|--[^\r\n]*+[\r\n])*+(?=')"
)


def lex(text: str, position: int = 0) -> Iterator[tuple[str, int, int]]:
    r"""Yield the pieces from `position` on: what each is, and its 0-based character offsets.

    A `word`, with letters as written; a `number`, also a parameter's; a `string`, however it is
    quoted; a quoted `name`; a `comment` from dashes to the end of the line, without that; a `block`
    comment with those inside; `open` and `close` for parentheses and brackets; `comma`;
    `semicolon`; `backslash`; and `other`, any one character that is not blank. A doubled quote
    parts a string or a name in two pieces with nothing between. What is never closed goes to the
    end, and is a string, if it began as a comment.
    """
    return _lex(_PIECE, text, position)


def lex_coarsely(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the pieces as `lex` does, but those between quotes, comments and semicolons as one.

    Such a `run` neither begins nor ends with a blank.
    """
    for kind, start, end in _lex(_COARSE_PIECE, text, 0):
        if kind != "run":
            yield kind, start, end
        elif inner := text[start:end].strip(BLANKS):
            first = text.index(inner[0], start)
            yield kind, first, first + len(inner)


def _lex(pattern: re.Pattern[str], text: str, position: int) -> Iterator[tuple[str, int, int]]:
    # Where a quote begins a string with backslashes in it, as the one before it on another line.
    continued = -1
    end = position
    while end >= 0:
        pieces = pattern.finditer(text, end)
        end = -1
        for piece in pieces:
            kind, start, stop = piece.lastgroup or "", piece.start(), piece.end()
            if kind in _LONG or start == continued:
                found = _find_end(text, kind, start, stop)
                end = len(text) if found < 0 else found
                if kind == "escaped" or start == continued:
                    further = _CONTINUATION.match(text, end)
                    continued = further.end() if further else -1
                yield "block" if kind == "block" and found >= 0 else "string", start, end
                break
            yield kind, start, stop


def _find_end(text: str, kind: str, start: int, inside: int) -> int:
    """Return the end of a piece whose content begins at `inside`, -1 where it has none."""
    if kind == "dollar":
        tag = text[start:inside]
        found = text.find(tag, inside)
        return found if found < 0 else found + len(tag)
    if kind == "block":
        depth = 1
        for edge in _BLOCK_EDGE.finditer(text, inside):
            depth += 1 if edge.group() == "/*" else -1
            if depth == 0:
                return edge.end()
        return -1
    inside = text.index("'", start) + 1
    for edge in _ESCAPED_EDGE.finditer(text, inside):
        if edge.group() == "'":
            return edge.end()
    return -1


# What CREATE RULE and BEGIN ATOMIC can have inside; everything else is refused there.
_IN_BODY = frozenset(
    {"DELETE", "END", "INSERT", "MERGE", "NOTIFY", "RETURN", "SELECT", "TABLE", "UPDATE", "VALUES"}
    | {"WITH"}
)


class Enclosure:
    """Follows a statement, and tells which semicolons stand inside of it.

    Those are in the parentheses of CREATE RULE, and between BEGIN ATOMIC and END of CREATE FUNCTION
    and CREATE PROCEDURE.
    """

    __slots__ = ("_atomic", "_depth", "_is_behind", "_is_rule", "_previous", "first")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin with another statement."""
        self.first = self._previous = ""
        self._depth = self._atomic = 0
        self._is_rule = self._is_behind = False

    def is_open(self) -> bool:
        """Return whether the next semicolon would stand inside."""
        return self._atomic > 0 or (self._is_rule and self._depth > 0)

    def is_outside(self) -> bool:
        """Return whether no parentheses stand around the next piece."""
        return self._depth == 0

    def read(self, kind: str, piece: str) -> bool:
        """Read a piece that is no comment and no semicolon.

        Returns False when it cannot be a part of the statement, whose body was never closed: it is
        the first of another one.
        """
        if self._is_behind:
            self._is_behind = False
            if kind == "word" and piece.upper() not in _IN_BODY:
                self.begin()
                self.read(kind, piece)
                return False
        if kind == "word":
            self._read_word(piece)
        elif kind == "open":
            self._depth += 1
        elif kind == "close":
            self._depth = max(0, self._depth - 1)
        return True

    def _read_word(self, piece: str) -> None:
        self.first = self.first or piece.upper()
        if self.first != "CREATE":
            return
        word = piece.upper()
        self._is_rule |= word == "RULE" and self._previous in {"CREATE", "REPLACE"}
        if (self._previous, word) == ("BEGIN", "ATOMIC") or (self._atomic and word == "CASE"):
            self._atomic += 1
        elif self._atomic and word == "END":
            self._atomic -= 1
        self._previous = word

    def read_semicolon(self) -> bool:
        """Read a semicolon, and return whether it ends the statement."""
        self._is_behind = self.is_open()
        if not self._is_behind:
            self.begin()
        return not self._is_behind
