"""What psql reads beside SQL: meta-commands, and the rows behind COPY … FROM STDIN."""

import re
from dataclasses import dataclass

__all__ = ["Skipped", "blank_psql"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A piece of a script that is no SQL.

    `offset`: 0-based character offset. `reason`: what it is, without what it says.
    `hides_statements`: SQL runs there that cannot be seen.
    """

    offset: int
    reason: str
    hides_statements: bool = False


def blank_psql(text: str) -> tuple[str, tuple[Skipped, ...]]:
    r"""Return a script with white space in the place of all that only psql understands.

    The text keeps its length and its lines. A meta-command goes from a backslash, outside of
    strings and comments, to the end of the line; one that sends the statement before it, such as
    `\gexec`, becomes a semicolon. Rows go to the line `\.`, or to the end of the text.
    https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS
    """
    if "\\" not in text and "stdin" not in text.lower():
        return text, ()
    return _Blanker(text).run()


_PIECE = re.compile(
    r"""
      (?P<comment> --[^\n]* )
    | (?P<block> /\* )
    | (?P<string> [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '[^']*(?:'|\Z) | "[^"]*(?:"|\Z)
                | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<word> \w[\w$]* )
    | (?P<semicolon> \\?; )
    | (?P<command> \\[^\n]* )
    | (?P<open> \( )
    | (?P<close> \) )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_COMMAND_NAME = re.compile(r"\\([A-Za-z_]+|.|$)")
_END_OF_ROWS = re.compile(r"^\\\.\r?$", re.MULTILINE)
_VISIBLE = re.compile(r"[^\r\n]")

# Those that send what was written before them, as a semicolon does.
_SENDING = frozenset({"crosstabview", "g", "gdesc", "gexec", "gset", "gx", "watch"})
_MEANINGS = {
    **dict.fromkeys(("i", "include", "include_relative", "ir"), "the file it names is not read"),
    "gexec": "the statements it makes are not known",
}


class _Blanker:
    """Goes through a script once, piece by piece."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._done: list[str] = []
        self._copied = 0
        self._skipped: list[Skipped] = []
        self._first = self._previous = ""
        self._depth = 0
        self._takes_rows = False

    def run(self) -> tuple[str, tuple[Skipped, ...]]:
        position = 0
        while (piece := _PIECE.search(self._text, position)) is not None:
            position = piece.end()
            match piece.lastgroup:
                case "block":
                    position = self._end_of_block(position)
                case "word":
                    self._read_word(piece.group().upper())
                case "open":
                    self._depth += 1
                case "close":
                    self._depth = max(0, self._depth - 1)
                case "semicolon":
                    if piece.group() != ";":
                        self._blank(piece.start(), piece.start() + 1)
                    if self._depth == 0:
                        position = self._end_statement(position)
                case "command":
                    position = self._read_command(piece.start(), position)
                case _:
                    # a comment or a string
                    pass
        self._done.append(self._text[self._copied :])
        return "".join(self._done), tuple(self._skipped)

    def _read_word(self, word: str) -> None:
        self._first = self._first or word
        if self._first == "COPY" and self._depth == 0:
            self._takes_rows |= (self._previous, word) == ("FROM", "STDIN")
        self._previous = word

    def _read_command(self, start: int, end: int) -> int:
        """Blank a meta-command, and return where to go on."""
        found = _COMMAND_NAME.match(self._text, start, end)
        name = found[1] if found else ""
        meaning = _MEANINGS.get(name)
        note = ", which is no SQL" if meaning is None else f": {meaning}"
        self._skipped.append(
            Skipped(start, f'psql meta-command "\\{name}"{note}', meaning is not None)
        )
        if name not in _SENDING:
            self._blank(start, end)
            return end
        self._blank(start, end, begin=";")
        return self._end_statement(end)

    def _end_statement(self, position: int) -> int:
        """Blank the rows that follow the line, if it was a COPY, and return where to go on."""
        takes_rows = self._takes_rows
        self._first = self._previous = ""
        self._depth, self._takes_rows = 0, False
        newline = self._text.find("\n", position)
        if not takes_rows or newline < 0:
            return position
        start = newline + 1
        end = _END_OF_ROWS.search(self._text, start)
        last = len(self._text) if end is None else end.start()
        if self._text[start:last].strip():
            self._skipped.append(Skipped(start, "rows of COPY, which change no schema"))
        stop = last if end is None else end.end()
        self._blank(start, stop)
        return stop

    def _end_of_block(self, position: int) -> int:
        """Return the end of a block comment, which may have others inside."""
        depth = 1
        for edge in _BLOCK_EDGE.finditer(self._text, position):
            depth += 1 if edge.group() == "/*" else -1
            if depth == 0:
                return edge.end()
        return len(self._text)

    def _blank(self, start: int, end: int, begin: str = "") -> None:
        self._done.append(self._text[self._copied : start] + begin)
        self._done.append(_VISIBLE.sub(" ", self._text[start + len(begin) : end]))
        self._copied = end
