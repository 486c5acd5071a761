"""The pieces of SQL in a body, and the tokens they are found by."""

from dataclasses import dataclass
from enum import Enum, auto

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql.parser import Token

__all__ = ["Piece", "PieceKind", "PieceReader"]


class PieceKind(Enum):
    """What a piece of SQL in a body is.

    `STATEMENT`: it runs as it stands. `EXPRESSION`: it is computed, as SELECT does.
    `COMMAND`: its value is run as SQL, by EXECUTE.
    """

    STATEMENT = auto()
    EXPRESSION = auto()
    COMMAND = auto()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of SQL in a body, in words that the parser of SQL reads.

    `offset`: 0-based character offset in the body of the PL/pgSQL statement, or the condition, that
    it belongs to. `sql_offset`: where in the body `sql` would begin, if it stood there letter by
    letter; what stands before an expression is ours.
    `is_conditional`: it may run or not, or be undone.
    """

    kind: PieceKind
    sql: str
    offset: int
    sql_offset: int
    is_conditional: bool = False


_SELECT = "SELECT "
_SEMICOLON = "ASCII_59"
_OPENING = frozenset({"ASCII_40", "ASCII_91"})
_CLOSING = frozenset({"ASCII_41", "ASCII_93"})
_DOT = "ASCII_46"
_ASSIGNING = frozenset({"COLON_EQUALS", "ASCII_61"})


class PieceReader:
    """Goes through the tokens of one body, and keeps the pieces it is told to add."""

    def __init__(self, body: str, tokens: list[Token]) -> None:
        """`tokens`: those of `body`."""
        self.body = body
        self.tokens = tokens
        self.position = 0
        self.pieces: list[Piece] = []
        # How many conditions stand around what is read now.
        self.conditions = 0
        # After a RETURN under a condition, what follows may not run.
        self.may_have_left = False

    def token(self, ahead: int = 0) -> Token | None:
        """Return the token that comes next, or one behind it."""
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def text(self, ahead: int = 0) -> str:
        """Return the token's text, in lower case; empty behind the last one."""
        token = self.token(ahead)
        return "" if token is None else self.body[token.start : token.end].lower()

    def is_string(self) -> bool:
        """Return whether a string constant comes next."""
        token = self.token()
        return token is not None and token.kind in {"SCONST", "USCONST"}

    def start(self) -> int:
        """Return where the next token begins."""
        token = self.token()
        return len(self.body) if token is None else token.start

    def end(self) -> int:
        """Return where the token before this one ends."""
        return self.tokens[self.position - 1].end if self.position else 0

    def skip(self, count: int = 1) -> None:
        """Step over tokens."""
        self.position = min(self.position + count, len(self.tokens))

    def accept(self, *words: str) -> bool:
        """Step over the words, if they come next."""
        if all(self.text(ahead) == word for ahead, word in enumerate(words)):
            self.skip(len(words))
            return True
        return False

    def expect(self, *words: str) -> None:
        """Step over the words, which must come next."""
        for word in words:
            if not self.accept(word):
                raise self.fault()

    def fault(self) -> SqlSyntaxError:
        """Return the error of what comes next being out of place."""
        token = self.token()
        message = "syntax error at end of the body"
        if token is not None:
            message = f'syntax error at or near "{self.body[token.start : token.end]}"'
        return SqlSyntaxError(
            message, "correct the PL/pgSQL, or take the block out", offset=self.start()
        )

    def until(self, *ends: str) -> tuple[int, int]:
        """Step to the first of `ends` outside of parentheses; return where what stands before is.

        Nothing at all is at fault, and so is a body that ends before.
        """
        start, depth = self.start(), 0
        while (token := self.token()) is not None and (depth != 0 or self.text() not in ends):
            if token.kind == _SEMICOLON:
                raise self.fault()
            depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
            self.skip()
        if self.token() is None or self.start() == start:
            raise self.fault()
        return start, self.end()

    def skip_statement(self) -> None:
        """Step over what is left of the statement, and its semicolon."""
        if self.text() != ";":
            self.until(";")
        self.skip()

    def skip_parentheses(self) -> None:
        """Step over an opening parenthesis, the one that closes it, and what is between."""
        depth = 0
        while (token := self.token()) is not None:
            depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
            self.skip()
            if depth == 0:
                return
        raise self.fault()

    def skip_target(self) -> None:
        """Step over the variables behind INTO."""
        self.accept("strict")
        while True:
            self.skip()
            while self.accept("."):
                self.skip()
            if not self.accept(","):
                return

    def is_assignment(self) -> bool:
        """Return whether a variable comes next, perhaps with fields and subscripts, and `:=`."""
        first = self.text()[:1]
        if not first.isalpha() and first not in {'"', "_", "$"}:
            return False
        ahead, depth, is_behind_dot = 1, 0, False
        while (token := self.token(ahead)) is not None:
            if depth == 0 and token.kind in _ASSIGNING:
                return True
            if token.kind == _SEMICOLON or (ahead == 1 and self.text(1) == "("):
                return False
            depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
            is_inside = depth > 0 or token.kind in _CLOSING
            if not is_inside and token.kind != _DOT and not is_behind_dot:
                return False
            is_behind_dot = token.kind == _DOT
            ahead += 1
        return False

    def add(self, kind: PieceKind, sql: str, offset: int, sql_offset: int) -> None:
        """Add a piece that stands where the reader is."""
        is_conditional = self.conditions > 0 or self.may_have_left
        self.pieces.append(Piece(kind, sql, offset, sql_offset, is_conditional))

    def add_query(self, *ends: str) -> None:
        """Add the statement up to one of `ends`, and stand there."""
        start, end = self.until(*ends)
        self.add(PieceKind.STATEMENT, self.body[start:end], start, start)

    def add_expression(
        self, *ends: str, offset: int | None = None, kind: PieceKind = PieceKind.EXPRESSION
    ) -> None:
        """Add the expression up to one of `ends`, and stand there."""
        start, end = self.until(*ends)
        text = _SELECT + self.body[start:end]
        self.add(kind, text, start if offset is None else offset, start - len(_SELECT))

    def add_list(self, *ends: str) -> None:
        """Add expressions with commas between them."""
        self.add_expression(",", *ends)
        while self.accept(","):
            self.add_expression(",", *ends)

    def add_command(self, *ends: str, offset: int) -> None:
        """Add what EXECUTE runs, and the values behind USING."""
        self.add_expression("into", "using", *ends, offset=offset, kind=PieceKind.COMMAND)
        while self.text() not in ends:
            if self.accept("into"):
                self.skip_target()
            elif self.accept("using"):
                self.add_list("into", *ends)
            else:
                raise self.fault()

    def add_sql(self) -> None:
        """Add the statement of SQL; INTO and the variables behind it are left out."""
        offset, first = self.start(), self.text()
        if not first[:1].isalpha():
            raise self.fault()
        text, copied, previous = "", offset, ""
        depth = atomic = 0
        while self.text() != ";" or depth > 0 or atomic > 0:
            token, word = self.token(), self.text()
            if token is None:
                raise self.fault()
            depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
            atomic = _count_atomic(atomic, first, previous, word)
            self.skip()
            if word == "into" and previous not in {"insert", "merge"} and first != "import":
                self.skip_target()
                # blanks, so that every letter behind it keeps its place
                text += self.body[copied : token.start].ljust(self.end() - copied)
                copied = self.end()
            previous = word
        text += self.body[copied : self.end()]
        self.skip()
        if first == "perform":
            # as long as it was
            text = _SELECT + text[len(_SELECT) :]
        self.add(PieceKind.STATEMENT, text, offset, offset)


def _count_atomic(atomic: int, first: str, previous: str, word: str) -> int:
    """Return how many words END are still to come of a function's BEGIN ATOMIC."""
    if first != "create":
        return 0
    if (previous, word) == ("begin", "atomic") or (atomic and word == "case"):
        return atomic + 1
    return atomic - 1 if atomic and word == "end" else atomic
