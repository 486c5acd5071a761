"""Files of SQL → a history, or the schema before one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from safemigrate.catalog import catalog_of_sql
from safemigrate.model import Catalog, Direction, History, Migration, Statement, Unjudged
from safemigrate.source.excerpt import show_path
from safemigrate.source.statement_text import TransactionEffect, transaction_effect
from safemigrate.source.text import LineIndex, read_text
from safemigrate.source.version_table import leave_out_version_table
from safemigrate.sql import RawStatement, blank_psql, find_psql_variable, split_statements

__all__ = ["list_sql_files", "read_schema", "read_sql_files"]


def read_sql_files(paths: Sequence[Path]) -> History:
    """Return one history out of files of SQL, each once, in the order given.

    A directory stands for its files as `list_sql_files` has them. Statements outside an explicit
    BEGIN have no transaction, as psql would run them; what only psql understands is in `unjudged`.
    What Alembic writes about its version table, in SQL that it wrote itself, is left out.
    Raises SourceError for a file that is not there, or cannot be read as UTF-8.
    """
    files: dict[Path, Path] = {}
    for path in paths:
        for file in list_sql_files(path) if path.is_dir() else (path,):
            files.setdefault(file.resolve(), file)
    return History(tuple(map(_read_migration, files.values())))


def list_sql_files(directory: Path) -> tuple[Path, ...]:
    """Return the files directly in the directory that end in .sql or .SQL, by name."""
    found = (file for file in directory.iterdir() if file.suffix.lower() == ".sql")
    return tuple(sorted((file for file in found if file.is_file()), key=lambda file: file.name))


def read_schema(path: Path) -> Catalog:
    """Return what the SQL in the file builds, such as pg_dump --schema-only writes.

    It is not complete when psql would run statements there that cannot be seen. Raises
    SourceError for a file that cannot be read as UTF-8, SqlSyntaxError with the line.
    """
    text, skipped = blank_psql(read_text(path))
    catalog = catalog_of_sql(text, show_path(path))
    is_complete = catalog.is_complete and not any(piece.hides_statements for piece in skipped)
    # What it sets is for its own run, not for the migrations after it.
    return replace(catalog, settings={}, is_complete=is_complete)


def _read_migration(path: Path) -> Migration:
    text = read_text(path)
    shown = show_path(path)
    script, skipped = blank_psql(text)
    lines = LineIndex(text)
    pieces = list(leave_out_version_table(split_statements(script)))
    variables = {piece: find_psql_variable(piece.sql) for piece in pieces}
    unjudged = [
        Unjudged(shown, lines.line(piece.offset), None, piece.reason, piece.hides_statements)
        for piece in skipped
    ]
    unjudged += [
        Unjudged(shown, lines.line(piece.offset), None, f"the value of {variable} is not known")
        for piece, variable in variables.items()
        if variable is not None
    ]
    return Migration(
        path=shown,
        text=text,
        upgrade=_statements([one for one in pieces if variables[one] is None], lines, shown),
        unjudged=tuple(sorted(unjudged, key=lambda one: one.line)),
    )


def _statements(
    pieces: Iterable[RawStatement], lines: LineIndex, path: str
) -> tuple[Statement, ...]:
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
