"""DO, and the bodies of functions and procedures → what is done in them.

Manual: "DO", "CREATE FUNCTION", "PL/pgSQL" and "SQL Functions". Whoever reads a statement hands
over the way to read those inside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    Action,
    DoBlock,
    NoTableAction,
    QualifiedName,
    Step,
    TransactionControl,
    UnreadSql,
)
from safemigrate.sql.expressions import name_of_strings, read_strings
from safemigrate.sql.literals import Literal, find_literal
from safemigrate.sql.parser import (
    Token,
    character_positions,
    check_plpgsql,
    nodes,
    parse_statement,
    read_tokens,
    split_statements,
)
from safemigrate.sql.pieces import Piece, PieceKind
from safemigrate.sql.plpgsql import read_pieces

__all__ = ["ReadActions", "language_of", "read_block", "read_body"]

ReadActions = Callable[[str], tuple[Action, ...]]
"""Reads one statement; raises SqlSyntaxError where it does not parse."""


def read_block(node: nodes.DoStmt, sql: str, read: ReadActions) -> Action:
    """Return the action of DO.

    Raises:
        SqlSyntaxError: for a body that the server refuses, with the offset in `sql`.
    """
    options = {item.def_elem.defname: item.def_elem for item in node.args}
    language = options["language"].arg.string.sval if "language" in options else "plpgsql"
    if language.lower() != "plpgsql":
        return UnreadSql(f"a DO block in {language}")
    if "as" not in options:
        raise SqlSyntaxError("no inline code specified", "write the block behind DO")
    option = options["as"]
    start = character_positions(sql)(option.location)
    body = find_literal(sql, option.arg.string.sval, start)
    steps = _Reader(body, "a DO block", read, runs_now=True).read_plpgsql(sql)
    return UnreadSql("a DO block that is not understood") if steps is None else DoBlock(steps)


def read_body(
    node: nodes.CreateFunctionStmt, sql: str, read: ReadActions
) -> tuple[Step, ...] | None:
    """Return what a call of the function or procedure does; None where that is not read.

    Raises:
        SqlSyntaxError: for a body that the server refuses, with the offset in `sql`.
    """
    options = {item.def_elem.defname: item.def_elem for item in node.options}
    name = name_of_strings(read_strings(node.funcname)).name
    where = f'function "{name}"'
    if node.HasField("sql_body"):
        return tuple(_read_standard_body(sql, read))
    language = language_of(node)
    if language not in {"plpgsql", "sql"} or "as" not in options:
        return None
    option = options["as"]
    start = character_positions(sql)(option.location)
    body = find_literal(sql, read_strings(option.arg.list.items)[0], start)
    reader = _Reader(body, where, read, runs_now=False)
    return reader.read_plpgsql(sql) if language == "plpgsql" else tuple(reader.read_sql())


def language_of(node: nodes.CreateFunctionStmt) -> str:
    """Return the language of the function; SQL is the only one that may be left out."""
    for item in node.options:
        if item.def_elem.defname == "language":
            return str(item.def_elem.arg.string.sval).lower()
    return "sql"


def _read_standard_body(sql: str, read: ReadActions) -> Iterator[Step]:
    """Yield the steps of BEGIN ATOMIC … END, or RETURN, which stand in `sql` itself."""
    tokens = read_tokens(sql)
    first = _first_of_body(tokens)
    if tokens[first].kind == "RETURN":
        pieces = [_expression(sql, tokens[first].end, len(sql))]
    else:
        pieces = list(_split_atomic(sql, tokens[first + 1 :]))
    reader = _Reader(Literal(sql, range(len(sql) + 1)), "", read, runs_now=False)
    for piece in pieces:
        yield from reader.read_piece(piece)


def _first_of_body(tokens: list[Token]) -> int:
    """Return the number of the token RETURN or ATOMIC that the body begins with."""
    depth = 0
    for number, token in enumerate(tokens):
        depth += (token.kind == "ASCII_40") - (token.kind == "ASCII_41")
        if depth == 0 and token.kind in {"RETURN", "ATOMIC"}:
            return number
    return len(tokens) - 1


def _split_atomic(sql: str, tokens: list[Token]) -> Iterator[Piece]:
    """Yield the statements up to the END that closes them."""
    start: Token | None = None
    for token in tokens[:-1]:
        if token.kind != "ASCII_59":
            start = start or token
        elif start is not None:
            if start.kind == "RETURN":
                yield _expression(sql, start.end, token.start)
            else:
                text = sql[start.start : token.start]
                yield Piece(PieceKind.STATEMENT, text, start.start, start.start)
            start = None


def _expression(sql: str, start: int, end: int) -> Piece:
    text = "SELECT" + sql[start:end]
    offset = start - len("SELECT")
    return Piece(PieceKind.EXPRESSION, text, offset, offset)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one body.

    `where`: the words for it. `runs_now`: what cannot run in it stops the statement. `refused`:
    what EXECUTE is given that does not parse.
    """

    body: Literal
    where: str
    read: ReadActions
    runs_now: bool
    refused: list[SqlSyntaxError] = field(default_factory=list)

    def read_plpgsql(self, sql: str) -> tuple[Step, ...] | None:
        """Return the steps; None for what PostgreSQL takes and we do not understand.

        `sql`: the whole statement that the body is a part of.
        """
        verdict = check_plpgsql(sql)
        try:
            pieces = read_pieces(self.body.text)
            steps = tuple(step for piece in pieces for step in self.read_piece(piece))
        except SqlSyntaxError as err:
            if verdict.is_read and not verdict.fault:
                return None
            raise self._at(err, err.offset) from err
        if self.refused:
            raise self.refused[0]
        if verdict.fault:
            error = SqlSyntaxError(verdict.fault, "correct the PL/pgSQL, or take the block out")
            raise self._at(error, _find_fault(self.body.text, verdict.fault, verdict.line))
        return steps

    def read_sql(self) -> Iterator[Step]:
        """Yield the steps of a body in the language SQL."""
        for statement in split_statements(self.body.text):
            offset = statement.offset
            try:
                yield from self.read_piece(
                    Piece(PieceKind.STATEMENT, statement.sql, offset, offset)
                )
            except SqlSyntaxError as err:
                raise self._at(err, err.offset) from err

    def _at(self, err: SqlSyntaxError, offset: int) -> SqlSyntaxError:
        """Return the error, with the offset in the body as one in the whole statement."""
        return SqlSyntaxError(err.message, err.hint, offset=self.body.place(offset))

    def read_piece(self, piece: Piece) -> Iterator[Step]:
        """Yield the steps of a piece; errors have the offset in the body."""
        if piece.kind is PieceKind.COMMAND:
            yield from self._read_command(piece)
            return
        try:
            actions = self.read(piece.sql)
        except SqlSyntaxError as err:
            offset = max(piece.offset, piece.sql_offset + err.offset)
            raise SqlSyntaxError(err.message, err.hint, offset=offset) from err
        for step in _flatten(actions):
            at = piece.sql_offset + step.offset + step.action.offset
            yield self._step(piece, step, max(piece.offset, at))

    def _step(self, piece: Piece, step: Step, offset: int) -> Step:
        """Return the step as one of the body, whose action stands at `offset` of that."""
        place = self.body.place(offset) - step.action.offset
        return Step(step.action, place, piece.is_conditional or step.is_conditional)

    def _read_command(self, piece: Piece) -> Iterator[Step]:
        """Yield the steps of EXECUTE."""
        command = _read_constant(piece.sql)
        if command is None:
            unread = Step(UnreadSql(f"dynamic SQL in {self.where}"))
            yield self._step(piece, unread, piece.offset)
            return
        for statement in split_statements(command.text):
            try:
                actions = self.read(statement.sql)
            except SqlSyntaxError as err:
                at = _place(piece, command, statement.offset + err.offset)
                if self.runs_now and not piece.is_conditional:
                    self.refused.append(self._at(err, at))
                reason = f"SQL that does not parse in {self.where}: {err.message}"
                yield self._step(piece, Step(UnreadSql(reason)), at)
                continue
            for step in _flatten(actions):
                at = statement.offset + step.offset + step.action.offset
                if isinstance(step.action, TransactionControl):
                    # It never runs: "EXECUTE of transaction commands is not implemented".
                    refused = UnreadSql(f"{step.action.verb.value} by EXECUTE in {self.where}")
                    yield self._step(piece, Step(refused), _place(piece, command, at))
                else:
                    yield self._step(piece, step, _place(piece, command, at))


