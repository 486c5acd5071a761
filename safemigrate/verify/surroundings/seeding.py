"""What a history starts from, where it does not start from an empty database.

A file of SQL, what `pg_dump` wrote as text, with its rows, or in its own format, which `pg_restore`
reads.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from safemigrate.errors import ServerError, SqlSyntaxError, UsageError
from safemigrate.server import Server
from safemigrate.sql import blank_psql, split_statements
from safemigrate.trace import Connection, describe_fault, open_connection

__all__ = ["plant_seed"]

_CUSTOM = b"PGDMP"
_COPY = re.compile(r"COPY\s.*\sFROM\s+stdin\b[^;]*;[^\n]*\n", re.IGNORECASE | re.DOTALL)
_END_OF_ROWS = re.compile(r"^\\\.\r?$", re.MULTILINE)
_SHOWN_LINES = 3


@dataclass(frozen=True, slots=True)
class _Piece:
    """A statement and, for COPY … FROM stdin, its rows; `line`: where it stands, 1-based."""

    sql: str
    line: int
    rows: str | None = None


def plant_seed(server: Server, database: str, path: Path) -> None:
    """Put what is in the file into an empty database.

    Raises UsageError when the file cannot be read or one of its statements is refused.
    """
    try:
        content = path.read_bytes()
    except OSError as err:
        reason = (err.strerror or type(err).__name__).lower()
        raise UsageError(f'the seed "{path}" cannot be read: {reason}') from err
    if content.startswith(_CUSTOM):
        _restore(server, database, path)
        return
    try:
        text = content.decode()
    except UnicodeDecodeError as err:
        raise UsageError(
            f'the seed "{path}" is not UTF-8 (byte {err.start + 1})',
            "dump it with pg_dump --encoding=UTF8",
        ) from err
    with open_connection(server.url(database)) as connection:
        for piece in _split(text, path):
            _send(connection, piece, path)


def _send(connection: Connection, piece: _Piece, path: Path) -> None:
    try:
        if piece.rows is None:
            connection.execute(piece.sql.encode(), prepare=False)
        else:
            with connection.cursor().copy(piece.sql.encode()) as copy:
                copy.write(piece.rows.encode())
    except psycopg.Error as err:
        raise UsageError(
            f'the seed "{path}", line {piece.line}: {describe_fault(err)}',
            "it is run on an empty database, as a superuser where the server is ours; pg_dump "
            "--no-owner leaves out what depends on roles",
        ) from err


def _split(text: str, path: Path) -> Iterator[_Piece]:
    """Yield the statements in order, those of COPY with the rows that follow them."""
    start = 0
    for copy in _COPY.finditer(text):
        if copy.start() < start:
            continue
        # the match may begin at an earlier word COPY that takes no rows
        head = text[start : copy.end()]
        plain, number = blank_psql(head)[0], text.count("\n", 0, start)
        pieces = [*_read(plain, number, path)]
        end = _END_OF_ROWS.search(text, copy.end())
        last = len(text) if end is None else end.start()
        yield from pieces[:-1]
        yield _Piece(pieces[-1].sql, pieces[-1].line, text[copy.end() : last])
        start = len(text) if end is None else end.end()
    yield from _read(blank_psql(text[start:])[0], text.count("\n", 0, start), path)


def _read(text: str, lines_before: int, path: Path) -> Iterator[_Piece]:
    try:
        found = split_statements(text)
    except SqlSyntaxError as err:
        line = lines_before + text.count("\n", 0, err.offset) + 1
        raise UsageError(f'the seed "{path}", line {line}: {err.message}', err.hint) from err
    for one in found:
        yield _Piece(one.sql, lines_before + text.count("\n", 0, one.offset) + 1)


def _restore(server: Server, database: str, path: Path) -> None:
    program = shutil.which("pg_restore")
    if program is None:
        raise ServerError(
            f'the seed "{path}" is what pg_dump -Fc wrote, and there is no pg_restore on PATH',
            "write it as text: pg_restore -f seed.sql; or install PostgreSQL's client programs",
        )
    plain = subprocess.run(  # noqa: S603 - the program that PATH has for it
        [program, "--no-owner", "--file=-", str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if plain.returncode != 0:
        said = " | ".join(plain.stderr.strip().splitlines()[-_SHOWN_LINES:])
        raise UsageError(f'pg_restore cannot read the seed "{path}"', said)
    with open_connection(server.url(database)) as connection:
        for piece in _split(plain.stdout, path):
            _send(connection, piece, path)
