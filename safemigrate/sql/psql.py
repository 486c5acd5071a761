"""What psql reads beside SQL: meta-commands, and the rows behind COPY … FROM STDIN."""

import re
from dataclasses import dataclass
from sys import intern

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql.lexing import Enclosure, lex
from safemigrate.sql.limits import TooDeepError, read_with_room
from safemigrate.sql.parser import parse_statement

__all__ = ["Skipped", "blank_psql", "find_psql_variable"]


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


# `:name`, `:'name'` and `:"name"`; a cast has two colons, and a slice a number behind its one.
_VARIABLE = re.compile(r"""(?<!:):(?:[A-Za-z_]\w*|'\w+'|"\w+"|\{\?\w+\})""")


def find_psql_variable(sql: str) -> str | None:
    """Return the first psql variable of a statement that says nothing without its value.

    https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-INTERPOLATION
    """
    if _VARIABLE.search(sql) is None:
        return None
    at_pieces = (_VARIABLE.match(sql, start) for kind, start, _ in lex(sql) if kind == "other")
    found = next(filter(None, at_pieces), None)
    if found is None:
        return None
    try:
        read_with_room(sql, parse_statement)
    except TooDeepError:
        return None
    except SqlSyntaxError:
        return found.group()
    return None


_COMMAND_NAME = re.compile(r"\\([A-Za-z_]+|.|$)")
# What a meta-command is given: to the end of the line, or a backslash outside of quotes.
_ARGUMENTS = re.compile(
    r"""(?: [^\n\\'"`] | ' (?: [^\n\\'] | \\[^\n] )*+ '? | " [^\n"]*+ "? | ` [^\n`]*+ `? )*+""",
    re.VERBOSE,
)
_END_OF_ROWS = re.compile(r"^\\\.\r?$", re.MULTILINE)
_VISIBLE = re.compile(r"[^\r\n]+")
# With a table, whose columns may be named; not with a query.
_COPY_IN = re.compile(r"\\copy\s+(?!\().*\bfrom\s+stdin\b", re.IGNORECASE)

# Those that send what was written before them, as a semicolon does.
_SENDING = frozenset(
    {"crosstabview", "g", "gdesc", "gexec", "gset", "gx", "parse", "sendpipeline", "watch"}
)
# Those that forget it.
_FORGETTING = frozenset({"r", "reset"})
# Those that are given all of the line, and those that are when it is a command of the shell.
_WHOLE_LINE = frozenset({"!", "copy", "ef", "ev", "h", "help", "sf", "sv"})
_PIPING = frozenset({"g", "gx", "o", "out", "w", "write"})
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
        self._enclosure = Enclosure()
        self._previous = ""
        self._takes_rows = False
        self._last_newline = text.rfind("\n")

    def run(self) -> tuple[str, tuple[Skipped, ...]]:
        position = 0
        while position >= 0:
            position = self._read_from(position)
        self._done.append(self._text[self._copied :])
        return "".join(self._done), tuple(self._skipped)

    def _read_from(self, position: int) -> int:
        """Read up to what is no SQL, and return where to go on; -1 at the end."""
        for kind, start, end in lex(self._text, position):
            match kind:
                case "backslash":
                    return self._read_backslash(start)
                case "semicolon" if self._enclosure.read_semicolon():
                    further = self._end_statement(end)
                    if further != end:
                        return further
                case "word":
                    self._read_word(self._text[start:end])
                case "open" | "close":
                    self._enclosure.read(kind, "")
        return -1

    def _read_word(self, word: str) -> None:
        self._enclosure.read("word", word)
        if self._enclosure.first == "COPY" and self._enclosure.is_outside():
            self._takes_rows |= (self._previous, word.upper()) == ("FROM", "STDIN")
            self._previous = word.upper()

    def _read_backslash(self, start: int) -> int:
        """Blank a backslash with what belongs to it, and return where to go on."""
        if self._text.startswith(";", start + 1):
            self._blank(start, start + 1)
            return start + 1
        found = _COMMAND_NAME.match(self._text, start)
        name = found[1] if found else ""
        meaning = _MEANINGS.get(name)
        note = ", which is no SQL" if meaning is None else f": {meaning}"
        # A script may have a million of them.
        reason = intern(f'psql meta-command "\\{name}"{note}')
        self._skipped.append(Skipped(start, reason, meaning is not None))
        end = self._end_of_command(name, start + 1 + len(name))
        if name in _SENDING or name in _FORGETTING:
            self._blank(start, end, begin=";")
            self._enclosure.begin()
            return self._end_statement(end)
        self._blank(start, end)
        if name == "copy" and _COPY_IN.match(self._text, start, end):
            return self._skip_rows(end)
        return end

    def _end_of_command(self, name: str, start: int) -> int:
        """Return where the meta-command ends that has its arguments at `start`."""
        arguments = _ARGUMENTS.match(self._text, start)
        end = start if arguments is None else arguments.end()
        if name in _WHOLE_LINE or (name in _PIPING and "|" in self._text[start:end]):
            newline = self._text.find("\n", start)
            return len(self._text) if newline < 0 else newline
        # Two backslashes end the arguments, and SQL follows on the same line.
        return end + 2 if self._text.startswith("\\\\", end) else end

    def _end_statement(self, position: int) -> int:
        """Blank the rows that follow the line, if it was a COPY, and return where to go on."""
        takes_rows = self._takes_rows
        self._previous, self._takes_rows = "", False
        return self._skip_rows(position) if takes_rows else position

    def _skip_rows(self, position: int) -> int:
        """Blank the rows below the line, and return where to go on."""
        if position > self._last_newline:
            return position
        start = self._text.index("\n", position) + 1
        end = _END_OF_ROWS.search(self._text, start)
        last = len(self._text) if end is None else end.start()
        if self._text[start:last].strip():
            self._skipped.append(Skipped(start, "rows of COPY, which change no schema"))
        stop = last if end is None else end.end()
        self._blank(start, stop)
        return stop

    def _blank(self, start: int, end: int, begin: str = "") -> None:
        self._done.append(self._text[self._copied : start] + begin)
        self._done.append(_VISIBLE.sub(_spaces, self._text[start + len(begin) : end]))
        self._copied = end


def _spaces(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())