def _flatten(actions: tuple[Action, ...]) -> Iterator[Step]:
    """Yield the actions as steps, those of a DO in the place of it.

    What looks at nothing but the system's own tables, on which nobody waits, is none.
    """
    for action in actions:
        match action:
            case DoBlock(steps=steps):
                yield from steps
            case NoTableAction(kind="SELECT", reads=reads, calls=calls):
                own = tuple(name for name in reads if not _is_system(name))
                if own or calls:
                    yield Step(replace(action, reads=own))
            case _:
                yield Step(action)


def _is_system(name: QualifiedName) -> bool:
    if name.schema is None:
        return name.name.startswith("pg_")
    return name.schema in {"information_schema", "pg_catalog"}


def _place(piece: Piece, command: Literal, offset: int) -> int:
    """Return where in the body the letter of a constant that EXECUTE runs stands."""
    if not command.places:
        return piece.offset
    return max(piece.offset, piece.sql_offset + command.place(offset))


def _read_constant(sql: str) -> Literal | None:
    """Return the value of `SELECT expression`, None where that is no constant."""
    try:
        select = parse_statement(sql).select_stmt
    except SqlSyntaxError:
        return None
    if len(select.target_list) != 1 or select.from_clause:
        return None
    node = select.target_list[0].res_target.val
    value = _constant(node)
    if value is None:
        return None
    if not node.HasField("a_const"):
        return Literal(value)
    return find_literal(sql, value, character_positions(sql)(node.a_const.location))


def _constant(node: nodes.Node) -> str | None:
    """Return the text that the expression always is; None for any other."""
    match node.WhichOneof("node"):
        case "a_const":
            return node.a_const.sval.sval if node.a_const.HasField("sval") else None
        case "type_cast":
            names = read_strings(node.type_cast.type_name.names)
            return _constant(node.type_cast.arg) if names[-1:] == ("text",) else None
        case "a_expr":
            parts = _constant(node.a_expr.lexpr), _constant(node.a_expr.rexpr)
            if read_strings(node.a_expr.name) != ("||",) or None in parts:
                return None
            return "".join(part for part in parts if part is not None)
        case "func_call":
            # With nothing to put in, format() takes any % but a doubled one for an error.
            call = node.func_call
            is_format = read_strings(call.funcname)[-1:] == ("format",) and len(call.args) == 1
            text = _constant(call.args[0]) if is_format else None
            if text is None or "%" in text.replace("%%", ""):
                return None
            return text.replace("%%", "%")
        case _:
            return None


def _find_fault(body: str, fault: str, line: int) -> int:
    """Return where what the parser objects to stands, at the line it names or below."""
    start = 0
    for _ in range(line - 1):
        start = body.find("\n", start) + 1
    if fault.count('"') < _QUOTES:
        return len(body.rstrip()) if "end of" in fault else start
    found = body.find(fault[fault.index('"') + 1 : fault.rindex('"')], start)
    return found if found >= 0 else start


_QUOTES = 2
