"""The body of a PL/pgSQL block → the SQL in it, piece by piece.

Manual: "PL/pgSQL", sections "Structure", "Declarations", "Basic Statements", "Control Structures",
"Cursors" and "Transaction Management". The reader goes through PostgreSQL's own tokens. It tells
statements and expressions apart, and leaves it to the parser of SQL what they say.
"""

from dataclasses import replace

from safemigrate.sql.parser import Token, read_tokens
from safemigrate.sql.pieces import Piece, PieceKind, PieceReader

__all__ = ["read_pieces"]


def read_pieces(body: str) -> tuple[Piece, ...]:
    """Return the SQL in the body, in the order written.

    The query of a cursor comes where the cursor is opened.

    Raises:
        SqlSyntaxError: where the body is not made as PL/pgSQL is, with the offset in the body. What
            the pieces say is not looked at.
    """
    return _Reader(body, read_tokens(body)).read()


# No block that anybody wrote goes that deep.
_DEEPEST = 100
# The words that end a list of statements.
_ENDS = frozenset({"else", "elseif", "elsif", "end", "exception", "when"})
_LEVELS = frozenset({"debug", "exception", "info", "log", "notice", "warning"})


class _Reader(PieceReader):
    """Knows how PL/pgSQL is made."""

    def __init__(self, body: str, tokens: list[Token]) -> None:
        super().__init__(body, tokens)
        self._cursors: dict[str, Piece] = {}
        self._depth = 0

    def read(self) -> tuple[Piece, ...]:
        while self.text() == "#":
            # #variable_conflict use_column
            self.skip(3)
        self._read_labelled()
        self.accept(";")
        if self.token() is not None:
            raise self.fault()
        return tuple(self.pieces)

    def _read_labelled(self) -> None:
        """Read a block with what may stand before it."""
        self._accept_label()
        if self.text() == "declare":
            self._read_declarations()
        self.expect("begin")
        first = len(self.pieces)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.fault()
        self._read_statements()
        if self.text() == "exception":
            # What the block did is undone before a handler runs.
            self.pieces[first:] = [
                replace(piece, is_conditional=True) for piece in self.pieces[first:]
            ]
            self.skip()
            while self.text() == "when":
                self.skip()
                self.until("then")
                self.expect("then")
                self._read_conditional()
        self._depth -= 1
        self.expect("end")
        self._accept_name()

    def _accept_label(self) -> None:
        if self.text() == "<<":
            self.skip(2)
            self.expect(">>")

    def _accept_name(self) -> None:
        if self.text() not in {";", ""}:
            self.skip()

    def _read_declarations(self) -> None:
        while self.text() not in {"begin", ""}:
            if not self.accept("declare"):
                self._read_declaration()

    def _read_declaration(self) -> None:
        offset, name = self.start(), self.text()
        self.skip()
        self._accept_scroll()
        if self.accept("cursor"):
            self._read_cursor(name)
            return
        self.until(":=", "=", "default", ";")
        if not self.accept(";"):
            self.skip()
            self.add_expression(";", offset=offset)
            self.skip()

    def _read_cursor(self, name: str) -> None:
        if self.text() == "(":
            self.skip_parentheses()
        if not self.accept("for"):
            self.expect("is")
        start, end = self.until(";")
        self._cursors[name] = Piece(PieceKind.STATEMENT, self.body[start:end], start, start)
        self.skip()

    def _accept_scroll(self) -> None:
        self.accept("no")
        self.accept("scroll")

    def _open_cursor(self, name: str) -> None:
        piece = self._cursors.get(name)
        if piece is not None:
            self.add(piece.kind, piece.sql, piece.offset, piece.sql_offset)

    def _read_statements(self) -> None:
        """Read statements up to the word that ends the list, and stand there."""
        while self.token() is not None and not self._is_at_end():
            self._read_statement()

    def _is_at_end(self) -> bool:
        return self.text() in _ENDS and not self.is_assignment()

    def _read_conditional(self) -> None:
        self.conditions += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.fault()
        self._read_statements()
        self._depth -= 1
        self.conditions -= 1

    def _read_loop(self) -> None:
        self.expect("loop")
        self._read_conditional()
        self.expect("end", "loop")
        self._accept_name()
        self.expect(";")

    def _read_statement(self) -> None:
        offset = self.start()
        if self.is_assignment():
            self.until(":=", "=")
            self.skip()
            self.add_expression(";", offset=offset)
            self.skip()
            return
        self._accept_label()
        match self.text():
            case "declare" | "begin":
                self._read_labelled()
                self.expect(";")
            case "if":
                self._read_if()
            case "case":
                self._read_case()
            case "loop" | "while" | "for" | "foreach" as word:
                self._read_repetition(word)
            case "return":
                self._read_return()
            case "exit" | "continue":
                self._read_exit()
            case word:
                self._read_simple(word, offset)

    def _read_repetition(self, word: str) -> None:
        match word:
            case "while":
                self.skip()
                self.add_expression("loop")
            case "for":
                self._read_for()
            case "foreach":
                self.until("in")
                self.expect("in", "array")
                self.add_expression("loop")
        self._read_loop()

    def _read_simple(self, word: str, offset: int) -> None:
        """Read a statement without others inside."""
        match word:
            case "raise":
                self._read_raise()
            case "assert":
                self.skip()
                self.add_list(";")
                self.skip()
            case "execute":
                self.skip()
                self.add_command(";", offset=offset)
                self.skip()
            case "open":
                self._read_open(offset)
            case "null":
                self.skip()
                self.expect(";")
            case "get" | "fetch" | "move" | "close":
                self.skip()
                self.skip_statement()
            case _:
                self.add_sql()

    def _read_if(self) -> None:
        self.skip()
        self.add_expression("then")
        self.expect("then")
        self._read_conditional()
        while self.text() in {"elsif", "elseif"}:
            self.skip()
            self.conditions += 1
            self.add_expression("then")
            self.conditions -= 1
            self.expect("then")
            self._read_conditional()
        if self.accept("else"):
            self._read_conditional()
        self.expect("end", "if", ";")

    def _read_case(self) -> None:
        self.skip()
        if self.text() != "when":
            self.add_expression("when")
        first = self.conditions
        while self.accept("when"):
            self.add_expression("then")
            self.expect("then")
            self._read_conditional()
            # The next WHEN is only looked at when this one does not hold.
            self.conditions = first + 1
        self.conditions = first
        if self.accept("else"):
            self._read_conditional()
        self.expect("end", "case", ";")

    def _read_for(self) -> None:
        offset = self.start()
        self.until("in")
        self.skip()
        if self.accept("execute"):
            self.add_command("loop", offset=offset)
        elif self.text() in self._cursors and self.text(1) in {"loop", "("}:
            self._open_cursor(self.text())
            self.until("loop")
        else:
            self._read_range()

    def _read_range(self) -> None:
        """Read the query that a loop runs over, or the numbers."""
        self.accept("reverse")
        start = self.position
        self.until("..", "loop")
        is_query, self.position = self.text() == "loop", start
        if is_query:
            self.add_query("loop")
            return
        self.add_expression("..")
        self.skip()
        self.add_expression("by", "loop")
        if self.accept("by"):
            self.add_expression("loop")

    def _read_exit(self) -> None:
        self.skip()
        if self.text() not in {"when", ";"}:
            # It may leave a block as well, and what stands in that is not run.
            self.may_have_left = True
            self.skip()
        if self.accept("when"):
            self.add_expression(";")
        self.expect(";")

    def _read_return(self) -> None:
        offset = self.start()
        self.skip()
        if self.accept("query"):
            if self.accept("execute"):
                self.add_command(";", offset=offset)
            else:
                self.add_query(";")
            self.skip()
            return
        if not self.accept("next"):
            self.may_have_left = True
        if self.text() != ";":
            self.add_expression(";", offset=offset)
        self.skip()

    def _read_raise(self) -> None:
        self.skip()
        if self.text() in _LEVELS:
            self.skip()
        if self.is_string():
            self.skip()
            if self.accept(","):
                self.add_list("using", ";")
        else:
            # The name of a condition, or SQLSTATE with its code, or nothing.
            while self.text() not in {"using", ";", ""}:
                self.skip()
        if self.accept("using"):
            self._read_options()
        self.expect(";")

    def _read_options(self) -> None:
        """Read `option = expression, …`."""
        while True:
            self.skip()
            if not (self.accept("=") or self.accept(":=")):
                raise self.fault()
            self.add_expression(",", ";")
            if not self.accept(","):
                return

    def _read_open(self, offset: int) -> None:
        self.skip()
        name = self.text()
        self.skip()
        self._accept_scroll()
        if self.accept("for"):
            if self.accept("execute"):
                self.add_command(";", offset=offset)
            else:
                self.add_query(";")
            self.skip()
            return
        self._open_cursor(name)
        self.skip_statement()
