"""What the parser cannot be given as it is: the letters, the runs and the depth it cannot take."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock, Thread, current_thread, main_thread, stack_size
from typing import TypeVar

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql.lexing import lex

__all__ = ["TooDeepError", "check_depth", "has_long_run", "prepare_text", "read_with_room"]

Result = TypeVar("Result")


class TooDeepError(SqlSyntaxError):
    """SQL that a server may take, and that nests deeper than is read here."""

    def __init__(self) -> None:
        super().__init__("nested too deeply to be read", "write it with fewer levels")


def prepare_text(sql: str) -> str:
    """Return a text of the same length, and the same to a server, that the parser can be given.

    Raises:
        SqlSyntaxError: for letters that no server takes.
    """
    _check_letters(sql)
    return _thin_out_comments(sql)


def check_depth(sql: str) -> None:
    """Raise TooDeepError for a statement that `read_with_room` has no room for."""
    if len(sql) > _DEEPEST and _limit_depth(sql) > _DEEPEST:
        raise TooDeepError


def has_long_run(sql: str) -> bool:
    """Return whether there are so many signs in a row that a scanner may take very long."""
    return _LONG_RUN.search(sql) is not None


# The parser writes its tree level by level on the stack, which ends the process when it is full:
# up to 2 kB a level, some 30,000 levels at most, and two letters a level at least. A server's
# max_stack_depth refuses such statements earlier.
_DEEPEST = 100_000
_ROOM = 256 * 1024 * 1024

# What the smallest stack that Python starts a thread with has room for, in characters; and what
# that of the main thread has, in characters or in pieces, which are some 10 kB each.
_SURELY_SHALLOW = 300
_SHALLOW = 2_000
_SHALLOW_PIECES = 150


def read_with_room(sql: str, read: Callable[[str], Result]) -> Result:
    """Return `read(sql)`, run on a stack that any tree of the statement fits in.

    Whatever `read` does with the tree runs there, and no more than that.
    """
    if len(sql) <= _SURELY_SHALLOW or (current_thread() is main_thread() and _is_shallow(sql)):
        return read(sql)
    return _roomy.read(sql, read)


def _is_shallow(sql: str) -> bool:
    return len(sql) <= _SHALLOW or _limit_depth(sql) <= _SHALLOW_PIECES


class _RoomyThread:
    """A thread with a large stack, for as long as the process lives.

    The parser keeps something for each thread that it ever ran in, and the system has about a
    thousand places for that: the process would end with the next.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._thread: Thread | None = None

    def read(self, sql: str, read: Callable[[str], Result]) -> Result:
        """Return `read(sql)`, run in the thread."""
        with self._lock:
            # a process that was forked does not have the thread
            if self._thread is None or not self._thread.is_alive():
                self._worker = ThreadPoolExecutor(max_workers=1)
                before = stack_size(_ROOM)
                try:
                    # it is started by the first that it is given to do
                    self._thread = self._worker.submit(current_thread).result()
                finally:
                    stack_size(before)
            reading = self._worker.submit(read, sql)
        return reading.result()


_roomy = _RoomyThread()


def _limit_depth(sql: str) -> int:
    """Return what the statement does not nest deeper than: its pieces in a row without a comma."""
    deepest = unions = 0
    counts = [0]
    for kind, start, end in lex(sql):
        match kind:
            case "open":
                counts.append(counts[-1] + 1)
            case "close" if len(counts) > 1:
                inner = counts.pop()
                counts[-1] = max(counts[-1], inner)
            case "comma" | "semicolon":
                counts[-1] = counts[-2] if len(counts) > 1 else 0
            case "comment" | "block":
                continue
            case "word" if sql[start:end].upper() in _UNIONS:
                # Their levels go on behind the commas of what they unite.
                unions += 1
            case _:
                counts[-1] += 1
        deepest = max(deepest, counts[-1])
    return deepest + unions


_UNIONS = frozenset({"EXCEPT", "INTERSECT", "UNION"})


def _check_letters(sql: str) -> None:
    """Raise SqlSyntaxError for letters that no server takes."""
    nul = sql.find("\x00")
    if nul >= 0:
        raise SqlSyntaxError("a NUL character cannot stand in SQL", offset=nul)
    try:
        sql.encode()
    except UnicodeEncodeError as err:
        raise SqlSyntaxError("half a character cannot stand in SQL", offset=err.start) from err


def _thin_out_comments(sql: str) -> str:
    """Return the text with blanks for signs in its block comments, if there are long runs of them.

    The scanner reads what is left of a run again at every step, in comments and in operators.

    Raises:
        SqlSyntaxError: where a comment is never closed, or an operator longer than any can be.
    """
    if not has_long_run(sql):
        return sql
    done, copied = [], 0
    run = behind = 0
    for kind, start, end in lex(sql):
        if kind == "block":
            inner = _SIGN.sub(" ", sql[start + 2 : end - 2])
            done += [sql[copied:start], f"/*{inner}*/" if inner else "    "]
            copied = end
        elif kind == "string" and sql.startswith("/*", start):
            raise SqlSyntaxError("unterminated /* comment", "close the comment", offset=start)
        elif kind == "other" and _SIGN.match(sql, start):
            run, behind = (run if start == behind else start), end
            if end - run >= _LONG:
                raise _too_long(sql[run:end], run)
    return "".join((*done, sql[copied:]))


def _too_long(operator: str, offset: int) -> SqlSyntaxError:
    """Return the error of a run of signs."""
    if not operator.strip("+-"):
        # one before the other, each an operator of its own
        return TooDeepError()
    return SqlSyntaxError("operator too long", "no operator has so many signs", offset=offset)


_LONG = 300
_SIGNS = "~!@#^&|`?+-*/%<>="
_SIGN = re.compile(f"[{re.escape(_SIGNS)}]")
_LONG_RUN = re.compile(rf"{_SIGN.pattern}{{{_LONG}}}")
