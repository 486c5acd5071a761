"""Files of SQL → a history."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path

from safemigrate.errors import SourceError
from safemigrate.model import Direction, History, Migration, Span, Statement
from safemigrate.source.excerpt import show_path
from safemigrate.source.statement_text import TransactionEffect, transaction_effect
from safemigrate.sql import RawStatement, split_statements

__all__ = ["read_sql_files"]


def read_sql_files(paths: Sequence[Path]) -> History:
    """Return one history out of files of SQL, in the order given.

    A directory stands for its `*.sql` files in the order of their names. Statements outside an
    explicit BEGIN have no transaction, as psql would run them.
    Raises SourceError for a path that is not there, a directory without SQL files, and a file
    that cannot be read as UTF-8.
    """
    return History(tuple(_read_migration(file) for path in paths for file in _files(path)))


def _files(path: Path) -> tuple[Path, ...]:
    if not path.exists():
        raise SourceError(f'there is no file "{path}"', "check the path, and where this runs")
    if not path.is_dir():
        return (path,)
    found = sorted(file for file in path.glob("*.sql") if file.is_file())
    if not found:
        raise SourceError(
            f'the directory "{path}" holds no SQL files',
            "give the files themselves, or a directory with files named *.sql",
        )
    return tuple(found)


def _read_migration(path: Path) -> Migration:
    text = _read(path)
    shown = show_path(path)
    return Migration(
        path=shown, text=text, upgrade=_statements(split_statements(text), text, shown)
    )


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f'"{path}" cannot be read: {error.strerror}') from error
    try:
        # the mark that some editors put in front is no part of the SQL
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise SourceError(
            f'"{path}" is not UTF-8: byte {error.start} cannot be decoded',
            "save the file as UTF-8",
        ) from error


def _statements(pieces: Iterable[RawStatement], text: str, path: str) -> tuple[Statement, ...]:
    lines = _LineIndex(text)
    statements: list[Statement] = []
    count = 0
    is_open = False
    for ordinal, piece in enumerate(pieces, start=1):
        effect = transaction_effect(piece.sql)
        if effect is TransactionEffect.OPENS and not is_open:
            is_open, count = True, count + 1
        statements.append(
            Statement(
                sql=piece.sql,
                path=path,
                span=lines.span(piece.offset, piece.offset + len(piece.sql)),
                revision=None,
                direction=Direction.UPGRADE,
                ordinal=ordinal,
                transaction=count if is_open else None,
                is_literal=True,
            )
        )
        if effect is TransactionEffect.CLOSES:
            is_open = False
        elif effect is TransactionEffect.CHAINS and is_open:
            count += 1
    return tuple(statements)


class _LineIndex:
    """Character offsets into a text as lines and columns, both 1-based."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        self._starts += [at + 1 for at, character in enumerate(text) if character == "\n"]

    def span(self, start: int, end: int) -> Span:
        """Return the span between two offsets, the end exclusive."""
        return Span(*self._place(start), *self._place(end))

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
