"""Files of SQL → a history, or the schema before one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from safemigrate.catalog import catalog_of_sql
from safemigrate.model import Catalog, History, Migration
from safemigrate.source import sql_tools
from safemigrate.source.excerpt import show_path
from safemigrate.source.sql_tools import list_sql_files
from safemigrate.source.text import read_text
from safemigrate.sql import blank_psql

__all__ = ["has_sql", "list_sql_files", "read_schema", "read_sql_files"]


def read_sql_files(paths: Sequence[Path]) -> History:
    """Return one history out of files of SQL, each once, in the order given.

    A file is read as psql would run it: statements outside an explicit BEGIN have no transaction,
    and what only psql understands is in `unjudged`. One that has the marks of another tool for its
    ways up and down is read by these. A directory that another tool keeps is read as that tool
    would run it, and any other stands for its files, by name.
    What Alembic writes about its version table, in SQL that it wrote itself, is left out.
    Raises SourceError for a file that is not there, or cannot be read as UTF-8, and UsageError for
    a directory that is two tools' at once.
    """
    migrations: dict[Path, Migration] = {}
    notices: list[str] = []
    placeholders = 0
    for path in paths:
        reading = _read(path)
        notices += reading.notices
        new = [one for one in reading.migrations if Path(one.path).resolve() not in migrations]
        if new or not reading.migrations:
            placeholders += reading.placeholders
        migrations.update((Path(one.path).resolve(), one) for one in new)
    if placeholders == 1:
        notices.append("1 placeholder was taken as a name or a value")
    elif placeholders:
        notices.append(f"{placeholders} placeholders were taken as names or values")
    return History(tuple(migrations.values()), notices=tuple(dict.fromkeys(notices)))


def has_sql(directory: Path) -> bool:
    """Return whether there are migrations in SQL in the directory, a tool's or plain files."""
    return bool(list_sql_files(directory)) or sql_tools.is_of_tool(directory)


def _read(path: Path) -> "sql_tools.Reading":
    if path.is_dir():
        return sql_tools.read_directory(path)
    return sql_tools.read_file(path)


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
