"""A file of what a release sends → its statements.

By the ending of its name it is JSON (a capture, or objects with a key `query`), CSV with a column
`query`, as pg_stat_statements is exported, or else SQL, its statements separated by semicolons.
"""

import csv
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from safemigrate.errors import ConfigError, SqlSyntaxError
from safemigrate.model.prose import as_clause
from safemigrate.source.excerpt import show_path
from safemigrate.source.text import LineIndex, read_text
from safemigrate.sql import QueryShape, read_query, split_statements
from safemigrate.verify.compatibility.capture import CapturedStatement, decode_capture
from safemigrate.verify.compatibility.placeholders import Style, find_style, number_parameters
from safemigrate.verify.compatibility.statements import ReleaseStatement, Value

__all__ = ["read_statements"]

_COLUMN = "query"
_EXPORT = (
    "export it so: COPY (SELECT query, calls FROM pg_stat_statements) TO STDOUT WITH CSV HEADER"
)


def read_statements(path: Path) -> tuple[ReleaseStatement, ...]:
    """Return the statements in the file, in order.

    Raises ConfigError, with the line where there is one, for a file that cannot be read, says
    something else, or has none.
    """
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0
    return _read(path, stamp)


@lru_cache(maxsize=8)  # it is asked for once a revision
def _read(path: Path, stamp: int) -> tuple[ReleaseStatement, ...]:
    del stamp
    text = read_text(path, error=ConfigError)
    match path.suffix.lower():
        case ".json":
            statements = tuple(_read_json(text, path))
        case ".csv":
            statements = tuple(_read_csv(text, path))
        case _:
            statements = tuple(_read_sql(text, path))
    if not statements:
        raise ConfigError(
            f'there is no statement in "{show_path(path)}"',
            "give a file of SQL, a capture, or an export of pg_stat_statements",
        )
    return statements


def _read_sql(text: str, path: Path) -> Iterator[ReleaseStatement]:
    lines = LineIndex(text)
    for raw in split_statements(text):
        sql, names = number_parameters(raw.sql, find_style(raw.sql))
        line = lines.line(raw.offset)
        try:
            shape = read_query(sql)
        except SqlSyntaxError as error:
            line += sql.count("\n", 0, error.offset)
            raise ConfigError(
                f'"{show_path(path)}", line {line}: {error.message}', error.hint
            ) from error
        yield ReleaseStatement(sql, shape, f"{show_path(path)}:{line}", _without(names))


def _read_json(text: str, path: Path) -> Iterator[ReleaseStatement]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        reason = getattr(error, "msg", "it cannot be read")
        raise ConfigError(
            f'"{show_path(path)}", line {line}: not valid JSON: {as_clause(reason)}',
            "correct the line named, or write the file anew",
        ) from error
    if not isinstance(content, list):
        for number, one in enumerate(decode_capture(content, path).statements, 1):
            yield _read_captured(one, f"{show_path(path)}, statement {number}")
        return
    for number, entry in enumerate(content, 1):
        query = entry.get(_COLUMN) if isinstance(entry, dict) else None
        if not isinstance(query, str):
            raise ConfigError(
                f'"{show_path(path)}": entry {number} has no text under "{_COLUMN}"', _EXPORT
            )
        yield _read_exported(query, f"{show_path(path)}, entry {number}")


def _read_csv(text: str, path: Path) -> Iterator[ReleaseStatement]:
    reader = csv.DictReader(text.splitlines(keepends=True), strict=True)
    line = 1
    try:
        if _COLUMN not in (reader.fieldnames or ()):
            raise ConfigError(
                f'"{show_path(path)}", line 1: there is no column "{_COLUMN}"', _EXPORT
            )
        line = reader.line_num + 1
        for row in reader:
            if row[_COLUMN] is None:
                raise ConfigError(
                    f'"{show_path(path)}", line {line}: fewer values than columns', _EXPORT
                )
            yield _read_exported(row[_COLUMN], f"{show_path(path)}:{line}")
            line = reader.line_num + 1
    except csv.Error as error:
        raise ConfigError(
            f'"{show_path(path)}", line {line}: not valid CSV: {error}', _EXPORT
        ) from error


def _read_captured(one: CapturedStatement, place: str) -> ReleaseStatement:
    sql, names = number_parameters(one.sql, one.style)
    examples = []
    for example in one.examples:
        missing = [name for name in names if name not in example]
        if missing:
            raise ConfigError(
                f'{place}: an example has no value for the parameter "{missing[0]}"',
                "record it again: pytest --safemigrate-capture FILE",
            )
        examples.append(tuple(Value(example[name].value, example[name].type) for name in names))
    return ReleaseStatement(sql, _find_shape(sql), place, tuple(examples) or _without(names))


def _read_exported(query: str, place: str) -> ReleaseStatement:
    sql, names = number_parameters(query, Style.DOLLAR)
    return ReleaseStatement(sql, _find_shape(sql), place, _without(names))


def _without(names: tuple[str, ...]) -> tuple[tuple[Value, ...], ...]:
    """Return the examples of a statement that came with no values: it needs none without names."""
    return () if names else ((),)


def _find_shape(sql: str) -> QueryShape:
    """Return the shape; of what does not parse the server is asked.

    pg_stat_statements writes `interval $1`, which nothing can read.
    """
    try:
        return read_query(sql)
    except SqlSyntaxError:
        return QueryShape(is_query=True)
